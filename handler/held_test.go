package handler

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"

	"ml-service/model"
)

// unread is a caller who does not read its answer.
type unread struct {
	header  http.Header
	writing *sync.WaitGroup // until the first byte of it is written
	once    sync.Once
	reads   chan struct{} // closed once it reads on
}

func (u *unread) Header() http.Header { return u.header }
func (u *unread) WriteHeader(int)     {}
func (u *unread) Write(b []byte) (int, error) {
	u.once.Do(u.writing.Done)
	<-u.reads
	return len(b), nil
}

// echo is a model file of one string for each row, which is its answer.
func echo() []byte {
	value := func(n protowire.Number, name string) []byte {
		shape := field(2, field(1, field(2, []byte("N"))), field(1, varint(1, 1)))
		return field(n, field(1, []byte(name)), field(2, field(1, varint(1, 8), shape)))
	}
	graph := field(7, nodeOf("Identity", "s", "y"), value(11, "s"), value(12, "y"))
	return slices.Concat(varint(1, 8), graph, field(8, varint(2, 17)))
}

// TestUnreadAnswersHoldWhatIsCounted has callers send large bodies and not read their answers. The heap holds no more for them than
// what the budget says, and what each connection has of its own.
func TestUnreadAnswersHoldWhatIsCounted(t *testing.T) {
	const callers, ofConnection = 24, 192 << 10 // its buffers and goroutine, and a piece of an answer
	regression, err := model.Load(os.DirFS("../models"), "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	text, err := model.Load(fstest.MapFS{"v1/model.onnx": {Data: echo()}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	rows := func(row string, n int) string { return strings.TrimSuffix(strings.Repeat(row+",", n), ",") }
	few := `{"x":[` + rows("[1,2,3]", 1200) + `]`
	zipped := func(body string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(body)) // into memory
		_ = w.Close()
		return b.String()
	}
	infer := `{"inputs":[{"name":"x","datatype":"FP32","shape":[600,3],"data":[` + rows("1,2,3", 600) + `]}]`
	padding := strings.Repeat(" ", 900_000) + "}"
	for _, c := range []struct {
		name, path, kind, body string
		model                  *model.Model
		zipped                 bool
	}{
		{name: "a large body with a small answer", path: "/predict", body: few + padding},
		{name: "the same by the open protocol", path: "/v2/models/ml-service/infer", body: infer + padding},
		{name: "the same, compressed", path: "/predict", body: zipped(few + padding), zipped: true},
		{name: "many rows", path: "/predict", body: `{"x":[` + rows("[1,2,3]", 100_000) + `]}`},
		{name: "many rows of CSV", path: "/invocations", kind: "text/csv", body: strings.Repeat("1,2,3\n", 150_000)},
		{name: "strings that are answered", path: "/predict", body: `{"x":[` + rows(`["`+strings.Repeat("abcdefgh", 80)+`"]`, 1500) + `]}`, model: text},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.model == nil {
				c.model = regression
			}
			s := New(Options{Model: c.model, Concurrency: 2, Queue: 2 * callers, Memory: 1 << 30})
			reads, writing := make(chan struct{}), new(sync.WaitGroup)
			var group sync.WaitGroup
			heap := func() int64 {
				runtime.GC()
				runtime.GC() // what pools keep goes at the second
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return int64(m.HeapAlloc)
			}
			before := heap()
			writing.Add(callers)
			for range callers {
				group.Go(func() {
					r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
					if r.Header.Set("Content-Type", c.kind); c.zipped {
						r.Header.Set("Content-Encoding", "gzip")
					}
					w := &unread{header: http.Header{}, writing: writing, reads: reads}
					s.Engine().ServeHTTP(w, r)
				})
			}
			writing.Wait()
			held, l := heap()-before, s.Load()
			close(reads)
			group.Wait()
			if l.Running != 0 || l.Requests != callers {
				t.Errorf("while answers are unread: %+v, want no slot held, and %d requests", l, callers)
			}
			counted := l.Bodies + l.Work
			t.Logf("%d KiB held, %d counted", held>>10, counted>>10)
			if most := counted + callers*ofConnection + spareBytes; held > most {
				t.Errorf("%d bytes are held, of which %d are counted: want at most %d", held, counted, most)
			}
			if l := s.Load(); l.Bodies != 0 || l.Work != 0 || l.Running != 0 {
				t.Errorf("afterwards: %+v, want nothing held", l)
			}
		})
	}
}

package handler

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"ml-service/model"
)

func field(num protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), slices.Concat(parts...))
}

func varint(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

// attributeOf is an integer, or a list of one: kind is INT or INTS of ONNX.
func attributeOf(name string, kind, v uint64) []byte {
	num := protowire.Number(3)
	if kind == 7 {
		num = 8
	}
	return field(5, field(1, []byte(name)), varint(num, v), varint(20, kind))
}

func nodeOf(operator, inputs, output string, attributes ...[]byte) []byte {
	var n []byte
	for _, name := range strings.Fields(inputs) {
		n = append(n, field(1, []byte(name))...)
	}
	return field(1, n, field(2, []byte(output)), field(4, []byte(operator)), slices.Concat(attributes...))
}

// unboundedModel is a model of x [N, columns], or of any width where that is 0, that answers y, a number for the whole batch.
func unboundedModel(t *testing.T, columns uint64, nodes ...[]byte) *model.Model {
	t.Helper()
	tensor := func(dims ...[]byte) []byte { return field(2, field(1, varint(1, 1), field(2, dims...))) }
	width := varint(1, columns)
	if columns == 0 {
		width = field(2, []byte("W"))
	}
	graph := field(7, slices.Concat(nodes...),
		field(11, field(1, []byte("x")), tensor(field(1, field(2, []byte("N"))), field(1, width))),
		field(12, field(1, []byte("y")), tensor()))
	file := slices.Concat(varint(1, 8), graph, field(8, varint(2, 17)))
	m, err := model.Load(fstest.MapFS{"v1/model.onnx": {Data: file}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// heldWork is told by the gate how many bytes it holds, at the end of each run.
type heldWork struct {
	s           *Service
	least, most atomic.Int64
}

func (*heldWork) Request(string, int, time.Duration) {}

func (h *heldWork) Inference(*model.Batch, time.Duration) {
	work := h.s.Load().Work
	h.least.Store(min(h.least.Load(), work))
	h.most.Store(max(h.most.Load(), work))
}

// TestUnbounded sends requests whose memory grows faster than their rows, or with a value, to a service with little memory. All that they
// allocate together is counted, so that nothing depends on when the garbage collector runs.
func TestUnbounded(t *testing.T) {
	transpose, sum := nodeOf("Transpose", "x", "t"), nodeOf("ReduceSum", "m", "y", attributeOf("keepdims", 2, 0))
	const columns = 3
	rows := func(row string) func(n int) string {
		return func(n int) string { return `{"x":[` + strings.Repeat(row+",", n-1) + row + `]}` }
	}
	for _, c := range []struct {
		name         string
		model        *model.Model
		body         func(n int) string
		fits, beyond int
		want         string // of the batch that fits
	}{
		{"x times its transpose", unboundedModel(t, columns, transpose, nodeOf("MatMul", "x t", "m"), sum), rows("[1,1,1]"), 1000, 11_000, `{"y":3000000.0}`},
		{"x less its transpose", unboundedModel(t, 1, transpose, nodeOf("Sub", "x t", "m"), sum), rows("[1]"), 1000, 11_000, `{"y":0.0}`},
		{"a size that is a value", unboundedModel(t, 1, nodeOf("Cast", "x", "i", attributeOf("to", 2, 7)),
			nodeOf("ReduceMax", "i", "r", attributeOf("axes", 7, 0), attributeOf("keepdims", 2, 0)), nodeOf("ConstantOfShape", "r", "m"), sum),
			func(n int) string { return fmt.Sprintf(`{"x":[[%d]]}`, n) }, 1_000_000, 130_000_000, `{"y":0.0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			const budget, slots, atOnce = 24 << 20, 2, 8
			held := new(heldWork)
			s := New(Options{Model: c.model, Memory: budget, Concurrency: slots, Observer: held})
			held.s = s
			held.least.Store(budget)
			send := func(n, status int, want string) (allocated int64) {
				body := c.body(n)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				var group sync.WaitGroup
				for range atOnce {
					group.Go(func() {
						w := httptest.NewRecorder()
						s.Engine().ServeHTTP(w, httptest.NewRequest("POST", "/predict", strings.NewReader(body)))
						if w.Code != status || !strings.Contains(w.Body.String(), want) {
							t.Errorf("got %d %s, want %d and %s", w.Code, w.Body, status, want)
						}
					})
				}
				group.Wait()
				runtime.ReadMemStats(&after)
				return int64(after.TotalAlloc - before.TotalAlloc)
			}
			const share = budget / 2 / (slots + 1)
			if got := send(c.fits, 200, c.want); got > atOnce*(share+1<<20) {
				t.Errorf("%d batches that fit allocate %d bytes, want at most %d each", atOnce, got, share+1<<20)
			}
			if least, most := held.least.Load(), held.most.Load(); least < share || most > budget {
				t.Errorf("from %d to %d bytes of the budget are held in the model, want from %d to %d", least, most, share, budget)
			}
			if got := send(c.beyond, 413, "the batch is too large: the model would take more than"); got > atOnce*(share+1<<20) {
				t.Errorf("%d batches beyond the limit allocate %d bytes, want at most %d each", atOnce, got, share+1<<20)
			}
			var before, after runtime.MemStats
			runtime.GC() // which leaves pools as they are, until the next
			runtime.ReadMemStats(&before)
			runtime.GC()
			runtime.GC()
			if runtime.ReadMemStats(&after); int64(before.HeapAlloc-after.HeapAlloc) > share/2 {
				t.Errorf("pools hold %d bytes at rest, want less than a batch", before.HeapAlloc-after.HeapAlloc)
			}
			if l := s.Load(); l.Running != 0 || l.Waiting != 0 || l.Bodies != 0 || l.Work != 0 {
				t.Errorf("after all is answered: %+v, want nothing held", l)
			}
		})
	}
}

// TestUnboundedOfAnyWidth holds that the share of a request is counted once, and that the open protocol has it as well.
func TestUnboundedOfAnyWidth(t *testing.T) {
	m := unboundedModel(t, 0, nodeOf("Transpose", "x", "t"), nodeOf("MatMul", "x t", "m"), nodeOf("ReduceSum", "m", "y", attributeOf("keepdims", 2, 0)))
	s := New(Options{Model: m, Memory: 24 << 20, Concurrency: 1})
	for _, c := range []struct{ rows, status int }{{1, 200}, {1000, 200}, {3000, 413}, {1, 200}} {
		ones := strings.Repeat("1,", c.rows-1) + "1"
		for path, body := range map[string]string{
			"/predict":                    `{"x":[` + strings.ReplaceAll(ones, "1", "[1]") + `]}`,
			"/v2/models/ml-service/infer": fmt.Sprintf(`{"inputs":[{"name":"x","datatype":"FP32","shape":[%d,1],"data":[%s]}]}`, c.rows, ones),
		} {
			w := httptest.NewRecorder()
			s.Engine().ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
			if w.Code != c.status {
				t.Errorf("%s, %d rows: got %d %s, want %d", path, c.rows, w.Code, w.Body, c.status)
			}
		}
	}
	if l := s.Load(); l.Running != 0 || l.Work != 0 || l.Bodies != 0 {
		t.Errorf("after all is answered: %+v, want nothing held", l)
	}
}

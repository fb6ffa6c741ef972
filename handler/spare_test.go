package handler

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

// Large bodies are read into what earlier ones left, and each is answered as if it were alone.
func TestSpareBuffers(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Model: m, MaxBodyBytes: 4 << 20})
	ask := func(row string, rows int) string {
		body := `{"x":[` + strings.Repeat(row+",", rows-1) + row + `]}`
		w := httptest.NewRecorder()
		s.Engine().ServeHTTP(w, httptest.NewRequest("POST", "/predict", strings.NewReader(body)))
		return w.Body.String()
	}
	kinds := []string{`[0.4,-0.2,0.1]`, `[-1.5,2,0.25]`, `[3,1,-2]`}
	answers := make([]string, len(kinds))
	for i, row := range kinds {
		one := ask(row, 1)
		answers[i] = strings.TrimSuffix(strings.TrimPrefix(one, `{"predictions":[`), `],"version":"v1.0.0"}`)
	}
	var group sync.WaitGroup
	for i := range 24 {
		group.Go(func() {
			k, rows := i%len(kinds), 3000+1000*(i%7)
			want := fmt.Sprintf(`{"predictions":[%s%s],"version":"v1.0.0"}`, strings.Repeat(answers[k]+",", rows-1), answers[k])
			if got := ask(kinds[k], rows); got != want {
				t.Errorf("%d rows of %s: got %.80s… of %d bytes, want %.80s… of %d", rows, kinds[k], got, len(got), want, len(want))
			}
		})
	}
	group.Wait()
	ask(kinds[0], 200_000) // longer than what is kept
	kept := 0
	for len(s.spare) > 0 {
		kept++
		if n := cap(<-s.spare); n > mostSpare {
			t.Errorf("%d bytes are kept, want at most %d", n, mostSpare)
		}
	}
	if kept == 0 || kept > spares {
		t.Errorf("%d buffers are kept, want 1 to %d", kept, spares)
	}
}

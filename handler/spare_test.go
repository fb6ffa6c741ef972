package handler

import (
	"fmt"
	"net/http/httptest"
	"slices"
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
	if n := len(s.spare.kept); n == 0 || n > spares || s.spare.bytes > spareBytes {
		t.Errorf("%d buffers of %d bytes are kept, want 1 to %d of at most %d", n, s.spare.bytes, spares, spareBytes)
	}
}

// The spare buffer is the one that spares the most copying, and those that are kept are the largest.
func TestSpare(t *testing.T) {
	var s spare
	for _, n := range []int{mostKept, 20 << 10, spareBytes + 1, 64 << 10, 1 << 20, 32 << 10, 256 << 10} {
		s.give(make([]byte, n))
	}
	sizes := func() (all []int) {
		for _, buf := range s.kept {
			all = append(all, cap(buf))
		}
		slices.Sort(all)
		return all
	}
	if got, want := sizes(), []int{32 << 10, 64 << 10, 256 << 10, 1 << 20}; !slices.Equal(got, want) {
		t.Fatalf("kept are %d, want %d", got, want)
	}
	for _, c := range []struct{ n, expected, want int }{
		{32 << 10, 50 << 10, 64 << 10},
		{32 << 10, 4 << 20, 1 << 20},
		{64 << 10, 200 << 10, 256 << 10},
		{64 << 10, 64 << 10, 0},
		{1, 1, 32 << 10},
		{1, 1, 0},
	} {
		if got := cap(s.take(c.n, c.expected)); got != c.want {
			t.Errorf("take(%d, %d): got %d bytes, want %d", c.n, c.expected, got, c.want)
		}
	}
	if s.bytes != 0 {
		t.Errorf("%d bytes are kept in no buffer", s.bytes)
	}
	for range spares {
		s.give(make([]byte, spareBytes/2))
	}
	if got := sizes(); len(got) != 2 {
		t.Errorf("kept are %d, want two of half of what is kept at most", got)
	}
}

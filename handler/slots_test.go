package handler

import (
	"compress/gzip"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

// gosched has whoever is given a pause let others run first, at every place where the handler looks for its recorder.
type gosched struct{ *httptest.ResponseRecorder }

func (g gosched) Write(b []byte) (int, error) {
	defer runtime.Gosched()
	return g.ResponseRecorder.Write(b)
}

// Every slot and every byte is given back by whom it was given to, however requests follow one another in the same memory.
func TestNoSlotIsLost(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Model: m, Concurrency: 3, Queue: 1 << 20, Memory: 64 << 20})
	large := `{"x":[` + strings.Repeat(`[0.4,-0.2,0.1],`, 20_000) + `[0.4,-0.2,0.1]]}`
	var zipped strings.Builder
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"x":[0.4,-0.2,0.1]}`)) // into memory
	_ = z.Close()
	requests := []struct{ path, body, coding string }{
		{path: "/predict", body: `{"x":[0.4,-0.2,0.1]}`}, {path: "/predict", body: `{"x":[1]}`}, {path: "/predict", body: `{"x":`},
		{path: "/predict", body: zipped.String(), coding: "gzip"}, {path: "/predict", body: "no gzip", coding: "gzip"},
		{path: "/invocations", body: `{"instances":[[0.4,-0.2,0.1]]}`},
		{path: "/v2/models/ml-service/infer", body: `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[0.4,-0.2,0.1]}]}`},
		{path: "/v2/models/ml-service/infer", body: zipped.String(), coding: "gzip"}, {path: "/predict", body: large},
	}
	rounds := 4000
	if testing.Short() {
		rounds = 800
	}
	var group sync.WaitGroup
	for k := range 16 {
		group.Go(func() {
			for i := range rounds {
				r := requests[(k+i)%(len(requests)-1)]
				if i%200 == k {
					r = requests[len(requests)-1]
				}
				w := gosched{httptest.NewRecorder()}
				request := httptest.NewRequest("POST", r.path, strings.NewReader(r.body))
				if r.coding != "" {
					request.Header.Set("Content-Encoding", r.coding)
				}
				s.Engine().ServeHTTP(w, request)
				if w.Code != 200 && w.Code != 422 && w.Code != 400 {
					t.Errorf("%s: %d %s", r.path, w.Code, w.Body.String())
				}
			}
		})
	}
	group.Wait()
	if l := s.Load(); l.Running != 0 || l.Waiting != 0 || l.Bodies != 0 || l.Work != 0 || l.Requests != 0 {
		t.Errorf("after all is answered: %+v, want nothing held", l)
	}
}

package handler

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// slow is a caller who takes some time for each piece of its answer.
type slow struct {
	*httptest.ResponseRecorder
	each  time.Duration
	piece func() // is called with each
	ended bool   // by a deadline in the past
}

func (s *slow) Write(b []byte) (int, error) {
	s.piece()
	time.Sleep(s.each)
	return s.ResponseRecorder.Write(b)
}

func (s *slow) SetWriteDeadline(t time.Time) error {
	s.ended = !t.IsZero() && t.Before(began)
	return nil
}

func TestTooSlow(t *testing.T) {
	p := Pace{Write: 10 * time.Second, Rate: 8 << 10}
	for _, c := range []struct {
		pace  Pace
		taken int64
		in    time.Duration
		want  bool
	}{
		{p, 0, 10 * time.Second, false}, // it has so long whatever waits
		{p, 1_310_000, 10*time.Second + 1, true},
		{p, 1_311_000, 10*time.Second + 1, false}, // 128 KiB a second
		{p, 2_621_000, 20 * time.Second, true},
		{Pace{Rate: 8 << 10}, 0, time.Hour, false}, // no time-out
	} {
		if got := c.pace.tooSlow(c.taken, c.in); got != c.want {
			t.Errorf("%+v: %d bytes in %s: too slow: %t, want %t", c.pace, c.taken, c.in, got, c.want)
		}
	}
}

// TestSlowReaderGivesWay has a caller take a large answer at more than the least pace, and another wait for its memory, or nobody.
func TestSlowReaderGivesWay(t *testing.T) {
	const rows = 50_000
	body := `{"x":[` + strings.TrimSuffix(strings.Repeat("[0.4,-0.2,0.1],", rows), ",") + `]}`
	for _, c := range []struct {
		name         string
		waits, whole bool
	}{
		{"nobody waits", false, true},
		{"somebody waits", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			// 8 MB a second is above the least pace, and below sixteen times as much.
			s := demo(t, Options{Memory: 32 << 20, Pace: Pace{Write: 50 * time.Millisecond, Rate: 1 << 20}})
			waited := make(chan error, 1)
			w := &slow{ResponseRecorder: httptest.NewRecorder(), each: 8 * time.Millisecond}
			first := true
			w.piece = func() {
				if first = false; c.waits && len(waited) == 0 && s.gate.waiting() == 0 && !s.gate.short.Load() {
					l := s.Load()
					go func() { waited <- s.gate.enter(context.Background(), l.Budget-l.Work+1) }()
					until(t, "somebody waits", s.gate.short.Load)
				}
			}
			s.Engine().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/predict", strings.NewReader(body)))
			if got := json.Valid(w.Body.Bytes()); first || got != c.whole || w.ended == c.whole {
				t.Errorf("the answer came whole: %t, and its connection was ended: %t; want whole: %t", got, w.ended, c.whole)
			}
			if c.waits {
				if err := <-waited; err != nil {
					t.Errorf("who waited: %v", err)
				}
			}
			if s.gate.short.Load() {
				t.Error("somebody still waits")
			}
		})
	}
}

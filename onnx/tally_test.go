package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"
)

// grown is what outputs and scratch memory of a session take, with the sessions of the graphs inside of it.
func grown(s *Session) (bytes int64) {
	tensor := func(t *Tensor) int64 {
		return int64(4*cap(t.F32) + 8*cap(t.F64) + 8*cap(t.I64) + cap(t.Bool) + int(unsafe.Sizeof(""))*cap(t.Str))
	}
	for i := range s.calls {
		c := &s.calls[i]
		bytes += int64(4*(cap(c.f32)+cap(c.one)+cap(c.more)) + 8*cap(c.one64) + cap(c.reached) + int(unsafe.Sizeof(0))*cap(c.index) + 8*cap(c.numbers))
		for k, t := range c.out {
			if t != nil && !c.node.shares && (k == 0 || t != c.out[0]) {
				bytes += tensor(t)
			}
		}
		for k := range c.states {
			bytes += tensor(&c.states[k])
		}
		for _, b := range c.bodies {
			bytes += grown(b)
		}
	}
	return bytes
}

// TestHeld runs every fixture as if its sizes were not known, and compares what its session has taken with what it counted; a run that may
// hold less is given up before it does.
func TestHeld(t *testing.T) {
	files, err := filepath.Glob("testdata/models/*/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	ran, refused := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Load(data)
		if err != nil {
			continue
		}
		m.memory.Unbounded = true
		const rows = 100
		run := func(limit int64) (*Session, error) {
			s := m.NewSession()
			s.Limit(limit)
			for i, v := range m.Inputs() {
				shape := []int{rows}
				for _, d := range v.Shape[1:] {
					if d < 0 {
						d = 7
					}
					shape = append(shape, d)
				}
				s.Input(i).Resize(shape...)
			}
			return s, s.Run()
		}
		s, err := run(0)
		if err != nil {
			continue
		}
		ran++
		b := m.Memory()
		told := b.Fixed + min(b.Block, rows*b.BlockRow) // what its file and its blocks take is known
		if got := grown(s); got > s.Held()+told {
			t.Errorf("%s: a session holds %d bytes, counted are %d beside %d", file, got, s.Held(), told)
		}
		if s.Held() == 0 {
			continue
		}
		limit := s.Held() - 1
		s, err = run(limit)
		var e *MemoryError
		if !errors.As(err, &e) || e.Limit != limit {
			t.Errorf("%s, one byte less than it takes: got %v, want a MemoryError with its limit", file, err)
		}
		if refused++; s.Held() > limit {
			t.Errorf("%s: %d bytes are held, want at most %d", file, s.Held(), limit)
		}
	}
	if ran < 250 || refused < 250 {
		t.Errorf("%d fixtures ran and %d were refused", ran, refused)
	}
}

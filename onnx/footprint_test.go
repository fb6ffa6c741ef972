package onnx

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"unsafe"
)

// held is what a session's tensors and scratch memory take.
func held(s *Session) int64 {
	bytes := int64(unsafe.Sizeof(*s))
	tensor := func(t *Tensor) int64 {
		return int64(unsafe.Sizeof(*t)) + int64(8*cap(t.Shape)+4*cap(t.F32)+8*cap(t.F64)+8*cap(t.I64)+cap(t.Bool)+int(unsafe.Sizeof(""))*cap(t.Str))
	}
	shared := map[*Tensor]bool{}
	for i := range s.calls {
		c := &s.calls[i]
		bytes += int64(unsafe.Sizeof(*c)) + int64(4*(cap(c.f32)+cap(c.one)+cap(c.more))+8*cap(c.one64)+cap(c.reached)+8*(cap(c.dims)+cap(c.index)+cap(c.numbers)))
		if c.node.shares {
			shared[c.out[0]] = true
		}
	}
	for i := range s.tensors {
		if t := &s.tensors[i]; !shared[t] {
			bytes += tensor(t)
		}
	}
	return bytes
}

// TestMemory runs every fixture on batches of several sizes and compares what its session holds with the bound.
func TestMemory(t *testing.T) {
	text, err := os.ReadFile("testdata/models/index.json")
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Models []struct{ Name string } }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	unbounded := map[string]bool{}
	ran, loosest := 0, 0.0
	for _, entry := range index.Models {
		data, err := os.ReadFile(filepath.Join("testdata/models", entry.Name, "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Load(data)
		if err != nil {
			continue
		}
		if b := m.Memory(); b.Unbounded {
			unbounded[entry.Name] = true
			t.Logf("%s: no bound", entry.Name)
			continue
		}
		const columns = 7 // of an input whose width is open
		first := int64(0)
		for _, rows := range []int{1, 100, 1000} {
			s := m.NewSession()
			open := 0
			for i, v := range m.Inputs() {
				shape := []int{rows}
				for _, d := range v.Shape[1:] {
					if d < 0 {
						d = columns
						open += d
					}
					shape = append(shape, d)
				}
				s.Input(i).Resize(shape...)
				clear(s.Input(i).F32)
				clear(s.Input(i).F64)
				clear(s.Input(i).I64)
				clear(s.Input(i).Bool)
				clear(s.Input(i).Str)
			}
			if err := s.Run(); err != nil {
				continue
			}
			b := m.Memory()
			bound := b.Bytes(rows, open)
			have := held(s)
			if have > bound {
				t.Errorf("%s, %d rows: a session holds %d bytes, the bound is %d (%+v)", entry.Name, rows, have, bound, b)
			}
			if ran++; rows == 1 {
				first = have
			} else if rows == 1000 {
				loosest = max(loosest, float64(int64(rows)*(b.Row+int64(open)*b.Column))/float64(have-first))
			}
		}
	}
	t.Logf("%d batches, the loosest bound of a row is %.1f times what it takes", ran, loosest)
	if ran < 800 || loosest > 3 {
		t.Errorf("ran %d batches, the loosest bound of a row is %.1f times what it takes", ran, loosest)
	}
	for name := range unbounded {
		if name != "qda" {
			t.Errorf("%s has no bound", name)
		}
	}
}

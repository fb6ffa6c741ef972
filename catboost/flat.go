package catboost

import (
	"encoding/binary"
	"errors"
	"math"
)

// flat is a FlatBuffer: tables that point at their members. A wrong place gives zeros and sets err, so that callers look once at the end.
type flat struct {
	data   []byte
	budget int // bytes that vectors may still take, so that many pointers at one vector cost no more than some copies of the file
	err    error
}

var (
	errOutside = errors.New("a table points outside of the file")
	errBudget  = errors.New("the tables overlap")
)

func newFlat(data []byte) *flat { return &flat{data: data, budget: 4*len(data) + 1<<12} }

// bytes are n bytes at a place; nil where they are not there.
func (f *flat) bytes(at, n int) []byte {
	if at < 0 || n < 0 || at > len(f.data) || n > len(f.data)-at {
		f.err = errOutside
		return nil
	}
	return f.data[at : at+n]
}

func (f *flat) u32(at int) int {
	if b := f.bytes(at, 4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (f *flat) u16(at int) int {
	if b := f.bytes(at, 2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

// table is one table: where it is, and where its members are listed.
type table struct {
	f         *flat
	at        int // 0: there is none
	list, len int
}

func (f *flat) root() table { return f.table(f.u32(0)) }

func (f *flat) table(at int) table {
	list := at - int(int32(uint32(f.u32(at))))
	return table{f, at, list, f.u16(list)}
}

// member is the place of a member; 0: it is absent.
func (t table) member(slot int) int {
	if t.at == 0 || 4+2*slot+2 > t.len || t.f.err != nil {
		return 0
	}
	if off := t.f.u16(t.list + 4 + 2*slot); off != 0 {
		return t.at + off
	}
	return 0
}

func (t table) i32(slot int, otherwise int32) int32 {
	if p := t.member(slot); p != 0 {
		return int32(uint32(t.f.u32(p)))
	}
	return otherwise
}

func (t table) f32(slot int, otherwise float32) float32 {
	if p := t.member(slot); p != 0 {
		return math.Float32frombits(uint32(t.f.u32(p)))
	}
	return otherwise
}

func (t table) f64(slot int, otherwise float64) float64 {
	if p := t.member(slot); p != 0 {
		if b := t.f.bytes(p, 8); b != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	return otherwise
}

func (t table) i8(slot int) int8 {
	if p := t.member(slot); p != 0 {
		if b := t.f.bytes(p, 1); b != nil {
			return int8(b[0])
		}
	}
	return 0
}

func (t table) sub(slot int) table {
	if p := t.member(slot); p != 0 {
		return t.f.table(p + t.f.u32(p))
	}
	return table{f: t.f}
}

// vector is the bytes of a vector of elements of a size; nil where it is absent.
func (t table) vector(slot, size int) []byte {
	p := t.member(slot)
	if p == 0 {
		return nil
	}
	p += t.f.u32(p)
	n := t.f.u32(p)
	if n > len(t.f.data) {
		t.f.err = errOutside
		return nil
	}
	if t.f.budget -= n * size; t.f.budget < 0 {
		t.f.err = errBudget
		return nil
	}
	return t.f.bytes(p+4, n*size)
}

func (t table) text(slot int) string { return string(t.vector(slot, 1)) }

func (t table) ints(slot int) []int32 {
	return many(t.vector(slot, 4), 4, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) })
}

func (t table) floats(slot int) []float32 {
	return many(t.vector(slot, 4), 4, float32Of)
}

func (t table) doubles(slot int) []float64 {
	return many(t.vector(slot, 8), 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
}

func (t table) tables(slot int) (out []table) {
	p := t.member(slot)
	if p == 0 {
		return nil
	}
	start := p + t.f.u32(p) + 4
	for i := range t.vector(slot, 4) {
		if i%4 == 0 {
			out = append(out, t.f.table(start+i+t.f.u32(start+i)))
		}
		if t.f.err != nil {
			return nil
		}
	}
	return out
}

func float32Of(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

func many[T any](b []byte, size int, read func([]byte) T) []T {
	out := make([]T, len(b)/size)
	for i := range out {
		out[i] = read(b[i*size:])
	}
	return out
}

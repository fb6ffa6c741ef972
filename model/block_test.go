package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"

	"ml-service/onnx"
)

// lent are cores that are always free, up to so many at once.
type lent struct{ taken, most atomic.Int64 }

func (l *lent) Free() int { return 2 }
func (l *lent) Take() bool {
	if n := l.taken.Add(1); n <= 2 {
		l.most.Store(max(l.most.Load(), n))
		return true
	}
	l.taken.Add(-1)
	return false
}
func (l *lent) Give() { l.taken.Add(-1) }

// fill puts rows of random values into a batch; the same seed gives the same rows.
func fill(b *Batch, rows int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	for i, in := range b.model.Inputs() {
		t, width := b.Input(i), 1
		dims := []int{rows}
		if in.Rank > 1 {
			for _, d := range in.Row {
				if d < 0 {
					d = 3
				}
				dims = append(dims, d)
				width *= d
			}
		}
		t.Resize(dims...)
		for k := range rows * width {
			switch d := in.DType; {
			case d == onnx.Float32:
				t.F32[k] = float32(random.NormFloat64())
			case d == onnx.Float64:
				t.F64[k] = random.NormFloat64()
			case d == onnx.Bool:
				t.Bool[k] = random.IntN(2) == 1
			case d == onnx.String:
				t.Str[k] = []string{"a", "male", "S"}[random.IntN(3)]
			default:
				t.I64[k] = random.Int64N(3)
			}
		}
	}
}

// text prints the outputs of a batch, to the bit: the shortest decimal of a float is it.
func text(b *Batch) string {
	var all []byte
	for i := range b.model.Outputs() {
		t := b.Output(i)
		all = fmt.Appendln(all, t.DType, t.Shape, t.F32, t.F64, t.I64, t.Bool, t.Str)
	}
	for row := range b.rows {
		all = fmt.Append(all, b.Class(row))
	}
	return string(all)
}

// TestBlocks runs every fixture whole and in blocks, on one core and on several: the same outputs to the bit, the same classes,
// and the same refusals.
func TestBlocks(t *testing.T) {
	const rows = 37
	entries, err := os.ReadDir(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	compared, refused, whole := 0, 0, 0
	for _, e := range entries {
		m, err := Load(os.DirFS(fixtures), e.Name())
		if err != nil {
			continue // a fixture that is to be refused, or no folder
		}
		if !m.rowWise {
			whole++
			continue
		}
		b := m.Batch()
		fill(b, rows, 7)
		b.rows = rows
		if m.block = rows; b.Run(nil) != nil {
			refused++
			checkRefusal(t, m, rows)
			continue
		}
		want, perRow := text(b), b.PerRow()
		for _, size := range []int{1, 5, 36} {
			for _, cores := range []Cores{nil, &lent{}} {
				p := m.Batch()
				for i := range m.Outputs() {
					p.Keep(i)
				}
				m.block = size
				fill(p, rows, 7)
				if err := p.Run(cores); err != nil {
					t.Errorf("%s in blocks of %d: %v", e.Name(), size, err)
				} else if got := text(p); got != want || p.PerRow() != perRow || perRow && !p.blocks {
					t.Errorf("%s in blocks of %d: got %.300s\nwant %.300s", e.Name(), size, got, want)
				}
				p.Release()
			}
		}
		compared++
	}
	t.Logf("%d models in blocks as whole, %d refuse these rows, %d are run whole", compared, refused, whole)
	if compared < 180 {
		t.Errorf("compared %d models, want most of the fixtures", compared)
	}
}

// checkRefusal wants the same first refusal in blocks as row by row.
func checkRefusal(t *testing.T, m *Model, rows int) {
	t.Helper()
	first := -1
	m.block = 1
	b := m.Batch()
	fill(b, rows, 7)
	err := b.Run(&lent{})
	var e *onnx.RunError
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want a RunError", m.Version(), err)
		return
	}
	if len(e.Element) > 0 {
		first = e.Element[0]
	}
	for _, size := range []int{2, 8} {
		p := m.Batch()
		fill(p, rows, 7)
		m.block = size
		err := p.Run(&lent{})
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want a RunError", m.Version(), err)
		} else if len(e.Element) > 0 && (e.Element[0] < first || e.Element[0]/size != first/size) {
			t.Errorf("%s in blocks of %d: row %d is refused, want one of the block of row %d", m.Version(), size, e.Element[0], first)
		}
	}
}

// TestBlocksUseLentCores takes the cores that are there and gives all of them back.
func TestBlocksUseLentCores(t *testing.T) {
	m := load(t, "../models", "v1.1.0")
	cores := &lent{}
	b := m.Batch()
	fill(b, 50_000, 3)
	if err := b.Run(cores); err != nil {
		t.Fatal(err)
	}
	if cores.taken.Load() != 0 || cores.most.Load() == 0 || !b.blocks {
		t.Errorf("%d cores not given back, %d used at most, in blocks: %v", cores.taken.Load(), cores.most.Load(), b.blocks)
	}
	if b.Input(0).F32 != nil {
		t.Error("the rows of a large batch are kept behind its run")
	}
	b.Release()
	if again := m.Batch(); again == b {
		t.Error("the memory of a large batch is kept")
	}
	whole := m.Batch()
	defer whole.Release()
	fill(whole, 50_000, 3)
	if err := whole.Run(nil); err != nil {
		t.Fatal(err)
	}
	for row := range 50_000 {
		if b.Class(row) != whole.Class(row) {
			t.Fatalf("row %d: got %v on several cores, %v on one", row, b.Class(row), whole.Class(row))
		}
	}
}

// A batch that is not large keeps its memory for the next; of a large one nothing is kept, its rows go before it is answered.
func TestBatchesKeepLittle(t *testing.T) {
	m, err := Load(os.DirFS("../models"), "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{1, m.block, m.block + 1, 4 * m.block, 200_000} {
		b := m.Batch()
		fill(b, rows, 1)
		if err := b.Run(nil); err != nil {
			t.Fatal(err)
		}
		const bytesOfRow = 3*4 + 8 + 16 // features, label, class
		want := rows > m.block && rows*bytesOfRow > mostKept
		if got := b.large(); got != want {
			t.Errorf("%d rows are large: got %t, want %t", rows, got, want)
		}
		if gone := b.inputs[0].F32 == nil; gone != want {
			t.Errorf("%d rows are gone after the run: got %t, want %t", rows, gone, want)
		}
		b.Release()
	}
}

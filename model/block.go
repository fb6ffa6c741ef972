package model

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"ml-service/onnx"
)

// A batch runs in blocks of rows, so that its memory is that of a block however many rows came. A block is large enough for
// a forest to be read once for many rows, and small enough to stay in a core's own cache.
const (
	blockBytes    = 1 << 20
	mostBlockRows = 1024
	// unknownRows is a block of a model in which a value has a size that its inputs do not tell.
	unknownRows = 16
	// leastShare is the fewest rows that are worth a core of their own.
	leastShare = 128
)

// blockRows is how many rows of a model run at once.
func blockRows(m onnx.Memory) int {
	if m.Unbounded {
		return unknownRows
	}
	const openColumns = 64 // of inputs whose width the signature leaves open, a guess
	row := max(m.Row+openColumns*m.Column, 1)
	return int(min(max(blockBytes/row, 1), mostBlockRows))
}

// Cores lends cores to a batch of several blocks, beside the one that it has. A core is taken for one block at a time, so that
// it goes to whoever waits for it before it is taken again.
type Cores interface {
	Free() int  // how many there are to spare
	Take() bool // says whether one of them is ours now
	Give()
}

// blockFor is how many rows of a batch of so many run at once.
func (b *Batch) blockFor(rows int, lent Cores) int {
	if rows <= 1 || !b.model.rowWise {
		return rows
	}
	for _, t := range b.inputs {
		if len(t.Shape) == 0 || t.Shape[0] != rows { // a caller of V2 gave an input of any shape another one
			return rows
		}
	}
	size := b.model.block
	if lent != nil && rows >= 2*leastShare {
		shares := 1 + lent.Free()
		size = min(size, max(leastShare, (rows+shares-1)/shares))
	}
	return size
}

// run is a batch on its way through its blocks.
type run struct {
	batch *Batch
	size  int // rows of a block; the last may have fewer
	lent  Cores
	next  atomic.Int64 // the next block
	group sync.WaitGroup

	mu       sync.Mutex
	prepared bool  // batch.kept and batch.classes have room for all rows
	failed   int   // the first block that failed
	err      error // why
	ragged   bool  // a block did not answer as a part of the whole does
	panicked any
}

// runBlocks runs a batch in blocks, on the caller's core and on those lent. answered is false where the blocks' outputs do not
// fit together, although the model says that they do: then the batch has to be run whole.
func (b *Batch) runBlocks(size int, lent Cores) (answered bool, err error) {
	r := &run{batch: b, size: size, lent: lent, failed: b.rows}
	b.kept = slices.Grow(b.kept[:0], len(b.keep))[:len(b.keep)]
	r.work()
	r.group.Wait()
	if r.panicked != nil {
		panic(r.panicked)
	}
	if r.err != nil || r.ragged {
		b.unknown, b.unknowns = nil, 0
		return false, r.err
	}
	b.blocks, b.perRow = true, b.model.kind != Raw
	if b.large() { // the rows are of use to nobody any more, while the answers are still being written
		for _, t := range b.inputs {
			t.F32, t.F64, t.I64, t.Bool, t.Str = nil, nil, nil, nil, nil
		}
	}
	return true, nil
}

// work runs blocks on the batch's own core until there are no more, and has others do so on what cores there are.
func (r *run) work() {
	s := r.batch.model.takeSession()
	for more := true; more; more = r.step(s) {
		if r.lent != nil && r.left() && r.lent.Take() {
			r.group.Go(r.help)
		}
	}
	r.batch.model.giveSession(s)
}

// help runs blocks on a lent core, which it gives back after each.
func (r *run) help() {
	defer func() {
		if cause := recover(); cause != nil {
			r.mu.Lock()
			r.panicked = cause
			r.mu.Unlock()
			r.lent.Give()
		}
	}()
	s := r.batch.model.takeSession()
	for {
		r.step(s)
		if r.lent.Give(); !r.left() || !r.lent.Take() {
			break
		}
	}
	r.batch.model.giveSession(s)
}

// left says whether there is a block that nobody has begun.
func (r *run) left() bool { return int(r.next.Load())*r.size < r.batch.rows }

func (m *Model) takeSession() session {
	s, ok := m.sessions.Get().(session)
	if !ok {
		s = m.graph.NewSession()
	}
	m.limitSession(s)
	return s
}

// giveSession keeps a session for the next block, without the rows of the last.
func (m *Model) giveSession(s session) {
	if m.holdsTooMuch(s) {
		return
	}
	for i := range m.inputs {
		t := s.Input(i)
		t.F32, t.F64, t.I64, t.Bool, t.Str = nil, nil, nil, nil, nil
	}
	m.sessions.Put(s)
}

// step runs the next block and says whether there was one.
func (r *run) step(s session) bool {
	block := int(r.next.Add(1)) - 1
	first := block * r.size
	last := min(first+r.size, r.batch.rows)
	if first >= last || r.stopped(block) {
		return false
	}
	for i, t := range r.batch.inputs {
		view(s.Input(i), t, first, last, r.batch.rows)
	}
	if err := s.Run(); err != nil {
		r.fail(block, shifted(err, first))
	} else if !r.take(s, first, last) {
		r.mu.Lock()
		r.ragged = true
		r.mu.Unlock()
	}
	return true
}

// stopped says whether what a block answers is of no use any more. Blocks before the first that failed still run: they may
// fail themselves, and the first refused row is the one to name.
func (r *run) stopped(block int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return block > r.failed || r.ragged || r.panicked != nil
}

func (r *run) fail(block int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if block < r.failed {
		r.failed, r.err = block, err
	}
}

// take keeps the typed answers to rows first to last, and the outputs that are asked for. It is false where the outputs are not
// those of a part of the batch.
func (r *run) take(s session, first, last int) bool {
	b, m := r.batch, r.batch.model
	if m.kind != Raw && !m.answersRows(s, last-first) || !r.prepare(s) {
		return false
	}
	for i, keep := range b.keep {
		if keep && !sameRow(s.Output(i), &b.kept[i], last-first) {
			return false
		}
	}
	for i, keep := range b.keep {
		if keep {
			copyRows(&b.kept[i], s.Output(i), first, b.rows)
		}
	}
	if m.scores >= 0 {
		m.classify(s, b.classes[first:last])
	}
	if found, count := s.Unknown(); count > 0 {
		r.mu.Lock()
		b.note(found, count, first)
		r.mu.Unlock()
	}
	return true
}

// prepare makes room for the answers to all rows, once the first block says what a row is. It is false where an output has no
// rows.
func (r *run) prepare(s session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.batch
	if r.prepared {
		return true
	}
	for i, keep := range b.keep {
		if !keep {
			continue
		}
		t := s.Output(i)
		if len(t.Shape) == 0 {
			return false
		}
		bytes := int64(t.Len()/max(t.Shape[0], 1)) * int64(b.rows*t.DType.HeldBytes())
		if most := b.model.limit / int64(len(b.keep)); most > 0 && bytes > most { // the whole, of which Session counts more, is refused
			return false
		}
		b.kept[i].DType = t.DType
		b.kept[i].Resize(append([]int{b.rows}, t.Shape[1:]...)...)
	}
	if b.model.scores >= 0 {
		b.classes = slices.Grow(b.classes, b.rows)[:b.rows]
	}
	r.prepared = true
	return true
}

// shifted moves the element of a refused value from its place in a block to its place in the batch.
func shifted(err error, first int) error {
	var refused *onnx.RunError
	if errors.As(err, &refused) && len(refused.Element) > 0 {
		refused.Element[0] += first
	}
	return err
}

// view lets dst be the rows first to last of src, which has rows rows, without copying.
func view(dst, src *onnx.Tensor, first, last, rows int) {
	dst.Shape = append(append(dst.Shape[:0], last-first), src.Shape[1:]...)
	n := src.Len() / rows
	from, to := first*n, last*n
	switch d := src.DType; {
	case d == onnx.Float32:
		dst.F32 = src.F32[from:to:to]
	case d == onnx.Float64:
		dst.F64 = src.F64[from:to:to]
	case d == onnx.Bool:
		dst.Bool = src.Bool[from:to:to]
	case d == onnx.String:
		dst.Str = src.Str[from:to:to]
	default:
		dst.I64 = src.I64[from:to:to]
	}
}

// sameRow says whether the rows of a block are like those of all.
func sameRow(block, all *onnx.Tensor, rows int) bool {
	return len(block.Shape) == len(all.Shape) && block.Shape[0] == rows && slices.Equal(block.Shape[1:], all.Shape[1:])
}

// copyRows copies the rows of a block to their place in the tensor of all rows, from row first on.
func copyRows(all, block *onnx.Tensor, first, rows int) {
	at := all.Len() / rows * first
	switch d := all.DType; {
	case d == onnx.Float32:
		copy(all.F32[at:], block.F32)
	case d == onnx.Float64:
		copy(all.F64[at:], block.F64)
	case d == onnx.Bool:
		copy(all.Bool[at:], block.Bool)
	case d == onnx.String:
		copy(all.Str[at:], block.Str)
	default:
		copy(all.I64[at:], block.I64)
	}
}

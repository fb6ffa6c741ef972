package onnx

import (
	"fmt"
	"math"
)

// tally counts what a session of a model whose Memory is Unbounded holds, with the sessions of the graphs inside of it, in bytes:
// outputs and scratch memory, but not its inputs. Sessions of other models have none, since their shapes tell.
type tally struct{ held, limit int64 }

// MemoryError says that a run was given up before it would have held more than Limit bytes.
type MemoryError struct {
	Operator, Node string // as in RunError
	Limit          int64
}

// Error gives operator, node and limit.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s, %s: the run would hold more than %d bytes", e.Operator, e.Node, e.Limit)
}

// Limit has runs fail with a *MemoryError rather than hold more than so many bytes beside the inputs; 0: no limit. It says nothing to
// the session of a model whose Memory is not Unbounded.
func (s *Session) Limit(bytes int64) {
	if s.tally == nil {
		return
	}
	if s.tally.limit = bytes; bytes == 0 {
		s.tally.limit = math.MaxInt64
	}
}

// Held is how many bytes the session of a model whose Memory is Unbounded holds beside its inputs; of others it is 0.
func (s *Session) Held() int64 {
	if s.tally == nil {
		return 0
	}
	return s.tally.held
}

// hold takes room for bytes more.
func (c *call) hold(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	if c.tally.held+bytes > c.tally.limit {
		return &MemoryError{Operator: c.node.key(), Node: c.node.proto.label(), Limit: c.tally.limit}
	}
	c.tally.held += bytes
	return nil
}

// textBytes is what the text of a number takes at most, of a Cast.
const textBytes = 32

// holdOutput takes room for n elements in t, less those that it has room for.
func (c *call) holdOutput(t *Tensor, n int) error {
	each := int64(t.DType.HeldBytes()) + c.node.scratchOut
	if t.DType == String {
		each += textBytes
	}
	return c.hold(int64(n-t.capacity()) * each)
}

// elementScratch is what a kernel takes at most for an element of an input, where its scratch memory grows with that.
const elementScratch = 8

// counted has a kernel take room for its scratch memory before it runs.
func (n *node) counted(run kernel) kernel {
	if n.scratch.row == 0 && !n.scratch.unbounded {
		return run
	}
	return func(c *call) error {
		bytes := int64(0)
		if s := c.in[0]; s != nil && len(s.Shape) > 0 {
			bytes = int64(s.Shape[0]) * n.scratch.row
		}
		if n.scratch.unbounded {
			for _, t := range c.in {
				if t != nil {
					bytes += int64(t.Len()) * elementScratch
				}
			}
		}
		if err := c.hold(bytes - c.scratch); err != nil {
			return err
		}
		c.scratch = max(c.scratch, bytes)
		return run(c)
	}
}

// capacity is how many elements t has memory for.
func (t *Tensor) capacity() int {
	return cap(t.F32) + cap(t.F64) + cap(t.I64) + cap(t.Bool) + cap(t.Str)
}

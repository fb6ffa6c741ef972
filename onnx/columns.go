package onnx

import (
	"cmp"
	"slices"
)

// Column is what the graph says of one value of a row.
type Column struct {
	Input, Index int     // the input, and the flat index of the value in a row of it
	Categories   *Tensor // the categories that its encoder knows; nil: it has none
	Closed       bool    // its encoder refuses any other
	Typical      float32 // a mean or the like, by a scaler or an imputer; 0 where HasTypical is false
	HasTypical   bool
}

// mostTraced bounds how many values of a row are followed back.
const mostTraced = 1 << 14

// findColumns follows the columns of encoders, scalers and imputers back to the inputs, through what moves values only. Encoders that
// are reached tell of values that they do not know.
func (m *Model) findColumns(slots []*value) {
	s := m.oneRow(slots)
	if s == nil {
		return
	}
	found := map[[2]int]*Column{}
	traced := 0
	for i := range m.steps {
		st := &m.steps[i]
		n := st.node
		if n.categories == nil && len(n.typical) == 0 || !n.shaped() {
			continue
		}
		width := s.calls[i].in[0].Len()
		if traced += width; traced > mostTraced {
			break
		}
		for k := range width {
			input, at, ok := s.follow(i, 0, k, func(n *node) bool { return n.keepsValue() && n.shaped() })
			if !ok {
				continue
			}
			c := found[[2]int{input, at}]
			if c == nil {
				c = &Column{Input: input, Index: at}
				found[[2]int{input, at}] = c
			}
			if st.watched = st.watched || n.categories != nil; c.Categories == nil {
				c.Categories, c.Closed = n.categories, n.closed
			}
			if len(n.typical) > 0 && !c.HasTypical {
				c.Typical, c.HasTypical = n.typical[min(k, len(n.typical)-1)], true
			}
		}
	}
	for _, c := range found {
		m.columns = append(m.columns, *c)
	}
	slices.SortFunc(m.columns, func(a, b Column) int { return cmp.Or(a.Input-b.Input, a.Index-b.Index) })
}

// oneRow is a session whose tensors have the shapes of a batch of one row and no elements; nil where no step has columns to follow.
func (m *Model) oneRow(slots []*value) *Session {
	if !slices.ContainsFunc(m.steps, func(st step) bool { return st.node.categories != nil || len(st.node.typical) > 0 }) {
		return nil
	}
	s := m.NewSession()
	for i, v := range slots {
		for _, d := range v.shape {
			s.tensors[i].Shape = append(s.tensors[i].Shape, max(d, 1))
		}
	}
	return s
}

// shaped says whether the shapes of a node's values are known as far as oneRow needs them.
func (n *node) shaped() bool {
	known := func(v *value) bool { return v == nil || v.constant != nil || v.shape != nil }
	return !slices.ContainsFunc(n.in, func(v *value) bool { return !known(v) }) && !slices.ContainsFunc(n.out, func(v *value) bool { return !known(v) })
}

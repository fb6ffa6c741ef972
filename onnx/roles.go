package onnx

// decides follows a value back through operators that only move elements to what gives it its role.
func (v *value) decides() (Role, *Tensor) {
	for {
		switch {
		case v.role != Other:
			return v.role, v.labels
		case v.scores != nil:
			return Label, nil
		case v.maker == nil || !v.maker.op.moves || len(v.maker.in) == 0 || v.maker.in[0] == nil:
			return Other, nil
		}
		v = v.maker.in[0]
	}
}

// decidedBy follows indices back to an ArgMax and gives what it is the maximum of; nil: there is none.
func (v *value) decidedBy() *value {
	for v != nil && v.scores == nil && v.maker != nil && v.maker.op.moves && len(v.maker.in) > 0 {
		v = v.maker.in[0]
	}
	if v == nil {
		return nil
	}
	return v.scores
}

// missing finds the inputs whose NaN reaches an operator that handles it.
func (c *compiler) missing() []bool {
	found := make([]bool, len(c.inputs))
	seen := map[*value]bool{}
	var todo []*value
	for _, n := range c.nodes {
		if n.missing {
			todo = append(todo, n.in[0])
		}
	}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v == nil || seen[v] {
			continue
		}
		seen[v] = true
		if v.input >= 0 {
			found[v.input] = v.dtype.IsFloat()
		}
		if v.maker != nil && v.maker.op.moves {
			todo = append(todo, v.maker.in...)
		}
	}
	return found
}

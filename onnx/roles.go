package onnx

// origin follows a value back through operators that only move elements to the value that was given a role.
func (v *value) origin() (Role, *Tensor) {
	for {
		switch {
		case v.role != Other:
			return v.role, v.labels
		case v.scores != nil:
			return Label, nil
		case v.maker == nil || v.maker.op.moves == movesNothing || v.maker.in[0] == nil:
			return Other, nil
		}
		v = v.maker.in[0]
	}
}

// outputRole gives the role of an output and, of scores, the labels of its columns.
func (v *value) outputRole() (Role, *Tensor) {
	role, labels := v.origin()
	if role == Other {
		if from := v.derived(); from != nil {
			role, labels = Scores, from.labels
		}
	}
	if role == Scores && labels == nil {
		labels = v.classes
	}
	last := len(v.shape) - 1
	switch {
	case role == Label && (last == 0 || last == 1 && (v.shape[0] == 1 || v.shape[1] == 1)):
		return Label, nil
	case role == Scores && last == 1 && labels != nil && labels.Len() == v.shape[1]:
		return Scores, labels
	}
	return Other, nil
}

// nameIndices gives the scores behind a label that is an index itself the indices for labels.
func (v *value) nameIndices() {
	from := v.maximised()
	if from == nil || from.role != Other || len(from.shape) != 2 || from.shape[1] < 1 || from.shape[1] > maxValues {
		return
	}
	labels := &Tensor{DType: Int64, Shape: []int{from.shape[1]}}
	for i := range from.shape[1] {
		labels.I64 = append(labels.I64, int64(i))
	}
	from.role, from.labels = Scores, labels
}

// maxSearch bounds how many values are looked at for one output.
const maxSearch = 1 << 12

// derived finds the scores that a matrix was computed from, by whatever operators, column for column: one of the same width.
func (v *value) derived() *value {
	if !v.dtype.IsFloat() || len(v.shape) != 2 {
		return nil
	}
	seen, todo := map[*value]bool{}, []*value{v}
	for len(todo) > 0 && len(seen) < maxSearch {
		u := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if u == nil || seen[u] {
			continue
		}
		seen[u] = true
		if u.role == Scores && u.labels != nil && u.labels.Len() == v.shape[1] {
			return u
		}
		if u.maker != nil && u.role == Other {
			todo = append(todo, u.maker.in...)
		}
	}
	return nil
}

// maximised follows indices back to an ArgMax and gives the values it takes the maximum of; nil: there is none.
func (v *value) maximised() *value {
	for v != nil && v.scores == nil && v.maker != nil && v.maker.op.moves != movesNothing {
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
		if v.maker != nil && (v.maker.op.moves != movesNothing || v.maker.op.keepsNaN) {
			todo = append(todo, v.maker.in...)
		}
	}
	return found
}

package onnx

// fold runs the node now and makes its outputs constants.
func (c *compiler) fold(n *node, s step) error {
	k := newCall(s.run, n, maxFolded-c.spent.folded, nil)
	k.in = s.constant
	if c.spent.work += n.stepsToFold(); c.spent.work > maxWork {
		return n.invalid("computing the constants takes more than %d steps", maxWork)
	}
	for i, v := range n.out {
		var t *Tensor
		if n.wanted(i) {
			t = &Tensor{DType: v.dtype}
		}
		k.out = append(k.out, t)
	}
	if err := s.run(&k); err != nil {
		return n.invalid("computing constants: %v", err)
	}
	for i, v := range n.out {
		t := k.out[i]
		if t == nil {
			continue
		}
		if c.spent.folded += t.Len(); c.spent.folded > maxFolded {
			return n.invalid("computed constants of more than %d elements", maxFolded)
		}
		v.constant, v.shape = t, append([]int{}, t.Shape...) // of a scalar it is empty and not nil
	}
	return nil
}

// stepsToFold is about how many steps the kernel of a node takes whose inputs are constants.
func (n *node) stepsToFold() int64 {
	if n.op.work != nil {
		return n.op.work(n)
	}
	steps := int64(1)
	for _, v := range n.in {
		if v != nil {
			steps += int64(v.constant.Len())
		}
	}
	out, _ := volume(n.out[0].shape)
	return steps + int64(out)
}

// workOfProduct is the work of a product of matrices: a multiplication for each element on the left and column on the right.
func workOfProduct(n *node) int64 {
	columns := 1
	if s := n.out[0].shape; len(s) > 0 {
		columns = max(1, s[len(s)-1])
	}
	left, right := int64(n.in[0].constant.Len()), int64(n.in[1].constant.Len())
	return 1 + left*int64(columns+1) + right
}

// workByRow is the work of operators whose compile says what one row costs.
func workByRow(n *node) int64 {
	rows := 1
	if s := n.in[0].constant.Shape; len(s) > 0 {
		rows = s[0]
	}
	return 1 + int64(n.in[0].constant.Len()) + int64(rows)*int64(n.perRow)
}

package onnx

// Some values depend on how many rows there are and on nothing else: Shape and what is computed from it. They are computed at
// load for two sizes of batch that nothing else is likely to give, which tells a dimension that is the batch from one that is not.
var sampleSizes = [...]int{1009, 3001}

// maxBySize bounds the elements of a value that is computed so.
const maxBySize = 2 * maxRank

// computeBySize sets bySize of the outputs where all inputs have it or are constants.
func (n *node) computeBySize(run kernel) {
	if n.bodies != nil {
		return
	}
	var results [len(sampleSizes)][]*Tensor
	sized := false
	for s := range sampleSizes {
		k := newCall(run, n, maxBySize, nil)
		for _, v := range n.in {
			switch {
			case v == nil || v.constant != nil && v.constant.Len() <= maxFolded>>4:
				var t *Tensor
				if v != nil {
					t = v.constant
				}
				k.in = append(k.in, t)
			case v.bySize != nil:
				sized = true
				k.in = append(k.in, v.bySize[s])
			case n.op.ofShape && v.rowAxis() >= 0 && extentOf(v.shape).open == 1:
				sized = true
				t := &Tensor{DType: v.dtype, Shape: append([]int{}, v.shape...)}
				t.Shape[v.batch] = sampleSizes[s] * v.group
				k.in = append(k.in, t)
			default:
				return
			}
		}
		for _, v := range n.out {
			var t *Tensor
			if v != nil {
				t = &Tensor{DType: v.dtype}
			}
			k.out = append(k.out, t)
		}
		if !sized || run(&k) != nil { // too large, or refused: nothing is known of it then
			return
		}
		results[s] = k.out
	}
	for i, v := range n.out {
		if v != nil {
			v.bySize = make([]*Tensor, len(sampleSizes))
			for s := range sampleSizes {
				v.bySize[s] = results[s][i]
			}
		}
	}
}

// What dimensions says of an element in place of a number.
const (
	rowCount = -1 - iota // as many as there are rows
	unknownCount
)

// dimensions gives the elements of a list of non-negative integers as far as they are known; nil: it is no such list.
func (v *value) dimensions() []int {
	var dims []int
	switch {
	case v.constant != nil:
		for _, d := range v.constant.I64 {
			if d < 0 {
				d = unknownCount
			}
			dims = append(dims, int(d))
		}
	case v.bySize != nil:
		for i, d := range v.bySize[0].I64 {
			other := v.bySize[1].I64[i]
			switch {
			case d == other && d >= 0:
				dims = append(dims, int(d))
			case d == int64(sampleSizes[0]) && other == int64(sampleSizes[1]):
				dims = append(dims, rowCount)
			default:
				dims = append(dims, unknownCount)
			}
		}
	}
	return dims
}

package onnx_test

import (
	"math"
	"slices"
	"strings"
)

// script is a list of mutations as bytes: what the fuzzer changes, and a file can be made from again.
// An exhausted script reads zeros.
type script []byte

func (s *script) next() int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b)
}

// below gives a number in [0, n) for n > 0; two bytes, so that long lists are reached everywhere.
func (s *script) below(n int) int { return (s.next()<<8 | s.next()) * n >> 16 }

// words replace names, modes, operators and domains.
var words = strings.Fields(`x label probabilities variable axis axes to perm keepdims allowzero ai.onnx ai.onnx.ml com.microsoft
	LEAF BRANCH_LEQ BRANCH_LT BRANCH_EQ BRANCH_MEMBER SUM AVERAGE MIN MAX NONE SOFTMAX SOFTMAX_ZERO LOGISTIC PROBIT L1 L2
	TreeEnsembleClassifier TreeEnsembleRegressor TreeEnsemble LinearClassifier LinearRegressor Scaler ArrayFeatureExtractor ZipMap
	Normalizer Imputer OneHotEncoder LabelEncoder Binarizer FeatureVectorizer Cast Reshape Identity Concat Add MatMul ArgMax Softmax
	Div Gather ReduceSum ReduceMean Clip Slice Gemm Squeeze Unsqueeze Transpose Flatten Where Constant Expand Sum Not Greater
	` + "\xff\xfe a\x00b")

// integers are the values that break arithmetic on sizes and indices.
var integers = []uint64{0, 1, 2, 3, 7, 8, 11, 16, 127, 128, 255, 1 << 10, 1 << 16, 1 << 20, 1 << 28, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 40,
	1<<62 - 1, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1, 1<<64 - 2, 1<<64 - 1<<31, 1<<64 - 100}

var reals = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-38, 1e38}

// mutate changes the model a little, as the script says, and encodes it.
func mutate(model []*field, s script) []byte {
	raw := s.next()
	for n := 1 + s.next()%4; n > 0 && len(s) > 0; n-- {
		root := &field{message: "model", kids: model}
		change(root, &s)
		model = root.kids
	}
	file := encode(nil, model)
	switch {
	case len(file) == 0:
	case raw == 255: // a broken file
		file[s.below(len(file))] ^= 1 << (s.next() & 7)
	case raw == 254:
		file = file[:s.below(len(file))]
	}
	return file
}

// change walks down to a field, each level by number and then by place, and mutates it.
func change(parent *field, s *script) {
	for {
		if len(parent.kids) == 0 {
			return
		}
		var nums []int
		for _, f := range parent.kids {
			if !slices.Contains(nums, f.num) {
				nums = append(nums, f.num)
			}
		}
		num := nums[s.next()%len(nums)]
		var group []int // the places of this number's fields
		for i, f := range parent.kids {
			if f.num == num {
				group = append(group, i)
			}
		}
		at := group[s.below(len(group))]
		f := parent.kids[at]
		if f.message != "" && s.next()%8 != 0 {
			parent = f
			continue
		}
		changeAt(parent, group, at, s)
		return
	}
}

func changeAt(parent *field, group []int, at int, s *script) {
	f := parent.kids[at]
	switch s.next() % 16 {
	case 0: // drop one
		parent.kids = slices.Delete(parent.kids, at, at+1)
	case 1: // drop all of the list, or its second half
		from := len(group) / 2 * (s.next() % 2)
		last := group[from:]
		for _, i := range slices.Backward(last) {
			parent.kids = slices.Delete(parent.kids, i, i+1)
		}
	case 2: // a longer list, within the size of file that is tried
		size := len(encode(nil, []*field{f}))
		for range min([]int{1, 2, 10, 1000}[s.next()%4], largestFile/size) {
			parent.kids = slices.Insert(parent.kids, at, f.clone())
		}
	case 3: // swap with another
		j := s.below(len(parent.kids))
		parent.kids[at], parent.kids[j] = parent.kids[j], parent.kids[at]
	case 4: // take the content of another of the same list
		parent.kids[at] = parent.kids[group[s.below(len(group))]].clone()
	case 5: // another number, same content
		f.num = 1 + s.next()%26
		f.data, f.kids, f.message = encode(f.data, f.kids), nil, ""
	case 6: // another wire type
		f.wire = []int{0, 1, 2, 5}[s.next()%4]
		f.data, f.kids, f.message = encode(f.data, f.kids), nil, ""
	case 7: // a field that was not there
		n := &field{num: 1 + s.next()%26, wire: []int{0, 1, 2, 5}[s.next()%4], number: integers[s.next()%len(integers)]}
		n.data = word(s)
		parent.kids = slices.Insert(parent.kids, at, n)
	case 8: // the same number in the whole list
		n := number(f, s)
		for _, i := range group {
			parent.kids[i].number = n
		}
	default:
		value(f, s)
	}
}

// value replaces what the field holds.
func value(f *field, s *script) {
	if f.wire != 2 || f.message != "" {
		f.number = number(f, s)
		return
	}
	switch s.next() % 6 {
	case 0, 1:
		f.data = word(s)
	case 2:
		f.data = f.data[:s.below(len(f.data)+1)]
	case 3:
		f.data = append(slices.Clone(f.data), make([]byte, s.next())...)
	case 4: // one number of raw or packed data
		if f.data = slices.Clone(f.data); len(f.data) >= 4 {
			i := s.below(len(f.data)/4) * 4
			bits := math.Float32bits(float32(reals[s.next()%len(reals)]))
			f.data[i], f.data[i+1], f.data[i+2], f.data[i+3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
		}
	case 5:
		if f.data = slices.Clone(f.data); len(f.data) > 0 {
			f.data[s.below(len(f.data))] = byte(s.next())
		}
	}
}

// word picks one of words, or nothing.
func word(s *script) []byte {
	if i := s.next(); i < len(words) {
		return []byte(words[i])
	}
	return nil
}

func number(f *field, s *script) uint64 {
	choice := s.next()
	switch {
	case f.wire == 5 && choice%2 == 0:
		return uint64(math.Float32bits(float32(reals[s.next()%len(reals)])))
	case f.wire == 1 && choice%2 == 0:
		return math.Float64bits(reals[s.next()%len(reals)])
	case choice%4 == 1:
		return f.number + uint64(s.next()%4) - 2
	case choice%4 == 3:
		return f.number ^ 1<<(s.next()%64)
	default:
		return integers[s.next()%len(integers)]
	}
}

package onnx

// Tensor is a dense array, flat and row-major. Exactly the slice that belongs to DType is used.
type Tensor struct {
	DType DType
	Shape []int // empty: a scalar
	F32   []float32
	F64   []float64
	I64   []int64 // every integer type; the values stay inside the range of DType
	Bool  []bool
	Str   []string
}

// Resize gives t the shape dims and room for its elements, reusing memory where it suffices.
// The elements are not cleared. DType must be set; dims must not be negative.
func (t *Tensor) Resize(dims ...int) {
	t.Shape = append(t.Shape[:0], dims...)
	t.grow(product(dims))
}

// Len is the number of elements, the product of the shape.
func (t *Tensor) Len() int { return product(t.Shape) }

func (t *Tensor) grow(n int) {
	switch {
	case t.DType == Float32:
		t.F32 = sized(t.F32, n)
	case t.DType == Float64:
		t.F64 = sized(t.F64, n)
	case t.DType.IsInteger():
		t.I64 = sized(t.I64, n)
	case t.DType == Bool:
		t.Bool = sized(t.Bool, n)
	case t.DType == String:
		t.Str = sized(t.Str, n)
	}
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

package onnx

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// operatorCase is one node on inputs a, b, c and initializers p, q, r; its output is y.
type operatorCase struct {
	name      string
	op        string
	a         attrs
	in        []*Tensor
	constants []*Tensor
	want      *Tensor
	opset     int64 // of ai.onnx; 0: 17
	ml        int64 // of ai.onnx.ml; 0: 3
}

// file writes the model. The first dimension of every input is symbolic.
func (c operatorCase) file() []byte {
	var parts [][]byte
	names := ""
	for i, t := range c.in {
		name := string(rune('a' + i))
		shape := slices.Clone(t.Shape)
		if len(shape) > 0 {
			shape[0] = -1
		}
		parts, names = append(parts, input(name, t.DType, shape...)), names+" "+name
	}
	for i, t := range c.constants {
		if t == nil {
			names += " -"
			continue
		}
		name := string(rune('p' + i))
		parts, names = append(parts, initializer(name, t)), names+" "+name
	}
	parts = append(parts, op(c.op, names, "y", c.a), message(12, message(1, []byte("y"))))
	opset, ml := c.opset, c.ml
	if opset == 0 {
		opset = 17
	}
	if ml == 0 {
		ml = 3
	}
	return fileAt(opset, ml, parts...)
}

func testOperators(t *testing.T, cases []operatorCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := run(t, c.file(), c.in...)
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(got, c.want); d != "" {
				t.Error(d)
			}
		})
	}
}

// difference says how got is not want: bits count, but for NaN.
func difference(got, want *Tensor) string {
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Sprintf("got %s %v, want %s %v", got.DType, got.Shape, want.DType, want.Shape)
	}
	for i := range want.Len() {
		if g, w := spell(got, i), spell(want, i); g != w {
			return fmt.Sprintf("element %d: got %s, want %s", i, g, w)
		}
	}
	return ""
}

var (
	nan  = float32(math.NaN())
	inf  = float32(math.Inf(1))
	neg0 = float32(math.Copysign(0, -1))
)

func matrix(columns int, v ...float32) *Tensor { return shaped(f32s(v...), len(v)/columns, columns) }
func ints(columns int, v ...int64) *Tensor     { return shaped(i64s(v...), len(v)/columns, columns) }
func scalar(v float32) *Tensor                 { return shaped(f32s(v)) }
func bools(v ...bool) *Tensor                  { return &Tensor{DType: Bool, Shape: []int{len(v)}, Bool: v} }

func TestArithmetic(t *testing.T) {
	x := matrix(3, 1, 2, 3, 4, 5, 6)
	testOperators(t, []operatorCase{
		{name: "row", op: "Add", in: []*Tensor{x}, constants: []*Tensor{f32s(10, 20, 30)}, want: matrix(3, 11, 22, 33, 14, 25, 36)},
		{name: "column", op: "Sub", in: []*Tensor{x, matrix(1, 1, 2)}, want: matrix(3, 0, 1, 2, 2, 3, 4)},
		{name: "scalar", op: "Mul", in: []*Tensor{x}, constants: []*Tensor{scalar(2)}, want: matrix(3, 2, 4, 6, 8, 10, 12)},
		{name: "outer", op: "Add", in: []*Tensor{matrix(1, 1, 2), f32s(10, 20)}, want: matrix(2, 11, 21, 12, 22)},
		{name: "by zero", op: "Div", in: []*Tensor{f32s(1, -1, 0), f32s(0, 0, 0)}, want: f32s(inf, -inf, nan)},
		{name: "integers round to zero", op: "Div", in: []*Tensor{i64s(7, -7), i64s(2, 2)}, want: i64s(3, -3)},
		{name: "int32 wraps", op: "Add", in: []*Tensor{{DType: Int32, Shape: []int{1}, I64: []int64{math.MaxInt32}}}, constants: []*Tensor{{DType: Int32, Shape: []int{1}, I64: []int64{1}}},
			want: &Tensor{DType: Int32, Shape: []int{1}, I64: []int64{math.MinInt32}}},
		{name: "double", op: "Add", in: []*Tensor{f64s(.1)}, constants: []*Tensor{f64s(.2)}, want: f64s(.1 + math.Nextafter(.2, .2))},
		{name: "sum of three", op: "Sum", in: []*Tensor{x, matrix(3, 1, 1, 1, 1, 1, 1), matrix(1, 10, 20)}, want: matrix(3, 12, 13, 14, 25, 26, 27)},
		{name: "sum of one", op: "Sum", in: []*Tensor{x}, want: x},
		{name: "maximum keeps NaN", op: "Max", in: []*Tensor{f32s(1, nan, 1), f32s(2, 2, nan)}, want: f32s(2, nan, nan)},
		{name: "minimum", op: "Min", in: []*Tensor{i64s(1, 5), i64s(2, 2)}, want: i64s(1, 2)},
		{name: "power", op: "Pow", in: []*Tensor{f32s(2, 9)}, constants: []*Tensor{f32s(3, .5)}, want: f32s(8, 3)},
	})
}

func TestComparisons(t *testing.T) {
	a, b := f32s(1, 2, nan), f32s(2, 2, 2)
	testOperators(t, []operatorCase{
		{name: "greater", op: "Greater", in: []*Tensor{b, a}, want: bools(true, false, false)},
		{name: "greater or equal", op: "GreaterOrEqual", in: []*Tensor{a, b}, want: bools(false, true, false)},
		{name: "less", op: "Less", in: []*Tensor{a, b}, want: bools(true, false, false)},
		{name: "less or equal", op: "LessOrEqual", in: []*Tensor{a, b}, want: bools(true, true, false)},
		{name: "equal strings", op: "Equal", in: []*Tensor{texts("a", "b ")}, constants: []*Tensor{texts("a", "b")}, want: bools(true, false)},
		{name: "and", op: "And", in: []*Tensor{bools(true, true), bools(true, false)}, want: bools(true, false)},
		{name: "or", op: "Or", in: []*Tensor{bools(false, true), bools(false, false)}, want: bools(false, true)},
		{name: "not", op: "Not", in: []*Tensor{bools(true, false)}, want: bools(false, true)},
		{name: "where", op: "Where", in: []*Tensor{bools(true, false, true)}, constants: []*Tensor{f32s(1, 2, 3), scalar(9)}, want: f32s(1, 9, 3)},
		{name: "where of strings", op: "Where", in: []*Tensor{bools(true, false)}, constants: []*Tensor{texts("yes"), texts("no")}, want: texts("yes", "no")},
		{name: "is NaN", op: "IsNaN", in: []*Tensor{a}, want: bools(false, false, true)},
	})
}

func TestFunctions(t *testing.T) {
	testOperators(t, []operatorCase{
		{name: "relu keeps NaN", op: "Relu", in: []*Tensor{f32s(-1, 2, nan)}, want: f32s(0, 2, nan)},
		{name: "sigmoid far out", op: "Sigmoid", in: []*Tensor{f32s(0, 200, -200, nan)}, want: f32s(.5, 1, 0, nan)},
		{name: "tanh", op: "Tanh", in: []*Tensor{f32s(0, 40, -40)}, want: f32s(0, 1, -1)},
		{name: "exp", op: "Exp", in: []*Tensor{f32s(0, 1, 100, -200)}, want: f32s(1, math.E, inf, 0)},
		{name: "exp double", op: "Exp", in: []*Tensor{f64s(0, 800, -800)}, want: f64s(1, math.Inf(1), 0)},
		{name: "reciprocal", op: "Reciprocal", in: []*Tensor{f32s(4, 0)}, want: f32s(.25, inf)},
		{name: "sign", op: "Sign", in: []*Tensor{f32s(-3, 0, 7)}, want: f32s(-1, 0, 1)},
		{name: "negative", op: "Neg", in: []*Tensor{f32s(1, -2)}, want: f32s(-1, 2)},
		{name: "clip by attributes", op: "Clip", a: attrs{"min": float32(-1), "max": float32(1)}, opset: 9, in: []*Tensor{f32s(-5, .5, 5, nan)}, want: f32s(-1, .5, 1, nan)},
		{name: "clip without minimum", op: "Clip", in: []*Tensor{f32s(-5, 5)}, constants: []*Tensor{nil, scalar(1)}, want: f32s(-5, 1)},
		{name: "clip integers", op: "Clip", in: []*Tensor{i64s(-5, 5)}, constants: []*Tensor{shaped(i64s(0))}, want: i64s(0, 5)},
	})
}

// The own exponentials stay within two units in the last place of the library's.
func TestExponentials(t *testing.T) {
	for x := -740.0; x < 709; x += 0.37 {
		if got, want := exp64(x), math.Exp(x); math.Abs(got-want) > 5e-16*want+5e-324 {
			t.Fatalf("exp64(%v): got %v, want %v", x, got, want)
		}
	}
	for x := float32(-103); x < 88; x += 0.0137 {
		if got, want := exp32(x), float32(math.Exp(float64(x))); got != want {
			t.Fatalf("exp32(%v): got %v, want %v", x, got, want)
		}
	}
}

func TestMatrices(t *testing.T) {
	x := matrix(2, 1, 2, 3, 4)
	testOperators(t, []operatorCase{
		{name: "product", op: "MatMul", in: []*Tensor{x}, constants: []*Tensor{matrix(5, 1, 0, 1, 2, 1, 0, 1, 1, 0, 2)}, want: matrix(5, 1, 2, 3, 2, 5, 3, 4, 7, 6, 11)},
		{name: "vector", op: "MatMul", in: []*Tensor{x}, constants: []*Tensor{f32s(1, -1)}, want: f32s(-1, -1)},
		{name: "rounded once", op: "MatMul", in: []*Tensor{matrix(2, 1, 1+0x1p-12)}, constants: []*Tensor{matrix(1, -1, 1+0x1p-12)}, want: matrix(1, 0x1p-11+0x1p-24)},
		{name: "gemm", op: "Gemm", a: attrs{"alpha": float32(2), "beta": float32(.5)}, in: []*Tensor{x}, constants: []*Tensor{matrix(2, 1, 0, 0, 1), f32s(2, 4)}, want: matrix(2, 3, 6, 7, 10)},
		{name: "gemm transposed", op: "Gemm", a: attrs{"transA": 1, "transB": 1}, in: []*Tensor{x}, constants: []*Tensor{matrix(2, 1, 1, 2, 0)}, want: matrix(2, 4, 2, 6, 4)},
		{name: "gemm column bias", op: "Gemm", in: []*Tensor{x}, constants: []*Tensor{matrix(2, 1, 0, 0, 1), matrix(1, 10, 20)}, want: matrix(2, 11, 12, 23, 24)},
	})
}

func TestReductions(t *testing.T) {
	x := matrix(3, 1, 2, 3, 4, 5, 6)
	testOperators(t, []operatorCase{
		{name: "axes by attribute", op: "ReduceSum", a: attrs{"axes": []int64{-1}}, opset: 11, in: []*Tensor{x}, want: matrix(1, 6, 15)},
		{name: "axes by input", op: "ReduceSum", a: attrs{"keepdims": 0}, in: []*Tensor{x}, constants: []*Tensor{i64s(1)}, want: f32s(6, 15)},
		{name: "of all", op: "ReduceSum", a: attrs{"keepdims": 0}, in: []*Tensor{x}, want: scalar(21)},
		{name: "rows", op: "ReduceMean", a: attrs{"axes": []int64{0}}, in: []*Tensor{x}, want: matrix(3, 2.5, 3.5, 4.5)},
		{name: "of nothing", op: "ReduceSum", a: attrs{"noop_with_empty_axes": 1}, in: []*Tensor{x}, want: x},
		{name: "product", op: "ReduceProd", a: attrs{"axes": []int64{1}}, in: []*Tensor{x}, want: matrix(1, 6, 120)},
		{name: "squares", op: "ReduceSumSquare", a: attrs{"axes": []int64{1}}, in: []*Tensor{x}, want: matrix(1, 14, 77)},
		{name: "maximum", op: "ReduceMax", a: attrs{"axes": []int64{1}}, in: []*Tensor{matrix(2, 1, nan, 2, 1)}, want: matrix(1, nan, 2)},
		{name: "logsumexp of large numbers", op: "ReduceLogSumExp", a: attrs{"axes": []int64{1}}, in: []*Tensor{matrix(2, 1000, 1000)}, want: matrix(1, 1000.6931471805599)},
		{name: "argmax takes the first", op: "ArgMax", a: attrs{"axis": 1, "keepdims": 0}, in: []*Tensor{matrix(3, 1, 3, 3, nan, 5, 6)}, want: i64s(1, 0)},
		{name: "argmax along columns", op: "ArgMax", in: []*Tensor{matrix(2, 1, 4, 3, 2)}, want: ints(2, 1, 0)},
		{name: "argmin", op: "ArgMin", a: attrs{"axis": -1}, in: []*Tensor{matrix(3, 3, 1, 1)}, want: ints(1, 1)},
		{name: "softmax over all behind the axis", op: "Softmax", opset: 11, in: []*Tensor{shaped(f32s(0, 0, 0, 0), 1, 2, 2)}, want: shaped(f32s(.25, .25, .25, .25), 1, 2, 2)},
		{name: "softmax over the last axis", op: "Softmax", opset: 13, in: []*Tensor{shaped(f32s(0, 0, 0, 0), 1, 2, 2)}, want: shaped(f32s(.5, .5, .5, .5), 1, 2, 2)},
		{name: "softmax over a middle axis", op: "Softmax", opset: 13, a: attrs{"axis": 1}, in: []*Tensor{shaped(f32s(0, 9, 0, 9), 1, 2, 2)}, want: shaped(f32s(.5, .5, .5, .5), 1, 2, 2)},
		{name: "softmax of large numbers", op: "Softmax", in: []*Tensor{matrix(2, 1000, 0)}, want: matrix(2, 1, 0)},
	})
}

package onnx

import "testing"

func TestScalersAndEncoders(t *testing.T) {
	testOperators(t, []operatorCase{
		{name: "scaler", op: "ai.onnx.ml.Scaler", a: attrs{"offset": []float32{1, 2}, "scale": []float32{2, .5}}, in: []*Tensor{matrix(2, 3, 4)}, want: matrix(2, 4, 1)},
		{name: "scaler of integers by one value", op: "ai.onnx.ml.Scaler", a: attrs{"offset": []float32{1.5}, "scale": []float32{2}}, in: []*Tensor{ints(2, 2, 3)}, want: matrix(2, 1, 3)},
		{name: "scaler of doubles", op: "ai.onnx.ml.Scaler", a: attrs{"offset": []float32{0}, "scale": []float32{1}}, in: []*Tensor{shaped(f64s(.1), 1, 1)}, want: matrix(1, .1)},
		{name: "binarizer", op: "ai.onnx.ml.Binarizer", a: attrs{"threshold": float32(.5)}, in: []*Tensor{matrix(3, .4, .5, .6)}, want: matrix(3, 0, 0, 1)},
		{name: "imputer of NaN", op: "ai.onnx.ml.Imputer", a: attrs{"imputed_value_floats": []float32{7, 8}, "replaced_value_float": nan}, in: []*Tensor{matrix(2, nan, 0, 1, nan)}, want: matrix(2, 7, 0, 1, 8)},
		{name: "imputer of zero and minus zero", op: "ai.onnx.ml.Imputer", a: attrs{"imputed_value_floats": []float32{7}}, in: []*Tensor{matrix(2, 0, neg0)}, want: matrix(2, 7, 7)},
		{name: "imputer of integers", op: "ai.onnx.ml.Imputer", a: attrs{"imputed_value_int64s": []int64{5}, "replaced_value_int64": -1}, in: []*Tensor{ints(2, -1, 3)}, want: ints(2, 5, 3)},
		{name: "one hot", op: "ai.onnx.ml.OneHotEncoder", a: attrs{"cats_strings": []string{"b", "a", ""}}, in: []*Tensor{texts("a", "", "b ")}, want: matrix(3, 0, 1, 0, 0, 0, 1, 0, 0, 0)},
		{name: "one hot of floats", op: "ai.onnx.ml.OneHotEncoder", a: attrs{"cats_int64s": []int64{2, -1}}, in: []*Tensor{matrix(1, 2.9, -1, nan)}, want: shaped(f32s(1, 0, 0, 1, 0, 0), 3, 1, 2)},
		{name: "labels of opset 1", op: "ai.onnx.ml.LabelEncoder", ml: 1, a: attrs{"classes_strings": []string{"zero", "one"}, "default_string": "none"}, in: []*Tensor{i64s(1, 0, 2, -1)}, want: texts("one", "zero", "none", "none")},
		{name: "places of opset 1", op: "ai.onnx.ml.LabelEncoder", ml: 1, a: attrs{"classes_strings": []string{"zero", "one"}}, in: []*Tensor{texts("one", "two")}, want: i64s(1, -1)},
		{name: "strings to floats", op: "ai.onnx.ml.LabelEncoder", ml: 2, a: attrs{"keys_strings": []string{"a", "b"}, "values_floats": []float32{1, 2}}, in: []*Tensor{texts("b", "c")}, want: f32s(2, neg0)},
		{name: "NaN is a key", op: "ai.onnx.ml.LabelEncoder", ml: 4, a: attrs{"keys_floats": []float32{nan, 0}, "values_int64s": []int64{7, 8}}, in: []*Tensor{f32s(nan, neg0, 5)}, want: i64s(7, 8, -1)},
		{name: "NaN is no key before ai.onnx.ml 4", op: "ai.onnx.ml.LabelEncoder", ml: 3, a: attrs{"keys_floats": []float32{nan, 0}, "values_int64s": []int64{7, 8}}, in: []*Tensor{f32s(nan, neg0, 5)}, want: i64s(-1, 8, -1)},
		{name: "tensors of opset 4", op: "ai.onnx.ml.LabelEncoder", ml: 4, a: attrs{"keys_tensor": i64s(3, 4), "values_tensor": f64s(.1, .2), "default_tensor": f64s(9)}, in: []*Tensor{i64s(4, 5)}, want: f64s(.2, 9)},
		{name: "norm of the signed maximum", op: "ai.onnx.ml.Normalizer", a: attrs{"norm": "MAX"}, in: []*Tensor{matrix(2, -4, 2, 0, 0)}, want: matrix(2, -2, 1, 0, 0)},
		{name: "norm of absolute values", op: "ai.onnx.ml.Normalizer", a: attrs{"norm": "L1"}, in: []*Tensor{matrix(2, -1, 3, 0, 0)}, want: matrix(2, -.25, .75, 0, 0)},
		{name: "norm of squares", op: "ai.onnx.ml.Normalizer", a: attrs{"norm": "L2"}, in: []*Tensor{matrix(2, -3, 4, 0, 0)}, want: matrix(2, -.6, .8, 0, 0)},
	})
}

func TestCasts(t *testing.T) {
	testOperators(t, []operatorCase{
		{name: "truncates", op: "Cast", a: attrs{"to": 7}, in: []*Tensor{f32s(2.9, -2.9)}, want: i64s(2, -2)},
		{name: "wraps integers", op: "Cast", a: attrs{"to": 6}, in: []*Tensor{i64s(1<<32 + 5)}, want: &Tensor{DType: Int32, Shape: []int{1}, I64: []int64{5}}},
		{name: "to bool", op: "Cast", a: attrs{"to": 9}, in: []*Tensor{f32s(0, neg0, nan, .5)}, want: bools(false, false, true, true)},
		{name: "from bool", op: "Cast", a: attrs{"to": 1}, in: []*Tensor{bools(true, false)}, want: f32s(1, 0)},
		{name: "rounds", op: "Cast", a: attrs{"to": 1}, in: []*Tensor{f64s(.1)}, want: f32s(.1)},
		{name: "integers to text", op: "Cast", a: attrs{"to": 8}, in: []*Tensor{i64s(-3)}, want: texts("-3")},
		{name: "floats to text", op: "Cast", a: attrs{"to": 8}, in: []*Tensor{f32s(1.5, 1e10, nan, -inf)}, want: texts("1.5", "1e+10", "NaN", "-INF")},
		{name: "text to float", op: "Cast", a: attrs{"to": 1}, in: []*Tensor{texts("1.5", "-2")}, want: f32s(1.5, -2)},
		{name: "text to integer", op: "Cast", a: attrs{"to": 7}, in: []*Tensor{texts("42")}, want: i64s(42)},
		{name: "the same type", op: "Cast", a: attrs{"to": 7, "saturate": 1}, opset: 19, in: []*Tensor{i64s(1)}, want: i64s(1)},
	})
}

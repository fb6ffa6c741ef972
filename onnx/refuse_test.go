package onnx

import (
	"errors"
	"strings"
	"testing"
)

// graph is a model of one float32 input x [N,3] and an untyped output y.
func graph(parts ...[]byte) []byte {
	return file(append([][]byte{input("x", Float32, -1, 3), message(12, message(1, []byte("y")))}, parts...)...)
}

// stump is a tree of one node on feature 0 as TreeEnsembleRegressor has it, with some attributes changed or, where nil, taken away.
func stump(change attrs) attrs {
	a := attrs{"nodes_treeids": []int64{0, 0, 0}, "nodes_nodeids": []int64{0, 1, 2}, "nodes_featureids": []int64{0, 0, 0}, "nodes_values": []float32{.5, 0, 0},
		"nodes_modes": []string{"BRANCH_LEQ", "LEAF", "LEAF"}, "nodes_truenodeids": []int64{1, 0, 0}, "nodes_falsenodeids": []int64{2, 0, 0},
		"n_targets": 1, "target_treeids": []int64{0, 0}, "target_nodeids": []int64{1, 2}, "target_ids": []int64{0, 0}, "target_weights": []float32{1, 2}}
	for k, v := range change {
		if a[k] = v; v == nil {
			delete(a, k)
		}
	}
	return a
}

func TestLoadRefuses(t *testing.T) {
	const ml = "ai.onnx.ml."
	tree := func(change attrs) []byte { return graph(op(ml+"TreeEnsembleRegressor", "x", "y", stump(change))) }
	linear := func(a attrs) []byte { return graph(op(ml+"LinearRegressor", "x", "y", a)) }
	whole := graph(op("Relu", "x", "y", nil))
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "no graph: not an ONNX model", nil},
		{"text", "truncated or malformed protobuf", []byte("not a model at all")},
		{"half a file", "truncated or malformed protobuf", whole[:len(whole)/2]},
		{"two graphs", "two graphs", append(append([]byte{}, whole...), whole...)},
		{"unknown operator", `ai.onnx.Frobnicate, node 0 (output "y"): the operator is not supported; export with another target opset, or that step outside of the model; docs/supported.md lists`, graph(op("Frobnicate", "x", "y", nil))},
		{"several unknown operators", `ai.onnx.One, node 0 (output "a"): the operator is not supported (nor are com.acme.Two)`, graph(op("One", "x", "a", nil), op("com.acme.Two", "a", "y", nil))},
		{"unknown attribute", "ai.onnx.ml.Scaler, node 0 (output \"y\"): attribute color is not supported at opset 3; supported: offset, scale", graph(op(ml+"Scaler", "x", "y", attrs{"color": 1}))},
		{"attribute of a later opset", "attribute nodes_values_as_tensor is not supported at opset 1", fileAt(17, 1, input("x", Float32, -1, 3), op(ml+"TreeEnsembleRegressor", "x", "y", stump(attrs{"nodes_values_as_tensor": f32s(.5, 0, 0)})))},
		{"attribute of another kind", "attribute norm holds int, want string", graph(op(ml+"Normalizer", "x", "y", attrs{"norm": 1}))},
		{"unknown mode", `norm "L3" is not supported; supported: MAX, L1, L2`, graph(op(ml+"Normalizer", "x", "y", attrs{"norm": "L3"}))},
		{"future opset", "is not supported at opset 99 of ai.onnx; supported: ai.onnx 6 to 28", fileAt(99, 3, input("x", Float32, -1), op("Relu", "x", "y", nil))},
		{"future opset of ai.onnx.ml", "is not supported at opset 6 of ai.onnx.ml; supported: ai.onnx.ml 1 to 5", fileAt(17, 6, input("x", Float32, -1, 3), op(ml+"Normalizer", "x", "y", nil))},
		{"operator too new for the opset", "is not supported at opset 3 of ai.onnx.ml; supported: ai.onnx.ml 5 to 5", graph(op(ml+"TreeEnsemble", "x", "y", nil))},
		{"type of an input", "input 0 is bool; supported: float32, float64", file(input("x", Bool, -1), op("Exp", "x", "y", nil))},
		{"half precision", "element type float16 is not supported", file(message(11, cat(message(1, []byte("x")), message(2, message(1, number(1, 10))))), op("Relu", "x", "y", nil))},
		{"subgraph", "attribute body is not supported at opset 17; supported: none", graph(op("Relu", "x", "y", attrs{"body": raw(cat(message(6, nil), number(20, 5)))}))},
		{"a function twice", "function f: acme.f is given twice", append(append(append([]byte{}, whole...), message(25, cat(message(1, []byte("f")), message(10, []byte("acme"))))...), message(25, cat(message(1, []byte("f")), message(10, []byte("acme"))))...)},
		{"a function that calls itself", "functions inside of functions, more than 8 deep", append(graph(op("acme.f", "x", "y", nil)), message(25, cat(message(1, []byte("f")), message(10, []byte("acme")),
			message(4, []byte("a")), message(5, []byte("b")), message(7, cat(message(1, []byte("a")), message(2, []byte("b")), message(4, []byte("f")), message(7, []byte("acme"))))))...)},
		{"a function without what it reads", `input "f#1/c" is made by nothing`, append(graph(op("acme.f", "x", "y", nil)), message(25, cat(message(1, []byte("f")), message(10, []byte("acme")),
			message(4, []byte("a")), message(5, []byte("b")), message(7, cat(message(1, []byte("c")), message(2, []byte("b")), message(4, []byte("Relu"))))))...)},
		{"sparse initializer", "sparse initializers are not supported", graph(op("Relu", "x", "y", nil), message(15, nil))},
		{"external data", "data in other files is not supported", graph(op("Add", "x w", "y", nil), message(5, cat(number(2, 1), message(8, []byte("w")), message(13, nil))))},
		{"short data", "shape [5] wants 5 elements, the data has 1", graph(op("Add", "x w", "y", nil), initializer("w", shaped(f32s(1), 5)))},
		{"huge shape", "has more than", graph(op("Add", "x w", "y", nil), initializer("w", shaped(f32s(1), 1<<20, 1<<20)))},
		{"missing input", `input "z" is made by nothing`, graph(op("Add", "x z", "y", nil))},
		{"missing output", `output "y" is made by nothing`, graph(op("Relu", "x", "z", nil))},
		{"cycle", "the graph has a cycle", graph(op("Add", "x b", "a", nil), op("Relu", "a", "b", nil), op("Relu", "a", "y", nil))},
		{"name made twice", `value "y" is made twice`, graph(op("Relu", "x", "y", nil), op("Exp", "x", "y", nil))},
		{"name of an input made again", `value "x" is made twice`, graph(op("Relu", "x", "x", nil), op("Exp", "x", "y", nil))},
		{"attribute twice", "attribute axis is given twice", graph(message(1, cat(message(1, []byte("x")), message(2, []byte("y")), message(4, []byte("Softmax")), message(5, attribute("axis", 1)), message(5, attribute("axis", 1)))))},
		{"too many inputs", "2 inputs, want 1", graph(op("Relu", "x x", "y", nil))},
		{"shapes that do not go together", "input 1 has shape [2], which does not go with [N,3]", graph(op("Add", "x w", "y", nil), initializer("w", f32s(1, 2)))},
		{"widths that do not match", "the input has 3 columns, the coefficients want 2", linear(attrs{"coefficients": []float32{1, 2}})},
		{"a link of one target", "post_transform LOGISTIC of a single target is not supported", linear(attrs{"coefficients": []float32{1, 2, 3}, "post_transform": "LOGISTIC"})},
		{"output of another type", `output "z" is declared int64, the graph makes float32`, file(input("x", Float32, -1), op("Relu", "x", "z", nil), output("z", Int64, -1))},
		{"map for the next operator", "is made by a ZipMap", graph(op(ml+"ZipMap", "x", "z", attrs{"classlabels_int64s": []int64{1, 2, 3}}), op("Relu", "z", "y", nil))},
		{"keys of a map", "the keys want 2 columns", graph(op(ml+"ZipMap", "x", "y", attrs{"classlabels_int64s": []int64{1, 2}}))},
		{"columns beyond the width", "column 3 of shape [N,3]", graph(op(ml+"ArrayFeatureExtractor", "x i", "y", nil), initializer("i", i64s(3)))},
		{"an input without rows", "input 0 has shape [4]; supported: [rows, columns], as [None, 4] in the export", file(input("x", Float32, 4), op(ml+"LinearRegressor", "x", "y", attrs{"coefficients": []float32{1, 2, 3, 4}}), message(12, message(1, []byte("y"))))},
		{"limits that are no numbers", "input 1 has shape [3], want one number", graph(op("Clip", "x m", "y", nil), initializer("m", f32s(1, 2, 3)))},
		{"tree: a part below a leaf", "node 1 of tree 0 is reached from nowhere, as below a LEAF", tree(attrs{"nodes_modes": []string{"LEAF", "LEAF", "LEAF"}})},
		{"labels that are no text", `"caf\xe9" is not UTF-8`, graph(op(ml+"LabelEncoder", "x", "y", attrs{"keys_floats": []float32{1}, "values_strings": []string{"caf\xe9"}}))},
		{"elements that are no text", `"caf\xe9" is not UTF-8`, graph(op("Gather", "w x", "y", nil), initializer("w", texts("caf\xe9")))},
		{"tree: lists of different lengths", "nodes_values has 2 elements, nodes_nodeids has 3", tree(attrs{"nodes_values": []float32{1, 2}})},
		{"tree: unknown mode", `nodes_modes[0] is "BRANCH_NOPE"; supported: BRANCH_LEQ, BRANCH_LT`, tree(attrs{"nodes_modes": []string{"BRANCH_NOPE", "LEAF", "LEAF"}})},
		{"tree: child that is not there", "node 0 of tree 0 has children 1 and 7", tree(attrs{"nodes_falsenodeids": []int64{7, 0, 0}})},
		{"tree: cycle", "has its own ancestor", tree(attrs{"nodes_truenodeids": []int64{0, 0, 0}})},
		{"tree: feature beyond the width", "feature 3 is not one of 3", tree(attrs{"nodes_featureids": []int64{3, 0, 0}})},
		{"tree: node twice", "tree 0 has two nodes 1", tree(attrs{"nodes_nodeids": []int64{0, 1, 1}})},
		{"tree: scattered", "the nodes of tree 0 do not stand together", tree(attrs{"nodes_treeids": []int64{0, 1, 0}, "nodes_modes": []string{"LEAF", "LEAF", "LEAF"}})},
		{"tree: weight of no leaf", "target_weights[0] belongs to node 0 of tree 0, which is no leaf", tree(attrs{"target_nodeids": []int64{0, 2}})},
		{"tree: weight of no node", "target_weights[1] belongs to node 9 of tree 0, which is not there", tree(attrs{"target_nodeids": []int64{1, 9}})},
		{"tree: unknown target", "target_ids[1] is 1, want 0 to 0", tree(attrs{"target_ids": []int64{0, 1}})},
		{"tree: number beyond 32 bits", "nodes_nodeids holds a number beyond 32 bits", tree(attrs{"nodes_nodeids": []int64{0, 1, 1 << 40}})},
		{"tree: doubles for floats", "attribute nodes_values_as_tensor is float64 and the input float32", tree(attrs{"nodes_values": nil, "nodes_values_as_tensor": f64s(1, 2, 3)})},
		{"tree: several weights for one target", "has several weights for the only target", tree(attrs{"target_treeids": []int64{0, 0, 0}, "target_nodeids": []int64{1, 1, 2}, "target_ids": []int64{0, 0, 0}, "target_weights": []float32{1, 2, 3}})},
		{"encoder: key twice", `the key "a" is given twice`, file(input("x", String, -1), op(ml+"LabelEncoder", "x", "y", attrs{"keys_strings": []string{"a", "a"}, "values_int64s": []int64{1, 2}}))},
		{"encoder: type of the keys", "input 0 is string; supported: int64", file(input("x", String, -1), op(ml+"LabelEncoder", "x", "y", attrs{"keys_int64s": []int64{1}, "values_int64s": []int64{1}}))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(c.data)
			if err == nil {
				t.Fatalf("loaded, want %q", c.want)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	const ml = "ai.onnx.ml."
	for _, c := range []struct {
		name, want string
		data       []byte
		in         *Tensor
	}{
		{"NaN for a Binarizer", `ai.onnx.ml.Binarizer, node 0 (output "y"): x[1][2]: want a number, got NaN`, graph(op(ml+"Binarizer", "x", "y", nil)), matrix(3, 1, 2, 3, 4, 5, nan)},
		{"unknown category", `x[1]: "c" is no known category`, file(input("x", String, -1), op(ml+"OneHotEncoder", "x", "y", attrs{"cats_strings": []string{"a"}, "zeros": 0}), message(12, message(1, []byte("y")))), texts("a", "c")},
		{"unknown category in one column of several", `x[1][2]: "z" is no known category`, file(input("x", String, -1, 3), initializer("i", i64s(2)), op("Concat", "x x", "xx", attrs{"axis": 1}),
			op(ml+"ArrayFeatureExtractor", "xx i", "c", nil), op("Reshape", "c s", "d", nil), initializer("s", i64s(-1, 1)),
			op(ml+"OneHotEncoder", "d", "y", attrs{"cats_strings": []string{"c"}, "zeros": 0}), message(12, message(1, []byte("y")))), shaped(texts("a", "b", "c", "a", "b", "z"), 2, 3)},
		{"text for a number", `x[0]: "one" is no float32`, file(input("x", String, -1), op("Cast", "x", "y", attrs{"to": 1}), message(12, message(1, []byte("y")))), texts("one")},
		{"index out of range", "x[1]: index 2, want one of 2", file(input("x", Int64, -1), initializer("w", f32s(1, 2)), op("Gather", "w x", "y", nil), message(12, message(1, []byte("y")))), i64s(0, 2)},
		{"division by zero", "x[1]: integer division by zero", file(input("x", Int64, -1), initializer("w", i64s(1, 2)), op("Div", "w x", "y", nil), message(12, message(1, []byte("y")))), i64s(1, 0)},
		{"too few columns", "x: want shape [N,3], got [1,2]", graph(op("Relu", "x", "y", nil)), matrix(2, 1, 2)},
		{"too few dimensions", "x: want shape [N,3], got [3]", graph(op("Relu", "x", "y", nil)), f32s(1, 2, 3)},
		{"rows that do not go together", "shape [1,3] cannot become [2 -1]", graph(op("Reshape", "x s", "y", nil), initializer("s", i64s(2, -1))), matrix(3, 1, 2, 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := run(t, c.data, c.in)
			var refused *RunError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *RunError", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

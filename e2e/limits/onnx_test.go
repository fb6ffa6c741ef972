package limits

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The models of this test, written by hand: small files whose answers, or what lies before them, are large.

// message is a protobuf message being put together.
type message []byte

func (m message) varint(field int, v uint64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), v)
}

func (m message) bytes(field int, v []byte) message {
	return append(binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3|2), uint64(len(v))), v...)
}

func (m message) text(field int, v string) message { return m.bytes(field, []byte(v)) }

func ints(values []int64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.AppendUvarint(out, uint64(v))
	}
	return out
}

func floats(n int, at func(i int) float32) []byte {
	var out []byte
	for i := range n {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(at(i)))
	}
	return out
}

// The types of an attribute and of a tensor.
const (
	attributeInt, attributeFloats, attributeInts = 2, 6, 7
	typeFloat, typeInt64                         = 1, 7
)

func attribute(name string, kind uint64, field int, value []byte) []byte {
	return message{}.text(1, name).bytes(field, value).varint(20, kind)
}

func integer(name string, value uint64) []byte {
	return message{}.text(1, name).varint(3, value).varint(20, attributeInt)
}

func node(domain, operator string, in, out []string, attributes ...[]byte) []byte {
	m := message{}
	for _, name := range in {
		m = m.text(1, name)
	}
	for _, name := range out {
		m = m.text(2, name)
	}
	m = m.text(4, operator)
	for _, a := range attributes {
		m = m.bytes(5, a)
	}
	return m.text(7, domain)
}

// value is an input or output of shape [N, dims…].
func value(name string, kind uint64, dims ...uint64) []byte {
	shape := message{}.bytes(1, message{}.text(2, "N"))
	for _, d := range dims {
		shape = shape.bytes(1, message{}.varint(1, d))
	}
	tensor := message{}.varint(1, kind).bytes(2, shape)
	return message{}.text(1, name).bytes(2, message{}.bytes(1, tensor))
}

func file(graph message) []byte {
	return message{}.varint(1, 8).bytes(7, graph.text(2, "g")).
		bytes(8, message{}.text(1, "").varint(2, 17)).bytes(8, message{}.text(1, "ai.onnx.ml").varint(2, 3))
}

// oneHot is OneHotEncoder with 500 categories, Reshape and LinearClassifier: a row of one number is 500 in between.
func oneHot() []byte {
	const width = 500
	cats := make([]int64, width)
	for i := range cats {
		cats[i] = int64(i)
	}
	minusOne := int64(-1)
	shape := message{}.varint(1, 2).varint(2, typeInt64).text(8, "shape").bytes(7, ints([]int64{minusOne, width}))
	graph := message{}.
		bytes(1, node("ai.onnx.ml", "OneHotEncoder", []string{"x"}, []string{"h"}, attribute("cats_int64s", attributeInts, 8, ints(cats)))).
		bytes(1, node("", "Reshape", []string{"h", "shape"}, []string{"r"})).
		bytes(1, node("ai.onnx.ml", "LinearClassifier", []string{"r"}, []string{"label", "scores"},
			attribute("coefficients", attributeFloats, 7, floats(2*width, func(i int) float32 { return float32(i%7) - 3 })),
			attribute("intercepts", attributeFloats, 7, floats(2, func(int) float32 { return 0 })),
			attribute("classlabels_ints", attributeInts, 8, ints([]int64{0, 1})), integer("multi_class", 0))).
		bytes(5, shape).
		bytes(11, value("x", typeFloat, 1)).bytes(12, value("label", typeInt64)).bytes(12, value("scores", typeFloat, 2))
	return file(graph)
}

// wideOutputs is how many numbers wide answers to a row.
const wideOutputs = 3000

func wide() []byte {
	graph := message{}.
		bytes(1, node("ai.onnx.ml", "LinearRegressor", []string{"x"}, []string{"y"},
			attribute("coefficients", attributeFloats, 7, floats(wideOutputs, func(i int) float32 { return float32(i) + 0.123456 })),
			integer("targets", wideOutputs))).
		bytes(11, value("x", typeFloat, 1)).bytes(12, value("y", typeFloat, wideOutputs))
	return file(graph)
}

// square is the sum of the rows times their transpose: so many numbers in between as there are rows, squared.
func square() []byte {
	scalar := message{}.text(1, "y").bytes(2, message{}.bytes(1, message{}.varint(1, typeFloat).bytes(2, nil)))
	graph := message{}.
		bytes(1, node("", "Transpose", []string{"x"}, []string{"t"})).
		bytes(1, node("", "MatMul", []string{"x", "t"}, []string{"m"})).
		bytes(1, node("", "ReduceSum", []string{"m"}, []string{"y"}, integer("keepdims", 0))).
		bytes(11, value("x", typeFloat, 1)).bytes(12, scalar)
	return file(graph)
}

// modelDir is a folder with the demo and the models above.
func modelDir(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	demo, err := os.ReadFile(filepath.Join(root, "models", "v1.0.0", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for version, data := range map[string][]byte{"v1.0.0": demo, "onehot": oneHot(), "wide": wide(), "square": square()} {
		if err := os.MkdirAll(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, version, "model.onnx"), data, 0o644); err != nil { //nolint:gosec // the container runs as another user
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // as above
		t.Fatal(err)
	}
	return dir
}

package onnx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tests write their models here, field by field, as exporters do: lists unpacked.

type attrs map[string]any

func message(num protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), body)
}

func number(num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v))
}

func fixed(num protowire.Number, v float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), math.Float32bits(v))
}

func cat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func attribute(name string, v any) []byte {
	b := message(1, []byte(name))
	kind := attrNone
	switch v := v.(type) {
	case float32:
		b, kind = append(b, fixed(2, v)...), attrFloat
	case int:
		b, kind = append(b, number(3, int64(v))...), attrInt
	case string:
		b, kind = append(b, message(4, []byte(v))...), attrString
	case *Tensor:
		b, kind = append(b, message(5, tensorBytes("", v))...), attrTensor
	case []float32:
		for _, f := range v {
			b = append(b, fixed(7, f)...)
		}
		kind = attrFloats
	case []int64:
		for _, i := range v {
			b = append(b, number(8, i)...)
		}
		kind = attrInts
	case []string:
		for _, s := range v {
			b = append(b, message(9, []byte(s))...)
		}
		kind = attrStrings
	case raw:
		return append(b, v...)
	default:
		panic(fmt.Sprintf("attribute of %T", v))
	}
	return append(b, number(20, int64(kind))...)
}

// raw is the rest of an attribute as it is on the wire.
type raw []byte

// op writes a node. A name with a dot in it has its domain before the last one; inputs and outputs are divided by spaces, "-" is absent.
func op(name, inputs, outputs string, a attrs) []byte {
	var b []byte
	for _, s := range strings.Fields(inputs) {
		b = append(b, message(1, []byte(strings.TrimPrefix(s, "-")))...)
	}
	for _, s := range strings.Fields(outputs) {
		b = append(b, message(2, []byte(strings.TrimPrefix(s, "-")))...)
	}
	domain := ""
	if i := strings.LastIndex(name, "."); i >= 0 {
		domain, name = name[:i], name[i+1:]
	}
	b = append(b, message(4, []byte(name))...)
	for key, v := range a {
		b = append(b, message(5, attribute(key, v))...)
	}
	return message(1, append(b, message(7, []byte(domain))...))
}

func code(d DType) int64 {
	for c, e := range dtypeCodes {
		if e == d {
			return c
		}
	}
	return 0
}

func tensorBytes(name string, t *Tensor) []byte {
	var b []byte
	for _, d := range t.Shape {
		b = append(b, number(1, int64(d))...)
	}
	b = append(b, number(2, code(t.DType))...)
	for _, v := range t.F32 {
		b = append(b, fixed(4, v)...)
	}
	for _, v := range t.F64 {
		b = protowire.AppendFixed64(protowire.AppendTag(b, 10, protowire.Fixed64Type), math.Float64bits(v))
	}
	for _, v := range t.I64 {
		field := protowire.Number(7)
		if t.DType != Int64 {
			field = 5
		}
		b = append(b, number(field, v)...)
	}
	for _, v := range t.Bool {
		one := int64(0)
		if v {
			one = 1
		}
		b = append(b, number(5, one)...)
	}
	for _, v := range t.Str {
		b = append(b, message(6, []byte(v))...)
	}
	return append(b, message(8, []byte(name))...)
}

func initializer(name string, t *Tensor) []byte { return message(5, tensorBytes(name, t)) }

func info(num protowire.Number, name string, d DType, shape ...int) []byte {
	var dims []byte
	for _, s := range shape {
		if s < 0 {
			dims = append(dims, message(1, message(2, []byte("N")))...)
		} else {
			dims = append(dims, message(1, number(1, int64(s)))...)
		}
	}
	t := cat(number(1, code(d)), message(2, dims))
	return message(num, cat(message(1, []byte(name)), message(2, message(1, t))))
}

func input(name string, d DType, shape ...int) []byte  { return info(11, name, d, shape...) }
func output(name string, d DType, shape ...int) []byte { return info(12, name, d, shape...) }

// file writes a model of these parts of a graph at opset 17 and ai.onnx.ml 3.
func file(parts ...[]byte) []byte { return fileAt(17, 3, parts...) }

func fileAt(onnx, ml int64, parts ...[]byte) []byte {
	return cat(number(1, 8), message(7, cat(parts...)), message(8, number(2, onnx)), message(8, cat(message(1, []byte(mlDomain)), number(2, ml))))
}

func f32s(v ...float32) *Tensor { return &Tensor{DType: Float32, Shape: []int{len(v)}, F32: v} }
func f64s(v ...float64) *Tensor { return &Tensor{DType: Float64, Shape: []int{len(v)}, F64: v} }
func i64s(v ...int64) *Tensor   { return &Tensor{DType: Int64, Shape: []int{len(v)}, I64: v} }
func texts(v ...string) *Tensor { return &Tensor{DType: String, Shape: []int{len(v)}, Str: v} }

func shaped(t *Tensor, shape ...int) *Tensor {
	t.Shape = shape
	return t
}

// forestFile is a random classifier of trees that are full but for their last nodes, an odd number.
func forestFile(trees, nodes, features int) []byte {
	nodes -= 1 - nodes%2
	r := rand.New(rand.NewPCG(1, 2))
	var treeIDs, ids, featureIDs, yes, no, missing, classTrees, classNodes, classes []int64
	var values, hits, weights []float32
	var modes []string
	for t := range trees {
		for i := range nodes {
			treeIDs, ids, hits, missing = append(treeIDs, int64(t)), append(ids, int64(i)), append(hits, 1), append(missing, 0)
			if 2*i+2 < nodes {
				modes, values = append(modes, "BRANCH_LEQ"), append(values, r.Float32())
				featureIDs, yes, no = append(featureIDs, r.Int64N(int64(features))), append(yes, int64(2*i+1)), append(no, int64(2*i+2))
				continue
			}
			modes, values, featureIDs = append(modes, "LEAF"), append(values, 0), append(featureIDs, 0)
			yes, no = append(yes, 0), append(no, 0)
			classTrees, classNodes, classes, weights = append(classTrees, int64(t)), append(classNodes, int64(i)), append(classes, 0), append(weights, r.Float32()/100)
		}
	}
	return file(input("x", Float32, -1, features), output("label", Int64, -1), output("scores", Float32, -1, 2),
		op("ai.onnx.ml.TreeEnsembleClassifier", "x", "label scores", attrs{"nodes_treeids": treeIDs, "nodes_nodeids": ids, "nodes_featureids": featureIDs,
			"nodes_truenodeids": yes, "nodes_falsenodeids": no, "nodes_missing_value_tracks_true": missing, "nodes_modes": modes, "nodes_values": values,
			"nodes_hitrates": hits, "class_treeids": classTrees, "class_nodeids": classNodes, "class_ids": classes, "class_weights": weights,
			"classlabels_int64s": []int64{0, 1}, "post_transform": "NONE"}))
}

func mustLoad(t testing.TB, data []byte) *Model {
	t.Helper()
	m, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run answers the only output of a model for its inputs, in order.
func run(t testing.TB, data []byte, in ...*Tensor) (*Tensor, error) {
	t.Helper()
	s := mustLoad(t, data).NewSession()
	for i, x := range in {
		to := s.Input(i)
		if to.DType != x.DType {
			t.Fatalf("input %d is %s, the test has %s", i, to.DType, x.DType)
		}
		to.Resize(x.Shape...)
		copy(to.F32, x.F32)
		copy(to.F64, x.F64)
		copy(to.I64, x.I64)
		copy(to.Bool, x.Bool)
		copy(to.Str, x.Str)
	}
	if err := s.Run(); err != nil {
		return nil, err
	}
	return s.Output(0), nil
}

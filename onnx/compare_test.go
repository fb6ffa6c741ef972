package onnx_test

import (
	"fmt"
	"math"
	"slices"

	"ml-service/onnx"
)

// compare says where got is not what r recorded; v describes the output got comes from.
func compare(got *onnx.Tensor, v onnx.Value, r record, e exactness) error {
	column := func(i int) int { return i }
	if r.DType == "map" {
		if got.DType != onnx.Float32 || v.Classes == nil {
			return fmt.Errorf("got a %s with classes %v, want what a ZipMap made", got.DType, v.Classes)
		}
		if r.Keys == nil { // an empty batch: the runtime has no map to take keys from
			if len(got.Shape) == 0 || got.Shape[0] != 0 {
				return fmt.Errorf("got shape %v for an empty batch", got.Shape)
			}
			return nil
		}
		keys, err := record{DType: r.Key, Shape: []int{len(r.Keys)}, Data: r.Keys}.tensor()
		if err != nil {
			return err
		}
		at, err := columns(keys, v.Classes)
		if err != nil {
			return err
		}
		column = func(i int) int { return i - i%len(at) + at[i%len(at)] }
		r.DType = "float32"
	}
	want, err := r.tensor()
	if err != nil {
		return err
	}
	if got.DType != want.DType || got.DType != v.DType {
		return fmt.Errorf("got type %s, declared %s, want %s", got.DType, v.DType, want.DType)
	}
	if !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got shape %v, want %v", got.Shape, want.Shape)
	}
	for i := range want.Len() {
		if g, w, same := element(got, column(i), want, i, e); !same {
			return fmt.Errorf("element %d: got %v, want %v (%s)", i, g, w, e.Word)
		}
	}
	return nil
}

// columns finds the column of each sorted key among the labels of the ZipMap.
func columns(keys, labels *onnx.Tensor) ([]int, error) {
	if keys.DType != labels.DType || keys.Len() != labels.Len() {
		return nil, fmt.Errorf("classes %v, want the keys %v in some order", labels, keys)
	}
	at := make([]int, keys.Len())
	for i := range at {
		if keys.DType == onnx.String {
			at[i] = slices.Index(labels.Str, keys.Str[i])
		} else {
			at[i] = slices.Index(labels.I64, keys.I64[i])
		}
		if at[i] < 0 {
			return nil, fmt.Errorf("classes %v, want the keys %v in some order", labels, keys)
		}
	}
	return at, nil
}

func element(got *onnx.Tensor, i int, want *onnx.Tensor, j int, e exactness) (g, w any, same bool) {
	switch got.DType {
	case onnx.Float32:
		g, w := got.F32[i], want.F32[j]
		if e.Word == "bits" {
			same = math.Float32bits(g) == math.Float32bits(w) || g != g && w != w
		} else {
			same = near(float64(g), float64(w), e.tolerance)
		}
		return g, w, same
	case onnx.Float64:
		g, w := got.F64[i], want.F64[j]
		if e.Word == "bits" {
			same = math.Float64bits(g) == math.Float64bits(w) || g != g && w != w
		} else {
			same = near(g, w, e.tolerance)
		}
		return g, w, same
	case onnx.Bool:
		return got.Bool[i], want.Bool[j], got.Bool[i] == want.Bool[j]
	case onnx.String:
		return got.Str[i], want.Str[j], got.Str[i] == want.Str[j]
	default:
		return got.I64[i], want.I64[j], got.I64[i] == want.I64[j]
	}
}

// near is the rule of the record: |got - want| <= absolute + relative * |want|. A zero tolerance is equality.
func near(g, w float64, by tolerance) bool {
	switch {
	case g != g || w != w:
		return g != g && w != w
	case math.IsInf(w, 0) || math.IsInf(g, 0):
		return g == w
	default:
		return math.Abs(g-w) <= by.Absolute+by.Relative*math.Abs(w)
	}
}

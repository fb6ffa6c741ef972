package onnx

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

var labelLists = []string{"default_float", "default_int64", "default_string", "keys_floats", "keys_int64s", "keys_strings", "values_floats", "values_int64s", "values_strings"}

var labelOperators = []operator{
	{name: "LabelEncoder", domain: mlDomain, since: 1, until: 1, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast,
		attributes: []string{"classes_strings", "default_int64", "default_string"}, compile: labelEncoder1},
	{name: "LabelEncoder", domain: mlDomain, since: 2, until: 3, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast,
		attributes: labelLists, compile: labelEncoder},
	{name: "LabelEncoder", domain: mlDomain, since: 4, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast,
		attributes: slices.Concat(labelLists, []string{"default_tensor", "keys_tensor", "values_tensor"}), compile: labelEncoder},
}

// Text is an element as text.
func (t *Tensor) Text(i int) string {
	if t.DType == String {
		return t.Str[i]
	}
	return spell(t, i)
}

// spell writes element i of a tensor for a message.
func (p *places) spell(t *Tensor, i int) string { return spell(t, i) }

func spell(t *Tensor, i int) string {
	switch {
	case t.DType == String:
		return strconv.Quote(t.Str[i])
	case t.DType == Float32:
		return fmt.Sprint(t.F32[i])
	case t.DType == Float64:
		return fmt.Sprint(t.F64[i])
	case t.DType == Bool:
		return fmt.Sprint(t.Bool[i])
	}
	return fmt.Sprint(t.I64[i])
}

// labelEncoder1 maps strings to their place in a list, or places to strings.
func labelEncoder1(n *node) (kernel, error) {
	n.types(0, String, Int64)
	classes := n.strings("classes_strings")
	keys := &Tensor{DType: Int64, Shape: []int{len(classes)}}
	for i := range classes {
		keys.I64 = append(keys.I64, int64(i))
	}
	values := &Tensor{DType: String, Shape: keys.Shape, Str: classes}
	otherwise := &Tensor{DType: String, Str: []string{n.string("default_string", "_Unused")}}
	if n.in[0].dtype == String {
		keys, values = values, keys
		otherwise = &Tensor{DType: Int64, I64: []int64{n.int("default_int64", -1)}}
	}
	return encoder(n, keys, values, otherwise)
}

// labelEncoder maps keys to values, and what is no key to a default.
func labelEncoder(n *node) (kernel, error) {
	keys, values := n.mapping("keys"), n.mapping("values")
	if n.err != nil {
		return nil, n.err
	}
	var otherwise *Tensor
	switch {
	case n.given("default_tensor"):
		if otherwise = n.tensor("default_tensor"); n.err == nil && (otherwise.DType != values.DType || otherwise.Len() != 1) {
			return nil, n.invalid("default_tensor is %s of shape %s, want one %s", otherwise.DType, ShapeText(otherwise.Shape), values.DType)
		}
	case values.DType == Float32:
		otherwise = &Tensor{DType: Float32, F32: []float32{n.float("default_float", negativeZero)}}
	case values.DType == Float64:
		otherwise = &Tensor{DType: Float64, F64: []float64{float64(n.float("default_float", negativeZero))}}
	case values.DType == String:
		otherwise = &Tensor{DType: String, Str: []string{n.string("default_string", "_Unused")}}
	default:
		otherwise = &Tensor{DType: values.DType, I64: []int64{n.int("default_int64", -1)}}
	}
	n.types(0, keys.DType)
	return encoder(n, keys, values, otherwise)
}

var negativeZero = float32(math.Copysign(0, -1))

// mapping gives the keys or the values: the one attribute of several that is there.
func (n *node) mapping(prefix string) *Tensor {
	var found []*Tensor
	if n.given(prefix + "_tensor") {
		t := n.tensor(prefix + "_tensor")
		if t != nil && !slices.Contains([]DType{Float32, Float64, Int64, Int32, Int16, String}, t.DType) {
			n.fail(n.unsupported(names([]DType{Float32, Float64, Int64, Int32, Int16, String}), "%s_tensor is %s", prefix, t.DType))
		}
		found = append(found, t)
	}
	if n.given(prefix + "_floats") {
		f := n.floats(prefix + "_floats")
		found = append(found, &Tensor{DType: Float32, Shape: []int{len(f)}, F32: f})
	}
	if n.given(prefix + "_int64s") {
		i := n.ints(prefix + "_int64s")
		found = append(found, &Tensor{DType: Int64, Shape: []int{len(i)}, I64: i})
	}
	if n.given(prefix + "_strings") {
		s := n.strings(prefix + "_strings")
		found = append(found, &Tensor{DType: String, Shape: []int{len(s)}, Str: s})
	}
	if len(found) != 1 {
		n.fail(n.invalid("%d attributes give the %s, want one", len(found), prefix))
		return nil
	}
	return found[0]
}

func encoder(n *node, keys, values, otherwise *Tensor) (kernel, error) {
	if n.err != nil {
		return nil, n.err
	}
	if keys.Len() != values.Len() {
		return nil, n.invalid("%d keys and %d values", keys.Len(), values.Len())
	}
	n.set(0, values.DType, n.in[0].shape...)
	switch {
	case keys.DType == Float32:
		return encodeFrom[float32](n, keys, values, otherwise)
	case keys.DType == Float64:
		return encodeFrom[float64](n, keys, values, otherwise)
	case keys.DType == String:
		return encodeFrom[string](n, keys, values, otherwise)
	}
	return encodeFrom[int64](n, keys, values, otherwise)
}

func encodeFrom[K element](n *node, keys, values, otherwise *Tensor) (kernel, error) {
	switch {
	case values.DType == Float32:
		return encode[K, float32](n, keys, values, otherwise)
	case values.DType == Float64:
		return encode[K, float64](n, keys, values, otherwise)
	case values.DType == String:
		return encode[K, string](n, keys, values, otherwise)
	}
	return encode[K, int64](n, keys, values, otherwise)
}

// encode looks every element up. NaN as a key stands for any NaN.
func encode[K, V element](n *node, keys, values, otherwise *Tensor) (kernel, error) {
	at, nan := make(map[K]V, keys.Len()), data[V](otherwise)[0]
	rest, nans := nan, 0
	for i, k := range data[K](keys) {
		v := data[V](values)[i]
		if k != k {
			nan = v
			if nans++; nans > 1 {
				return nil, n.invalid("the key NaN is given twice")
			}
			if n.missing = true; n.version < 4 {
				nan = rest // ONNX Runtime finds NaN among the keys from ai.onnx.ml 4 on
			}
			continue
		}
		if _, ok := at[k]; ok {
			return nil, n.invalid("the key %s is given twice", spell(keys, i))
		}
		at[k] = v
	}
	known := nans > 0 && n.version >= 4
	n.categories = keys
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		dst := data[V](c.out[0])
		for i, k := range data[K](c.in[0]) {
			if v, ok := at[k]; ok {
				dst[i] = v
			} else if k != k {
				if dst[i] = nan; !known {
					c.unknown(i)
				}
			} else {
				dst[i] = rest
				c.unknown(i)
			}
		}
		return nil
	}, nil
}

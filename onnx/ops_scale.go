package onnx

import "slices"

var scalingOperators = []operator{
	{name: "Scaler", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsOfMatrices,
		attributes: []string{"offset", "scale"}, compile: scaler},
	{name: "Binarizer", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast,
		attributes: []string{"threshold"}, compile: binarizer},
	// An Imputer keeps NaN or replaces it, which is to handle it.
	{name: "Imputer", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsOfMatrices,
		attributes: []string{"imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64"}, compile: imputer},
	{name: "FeatureVectorizer", domain: mlDomain, since: 1, inputs: oneOrMore, outputs: exactlyOne, moves: movesAll, rows: rowsOfMatrices,
		attributes: []string{"inputdimensions"}, compile: vectorizer},
}

// perColumn refuses a list that has neither one element nor one for every column, and gives the number of columns that it tells; -1: any.
func (n *node) perColumn(name string, count int) int {
	w := n.columns(0)
	if count == 1 {
		return w
	}
	if count == 0 || w >= 0 && w != count {
		n.fail(n.invalid("%s has %d elements, the input %d columns", name, count, w))
	}
	return count
}

// sameShape gives the output the shape of the input, a matrix of w columns, or of any number where w is below 0.
func (c *call) sameShape(w int) (columns int, err error) {
	rows, columns, err := c.matrix(0)
	if err == nil && w >= 0 && columns != w {
		err = c.fault(-1, 0, "input 0 has %d columns, want %d", columns, w)
	}
	if err == nil {
		err = c.resize(c.out[0], rows, columns)
	}
	return columns, err
}

// scaler is (x - offset) * scale in float32, whatever the input.
func scaler(n *node) (kernel, error) {
	n.types(0, numbers...)
	n.converts(0)
	offset, scale := n.floats("offset"), n.floats("scale")
	w := max(n.perColumn("offset", len(offset)), n.perColumn("scale", len(scale)))
	n.set(0, Float32, n.rows(0), w)
	n.typical = offset
	return func(c *call) error {
		columns, err := c.sameShape(w)
		if err != nil {
			return err
		}
		x, dst := c.floats(0), c.out[0].F32
		for k := range columns {
			o, s := offset[min(k, len(offset)-1)], scale[min(k, len(scale)-1)]
			for i := k; i < len(dst); i += columns {
				dst[i] = float32(x[i]-o) * s
			}
		}
		return nil
	}, nil
}

// binarizer is 1 above the threshold, else 0. NaN is neither.
func binarizer(n *node) (kernel, error) {
	n.types(0, Float32)
	threshold := n.float("threshold", 0)
	n.set(0, Float32, n.in[0].shape...)
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		dst := c.out[0].F32
		for i, v := range c.in[0].F32 {
			switch {
			case v != v:
				return c.fault(0, i, "want a number, got NaN")
			case v > threshold:
				dst[i] = 1
			default:
				dst[i] = 0
			}
		}
		return nil
	}, nil
}

// imputer replaces one value, by default 0, NaN perhaps, by one for all columns or one for each.
func imputer(n *node) (kernel, error) {
	n.types(0, Float32, Int64)
	if n.in[0].dtype == Int64 {
		if n.given("imputed_value_floats") {
			return nil, n.invalid("imputed_value_floats for an input of int64")
		}
		replaced := n.int("replaced_value_int64", 0)
		return imputing(n, "imputed_value_int64s", slices.Clone(n.ints("imputed_value_int64s")), func(v int64) bool { return v == replaced })
	}
	if n.given("imputed_value_int64s") {
		return nil, n.invalid("imputed_value_int64s for an input of float32")
	}
	replaced := n.float("replaced_value_float", 0)
	values := n.floats("imputed_value_floats")
	n.typical = values
	if replaced != replaced {
		n.missing = true
		return imputing(n, "imputed_value_floats", values, func(v float32) bool { return v != v })
	}
	return imputing(n, "imputed_value_floats", values, func(v float32) bool { return v == replaced })
}

func imputing[T element](n *node, name string, values []T, replace func(T) bool) (kernel, error) {
	w := n.perColumn(name, len(values))
	n.set(0, n.in[0].dtype, n.rows(0), w)
	return func(c *call) error {
		columns, err := c.sameShape(w)
		if err != nil {
			return err
		}
		x, dst := data[T](c.in[0]), data[T](c.out[0])
		for k := range columns {
			by := values[min(k, len(values)-1)]
			for i := k; i < len(dst); i += columns {
				if dst[i] = x[i]; replace(x[i]) {
					dst[i] = by
				}
			}
		}
		return nil
	}, nil
}

// vectorizer puts matrices of any numeric type side by side, in float32.
func vectorizer(n *node) (kernel, error) {
	widths := n.ints("inputdimensions")
	if len(widths) != len(n.in) {
		return nil, n.invalid("%d inputdimensions for %d inputs", len(widths), len(n.in))
	}
	total := 0
	for i, w := range widths {
		if n.in[i] == nil {
			return nil, n.invalid("input %d is absent", i)
		}
		n.types(i, numbers...)
		n.converts(i)
		if have := n.columns(i); w < 1 || w > maxRow || have >= 0 && int64(have) != w {
			return nil, n.invalid("inputdimensions[%d] is %d, the input has shape %s", i, w, ShapeText(n.in[i].shape))
		}
		total += int(w)
	}
	n.set(0, Float32, n.rows(0), total)
	n.trace = func(c *call, element int) (k, from int) { return traceConcat(c, 1, element) }
	return func(c *call) error {
		at, rows := 0, 0
		for i, w := range widths {
			have, err := c.width(i, int(w))
			if err == nil && i > 0 && have != rows {
				err = c.fault(-1, 0, "input %d has %d rows, input 0 %d", i, have, rows)
			}
			if rows = have; err == nil && i == 0 {
				err = c.resize(c.out[0], rows, total)
			}
			if err != nil {
				return err
			}
			x := c.floats(i)
			for r := range rows {
				copy(c.out[0].F32[r*total+at:], x[r*int(w):][:w])
			}
			at += int(w)
		}
		return nil
	}, nil
}

package onnx

import (
	"math"
	"strconv"
	"strings"
)

// castable are the types Cast converts between.
var castable = every

var castOperators = []operator{
	{name: "Cast", since: 6, until: 18, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, elementwise: true, keepsNaN: true, rows: rowsBroadcast,
		attributes: []string{"to"}, compile: cast},
	// saturate and round_mode concern eight-bit floats alone, which are not supported.
	{name: "Cast", since: 19, until: 23, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, elementwise: true, keepsNaN: true, rows: rowsBroadcast,
		attributes: []string{"to", "saturate"}, compile: cast},
	{name: "Cast", since: 24, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, elementwise: true, keepsNaN: true, rows: rowsBroadcast,
		attributes: []string{"to", "saturate", "round_mode"}, compile: cast},
}

// cast converts every element. ONNX leaves open which integer NaN becomes, or a number that the new type cannot hold. ONNX Runtime
// answers what its processor answers, and models rely on being answered at all: they cast first and choose with Where afterwards.
// Here it is what an amd64 processor answers, on every machine.
func cast(n *node) (kernel, error) {
	n.types(0, castable...)
	n.flag("saturate", 1)
	n.mode("round_mode", "up", "down", "nearest")
	to, err := dtypeOf(n.int("to", 0))
	if err != nil {
		return nil, n.unsupported(names(castable), "attribute to is number %d", n.int("to", 0))
	}
	from := n.in[0].dtype
	if from == to {
		return identity(n)
	}
	if from == String && to == Bool {
		return nil, n.unsupported(names(castable), "from string to bool")
	}
	if n.err != nil {
		return nil, n.err
	}
	n.set(0, to, n.in[0].shape...)
	var convert func(c *call, in, out *Tensor) error
	switch {
	case to == String:
		convert = toText
	case from == String:
		convert = fromText
	case to == Bool:
		convert = toBool
	case to.IsInteger():
		convert = toInteger
	default:
		convert = toFloat
	}
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		return convert(c, c.in[0], c.out[0])
	}, nil
}

// toFloat makes float32 or float64 of any number.
func toFloat(_ *call, in, out *Tensor) error {
	double := out.DType == Float64
	for i, v := range in.F32 {
		out.F64[i] = float64(v)
	}
	for i, v := range in.F64 {
		out.F32[i] = float32(v)
	}
	for i, v := range in.I64 {
		switch {
		case in.DType == Uint64 && double:
			out.F64[i] = float64(uint64(v))
		case in.DType == Uint64:
			out.F32[i] = float32(uint64(v))
		case double:
			out.F64[i] = float64(v)
		default:
			out.F32[i] = float32(v)
		}
	}
	for i, v := range in.Bool {
		one := 0.0
		if v {
			one = 1
		}
		if double {
			out.F64[i] = one
		} else {
			out.F32[i] = float32(one)
		}
	}
	return nil
}

func toBool(_ *call, in, out *Tensor) error {
	for i, v := range in.F32 {
		out.Bool[i] = v != 0
	}
	for i, v := range in.F64 {
		out.Bool[i] = v != 0
	}
	for i, v := range in.I64 {
		out.Bool[i] = v != 0
	}
	return nil
}

func toInteger(_ *call, in, out *Tensor) error {
	for i, v := range in.F32 {
		out.I64[i] = integerOf(float64(v), out.DType)
	}
	for i, v := range in.F64 {
		out.I64[i] = integerOf(v, out.DType)
	}
	for i, v := range in.I64 {
		out.I64[i] = wrap(v, out.DType)
	}
	for i, v := range in.Bool {
		out.I64[i] = 0
		if v {
			out.I64[i] = 1
		}
	}
	return nil
}

// integerOf rounds towards zero into d.
func integerOf(v float64, d DType) int64 {
	switch {
	case d == Uint64 && v >= 1<<63:
		return truncated(v-1<<63) ^ math.MinInt64
	case d == Int64 || d == Uint64 || d == Uint32:
		return wrap(truncated(v), d)
	}
	// Narrower types are made from 32 bits.
	if v = math.Trunc(v); v < math.MinInt32 || v > math.MaxInt32 || v != v {
		v = math.MinInt32
	}
	return wrap(int64(v), d)
}

// truncated rounds towards zero; what int64 cannot hold becomes its smallest number.
func truncated(v float64) int64 {
	if v >= -1<<63 && v < 1<<63 {
		return int64(v)
	}
	return math.MinInt64
}

// wrap brings v into the range of d as two's complement does.
func wrap(v int64, d DType) int64 {
	switch d {
	case Int8:
		return int64(int8(v))
	case Int16:
		return int64(int16(v))
	case Int32:
		return int64(int32(v))
	case Uint8:
		return int64(uint8(v))
	case Uint16:
		return int64(uint16(v))
	case Uint32:
		return int64(uint32(v))
	}
	return v
}

// toText writes numbers as ONNX Runtime does: 8 digits of float32, 17 of float64.
func toText(_ *call, in, out *Tensor) error {
	for i, v := range in.F32 {
		out.Str[i] = floatText(float64(v), 8)
	}
	for i, v := range in.F64 {
		out.Str[i] = floatText(v, 17)
	}
	for i, v := range in.I64 {
		if in.DType == Uint64 {
			out.Str[i] = strconv.FormatUint(uint64(v), 10)
		} else {
			out.Str[i] = strconv.FormatInt(v, 10)
		}
	}
	for i, v := range in.Bool {
		out.Str[i] = "0"
		if v {
			out.Str[i] = "1"
		}
	}
	return nil
}

func floatText(v float64, digits int) string {
	switch {
	case v != v:
		return "NaN"
	case v > math.MaxFloat64:
		return "INF"
	case v < -math.MaxFloat64:
		return "-INF"
	}
	return strconv.FormatFloat(v, 'g', digits, 64)
}

func fromText(c *call, in, out *Tensor) error {
	for i, s := range in.Str {
		var err error
		switch {
		case out.DType.IsFloat():
			err = parseFloat(out, i, s)
		default:
			var v int64
			if out.DType == Uint64 {
				var u uint64
				u, err = strconv.ParseUint(s, 10, 64)
				v = int64(u)
			} else if v, err = strconv.ParseInt(s, 10, 64); err == nil {
				if low, high := out.DType.Range(); v < low || v > high {
					err = strconv.ErrRange
				}
			}
			out.I64[i] = v
		}
		if err != nil {
			return c.fault(0, i, "%q is no %s", s, out.DType)
		}
	}
	return nil
}

// parseFloat reads a decimal number, NaN or infinity.
func parseFloat(out *Tensor, i int, s string) error {
	if strings.ContainsAny(s, "xX_pP") {
		return strconv.ErrSyntax
	}
	if out.DType == Float64 {
		v, err := strconv.ParseFloat(s, 64)
		out.F64[i] = v
		return err
	}
	v, err := strconv.ParseFloat(s, 32)
	out.F32[i] = float32(v)
	return err
}

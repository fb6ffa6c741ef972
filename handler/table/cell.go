package table

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// missing are the words for a missing value, beside nothing at all, that pandas and R write.
func missing(cell []byte) bool {
	switch string(cell) {
	case "", "NaN", "nan", "NA", "null", "None":
		return true
	}
	return false
}

func setCell(t *onnx.Tensor, i int, in *model.Input, cell []byte) error {
	switch d := in.DType; {
	case d == onnx.String:
		t.Str[i] = string(cell)
		if in.Missing && len(cell) == 0 && !slices.Contains(in.Categories, "") {
			t.Str[i] = model.MissingText
		}
		return nil
	case d == onnx.Bool:
		v, err := strconv.ParseBool(strings.ToLower(string(cell)))
		if err != nil {
			return fmt.Errorf("want true or false, got %q", clip(cell))
		}
		t.Bool[i] = v
		return nil
	case d.IsFloat() && in.Missing && missing(cell):
		if d == onnx.Float32 {
			t.F32[i] = float32(math.NaN())
		} else {
			t.F64[i] = math.NaN()
		}
		return nil
	case d == onnx.Float32:
		f, err := float(cell, 32)
		t.F32[i] = float32(f)
		return err
	case d == onnx.Float64:
		f, err := float(cell, 64)
		t.F64[i] = f
		return err
	default:
		n, end := scan.ReadNumber(cell, 0)
		magnitude, whole, fits := n.Whole()
		v, ok := d.Integer(magnitude, n.Negative())
		if end != len(cell) || !whole || !fits || !ok {
			return fmt.Errorf("want a whole number in the range of %s, got %q", d, clip(cell))
		}
		t.I64[i] = v
		return nil
	}
}

// float reads a number, rounded once.
func float(cell []byte, bits int) (float64, error) {
	if n, end := scan.ReadNumber(cell, 0); end == len(cell) && end > 0 {
		if bits == 32 {
			if f, ok := n.Float32(cell); ok {
				return float64(f), nil
			}
		} else if f, ok := n.Float64(cell); ok {
			return f, nil
		}
	}
	f, err := strconv.ParseFloat(string(cell), bits)
	if err != nil || f != f {
		what := "a number"
		if missing(cell) {
			what = "a number, and the model handles no missing value here"
		}
		return 0, fmt.Errorf("want %s, got %q", what, clip(cell))
	}
	return f, nil
}

func clip(cell []byte) string { return string(cell[:min(len(cell), 40)]) }

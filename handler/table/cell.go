package table

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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

// empty is what an empty field of a column of strings means.
type empty uint8

const (
	emptyText    empty = iota // the text of no characters
	emptyMissing              // a missing value
	emptyRefused              // one, which the model does not handle
)

// emptyOf says what an empty field means for value k of an input: of a category it is a missing value, as JSON's null is, unless the
// empty text is one of the categories.
func emptyOf(in *model.Input, k int) empty {
	categories := in.Categories
	if k < len(in.Columns) && in.Columns[k].Categories != nil {
		categories = in.Columns[k].Categories
	}
	switch {
	case in.DType != onnx.String || slices.Contains(categories, ""):
		return emptyText
	case in.Missing:
		return emptyMissing
	case categories != nil:
		return emptyRefused
	}
	return emptyText
}

// errMissing is a missing value that the model does not handle.
func errMissing(noun string, cell []byte) error {
	return fmt.Errorf("want a %s, and the model handles no missing value here, got %q", noun, clip(cell))
}

// setMissing puts a missing value into an input that takes one.
func setMissing(t *onnx.Tensor, i int) {
	switch t.DType {
	case onnx.String:
		t.Str[i] = model.MissingText
	case onnx.Float32:
		t.F32[i] = float32(math.NaN())
	default:
		t.F64[i] = math.NaN()
	}
}

func setCell(t *onnx.Tensor, i int, in *model.Input, empty empty, cell []byte) error {
	if in.DType == onnx.String {
		switch t.Str[i] = string(cell); {
		case !utf8.Valid(cell):
			return fmt.Errorf("want text in UTF-8, got %q", clip(cell))
		case len(cell) > 0:
		case empty == emptyMissing:
			setMissing(t, i)
		case empty == emptyRefused:
			return errMissing("string", cell)
		}
		return nil
	}
	if n := len(cell); n > 0 && (cell[0] == ' ' || cell[n-1] == ' ' || cell[0] == '\t' || cell[n-1] == '\t') {
		cell = bytes.Trim(cell, " \t")
	}
	switch d := in.DType; {
	case d == onnx.Bool:
		v, err := strconv.ParseBool(strings.ToLower(string(cell)))
		if err != nil {
			return fmt.Errorf("want true or false, got %q", clip(cell))
		}
		t.Bool[i] = v
		return nil
	case d.IsFloat() && in.Missing && missing(cell):
		setMissing(t, i)
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
	if missing(cell) {
		return 0, errMissing("number", cell)
	}
	f, err := strconv.ParseFloat(string(cell), bits)
	switch {
	case !decimal(cell), err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("want a number, got %q", clip(cell))
	case err != nil:
		return 0, fmt.Errorf("want a number in the range of float%d, got %q", bits, clip(cell))
	}
	return f, nil
}

// decimal says whether a text that reads as a number is one of digits, a sign, a point and an exponent: neither a word, nor hexadecimal,
// nor parted by underscores.
func decimal(cell []byte) bool {
	for _, c := range cell {
		if (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E' {
			return false
		}
	}
	return true
}

func clip(cell []byte) string { return string(cell[:min(len(cell), 40)]) }

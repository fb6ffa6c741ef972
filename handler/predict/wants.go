package predict

import (
	"fmt"
	"strings"

	"ml-service/model"
	"ml-service/onnx"
)

// noun is what one value of an input is called in errors.
func noun(in *model.Input) string {
	switch {
	case in.DType == onnx.String:
		return "string"
	case in.DType == onnx.Bool:
		return "boolean"
	case in.DType.IsInteger():
		return "whole number"
	}
	return "number"
}

// wants says what one row of an input is.
func wants(in *model.Input) string {
	if in.Width == 1 {
		return "a " + noun(in)
	}
	return wantsList(in, in.Width)
}

// wantsList says what a list of n is in a row of an input: of values, or of lists of them.
func wantsList(in *model.Input, n int) string {
	switch {
	case len(in.Row) > 1 && n != in.Row[len(in.Row)-1]:
		return "a list of " + count(n, "list")
	case n < 0:
		return "a list of " + noun(in) + "s"
	}
	return "a list of " + count(n, noun(in))
}

func wantsCount(in *model.Input, want, got int) string {
	if got == 0 {
		return "want " + count(want, noun(in)) + ", got none"
	}
	return fmt.Sprintf("want %s, got %d", count(want, noun(in)), got)
}

// wants says what x is.
func (c *Codec) wants() string {
	if len(c.inputs) == 1 {
		return wantsList(&c.inputs[0], c.inputs[0].Width)
	}
	return c.wantsObject()
}

// wantsObject says what a row is that is an object: of one input whose values have names it is keyed by these.
func (c *Codec) wantsObject() string {
	if len(c.inputs) == 1 && c.columns != nil {
		return "an object with " + listed(c.columns)
	}
	return "an object with " + c.inputNames()
}

func (c *Codec) inputNames() string {
	const most = 20
	var names []string
	for _, in := range c.inputs {
		names = append(names, in.Name)
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("… (%d in all)", len(c.inputs)))
	}
	return strings.Join(names, ", ")
}

// count writes n things, as "1 row" or "3 rows".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

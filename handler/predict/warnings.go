package predict

import (
	"strconv"
	"unicode/utf8"

	"ml-service/handler/scan"
	"ml-service/onnx"
)

// An answer carries warnings where the model met a category that it does not know and took it all the same: those of a row stand with
// the row's answer, where that is an object, else behind all.

// appendWarnings appends the warnings of a row, after those of the rows before it; row < 0: all that are left, and how many were not
// told one by one.
func (r *Request) appendWarnings(dst []byte, row int) []byte {
	found, count := r.Batch.Unknown()
	if row >= 0 && (r.warned == len(found) || found[r.warned].Element[0] != row) {
		return dst
	}
	if row < 0 && r.warned == len(found) && count == len(found) {
		return dst
	}
	dst = append(dst, `,"warnings":[`...)
	first := true
	next := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	for ; r.warned < len(found) && (row < 0 || found[r.warned].Element[0] == row); r.warned++ {
		next()
		dst = scan.AppendString(dst, r.warning(&found[r.warned]))
	}
	if more := count - len(found); row < 0 && more > 0 {
		next()
		dst = scan.AppendString(dst, strconv.Itoa(more)+" more values are not categories of the model")
	}
	return append(dst, ']')
}

// warning says of a value that the model does not know it, and where it stands.
func (r *Request) warning(u *onnx.Unknown) string {
	at := &Error{Field: r.field(&onnx.RunError{Input: r.codec.inputs[u.Input].Name, Element: u.Element})}
	_ = r.rooted(at) // puts the root of the body into the field
	return Warning(at.Field, u)
}

// Warning is the sentence about a value that is no category of the model.
func Warning(place string, u *onnx.Unknown) string {
	const most = 80 // bytes of the value
	value := u.Value
	if len(value) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(value[cut]) {
			cut--
		}
		value = value[:cut] + "…"
	}
	return place + ": " + value + " is not a category of the model"
}

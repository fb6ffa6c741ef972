package model

import (
	"fmt"
	"slices"
	"strconv"

	"ml-service/onnx"
)

// nativeUnknown is a category that the file does not have and its library takes all the same.
type nativeUnknown struct{ input, row int }

// note notes one. Those of an input come one after another.
func (s *nativeSession[T]) note(input, row int) {
	s.unknowns++
	if n := len(s.unknown); n >= mostUnknown && s.unknown[n-mostUnknown].input == input {
		return
	}
	s.unknown = append(s.unknown, nativeUnknown{input, row})
}

// Unknown gives the categories of the last run that are none of the file's, the first of them by row.
func (s *nativeSession[T]) Unknown() (found []onnx.Unknown, count int) {
	if s.unknowns == 0 {
		return nil, 0
	}
	slices.SortStableFunc(s.unknown, func(a, b nativeUnknown) int { return a.row - b.row })
	for _, u := range s.unknown[:min(len(s.unknown), mostUnknown)] {
		value := ""
		if t := s.inputs[u.input]; t.DType == onnx.String {
			value = strconv.Quote(t.Str[u.row])
		} else {
			value = fmt.Sprint(t.F64[u.row])
		}
		found = append(found, onnx.Unknown{Input: u.input, Element: []int{u.row, 0}, Value: value})
	}
	return found, s.unknowns
}

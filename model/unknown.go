package model

import (
	"slices"

	"ml-service/onnx"
)

// mostUnknown is how many unknown categories of a batch are told one by one.
const mostUnknown = 1024

// Unknown is what the last Run met that is not a category of the model and was taken all the same: as a missing value, as a default, as
// none of the categories. It is in the order of the rows, the first 1,024 of them, and count says how many there were in all.
func (b *Batch) Unknown() (found []onnx.Unknown, count int) { return b.unknown, b.unknowns }

// note takes what a session met, whose first row is that of the batch.
func (b *Batch) note(found []onnx.Unknown, count, first int) {
	if count == 0 {
		return
	}
	for _, u := range found {
		u.Element[0] += first
	}
	b.unknowns += count
	b.unknown = append(b.unknown, found...)
	slices.SortStableFunc(b.unknown, func(x, y onnx.Unknown) int {
		if x.Element[0] != y.Element[0] {
			return x.Element[0] - y.Element[0]
		}
		if x.Input != y.Input {
			return x.Input - y.Input
		}
		return slices.Compare(x.Element, y.Element)
	})
	if len(b.unknown) > mostUnknown {
		b.unknown = slices.Clone(b.unknown[:mostUnknown])
	}
}

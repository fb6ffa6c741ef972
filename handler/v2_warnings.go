package handler

import (
	"strconv"
	"strings"

	"ml-service/handler/predict"
	"ml-service/model"
)

// warnings are the sentences about the categories of a batch that the model does not know, one after another, since a parameter of the
// Open Inference Protocol is a string, a number or a boolean.
func warnings(b *model.Batch) string {
	found, count := b.Unknown()
	if count == 0 {
		return ""
	}
	var all []string
	for i := range found {
		u := &found[i]
		place := b.Model().Inputs()[u.Input].Name
		for _, k := range u.Element {
			place += "[" + strconv.Itoa(k) + "]"
		}
		all = append(all, predict.Warning(place, u))
	}
	if more := count - len(found); more > 0 {
		all = append(all, strconv.Itoa(more)+" more values are not categories of the model")
	}
	return strings.Join(all, "; ")
}

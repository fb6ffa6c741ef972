package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ml-service/handler/table"
	"ml-service/model"
)

// unknowns counts the values that are not categories of the model and that it took all the same, by their column's place in the lines;
// -1: those of which a batch says no place.
type unknowns map[int]int64

// count adds those of a batch.
func (u unknowns) count(t *table.Table, b *model.Batch) {
	found, count := b.Unknown()
	for i := range found {
		u[t.Nth(found[i].Input, found[i].Element)]++
	}
	if more := count - len(found); more > 0 {
		u[-1] += int64(more)
	}
}

// take adds those of another and empties it.
func (u unknowns) take(from unknowns) {
	for nth, n := range from {
		u[nth] += n
	}
	clear(from)
}

// text lists the columns in their order, the first of many.
func (u unknowns) text(t *table.Table) string {
	var all []string
	others := u[-1]
	for _, nth := range slices.Sorted(maps.Keys(u)) {
		switch {
		case nth < 0:
		case len(all) == mostColumns:
			others += u[nth]
		default:
			all = append(all, fmt.Sprintf("%d in %q", u[nth], t.Column(nth)))
		}
	}
	if others > 0 {
		all = append(all, fmt.Sprintf("%d more", others))
	}
	return strings.Join(all, ", ")
}

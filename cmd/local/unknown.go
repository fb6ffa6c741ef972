package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"ml-service/model"
	"ml-service/onnx"
)

// mostColumns is how many columns of categories are counted by name.
const mostColumns = 20

// unknownCategories counts the values that are not categories of the model and that it took all the same. Its series are made with the
// model: one for each of the first columns that have categories, and one for any other.
type unknownCategories struct {
	byColumn map[columnPlace]prometheus.Counter
	other    prometheus.Counter
}

// columnPlace is a value of a row: the input, and the place in a row of it.
type columnPlace struct{ input, index int }

func newUnknownCategories(m *model.Model, to prometheus.Registerer) *unknownCategories {
	s := &unknownCategories{byColumn: make(map[columnPlace]prometheus.Counter)}
	counts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ml_unknown_categories_total",
		Help: "Values that are not categories of the model, which answered all the same, by column; other: columns beyond the first 20."}, []string{"column"})
	for i, in := range m.Inputs() {
		for k := range max(in.Width, 1) {
			if len(s.byColumn) < mostColumns && in.Encodes(k) {
				s.byColumn[columnPlace{i, k}] = counts.WithLabelValues(columnName(&in, k))
			}
		}
	}
	s.other = counts.WithLabelValues("other")
	to.MustRegister(counts)
	return s
}

// columnName is what a value of a row is called.
func columnName(in *model.Input, k int) string {
	switch {
	case k < len(in.Features):
		return in.Features[k]
	case in.Width == 1:
		return in.Name
	}
	return in.Name + "[" + strconv.Itoa(k) + "]"
}

// add counts those of a batch; count is all of them, of which found are the first.
func (s *unknownCategories) add(found []onnx.Unknown, count int) {
	for i := range found {
		u, index := &found[i], 0
		if len(u.Element) == 2 {
			index = u.Element[1]
		}
		counter := s.byColumn[columnPlace{u.Input, index}]
		if counter == nil {
			counter = s.other
		}
		counter.Inc()
	}
	s.other.Add(float64(count - len(found)))
}

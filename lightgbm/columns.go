package lightgbm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Column is one value of a row.
type Column struct {
	Name string
	// Strings or Numbers are the categories that the file holds for a column of a pandas frame, in the order of their codes: a row
	// holds the code. Both are nil for a number, and for categories of which the file knows the codes alone.
	Strings []string
	Numbers []float64

	codes   map[string]float64
	numbers map[float64]float64
}

// Code is the code of a category that is a string; one that the file does not have is missing, NaN.
func (c *Column) Code(category string) float64 {
	if code, ok := c.codes[category]; ok {
		return code
	}
	return math.NaN()
}

// CodeOf is the code of a category that is a number.
func (c *Column) CodeOf(category float64) float64 {
	if code, ok := c.numbers[category]; ok {
		return code
	}
	return math.NaN()
}

func (d *document) columns() ([]Column, error) {
	if len(d.names) != d.features {
		return nil, fmt.Errorf("feature_names: want %d, got %d", d.features, len(d.names))
	}
	columns := make([]Column, d.features)
	seen := make(map[string]bool, d.features)
	for i := range columns {
		if columns[i].Name = d.names[i]; seen[d.names[i]] {
			return nil, fmt.Errorf("feature_names: %q is there twice", d.names[i])
		}
		seen[d.names[i]] = true
	}
	if len(d.pandas) == 0 {
		return columns, nil
	}
	var lists [][]any
	if err := json.Unmarshal(d.pandas, &lists); err != nil {
		return nil, fmt.Errorf("pandas_categorical: want a list of lists: %w", err)
	}
	if len(lists) == 0 {
		return columns, nil
	}
	of, err := d.categories(lists)
	if err != nil {
		return nil, err
	}
	for k, list := range lists {
		if err := columns[of[k]].read(list); err != nil {
			return nil, fmt.Errorf("pandas_categorical of %s: %w", columns[of[k]].Name, err)
		}
	}
	return columns, nil
}

// categories finds the columns of the lists: as the parameters name them, else those whose values are listed, else the only ones whose values
// the lists can hold. Ordered categories of pandas are numbers to LightGBM, and whole numbers may be categories without a list.
func (d *document) categories(lists [][]any) ([]int, error) {
	n := len(lists)
	var of []int
	for word := range strings.SplitSeq(d.categorical, ",") {
		if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < d.features && (len(of) == 0 || i > of[len(of)-1]) {
			of = append(of, i)
		}
	}
	if len(of) == n {
		return of, nil
	}
	of = nil
	for i, info := range d.infos {
		if i < d.features && info != "none" && !strings.HasPrefix(info, "[") {
			of = append(of, i)
		}
	}
	if len(of) == n {
		return of, nil
	}
	if of = d.holding(lists); of == nil {
		return nil, fmt.Errorf("pandas_categorical has categories of %d columns, and the file does not say which these are", n)
	}
	return of, nil
}

// holding finds the columns of the lists by their values: each list in the first column that may be its own, and again from the end, each in
// the last. Only where these are the same is there no other way; else nil.
func (d *document) holding(lists [][]any) []int {
	most := make([]int, d.features) // categories that a column's values need; -1: they are no codes
	for i := range most {
		if i < len(d.infos) {
			most[i] = codes(d.infos[i])
		}
	}
	first := make([]int, 0, len(lists))
	for i, n := range most {
		if k := len(first); k < len(lists) && n >= 0 && n <= len(lists[k]) {
			first = append(first, i)
		}
	}
	if len(first) < len(lists) {
		return nil
	}
	k := len(lists) - 1
	for i := len(most) - 1; k >= 0; i-- {
		if n := most[i]; n >= 0 && n <= len(lists[k]) {
			if first[k] != i {
				return nil
			}
			k--
		}
	}
	return first
}

// codes is how many categories there must be where these are their codes; -1: they are no codes. info is what feature_infos has of a column: the
// range of its values, a list of them, or none.
func codes(info string) int {
	if info == "none" {
		return 0
	}
	list, least := info, int64(-1) // which stands for a missing one
	if inside, ok := strings.CutPrefix(info, "["); ok {
		list, least = strings.TrimSuffix(inside, "]"), 0
	}
	n := 0
	for word := range strings.SplitSeq(list, ":") {
		v, err := strconv.ParseInt(word, 10, 32)
		if err != nil || v < least {
			return -1
		}
		n = max(n, int(v)+1)
	}
	return n
}

func (c *Column) read(list []any) error {
	for i, v := range list {
		switch v := v.(type) {
		case string:
			if c.codes == nil {
				c.codes, c.Strings = map[string]float64{}, []string{}
			}
			if _, ok := c.codes[v]; ok {
				return fmt.Errorf("%q is there twice", v)
			}
			c.codes[v], c.Strings = float64(i), append(c.Strings, v)
		case float64:
			if c.numbers == nil {
				c.numbers, c.Numbers = map[float64]float64{}, []float64{}
			}
			if _, ok := c.numbers[v]; ok {
				return fmt.Errorf("%v is there twice", v)
			}
			c.numbers[v], c.Numbers = float64(i), append(c.Numbers, v)
		default:
			return fmt.Errorf("category %v is neither a string nor a number", v)
		}
	}
	if c.Strings != nil && c.Numbers != nil {
		return errors.New("strings and numbers in one column")
	}
	return nil
}

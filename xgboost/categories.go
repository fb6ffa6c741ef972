package xgboost

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Column is one value of a row.
type Column struct {
	Name string // as the file has it; f0, f1, … where it has none
	// Strings or Integers are the categories that the file holds, in the order of their codes: a row holds the code. Both
	// are nil for a number, and for categories of which the file knows the codes alone.
	Strings  []string
	Integers []int64

	codes    map[string]float32
	integers map[int64]float32
}

// Code is the code of a category that is a string; false: the file does not have it.
func (c *Column) Code(category string) (float32, bool) {
	code, ok := c.codes[category]
	return code, ok
}

// CodeOf is the code of a category that is a whole number.
func (c *Column) CodeOf(category int64) (float32, bool) {
	code, ok := c.integers[category]
	return code, ok
}

func (d *document) columns() ([]Column, error) {
	for _, list := range []struct {
		name   string
		length int
	}{{"feature_names", len(d.names)}, {"feature_types", len(d.types)}, {"cats.enc", len(d.cats)}} {
		if list.length != 0 && list.length != d.features {
			return nil, fmt.Errorf("%s: want %d values, one a feature, got %d", list.name, d.features, list.length)
		}
	}
	if len(d.names) == 0 && len(d.cats) == 0 {
		return nil, nil
	}
	columns := make([]Column, d.features)
	names := make(map[string]bool, len(columns))
	for i := range columns {
		c := &columns[i]
		c.Name = "f" + strconv.Itoa(i)
		if len(d.names) > 0 {
			c.Name = d.names[i]
		}
		if names[c.Name] {
			return nil, fmt.Errorf("feature_names: %q is there twice", c.Name)
		}
		names[c.Name] = true
		if len(d.cats) > 0 {
			if err := c.read(&d.cats[i]); err != nil {
				return nil, fmt.Errorf("the categories of feature %s: %w", c.Name, err)
			}
		}
	}
	return columns, nil
}

// read takes the categories of a file.
func (c *Column) read(d *categoriesDoc) error {
	if len(d.values) == 0 && len(d.offsets) == 0 {
		return nil
	}
	if !d.strings {
		c.Integers, c.integers = d.values, make(map[int64]float32, len(d.values))
		for i, v := range d.values {
			if _, ok := c.integers[v]; ok {
				return fmt.Errorf("%d is there twice", v)
			}
			c.integers[v] = float32(i)
		}
		return checkCategories(len(d.values))
	}
	bytes := make([]byte, len(d.values))
	for i, v := range d.values {
		if v < 0 || v >= utf8.RuneSelf {
			return errors.New("they are not all ASCII: XGBoost writes such lists wrong from a pandas frame and right from others, and the file does not say which; use ASCII categories, or codes")
		}
		bytes[i] = byte(v)
	}
	if len(d.offsets) < 2 || d.offsets[0] != 0 || d.offsets[len(d.offsets)-1] != int64(len(bytes)) {
		return fmt.Errorf("want offsets from 0 to %d", len(bytes))
	}
	c.codes = make(map[string]float32, len(d.offsets)-1)
	for i, to := range d.offsets[1:] {
		from := d.offsets[i]
		if from > to || to > int64(len(bytes)) {
			return fmt.Errorf("offset %d follows %d, of %d bytes", to, from, len(bytes))
		}
		s := string(bytes[from:to])
		if _, ok := c.codes[s]; ok {
			return fmt.Errorf("%q is there twice", s)
		}
		c.Strings, c.codes[s] = append(c.Strings, s), float32(i)
	}
	return checkCategories(len(c.Strings))
}

// maxCode is one more than the largest code of a category; any beyond goes left, as do negative ones.
const maxCode = 1 << 24

func checkCategories(n int) error {
	if n > maxCode {
		return fmt.Errorf("%d of them, want at most %d", n, maxCode)
	}
	return nil
}

package catboost

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	maxFile     = 256 << 20 // bytes
	maxFeatures = 1 << 20
	maxValues   = 1 << 26 // of leaves
)

// document is what a file says, as it says it.
type document struct {
	dimension     int
	splits, sizes []int32
	floats        []floatFeature
	categories    []categoryFeature
	oneHot        []oneHotFeature
	ctrs          []ctrFeature
	values        []float64
	steps         []byte // of trees that are not symmetric: two u16 a node
	leaves        []int32
	scale         float64
	bias          []float64
	loss          string
	lossParams    map[string]any
	classes       []any
	tables        map[string]*ctrTable
}

type floatFeature struct {
	index, column int32
	borders       []float32
	name          string
	missing       int8 // what NaN is: 0 no more than a value that is no greater, 1 minus infinity, 2 infinity
}

type categoryFeature struct {
	index, column int32
	name          string
}

type oneHotFeature struct {
	index  int32 // of the category
	values []int32
}

func parse(data []byte) (*document, error) {
	switch {
	case len(data) > maxFile:
		return nil, fmt.Errorf("a file of %d bytes is larger than %d", len(data), maxFile)
	case len(data) < 8 || string(data[:4]) != "CBM1":
		return nil, errors.New(`not a .cbm file of CatBoost, which begins with "CBM1"`)
	}
	size := binary.LittleEndian.Uint32(data[4:])
	if uint64(size) > uint64(len(data)-8) {
		return nil, fmt.Errorf("the file is cut off: want %d bytes, got %d", uint64(size)+8, len(data))
	}
	f := newFlat(data[8 : 8+size])
	core := f.root()
	d := &document{}
	if v := core.text(0); f.err == nil && v != "FlabuffersModel_v1" {
		return nil, fmt.Errorf("format %q is not supported; supported: FlabuffersModel_v1", v)
	}
	if err := d.info(core); err != nil {
		return nil, err
	}
	parts := core.tables(3)
	trees := core.sub(1)
	if f.err == nil && trees.at == 0 {
		return nil, errors.New("the file has no trees")
	}
	if err := d.trees(trees); err != nil {
		return nil, err
	}
	if f.err != nil {
		return nil, f.err
	}
	rest := data[8+size:]
	if len(parts) > 0 || len(rest) > 0 {
		if err := d.provider(rest); err != nil {
			return nil, fmt.Errorf("tables of categories: %w", err)
		}
	}
	return d, nil
}

// info reads what the file says of its training: the loss and the classes.
func (d *document) info(core table) error {
	for _, entry := range core.tables(2) {
		var err error
		switch key := entry.text(0); key {
		case "params":
			var p struct {
				Loss struct {
					Type   string         `json:"type"`
					Params map[string]any `json:"params"`
				} `json:"loss_function"`
			}
			err = json.Unmarshal([]byte(entry.text(1)), &p)
			d.loss, d.lossParams = p.Loss.Type, p.Loss.Params
		case "class_params":
			var p struct {
				Names []any `json:"class_names"`
			}
			err = json.Unmarshal([]byte(entry.text(1)), &p)
			d.classes = p.Names
		}
		if core.f.err == nil && err != nil {
			return fmt.Errorf("info %s: %w", entry.text(0), err)
		}
	}
	return core.f.err
}

func (d *document) trees(t table) error {
	for _, refused := range []struct {
		slot int
		what string
	}{{12, "text features"}, {18, "embedding features"}, {13, "estimated features"}} { // a file with one of the first two has the third
		if len(t.tables(refused.slot)) > 0 {
			return fmt.Errorf("%s are not supported; supported: numbers and categories", refused.what)
		}
	}
	d.dimension = int(t.i32(0, 1))
	d.splits, d.sizes = t.ints(1), t.ints(2)
	for _, c := range t.tables(4) {
		d.categories = append(d.categories, categoryFeature{c.i32(0, -1), c.i32(1, -1), c.text(2)})
	}
	for _, c := range t.tables(5) {
		d.floats = append(d.floats, floatFeature{c.i32(1, -1), c.i32(2, -1), c.floats(3), c.text(4), c.i8(5)})
	}
	for _, c := range t.tables(6) {
		d.oneHot = append(d.oneHot, oneHotFeature{c.i32(0, -1), c.ints(1)})
	}
	for _, c := range t.tables(7) {
		d.ctrs = append(d.ctrs, ctrOf(c))
	}
	d.values, d.steps, d.leaves = t.doubles(8), t.vector(10, 4), t.ints(11)
	d.scale, d.bias = t.f64(14, 1), t.doubles(16)
	if t.f.err != nil {
		return t.f.err
	}
	if d.dimension < 1 || d.dimension > max(len(d.values), 1) {
		return fmt.Errorf("%d dimensions of %d leaf values", d.dimension, len(d.values))
	}
	if len(d.bias) == 0 {
		d.bias = make([]float64, d.dimension)
		for i := range d.bias {
			d.bias[i] = t.f64(15, 0)
		}
	}
	if len(d.bias) != d.dimension {
		return fmt.Errorf("%d biases of %d dimensions", len(d.bias), d.dimension)
	}
	return nil
}

// Column is one value of a row.
type Column struct {
	Name     string
	Category bool // a row holds the Code of the category; else a number
}

// columns are the values of a row, in the order that CatBoost was trained on.
func (d *document) columns() ([]Column, error) {
	n := len(d.floats) + len(d.categories)
	columns := make([]Column, n)
	taken := make([]bool, n)
	names := make(map[string]bool, n)
	set := func(at int32, c Column) error {
		if at < 0 || int(at) >= n || taken[at] {
			return fmt.Errorf("feature %q: column %d of %d is not there, or is taken", c.Name, at, n)
		}
		if c.Name == "" || !utf8.ValidString(c.Name) {
			c.Name = fmt.Sprintf("f%d", at)
		}
		if names[c.Name] {
			return fmt.Errorf("feature %q is there twice", c.Name)
		}
		taken[at], columns[at], names[c.Name] = true, c, true
		return nil
	}
	for _, f := range d.floats {
		if err := set(f.column, Column{Name: f.name}); err != nil {
			return nil, err
		}
	}
	for _, c := range d.categories {
		if err := set(c.column, Column{Name: c.name, Category: true}); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

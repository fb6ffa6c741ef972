package catboost

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The kinds of statistics that CatBoost keeps of categories.
const (
	ctrBorders = iota
	ctrBuckets
	ctrBinarizedMean
	ctrFloatMean
	ctrCounter
	ctrFrequency
)

// projection is a combination of features: what is hashed to find a row of a table.
type projection struct {
	categories []int32 // indices of category features
	borders    []borderTest
	exact      []exactTest
	key        string // the same for equal projections
}

type borderTest struct {
	feature int32 // index of a float feature
	border  float32
}

type exactTest struct{ category, value int32 }

// ctrFeature is a column made of the statistics of a projection.
type ctrFeature struct {
	projection
	kind         int8
	class        int32 // target_border_idx
	prior, total float32
	shift, scale float32
	borders      []float32
	table        *ctrTable
}

// ctrTable holds what was counted for each hash of a projection.
type ctrTable struct {
	kind        int8
	rows        map[uint64]uint32
	counts      []byte // of each row: a float and an int, or ints
	classes     int    // ints a row
	denominator int32
}

func (t *ctrTable) key(p string) string { return fmt.Sprintf("%d:%s", t.kind, p) }

// projectionOf reads a TModelCtrBase.
func projectionOf(t table) (p projection, kind int8) {
	c := t.sub(0)
	p.categories = c.ints(0)
	b, e := c.vector(1, 8), c.vector(2, 8)
	for i := 0; i+8 <= len(b); i += 8 {
		p.borders = append(p.borders, borderTest{int32(binary.LittleEndian.Uint32(b[i:])), float32Of(b[i+4:])})
	}
	for i := 0; i+8 <= len(e); i += 8 {
		p.exact = append(p.exact, exactTest{int32(binary.LittleEndian.Uint32(e[i:])), int32(binary.LittleEndian.Uint32(e[i+4:]))})
	}
	p.key = fmt.Sprintf("%v %x %x", p.categories, b, e)
	return p, t.i8(1)
}

func ctrOf(t table) ctrFeature {
	c := t.sub(0)
	f := ctrFeature{class: c.i32(1, 0), prior: c.f32(2, 0), total: c.f32(3, 1), shift: c.f32(4, 0), scale: c.f32(5, 1), borders: t.floats(1)}
	f.projection, f.kind = projectionOf(c.sub(0))
	return f
}

// provider reads the tables that follow the trees.
func (d *document) provider(data []byte) error {
	if len(data) < 4 {
		return errors.New("the file is cut off")
	}
	n := binary.LittleEndian.Uint32(data)
	data = data[4:]
	d.tables = make(map[string]*ctrTable)
	for i := range n {
		if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
			return fmt.Errorf("table %d of %d is cut off", i, n)
		}
		size := binary.LittleEndian.Uint32(data)
		t, key, err := tableOf(data[4 : 4+size])
		if err != nil {
			return fmt.Errorf("table %d: %w", i, err)
		}
		if d.tables[key] != nil {
			return fmt.Errorf("table %d is there twice", i)
		}
		d.tables[key], data = t, data[4+size:]
	}
	return nil
}

// tableOf reads a TCtrValueTable.
func tableOf(data []byte) (*ctrTable, string, error) {
	f := newFlat(data)
	root := f.root()
	p, kind := projectionOf(root.sub(0))
	t := &ctrTable{kind: kind, classes: int(root.i32(4, 0)), denominator: root.i32(3, 0)}
	index := root.vector(1, 1)
	t.counts = append(t.counts, root.vector(2, 1)...)
	if f.err != nil {
		return nil, "", f.err
	}
	switch kind {
	case ctrBinarizedMean, ctrFloatMean:
		t.classes = 2
	case ctrCounter, ctrFrequency:
		t.classes = 1
	case ctrBorders, ctrBuckets:
		if t.classes < 1 || t.classes > len(t.counts)/4+1 {
			return nil, "", fmt.Errorf("%d classes", t.classes)
		}
	default:
		return nil, "", fmt.Errorf("statistics of type %d are not supported", kind)
	}
	t.rows = make(map[uint64]uint32, len(index)/12)
	const free = 1<<64 - 1 // the hash of a bucket that holds nothing
	for i := 0; i+12 <= len(index); i += 12 {
		hash, row := binary.LittleEndian.Uint64(index[i:]), binary.LittleEndian.Uint32(index[i+8:])
		if hash == free {
			continue
		}
		if (uint64(row)+1)*uint64(4*t.classes) > uint64(len(t.counts)) {
			return nil, "", fmt.Errorf("row %d is outside of %d bytes", row, len(t.counts))
		}
		t.rows[hash] = row
	}
	return t, t.key(p.key), nil
}

// link finds the tables of the statistics and checks what they read.
func (d *document) link() error {
	for i := range d.ctrs {
		c := &d.ctrs[i]
		c.table = d.tables[(&ctrTable{kind: c.kind}).key(c.key)]
		if c.table == nil {
			return fmt.Errorf("statistics %d: their table is not in the file: it must be saved with its training data", i)
		}
		switch c.kind {
		case ctrBorders, ctrBuckets:
			if c.class < 0 || int(c.class) >= c.table.classes {
				return fmt.Errorf("statistics %d: class %d is not one of %d", i, c.class, c.table.classes)
			}
		}
		for _, k := range c.categories {
			if k < 0 || int(k) >= len(d.categories) {
				return fmt.Errorf("statistics %d: category %d is not one of %d", i, k, len(d.categories))
			}
		}
		for _, e := range c.exact {
			if e.category < 0 || int(e.category) >= len(d.categories) {
				return fmt.Errorf("statistics %d: category %d is not one of %d", i, e.category, len(d.categories))
			}
		}
		for _, b := range c.projection.borders {
			if b.feature < 0 || int(b.feature) >= len(d.floats) {
				return fmt.Errorf("statistics %d: feature %d is not one of %d", i, b.feature, len(d.floats))
			}
		}
	}
	return nil
}

// value is the column's value where the projection's hash is known.
func (c *ctrFeature) value(hash uint64) float32 {
	t := c.table
	row, seen := t.rows[hash]
	var counts []byte
	if seen {
		counts = t.counts[int(row)*4*t.classes:][:4*t.classes]
	}
	count := func(i int) int32 { return int32(binary.LittleEndian.Uint32(counts[4*i:])) }
	var good, total float32
	switch {
	case c.kind == ctrCounter || c.kind == ctrFrequency:
		total = float32(t.denominator)
		if seen {
			good = float32(count(0))
		}
	case !seen: // nothing of nothing
	case c.kind == ctrBinarizedMean || c.kind == ctrFloatMean:
		good, total = float32Of(counts), float32(count(1))
	default:
		var hits, all int32
		for i := range t.classes {
			n := count(i)
			all += n
			if c.kind == ctrBuckets && i == int(c.class) || c.kind == ctrBorders && i > int(c.class) {
				hits += n
			}
		}
		good, total = float32(hits), float32(all)
	}
	ratio := (good + c.prior) / (total + c.total)
	return (ratio + c.shift) * c.scale
}

// mix takes one more number into a projection's hash.
func mix(hash, v uint64) uint64 {
	const odd = 0x4906ba494954cb65
	return odd * (hash + odd*v)
}

package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxFile    = 256 << 20 // bytes
	maxMembers = 1 << 25   // categories of all splits together
)

// document is what a file says, as it says it.
type document struct {
	features    int
	perRound    int // trees of one iteration
	objective   []string
	names       []string
	infos       []string
	average     bool
	trees       []treeDoc
	categorical string // the parameter categorical_feature, where the file has it
	pandas      []byte // the JSON of pandas_categorical
}

// treeDoc is one tree: an element an inner node, or an element a leaf.
type treeDoc struct {
	leaves                      int
	feature, left, right, types []int32
	thresholds, values          []float64
	bounds                      []int32  // of the category sets in bits
	bits                        []uint32 // category 32*i+k is in a set where bit k of its word i is set
	linear                      bool
	constant                    []float64 // a leaf
	terms                       []int32   // how many a leaf has
	termFeatures                []int32
	coefficients                []float64
}

// lines goes over a file.
type lines struct {
	data []byte
	at   int // the number of the line, from 1
}

func (l *lines) next() ([]byte, bool) {
	if len(l.data) == 0 {
		return nil, false
	}
	l.at++
	line, rest := l.data, []byte(nil)
	if end := bytes.IndexByte(l.data, '\n'); end >= 0 {
		line, rest = l.data[:end], l.data[end+1:]
	}
	l.data = rest
	return bytes.TrimSuffix(line, []byte("\r")), true
}

func parse(data []byte) (*document, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("a file of %d bytes is larger than %d", len(data), maxFile)
	}
	l := &lines{data: data}
	if first, _ := l.next(); string(first) != "tree" {
		return nil, errors.New(`not a text model of LightGBM, whose first line is "tree"`)
	}
	d := &document{}
	more, err := d.header(l)
	for err == nil && more {
		more, err = d.tree(l)
	}
	if err == nil {
		err = d.rest(l)
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", l.at, err)
	}
	return d, nil
}

var errTruncated = errors.New(`the file ends before "end of trees"`)

// header reads down to the first tree; more: there is one.
func (d *document) header(l *lines) (more bool, err error) {
	seen := map[string]bool{}
	for {
		line, ok := l.next()
		if !ok {
			return false, errTruncated
		}
		name, value, _ := strings.Cut(string(line), "=")
		if seen[name] && name != "" {
			return false, fmt.Errorf("%s: there twice", name)
		}
		seen[name] = true
		switch name { // whatever else a header has says nothing about answers
		case "version":
			if value != "v3" && value != "v4" {
				err = fmt.Errorf("version %s is not supported; supported: v3, v4", value)
			}
		case "num_tree_per_iteration":
			d.perRound, err = count(value)
		case "max_feature_idx":
			d.features, err = count(value)
			d.features++
		case "objective":
			d.objective = strings.Fields(value)
		case "feature_names":
			d.names = strings.Split(value, " ")
		case "feature_infos":
			d.infos = strings.Split(value, " ")
		case "average_output":
			d.average = true
		case "Tree", "end of trees":
			for _, want := range []string{"version", "num_tree_per_iteration", "max_feature_idx", "feature_names"} {
				if !seen[want] {
					return false, fmt.Errorf("the header has no %s", want)
				}
			}
			return name == "Tree", nil
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
	}
}

func count(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 31)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("want a whole number, got %q", s)
	}
	return int(n), nil
}

// tree reads one tree down to the next; more: there is one.
func (d *document) tree(l *lines) (more bool, err error) {
	t := treeDoc{leaves: -1}
	for {
		line, ok := l.next()
		if !ok {
			return false, errTruncated
		}
		if len(line) == 0 {
			continue
		}
		name, value := line, []byte(nil)
		if at := bytes.IndexByte(line, '='); at >= 0 {
			name, value = line[:at], line[at+1:]
		}
		if string(name) == "Tree" || string(name) == "end of trees" {
			if err := t.check(); err != nil {
				return false, fmt.Errorf("tree %d, which ends here: %w", len(d.trees), err)
			}
			d.trees = append(d.trees, t)
			return string(name) == "Tree", nil
		}
		if err := t.member(string(name), value); err != nil {
			return false, fmt.Errorf("tree %d: %s: %w", len(d.trees), name, err)
		}
	}
}

func (t *treeDoc) member(name string, value []byte) (err error) {
	switch name {
	case "num_leaves":
		t.leaves, err = count(string(value))
	case "split_feature":
		t.feature, err = integers(value)
	case "threshold":
		t.thresholds, err = floats(value)
	case "decision_type":
		t.types, err = integers(value)
	case "left_child":
		t.left, err = integers(value)
	case "right_child":
		t.right, err = integers(value)
	case "leaf_value":
		t.values, err = floats(value)
	case "cat_boundaries":
		t.bounds, err = integers(value)
	case "cat_threshold":
		t.bits, err = words(value)
	case "is_linear":
		t.linear = string(value) == "1"
	case "leaf_const":
		t.constant, err = floats(value)
	case "num_features":
		t.terms, err = integers(value)
	case "leaf_features":
		t.termFeatures, err = integers(value)
	case "leaf_coeff":
		t.coefficients, err = floats(value)
	}
	return err
}

func (t *treeDoc) check() error {
	if t.leaves < 1 {
		return errors.New("want num_leaves of at least 1")
	}
	for _, list := range []struct {
		name   string
		length int
	}{{"split_feature", len(t.feature)}, {"threshold", len(t.thresholds)}, {"decision_type", len(t.types)}, {"left_child", len(t.left)}, {"right_child", len(t.right)}} {
		if list.length != t.leaves-1 {
			return fmt.Errorf("%s: want %d values, one less than leaves, got %d", list.name, t.leaves-1, list.length)
		}
	}
	if len(t.values) != t.leaves {
		return fmt.Errorf("leaf_value: want %d values, got %d", t.leaves, len(t.values))
	}
	if !t.linear {
		return nil
	}
	if len(t.constant) != t.leaves || len(t.terms) != t.leaves {
		return fmt.Errorf("leaf_const and num_features: want %d values, got %d and %d", t.leaves, len(t.constant), len(t.terms))
	}
	total := 0
	for _, n := range t.terms {
		if n < 0 {
			return fmt.Errorf("num_features: got %d", n)
		}
		total += int(n)
	}
	if len(t.termFeatures) != total || len(t.coefficients) != total {
		return fmt.Errorf("leaf_features and leaf_coeff: want %d values, got %d and %d", total, len(t.termFeatures), len(t.coefficients))
	}
	return nil
}

// rest reads what follows the trees.
func (d *document) rest(l *lines) error {
	for {
		line, ok := l.next()
		switch {
		case !ok:
			return nil
		case bytes.HasPrefix(line, []byte("[categorical_feature: ")):
			d.categorical = strings.TrimSuffix(string(line[len("[categorical_feature: "):]), "]")
		case bytes.HasPrefix(line, []byte("pandas_categorical:")):
			d.pandas = line[len("pandas_categorical:"):]
		}
	}
}

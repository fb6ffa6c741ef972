package onnx

import "slices"

var tfIdfOperators = []operator{
	{name: "TfIdfVectorizer", since: 9, inputs: exactlyOne, outputs: exactlyOne, rows: rowsOfFirst, compile: tfIdf,
		attributes: []string{"max_gram_length", "max_skip_count", "min_gram_length", "mode", "ngram_counts", "ngram_indexes", "pool_int64s", "pool_strings", "weights"}},
}

// ngrams are the n-grams that are counted, as a tree of their elements.
type ngrams struct {
	counted  []string // the distinct elements of texts
	next     map[edge]int32
	index    []int32 // by node: the column it counts in; -1: none
	width    int     // columns
	from, to int     // lengths
	skips    int
	words    map[string]int64 // of texts: their numbers
}

// edge leads from a node by an element.
type edge struct {
	node    int32
	element int64
}

// tfIdf counts the n-grams of each row. Between their elements may be gaps, all of one size.
func tfIdf(n *node) (kernel, error) {
	n.types(0, String, Int64, Int32)
	mode := n.mode("mode", "TF", "IDF", "TFIDF")
	g, columns := n.ngrams()
	weights := slices.Clone(n.floats("weights"))
	shape := n.known(0)
	switch {
	case n.err != nil:
		return nil, n.err
	case weights != nil && len(weights) != len(columns):
		return nil, n.invalid("%d weights for %d n-grams", len(weights), len(columns))
	case len(shape) < 1 || len(shape) > 2:
		return nil, n.unsupported([]string{"[elements]", "[rows, elements]"}, "input 0 has shape %s", ShapeText(shape))
	}
	byColumn := make([]float32, g.width)
	for i, column := range columns {
		if byColumn[column] = 1; weights != nil && mode != "TF" {
			byColumn[column] = weights[i]
		}
	}
	n.ignores = g
	out := append(append([]int{}, shape[:len(shape)-1]...), g.width)
	n.set(0, Float32, out...)
	n.rank = len(shape)
	n.scratch = n.in[0].elements().times(8)
	if n.in[0].pad != nil {
		n.scratch = footprint{fixed: 8 * maxTokens}
	}
	present := mode == "IDF"
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != c.node.rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), c.node.rank)
		}
		c.dims = append(append(c.dims[:0], in.Shape[:len(in.Shape)-1]...), g.width)
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		dst := c.out[0].F32
		clear(dst)
		length := in.Shape[len(in.Shape)-1]
		for r := range product(in.Shape[:len(in.Shape)-1]) {
			row := dst[r*g.width:][:g.width]
			g.count(row, g.numbers(c, in, r*length, length))
			for k, v := range row {
				if present && v > 0 {
					v = 1
				}
				row[k] = v * byColumn[k]
			}
		}
		return nil
	}, nil
}

// numbers gives elements of the input as numbers; a text that no n-gram has is -1.
func (g *ngrams) numbers(c *call, in *Tensor, at, length int) []int64 {
	if in.DType != String {
		return in.I64[at:][:length]
	}
	c.numbers = sized(c.numbers, length)
	for i, s := range in.Str[at:][:length] {
		number, ok := g.words[s]
		if !ok {
			number = -1
		}
		c.numbers[i] = number
	}
	return c.numbers
}

// count adds up the n-grams of a row.
func (g *ngrams) count(row []float32, elements []int64) {
	for apart := 1; apart <= g.skips+1; apart++ {
		for start := range elements {
			node := int32(0)
			for k := range g.to {
				at := start + k*apart
				if at >= len(elements) {
					break
				}
				next, ok := g.next[edge{node, elements[at]}]
				if !ok {
					break
				}
				node = next
				// One element alone is the same however far apart they are, and counts once.
				if column := g.index[node]; column >= 0 && k+1 >= g.from && (k > 0 || apart == 1) {
					row[column]++
				}
			}
		}
	}
}

// ngrams reads the pool of n-grams, and gives the column of each.
func (n *node) ngrams() (*ngrams, []int64) {
	g := &ngrams{from: int(n.within("min_gram_length", 1, maxGram)), to: int(n.within("max_gram_length", 1, maxGram)), skips: int(n.within("max_skip_count", 0, maxGram)),
		next: map[edge]int32{}, index: []int32{-1}, words: map[string]int64{}}
	pool, texts := n.ints("pool_int64s"), n.strings("pool_strings")
	counts, columns := n.ints("ngram_counts"), slices.Clone(n.ints("ngram_indexes"))
	if n.err == nil && ((len(pool) == 0) == (len(texts) == 0) || (texts != nil) != (n.in[0].dtype == String)) {
		n.fail(n.invalid("want pool_strings for texts and pool_int64s for integers, and one of them; the input is %s", n.in[0].dtype))
	}
	if n.err == nil && (g.from > g.to || len(counts) == 0 || counts[0] != 0) {
		n.fail(n.invalid("n-grams of %d to %d elements, ngram_counts %v", g.from, g.to, counts))
	}
	if n.err != nil {
		return g, columns
	}
	for _, s := range texts {
		if _, ok := g.words[s]; !ok {
			g.words[s] = int64(len(g.words))
			g.counted = append(g.counted, s)
		}
		pool = append(pool, g.words[s])
	}
	used := 0
	for i, start := range counts {
		end := int64(len(pool))
		if i+1 < len(counts) {
			end = counts[i+1]
		}
		size := i + 1
		if start < 0 || end < start || end > int64(len(pool)) || (end-start)%int64(size) != 0 {
			n.fail(n.invalid("ngram_counts %v of a pool of %d", counts, len(pool)))
			return g, columns
		}
		for at := start; at < end; at += int64(size) {
			if used >= len(columns) {
				n.fail(n.invalid("%d ngram_indexes for more n-grams", len(columns)))
				return g, columns
			}
			g.add(n, pool[at:at+int64(size)], columns[used], size)
			used++
		}
	}
	if used != len(columns) {
		n.fail(n.invalid("%d ngram_indexes for %d n-grams", len(columns), used))
	}
	return g, columns
}

const maxGram = 1 << 10

// within gives an int that must lie between two numbers.
func (n *node) within(name string, low, high int64) int64 {
	v := n.int(name, low-1)
	if v < low || v > high {
		n.fail(n.invalid("%s is %d, want %d to %d", name, v, low, high))
		return low
	}
	return v
}

// add puts an n-gram into the tree.
func (g *ngrams) add(n *node, elements []int64, column int64, size int) {
	if column < 0 || column >= maxRow {
		n.fail(n.invalid("ngram_indexes holds %d", column))
		return
	}
	node := int32(0)
	for _, e := range elements {
		next, ok := g.next[edge{node, e}]
		if !ok {
			next = int32(len(g.index))
			g.next[edge{node, e}] = next
			g.index = append(g.index, -1)
		}
		node = next
	}
	if g.index[node] >= 0 {
		n.fail(n.invalid("an n-gram of %d elements is given twice", size))
	}
	g.index[node] = int32(column)
	g.width = max(g.width, int(column)+1)
}

package onnx

import "slices"

// Unknown is a value that an encoder of the model does not know, and takes all the same: as zeros, or as its default.
type Unknown struct {
	Input   int    // among the model's inputs
	Element []int  // the index of the element in that input
	Value   string // as the encoder met it, a text in quotes
}

// mostUnknown is how many elements are told one by one.
const mostUnknown = 1024

// unknown notes that the encoder does not know an element of its first input. It is called for these alone, which are rare.
func (c *call) unknown(element int) {
	if !c.watched {
		return
	}
	if c.strangers++; len(c.strange) < mostUnknown {
		c.strange = append(c.strange, element)
	}
}

// stranger is an element that an encoder did not know.
type stranger struct{ row, encoder, element int }

// Unknown gives what the encoders did not know in the last Run, the first 1,024 elements in the order of the rows, and how many there were
// in all. It is told of encoders of an input's values alone: what the graph computed is nobody's mistake.
func (s *Session) Unknown() (found []Unknown, count int) {
	for _, i := range s.encoders {
		count += s.calls[i].strangers
	}
	if count == 0 {
		return nil, 0
	}
	type place struct{ input, element int }
	seen := map[place]bool{}
	for _, e := range s.strangers() {
		c := &s.calls[e.encoder]
		input, at, ok := s.follow(e.encoder, 0, e.element, (*node).keepsValue)
		if !ok || seen[place{input, at}] { // two encoders may read one column
			count--
			continue
		}
		seen[place{input, at}] = true
		found = append(found, Unknown{Input: input, Element: unravel(s.tensors[input].Shape, at), Value: spell(c.in[0], e.element)})
	}
	return found, count
}

// strangers are the first elements by row.
func (s *Session) strangers() (all []stranger) {
	for _, i := range s.encoders {
		c := &s.calls[i]
		each := 1 // elements of a row
		if in := c.in[0]; len(in.Shape) > 0 && in.Shape[0] > 0 {
			each = max(1, in.Len()/in.Shape[0])
		}
		for _, element := range c.strange {
			all = append(all, stranger{element / each, i, element})
		}
	}
	slices.SortStableFunc(all, func(a, b stranger) int { return a.row - b.row })
	return all[:min(len(all), mostUnknown)]
}

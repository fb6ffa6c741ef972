package onnx

import (
	"math"
)

// intList is a list of ints, kept in half the memory as long as all of them fit: the lists that describe trees are long.
type intList struct {
	short []int32
	long  []int64 // in place of short once a value does not fit
}

func (l *intList) len() int { return len(l.short) + len(l.long) }

// room makes place for n more elements.
func (l *intList) room(n int) {
	if l.long != nil {
		l.long = room(l.long, n)
	} else {
		l.short = room(l.short, n)
	}
}

func (l *intList) add(v int64) {
	if l.long == nil && v >= math.MinInt32 && v <= math.MaxInt32 {
		l.short = append(l.short, int32(v))
		return
	}
	if l.long == nil {
		l.long, l.short = l.wide(), nil
	}
	l.long = append(l.long, v)
}

// shortRun reads elements of up to three bytes, each behind its tag, off the start of b and says how many bytes it took.
func (l *intList) shortRun(b []byte) int {
	if l.long != nil {
		return 0
	}
	i, short := 0, l.short
	for len(b) >= i+4 && b[i] == tagInts {
		c := b[i : i+4 : i+4]
		switch {
		case c[1] < 0x80:
			short = append(short, int32(c[1]))
			i += 2
			continue
		case c[2] < 0x80:
			short = append(short, int32(c[1]&0x7f)|int32(c[2])<<7)
			i += 3
			continue
		case c[3] < 0x80:
			short = append(short, int32(c[1]&0x7f)|int32(c[2]&0x7f)<<7|int32(c[3])<<14)
			i += 4
			continue
		}
		break // a longer one: the caller's
	}
	l.short = short
	return i
}

// wide gives the list as int64; nil if it is empty.
func (l *intList) wide() []int64 {
	if l.long != nil || len(l.short) == 0 {
		return l.long
	}
	wide := make([]int64, len(l.short), cap(l.short))
	for i, v := range l.short {
		wide[i] = int64(v)
	}
	return wide
}

// stringList is a list of strings, kept as places in a table as long as few of them are distinct: so are the modes of nodes.
type stringList struct {
	table []string
	codes []uint8
	long  []string // in place of both once the table is full
}

const maxTable = 8

func (l *stringList) len() int { return len(l.codes) + len(l.long) }

func (l *stringList) room(n int) {
	if l.long != nil {
		l.long = room(l.long, n)
	} else {
		l.codes = room(l.codes, n)
	}
}

func (l *stringList) add(b []byte) error {
	if l.long == nil {
		for i, s := range l.table {
			if s == string(b) {
				l.codes = append(l.codes, uint8(i))
				return nil
			}
		}
	}
	s, err := utf8Text(b)
	if err != nil {
		return err
	}
	if l.long == nil {
		if len(l.table) < maxTable {
			l.table = append(l.table, s)
			l.codes = append(l.codes, uint8(len(l.table)-1))
			return nil
		}
		l.long, l.table, l.codes = l.all(), nil, nil
	}
	l.long = append(l.long, s)
	return nil
}

// at gives element i.
func (l *stringList) at(i int) string {
	if l.long != nil {
		return l.long[i]
	}
	return l.table[l.codes[i]]
}

// all gives the list as strings; nil if it is empty.
func (l *stringList) all() []string {
	if l.long != nil || len(l.codes) == 0 {
		return l.long
	}
	all := make([]string, len(l.codes), cap(l.codes))
	for i, c := range l.codes {
		all[i] = l.table[c]
	}
	return all
}

// unpackInts appends the varints of b.
func unpackInts(dst []int64, b []byte) ([]int64, error) {
	dst = room(dst, ends(b))
	for len(b) > 0 {
		v, n := varint(b)
		if n <= 0 {
			return nil, errTruncated
		}
		dst = append(dst, v)
		b = b[n:]
	}
	return dst, nil
}

// room makes place for n more elements.
func room[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	if len(s) == 0 {
		return make([]T, 0, n)
	}
	grown := make([]T, len(s), max(len(s)+n, 2*len(s)))
	copy(grown, s)
	return grown
}

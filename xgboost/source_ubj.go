package xgboost

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// ubj is a source of Universal Binary JSON: a type's letter, then its value, big-endian.
type ubj struct {
	data      []byte
	at, depth int
	kind      byte // of the value that follows, where its container has said it; else 0
}

// sizes of the numbers, by letter.
var sizes = [256]int{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8}

func (u *ubj) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.data)-u.at {
		return nil, errTruncated
	}
	u.at += n
	return u.data[u.at-n : u.at], nil
}

// letter takes the type of the value that follows, past no-ops.
func (u *ubj) letter() (byte, error) {
	if k := u.kind; k != 0 {
		u.kind = 0
		return k, nil
	}
	for {
		b, err := u.take(1)
		if err != nil {
			return 0, err
		}
		if b[0] != 'N' {
			return b[0], nil
		}
	}
}

func (u *ubj) peek() byte {
	for u.at < len(u.data) && u.data[u.at] == 'N' {
		u.at++
	}
	if u.at < len(u.data) {
		return u.data[u.at]
	}
	return 0
}

func (u *ubj) fail(want string, got byte) error {
	return fmt.Errorf("byte %d: want %s, got type %q", u.at, want, got)
}

// integer reads the value of an integer of a kind.
func (u *ubj) integer(kind byte) (int64, error) {
	if kind == 'd' || kind == 'D' || sizes[kind] == 0 {
		return 0, u.fail("a whole number", kind)
	}
	b, err := u.take(sizes[kind])
	if err != nil {
		return 0, err
	}
	return intOf(kind, b), nil
}

func intOf(kind byte, b []byte) int64 {
	switch kind {
	case 'i':
		return int64(int8(b[0]))
	case 'U':
		return int64(b[0])
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (u *ubj) length() (int, error) {
	k, err := u.letter()
	if err != nil {
		return 0, err
	}
	n, err := u.integer(k)
	if err == nil && (n < 0 || n > int64(len(u.data)-u.at)) {
		err = fmt.Errorf("byte %d: a length of %d, with %d bytes left", u.at, n, len(u.data)-u.at)
	}
	return int(n), err
}

func (u *ubj) text() (string, error) {
	b, err := u.bytes()
	return string(b), err
}

// bytes are those of a string.
func (u *ubj) bytes() ([]byte, error) {
	n, err := u.length()
	if err != nil {
		return nil, err
	}
	if n > maxText {
		return nil, fmt.Errorf("byte %d: a string of more than %d bytes", u.at, maxText)
	}
	b, err := u.take(n)
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("byte %d: a string that is not UTF-8", u.at)
	}
	return b, err
}

// header reads what an opened container says of its elements: their kind (0: each its own) and number (-1: until it is shut).
func (u *ubj) header() (kind byte, n int, err error) {
	n = -1
	if u.peek() == '$' {
		b, err := u.take(2)
		if err != nil {
			return 0, 0, err
		}
		if kind = b[1]; u.peek() != '#' {
			return 0, 0, u.fail("a count after a type", u.peek())
		}
	}
	if u.peek() == '#' {
		u.at++
		n, err = u.length()
	}
	return kind, n, err
}

// each reads the elements of an opened container.
func (u *ubj) each(shut byte, element func() error) error {
	if u.depth++; u.depth > maxDepth {
		return errDepth
	}
	defer func() { u.depth-- }()
	kind, n, err := u.header()
	if err != nil {
		return err
	}
	if kind != 0 && shut == '}' {
		return u.fail("an object whose members have their own types", kind)
	}
	for i := 0; i != n; i++ {
		if n < 0 && u.peek() == shut {
			u.at++
			return nil
		}
		was := u.at
		u.kind = kind
		if err := element(); err != nil {
			return err
		}
		if u.at == was { // values without bytes, as many as a few bytes claim
			return u.fail("values that take room", kind)
		}
	}
	return nil
}

func (u *ubj) object(member func(name []byte) error) error {
	k, err := u.letter()
	if err != nil {
		return err
	}
	if k != '{' {
		return u.fail("an object", k)
	}
	return u.each('}', func() error {
		name, err := u.bytes()
		if err != nil {
			return err
		}
		return member(name)
	})
}

func (u *ubj) list(element func() error) error {
	k, err := u.letter()
	if err != nil {
		return err
	}
	if k != '[' {
		return u.fail("a list", k)
	}
	return u.each(']', element)
}

func (u *ubj) scalar() (string, error) {
	k, err := u.letter()
	if err != nil {
		return "", err
	}
	switch k {
	case 'S':
		return u.text()
	case 'T':
		return "true", nil
	case 'F':
		return "false", nil
	case 'd', 'D':
		b, err := u.take(sizes[k])
		if err != nil {
			return "", err
		}
		if k == 'd' {
			return strconv.FormatFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 'g', -1, 32), nil
		}
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(b)), 'g', -1, 64), nil
	}
	v, err := u.integer(k)
	return strconv.FormatInt(v, 10), err
}

// typed takes a list of numbers of one kind whole; ok is false, and nothing taken, where what follows is something else.
func (u *ubj) typed() (kind byte, values []byte, ok bool, err error) {
	if u.kind != 0 || u.peek() != '[' || u.at+2 >= len(u.data) || u.data[u.at+1] != '$' || sizes[u.data[u.at+2]] == 0 {
		return 0, nil, false, nil
	}
	u.at++
	kind, n, err := u.header()
	if err != nil {
		return 0, nil, false, err
	}
	values, err = u.take(n * sizes[kind])
	return kind, values, err == nil, err
}

func (u *ubj) floats() (out []float32, err error) {
	kind, values, ok, err := u.typed()
	if err != nil {
		return nil, err
	}
	if !ok {
		err = u.list(func() error {
			w, err := u.scalar()
			if err != nil {
				return err
			}
			f, err := strconv.ParseFloat(w, 32)
			out = append(out, float32(f))
			return err
		})
		return out, err
	}
	size := sizes[kind]
	out = make([]float32, len(values)/size)
	for i := range out {
		b := values[i*size:]
		switch kind {
		case 'd':
			out[i] = math.Float32frombits(binary.BigEndian.Uint32(b))
		case 'D':
			out[i] = float32(math.Float64frombits(binary.BigEndian.Uint64(b)))
		default:
			out[i] = float32(intOf(kind, b))
		}
	}
	return out, nil
}

func (u *ubj) ints() ([]int64, error)   { return wholesOfUBJ[int64](u) }
func (u *ubj) int32s() ([]int32, error) { return wholesOfUBJ[int32](u) }

func wholesOfUBJ[T int32 | int64](u *ubj) (out []T, err error) {
	kind, values, ok, err := u.typed()
	if err != nil {
		return nil, err
	}
	if !ok {
		err = u.list(func() error {
			w, err := u.scalar()
			if err != nil {
				return err
			}
			v, ok := whole([]byte(w))
			if !ok || int64(T(v)) != v {
				return fmt.Errorf("byte %d: want a whole number, got %s", u.at, w)
			}
			out = append(out, T(v))
			return nil
		})
		return out, err
	}
	if kind == 'd' || kind == 'D' {
		return nil, u.fail("whole numbers", kind)
	}
	size := sizes[kind]
	out = make([]T, len(values)/size)
	for i := range out {
		v := intOf(kind, values[i*size:])
		if out[i] = T(v); int64(out[i]) != v {
			return nil, fmt.Errorf("byte %d: want a whole number of 32 bits, got %d", u.at, v)
		}
	}
	return out, nil
}

func (u *ubj) skip() error {
	if _, _, ok, err := u.typed(); ok || err != nil {
		return err
	}
	k, err := u.letter()
	if err != nil {
		return err
	}
	return u.skipKind(k)
}

func (u *ubj) skipKind(k byte) error {
	switch k {
	case '{', '[':
		u.kind = k
		if k == '{' {
			return u.object(func([]byte) error { return u.skip() })
		}
		return u.list(u.skip)
	case 'S', 'H':
		n, err := u.length()
		if err != nil {
			return err
		}
		_, err = u.take(n)
		return err
	case 'T', 'F', 'Z':
		return nil
	case 'C':
		_, err := u.take(1)
		return err
	}
	if sizes[k] == 0 {
		return u.fail("a value", k)
	}
	_, err := u.take(sizes[k])
	return err
}

func (u *ubj) fork() source {
	fork := *u
	return &fork
}

func (u *ubj) end() error {
	if u.peek(); u.at < len(u.data) {
		return fmt.Errorf("byte %d: something follows the document", u.at)
	}
	return nil
}

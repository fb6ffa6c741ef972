package xgboost

import (
	"errors"
	"fmt"
)

// A source reads a document value by value. JSON and UBJ hold the same documents.
type source interface {
	object(member func(name []byte) error) error // of each member, whose value it must read; name is part of the document
	list(element func() error) error             // likewise
	scalar() (string, error)                     // a string, or a number as text
	floats() ([]float32, error)                  // a list of numbers, each rounded once
	ints() ([]int64, error)                      // a list of whole numbers; true is 1
	int32s() ([]int32, error)                    // likewise
	skip() error
	fork() source // one that reads what follows without moving this one
	end() error   // nothing may follow
}

const (
	maxFile  = 256 << 20 // bytes
	maxDepth = 64        // of nesting
	maxText  = 1 << 16   // bytes of a name or string
)

var (
	errDepth     = fmt.Errorf("nested deeper than %d", maxDepth)
	errTruncated = errors.New("the file ends in the middle of a value")
)

func open(data []byte) (source, error) {
	switch {
	case len(data) > maxFile:
		return nil, fmt.Errorf("a file of %d bytes is larger than %d", len(data), maxFile)
	case len(data) >= 4 && string(data[:4]) == "binf":
		return nil, errors.New("this is XGBoost's old binary format, which names nothing; want JSON or UBJ: load it with XGBoost and save it as model.ubj")
	case len(data) < 2 || data[0] != '{':
		return nil, errors.New("neither XGBoost's JSON nor its UBJ, which begin with {")
	}
	switch data[1] { // in UBJ the type of a name's length, or of a count
	case 'i', 'U', 'I', 'l', 'L', '#', '$':
		return &ubj{data: data}, nil
	}
	return &text{data: data}, nil
}

// strings reads a list of strings.
func stringsOf(s source) (out []string, err error) {
	err = s.list(func() error {
		v, err := s.scalar()
		out = append(out, v)
		return err
	})
	return out, err
}

// readers are the members that are wanted: at most 64.
type readers []struct {
	name string
	read func() error
}

// members reads an object of which some members are wanted; the others are skipped.
func members(s source, wanted readers) error {
	seen := uint64(0)
	return s.object(func(name []byte) error {
		i := 0
		for i < len(wanted) && wanted[i].name != string(name) {
			i++
		}
		if i == len(wanted) {
			return s.skip()
		}
		if seen&(1<<i) != 0 {
			return fmt.Errorf("%s: there twice", name)
		}
		seen |= 1 << i
		if err := wanted[i].read(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

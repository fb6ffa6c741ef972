package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// The readers of numbers that are separated by spaces.

var space = []byte(" ")

func integers(value []byte) ([]int32, error) {
	return whole[int32](value, math.MinInt32, math.MaxInt32)
}
func words(value []byte) ([]uint32, error) { return whole[uint32](value, 0, math.MaxUint32) }

// whole reads whole numbers from least to most.
func whole[T int32 | uint32](value []byte, least, most int64) ([]T, error) {
	out := make([]T, 0, 1+bytes.Count(value, space))
	for {
		word, rest := next(value)
		if len(word) == 0 {
			return out, nil
		}
		digits, sign := word, int64(1)
		if word[0] == '-' {
			digits, sign = word[1:], -1
		}
		v, ok := int64(0), len(digits) > 0
		for _, c := range digits {
			if v = 10*v + int64(c-'0'); c-'0' > 9 || v > math.MaxUint32 {
				ok = false
				break
			}
		}
		if v *= sign; !ok || v < least || v > most {
			return nil, badNumber(word)
		}
		out, value = append(out, T(v)), rest
	}
}

func floats(value []byte) ([]float64, error) {
	out := make([]float64, 0, 1+bytes.Count(value, space))
	for {
		word, rest := next(value)
		if len(word) == 0 {
			return out, nil
		}
		v, err := strconv.ParseFloat(string(word), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, badNumber(word)
		}
		out, value = append(out, v), rest
	}
}

// next is the first word, and what follows it; it is empty where there is none.
func next(value []byte) (word, rest []byte) {
	start := 0
	for start < len(value) && value[start] == ' ' {
		start++
	}
	value = value[start:]
	if end := bytes.IndexByte(value, ' '); end >= 0 {
		return value[:end], value[end:]
	}
	return value, nil
}

func badNumber(word []byte) error {
	return fmt.Errorf("want a number, got %q", word[:min(len(word), 40)])
}

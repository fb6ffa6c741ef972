package onnx_test

import (
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
)

// sweep changes the fields of a model one at a time, and loads and runs what comes of it.
type sweep struct {
	t     *testing.T
	model *field
	seen  map[string]int // by path: how often its fields were changed
	most  int
	tried int
}

// TestEveryField changes each field of each operator, attribute and declaration that the fixtures hold, in every way that
// breaks arithmetic on it: the fuzz test looks for what two or more changes do.
func TestEveryField(t *testing.T) {
	s := sweep{t: t, seen: map[string]int{}, most: 1}
	for _, m := range readIndex(t).Models {
		fields, err := parse("model", readModel(t, m.Name))
		if err != nil {
			t.Fatal(err)
		}
		s.model = &field{message: "model", kids: fields}
		s.message(s.model, m.Name, "")
	}
	t.Logf("%d files", s.tried)
}

// message tries all fields below f, which stands at path.
func (s *sweep) message(f *field, name, path string) {
	kids := f.kids
	places := map[int]int{}
	for i, k := range kids {
		at := fmt.Sprintf("%s/%d", path, k.num)
		switch k.message {
		case "attribute":
			at += string(k.at(1, 0).data)
		case "node":
			at = "node/" + string(k.at(4, 0).data) // wherever it stands
		}
		if places[k.num]++; k.message == "" && places[k.num] > s.most {
			continue // one more element of a list
		}
		if k.message != "" {
			s.message(k, name, at)
		}
		if s.seen[at]++; s.seen[at] > s.most {
			continue
		}
		f.kids = slices.Delete(slices.Clone(kids), i, i+1)
		s.try(name, at, "dropped")
		f.kids = slices.Insert(slices.Clone(kids), i, k.clone())
		s.try(name, at, "twice")
		f.kids = slices.DeleteFunc(slices.Clone(kids), func(o *field) bool { return o.num == k.num })
		s.try(name, at, "all dropped")
		f.kids = kids
		s.values(k, name, at)
	}
}

// values tries other contents of a field.
func (s *sweep) values(f *field, name, path string) {
	number, data := f.number, f.data
	switch {
	case f.message != "":
	case f.wire == 2:
		for _, d := range [][]byte{nil, []byte("x"), []byte("label"), data[:len(data)/2], append(slices.Clone(data), data...), append(slices.Clone(data), 0)} {
			f.data = d
			s.try(name, path, fmt.Sprintf("%.20q", d))
		}
	default:
		for _, n := range []uint64{0, 1, 2, 4, number - 1, number + 1, 1<<64 - 1, 1<<64 - 3, 1 << 31, 1 << 63, 5000000, 0x7fc00000, 0x7f800000} {
			f.number = n
			s.try(name, path, fmt.Sprint(int64(n)))
		}
	}
	f.number, f.data = number, data
}

func (s *sweep) try(name, path, change string) {
	file := encode(nil, s.model.kids)
	if len(file) > largestFile {
		return
	}
	s.tried++
	defer func() {
		if fault := recover(); fault != nil {
			s.t.Fatalf("%s: %s %s: %v\n%s", name, path, change, fault, debug.Stack())
		}
	}()
	failed := s.t.Failed()
	if bounded(s.t, file); s.t.Failed() && !failed {
		s.t.Logf("the first is %s: %s %s", name, path, change)
	}
}

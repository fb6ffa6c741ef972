package predict

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ml-service/model"
	"ml-service/onnx"
)

// wine is an input whose values have names.
func wine(missing bool) model.Input {
	in := input("x", onnx.Float32, -1, 3)
	in.Features, in.Missing = []string{"ash", "hue", "x"}, missing
	return in
}

// TestFrames reads what df.to_dict writes, in any order of columns.
func TestFrames(t *testing.T) {
	people := []model.Input{age, sex, class}
	for _, c := range []struct {
		name   string
		inputs []model.Input
		body   string
		want   string
		single bool
	}{
		{"a record", []model.Input{wine(false)}, `{"x":{"hue":2,"x":3,"ash":1}}`, "[1 3] [1 2 3]", true},
		{"a feature called as the input", []model.Input{wine(false)}, `{"x":{"x":3,"ash":1,"hue":2}}`, "[1 3] [1 2 3]", true},
		{"records", []model.Input{wine(false)}, `{"x":[{"ash":1,"hue":2,"x":3},{"x":6,"hue":5,"ash":4}]}`, "[2 3] [1 2 3 4 5 6]", false},
		{"an absent value", []model.Input{wine(true)}, `{"x":[{"hue":2,"ash":1},{"x":null,"ash":4,"hue":5}]}`, "[2 3] [1 2 NaN 4 5 NaN]", false},
		{"columns", []model.Input{wine(false)}, `{"x":{"x":[3,6],"ash":[1,4],"hue":[2,5]}}`, "[2 3] [1 2 3 4 5 6]", false},
		{"columns of one row", []model.Input{wine(false)}, `{"x":{"hue":[2],"x":[3],"ash":[1]}}`, "[1 3] [1 2 3]", false},
		{"an absent column", []model.Input{wine(true)}, `{"x":{"hue":[2,5],"ash":[1,null]}}`, "[2 3] [1 2 NaN NaN 5 NaN]", false},
		{"split", []model.Input{wine(false)}, `{"x":{"index":[7,8],"columns":["x","ash","hue"],"data":[[3,1,2],[6,4,5]]}}`, "[2 3] [1 2 3 4 5 6]", false},
		{"split, the rows first", []model.Input{wine(false)}, `{"x":{"data":[[1,2,3]],"columns":["ash","hue","x"]}}`, "[1 3] [1 2 3]", false},
		{"split, an absent column", []model.Input{wine(true)}, `{"x":{"columns":["hue","x"],"data":[[2,3],[5,6]]}}`, "[2 3] [NaN 2 3 NaN 5 6]", false},
		{"columns of inputs", people, `{"x":{"class":[3,4],"age":[1,null],"sex":["f","m"]}}`, `[2 1] [1 NaN] | [2 1] ["f" "m"] | [2 1] [3 4]`, false},
		{"split of inputs", people, `{"x":{"columns":["sex","class","age"],"index":[0,1],"data":[["f",3,1],["m",4,null]]}}`, `[2 1] [1 NaN] | [2 1] ["f" "m"] | [2 1] [3 4]`, false},
		{"an absent input", people, `{"x":{"class":3,"sex":"f"}}`, `[1 1] [NaN] | [1 1] ["f"] | [1 1] [3]`, true},
		{"an absent input of a batch", people, `{"x":[{"class":3,"sex":"f"},{"sex":"m","age":1,"class":4}]}`, `[2 1] [NaN 1] | [2 1] ["f" "m"] | [2 1] [3 4]`, false},
		{"an absent input of columns of one row", people, `{"x":{"class":[3],"sex":["f"]}}`, `[1 1] [NaN] | [1 1] ["f"] | [1 1] [3]`, true},
		{"an absent input of columns", people, `{"x":{"class":[3,4],"sex":["f","m"]}}`, `[2 1] [NaN NaN] | [2 1] ["f" "m"] | [2 1] [3 4]`, false},
		{"an absent input of a split", people, `{"x":{"columns":["sex","class"],"data":[["f",3],["m",4]]}}`, `[2 1] [NaN NaN] | [2 1] ["f" "m"] | [2 1] [3 4]`, false},
		{"a row of none", []model.Input{age, optional(sex)}, `{"x":[{},{"age":1}]}`, `[2 1] [NaN 1] | [2 1] ["\xff" "\xff"]`, false},
		{"by input name still", []model.Input{func() model.Input { in := wine(false); in.Features = []string{"a", "b", "c"}; return in }()}, `{"x":{"x":[1,2,3]}}`, "[1 3] [1 2 3]", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := requestOf(c.inputs...)
			for range 2 { // the second time over used memory
				if err := r.Decode([]byte(c.body)); err != nil {
					t.Fatal(err)
				}
				if got := flat(r); got != c.want || r.single != c.single {
					t.Errorf("got %s, single %v, want %s, %v", got, r.single, c.want, c.single)
				}
			}
		})
	}
}

func TestFramesRefuse(t *testing.T) {
	people := []model.Input{age, sex, class}
	one := []model.Input{wine(false)}
	for _, c := range []struct {
		inputs      []model.Input
		body, field string
		want        string
	}{
		{one, `{"x":{"ash":1,"hue":"a","x":3}}`, "x.hue", `x.hue: want a number, got "a"`},
		{one, `{"x":[{"ash":1,"hue":2,"x":3},{"ash":1,"hue":2}]}`, "x[1].x", "x[1].x: missing, want a number"},
		{one, `{"x":{"ash":1,"ash":2}}`, "x.ash", "x.ash: given twice, want it once"},
		{one, `{"x":[{"ash":1,"colour":2}]}`, "x[0].colour", "x[0].colour: no such feature, want ash, hue, x"},
		{one, `{"x":[{"ash":1,"hue":2,"x":3},[1,2,3]]}`, "x[1]", "x[1]: want an object with ash, hue, x, got a list"},
		{one, `{"x":{"ash":1,"hue":null,"x":3}}`, "x.hue", "x.hue: want a number, got null, and the model handles no missing value here"},
		{one, `{"x":{"ash":[1,2],"hue":[1],"x":[1,2]}}`, "x.hue", "x.hue: want 2 values, as in the columns before it, got 1"},
		{one, `{"x":{"ash":[1,2],"hue":[1,true],"x":[1,2]}}`, "x.hue[1]", "x.hue[1]: want a number, got true"},
		{one, `{"x":{"ash":[1,2],"hue":3}}`, "x.hue", "x.hue: want a list of the column's values, got 3"},
		{one, `{"x":{"ash":[]}}`, "x.ash", "x.ash: want at least one value, got none"},
		{one, `{"x":{"columns":["ash","hue","x"],"data":[[1,2,3],[1,"b",3]]}}`, "x.data[1][1]", `x.data[1][1]: want a number, got "b"`},
		{one, `{"x":{"columns":["ash","hue","x"],"data":[[1,2]]}}`, "x.data[0]", "x.data[0]: want 3 values, got 2"},
		{one, `{"x":{"columns":["ash","hue","x"],"data":[[1,2,3,4]]}}`, "x.data[0]", "x.data[0]: want 3 values, got more"},
		{one, `{"x":{"columns":["ash","hue"],"data":[[1,2]]}}`, "x.columns", "x.columns: x: missing, want a number"},
		{one, `{"x":{"columns":["ash","colour"],"data":[[1,2]]}}`, "x.columns", "x.columns: colour: no such feature, want ash, hue, x"},
		{one, `{"x":{"columns":["ash","hue","x"]}}`, "x.data", "x.data: missing, want a list of rows"},
		{one, `{"x":{"data":[[1,2,3]]}}`, "x.columns", "x.columns: missing, want a list of names"},
		{one, `{"x":{"columns":["ash","hue","x"],"data":[]}}`, "x.data", "x.data: want at least one row, got none"},
		{people, `{"x":{"age":[1,2],"sex":["f","m"]}}`, "x.class", "x.class: missing, want a whole number"},
		{people, `{"x":{"age":1,"sex":"f"}}`, "x.class", "x.class: missing, want a whole number"},
		{people, `{"x":[{"age":1,"sex":"f","class":1},{"sex":"f","class":1,"aeg":2}]}`, "x[1].aeg", "x[1].aeg: no such input, want age, sex, class"},
		{[]model.Input{age, optional(sex)}, `{"x":{}}`, "x", "x: want at least one of age, sex, got none"},
		{[]model.Input{age, optional(sex)}, `{"x":[{},{}]}`, "x", "x: want at least one of age, sex, got none"},
		{[]model.Input{age, optional(sex)}, `{"x":{"columns":[],"data":[[]]}}`, "x.columns", "x.columns: want at least one name, got none"},
		{[]model.Input{age, optional(scans)}, `{"x":{"age":1}}`, "x.scan", "x.scan: missing, want a list of 2 numbers"},
		{[]model.Input{wine(true)}, `{"x":{}}`, "x", "x: want at least one of ash, hue, x, got none"},
		{people, `{"x":{"age":[1,2],"sex":["f",null],"class":[1,2]}}`, "x.sex[1]", "x.sex[1]: want a string, got null, and the model handles no missing value here"},
	} {
		r := requestOf(c.inputs...)
		err := r.Decode([]byte(c.body))
		var e *Error
		if !errors.As(err, &e) || e.Field != c.field || e.Error() != c.want || e.NotJSON {
			t.Errorf("%s:\n got %v\nwant %s", c.body, err, c.want)
		}
	}
}

// TestAbsentsAreBounded does not let three bytes a row ask for thousands of values.
func TestAbsentsAreBounded(t *testing.T) {
	in := input("x", onnx.Float32, -1, 1000)
	in.Missing = true
	for k := range 1000 {
		in.Features = append(in.Features, fmt.Sprint("f", k))
	}
	r := requestOf(in)
	if err := r.Decode([]byte(`{"x":[{"f1":1},{},{"f999":2}]}`)); err != nil || r.inputs[0].F32[1] != 1 || r.inputs[0].F32[2999] != 2 {
		t.Errorf("a few sparse rows: got %v, want them read", err)
	}
	body := `{"x":[` + strings.Repeat("{},", 100_000) + `{}]}`
	err := r.Decode([]byte(body))
	var e *Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Field, "x[30") || len(r.inputs[0].F32) > len(body)+5000 {
		t.Errorf("got %.200v and %d values, want it refused at some row past 300", err, len(r.inputs[0].F32))
	}
}

package predict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// requestOf makes a request to a model that has only inputs.
func requestOf(inputs ...model.Input) *Request {
	c := &Codec{inputs: inputs, byName: make(map[string]int)}
	c.columns, c.columnByName = columnsOf(inputs)
	c.sparse = true
	r := &Request{codec: c, seen: make([]int, len(inputs)), came: make([]int, len(c.columns)), texts: make(map[string]string)}
	for i, in := range inputs {
		c.byName[in.Name] = i
		r.inputs = append(r.inputs, &onnx.Tensor{DType: in.DType})
	}
	return r
}

// input describes an input as package model does.
func input(name string, d onnx.DType, shape ...int) model.Input {
	in := model.Input{Name: name, DType: d, Rank: len(shape), Width: 1, Shape: shape, Row: []int{1}, FixedRows: max(shape[0], 0)}
	if in.Rank > 1 {
		in.Row = shape[1:]
	}
	for _, d := range in.Row {
		in.Width *= d
	}
	return in
}

func optional(in model.Input) model.Input {
	in.Missing = true
	return in
}

var (
	three   = input("x", onnx.Float32, -1, 3)
	missing = optional(input("x", onnx.Float64, -1, 3))
	age     = optional(input("age", onnx.Float32, -1, 1))
	sex     = input("sex", onnx.String, -1, 1)
	class   = input("class", onnx.Int64, -1, 1)
	scans   = input("scan", onnx.Float32, -1, 2)
	square  = input("x", onnx.Float32, -1, 2, 2)
)

// flat prints the tensors of a request: shape and elements of each input.
func flat(r *Request) string {
	var out []string
	for _, t := range r.inputs {
		switch {
		case t.DType == onnx.Float32:
			out = append(out, fmt.Sprint(t.Shape, t.F32))
		case t.DType == onnx.Float64:
			out = append(out, fmt.Sprint(t.Shape, t.F64))
		case t.DType == onnx.Bool:
			out = append(out, fmt.Sprint(t.Shape, t.Bool))
		case t.DType == onnx.String:
			out = append(out, fmt.Sprintf("%v %q", t.Shape, t.Str))
		default:
			out = append(out, fmt.Sprint(t.Shape, t.I64))
		}
	}
	return strings.Join(out, " | ")
}

func TestDecode(t *testing.T) {
	people := []model.Input{age, sex, class}
	for _, c := range []struct {
		name   string
		inputs []model.Input
		body   string
		want   string
		single bool
	}{
		{"vector", []model.Input{three}, `{"x":[0.4,-0.2,0.1]}`, "[1 3] [0.4 -0.2 0.1]", true},
		{"a byte order mark", []model.Input{three}, "\xef\xbb\xbf{\"x\":[1,2,3]}", "[1 3] [1 2 3]", true},
		{"spaces", []model.Input{three}, " {\n\"x\" : [ 0.4 ,\t-0.2 , 0.1 ] \r\n} ", "[1 3] [0.4 -0.2 0.1]", true},
		{"other members", []model.Input{three}, `{"id":{"a":[1,null,"\u00e9"]},"x":[1,2,3],"id":false}`, "[1 3] [1 2 3]", true},
		{"escaped name", []model.Input{three}, `{"\u0078":[1,2,3]}`, "[1 3] [1 2 3]", true},
		{"matrix", []model.Input{three}, `{"x":[[1,2,3],[4,5,6]]}`, "[2 3] [1 2 3 4 5 6]", false},
		{"matrix of one", []model.Input{three}, `{"x":[[1,2,3]]}`, "[1 3] [1 2 3]", false},
		{"by name", []model.Input{three}, `{"x":{"x":[1,2,3]}}`, "[1 3] [1 2 3]", true},
		{"list by name", []model.Input{three}, `{"x":[{"x":[1,2,3]},{"x":[4,5,6]}]}`, "[2 3] [1 2 3 4 5 6]", false},
		{"numbers", []model.Input{three}, `{"x":[1e2,-0,1E-2]}`, "[1 3] [100 -0 0.01]", true},
		{"null", []model.Input{missing}, `{"x":[1,null,3]}`, "[1 3] [1 NaN 3]", true},
		{"object", people, `{"x":{"class":3,"sex":"male","age":null}}`, `[1 1] [NaN] | [1 1] ["male"] | [1 1] [3]`, true},
		{"object of lists", people, `{"x":{"class":[3],"sex":["ma\u006ce"],"age":[22.5]}}`, `[1 1] [22.5] | [1 1] ["male"] | [1 1] [3]`, true},
		{"objects", people, `{"x":[{"class":3,"sex":"","age":1},{"age":2,"sex":"é","class":-1}]}`, `[2 1] [1 2] | [2 1] ["" "é"] | [2 1] [3 -1]`, false},
		{"widths", []model.Input{scans, sex}, `{"x":[{"scan":[1,2],"sex":"a"},{"sex":"b","scan":[3,4]}]}`, `[2 2] [1 2 3 4] | [2 1] ["a" "b"]`, false},
		{"one dimension", []model.Input{input("text", onnx.String, -1)}, `{"x":[["a"],["b"]]}`, `[2] ["a" "b"]`, false},
		{"one dimension by name", []model.Input{input("text", onnx.String, -1)}, `{"x":{"text":"a"}}`, `[1] ["a"]`, true},
		{"three dimensions", []model.Input{square}, `{"x":[[1,2],[3,4]]}`, "[1 2 2] [1 2 3 4]", true},
		{"three dimensions, batch", []model.Input{square}, `{"x":[[[1,2],[3,4]],[[5,6],[7,8]]]}`, "[2 2 2] [1 2 3 4 5 6 7 8]", false},
		{"any width", []model.Input{input("x", onnx.Float32, -1, -1)}, `{"x":[[1,2],[3,4]]}`, "[2 2] [1 2 3 4]", false},
		{"bool", []model.Input{input("x", onnx.Bool, -1, 2)}, `{"x":[true,false]}`, "[1 2] [true false]", true},
		{"int8", []model.Input{input("x", onnx.Int8, -1, 3)}, `{"x":[-128,127,1.2e1]}`, "[1 3] [-128 127 12]", true},
		{"int64", []model.Input{input("x", onnx.Int64, -1, 2)}, `{"x":[-9223372036854775808,9223372036854775807]}`, "[1 2] [-9223372036854775808 9223372036854775807]", true},
		{"uint64", []model.Input{input("x", onnx.Uint64, -1, 2)}, `{"x":[18446744073709551615,-0.0]}`, "[1 2] [-1 0]", true},
		{"whole with zeros", []model.Input{input("x", onnx.Int32, -1, 1)}, `{"x":[7.000000000000000000000000]}`, "[1 1] [7]", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := requestOf(c.inputs...)
			for range 2 { // the second time over used memory
				if err := b.Decode([]byte(c.body)); err != nil {
					t.Fatal(err)
				}
				if got := flat(b); got != c.want || b.single != c.single {
					t.Errorf("got %s, single %v, want %s, %v", got, b.single, c.want, c.single)
				}
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	people := []model.Input{age, sex, class}
	one := []model.Input{three}
	for _, c := range []struct {
		inputs []model.Input
		body   string
		field  string // "400": not JSON
		want   string
	}{
		{one, ``, "400", `the body is empty: want JSON as {"x": …}`},
		{one, ` `, "400", `the body is empty: want JSON as {"x": …}`},
		{one, `{"x":[1,2,3]`, "400", "the body is not JSON: at byte 12: want ',' or '}', got the end of the body"},
		{one, `{"x":["a",2`, "400", "the body is not JSON: at byte 11: want ',' or ']', got the end of the body"},
		{one, `{"x":[1,2,3]} x`, "400", "the body is not JSON: at byte 14: want the end of the body, got 'x'"},
		{one, `{"x":[1,2,3,]}`, "400", "the body is not JSON: at byte 12: want a value, got ']'"},
		{one, `{"x":[1,2,]}`, "400", "the body is not JSON: at byte 10: want a value, got ']'"},
		{one, `{"x":[NaN,1,2]}`, "400", "the body is not JSON: at byte 6: want a value; NaN and Infinity are not JSON, write null for a missing value, got 'N'"},
		{one, `{"x":[nul,1,2]}`, "400", "the body is not JSON: at byte 9: want null, got ','"},
		{one, `{"x":[01,1,2]}`, "400", "the body is not JSON: at byte 7: want the end of a number (no leading zeros), got '1'"},
		{one, `{"x":[+1,1,2]}`, "400", "the body is not JSON: at byte 6: want a value, got '+'"},
		{one, `{"x":[1.,1,2]}`, "400", "the body is not JSON: at byte 6: want a number as 1, -0.5 or 2e3, got '1'"},
		{one, `{"x":[1e,1,2]}`, "400", "the body is not JSON: at byte 6: want a number as 1, -0.5 or 2e3, got '1'"},
		{one, "{\"x\":[1,2,3],\"a\":\"\xff\"}", "400", "the body is not JSON: at byte 18: want UTF-8, got the byte 0xff"},
		{one, "{\"x\":[1,2,3],\"a\":\"\n\"}", "400", `the body is not JSON: at byte 18: want no control character inside a string, got '\n'`},
		{one, `{"x":[1,2,3],"a":"\ud800"}`, "400", `the body is not JSON: at byte 18: want a pair of surrogates, got '\\'`},
		{one, `{"x":[1,2,3],"a":"\q"}`, "400", `the body is not JSON: at byte 19: want one of " \ / b f n r t u after a backslash, got 'q'`},
		{one, `{x:[1,2,3]}`, "400", `the body is not JSON: at byte 1: want a name in quotes, got 'x'`},
		{one, "\xef\xbb\xbf{}", "x", "x: missing, want a list of 3 numbers"},
		{one, "\xef\xbb\xbf", "400", `the body is empty: want JSON as {"x": …}`},
		{one, "{}\xef\xbb\xbf", "400", "the body is not JSON: at byte 2: want the end of the body, got the byte 0xef"},
		{one, `[1,2,3]`, "x", `x: want a JSON object with a member "x", got a list`},
		{one, `null`, "x", `x: want a JSON object with a member "x", got null`},
		{one, `{}`, "x", "x: missing, want a list of 3 numbers"},
		{one, `{"y":[1,2,3]}`, "x", "x: missing, want a list of 3 numbers"},
		{one, `{"x":[1,2,3],"x":[1,2,3]}`, "x", "x: given twice, want it once"},
		{one, `{"x":"a"}`, "x", `x: want a list of 3 numbers, got "a"`},
		{one, `{"x":null}`, "x", `x: want a list of 3 numbers, got null`},
		{one, `{"x":[]}`, "x", "x: want a list of 3 numbers, got an empty list"},
		{one, `{"x":[1,2]}`, "x", "x: want 3 numbers, got 2"},
		{one, `{"x":[1,2,3,4,5]}`, "x", "x: want 3 numbers, got 5"},
		{one, `{"x":[1,"a",3]}`, "x[1]", `x[1]: want a number, got "a"`},
		{one, `{"x":[1,true,3]}`, "x[1]", `x[1]: want a number, got true`},
		{one, `{"x":[1,null,3]}`, "x[1]", `x[1]: want a number, got null, and the model handles no missing value here`},
		{one, `{"x":[1,1e39,3]}`, "x[1]", `x[1]: want a number in the range of float32, got 1e39`},
		{one, `{"x":[1,[2],3]}`, "x[1]", `x[1]: want a number, got a list`},
		{one, `{"x":[1,{"a":2},3]}`, "x[1]", `x[1]: want a number, got an object`},
		{one, `{"x":[[1,2,3],[1,2]]}`, "x[1]", "x[1]: want 3 numbers, got 2"},
		{one, `{"x":[[1,2,3],[]]}`, "x[1]", "x[1]: want 3 numbers, got none"},
		{one, `{"x":[[]]}`, "x[0]", "x[0]: want 3 numbers, got none"},
		{one, `{"x":[[1,2,3],4]}`, "x[1]", "x[1]: want a list of 3 numbers, got 4"},
		{one, `{"x":[[1,2,3],[1,2,"a"]]}`, "x[1][2]", `x[1][2]: want a number, got "a"`},
		{one, `{"x":[[1,2,[3]]]}`, "x[0][2]", `x[0][2]: want a number, got a list`},
		{one, `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "x[0][0]", `x[0][0]: want a number, got a list`},
		{one, `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `,"x":[1,2,3]}`, "a", `a: want at most 100 levels of lists and objects, got more`},
		{one, `{"x":{"y":[1,2,3]}}`, "x.y", "x.y: no such input, want x"},
		{one, `{"x":{"x":[1,2,"é` + strings.Repeat("é", 30) + `"]}}`, "x.x[2]", `x.x[2]: want a number, got "` + strings.Repeat("é", 19) + "…"},
		{one, `{"x":{}}`, "x.x", "x.x: missing, want a list of 3 numbers"},
		{people, `{"x":[1,2,3]}`, "x", "x: want an object with age, sex, class, got a list without names"},
		{people, `{"x":[[1,2,3]]}`, "x[0]", "x[0]: want an object with age, sex, class, got a list"},
		{people, `{"x":7}`, "x", "x: want an object with age, sex, class, got 7"},
		{people, `{"x":{"age":"old","sex":"male","class":1}}`, "x.age", `x.age: want a number, got "old"`},
		{people, `{"x":{"age":1,"sex":null,"class":1}}`, "x.sex", `x.sex: want a string, got null, and the model handles no missing value here`},
		{people, `{"x":{"age":1,"sex":"male","class":1.5}}`, "x.class", `x.class: want a whole number, got 1.5`},
		{people, `{"x":{"age":1,"sex":"male","class":9223372036854775808}}`, "x.class", `x.class: want a number in the range of int64, got 9223372036854775808`},
		{people, `{"x":{"age":1,"sex":"male","class":123456789012345678901234}}`, "x.class", `x.class: want a number in the range of int64, got 123456789012345678901234`},
		{people, `{"x":{"age":1,"sex":"male"}}`, "x.class", `x.class: missing, want a whole number`},
		{people, `{"x":{"age":1,"age":2}}`, "x.age", `x.age: given twice, want it once`},
		{people, `{"x":{"age":[1,2],"sex":"male","class":1}}`, "x.sex", `x.sex: want a list of the column's values, got "male"`},
		{people, `{"x":{"sex":"male","class":1,"age":[1,2]}}`, "x.age", `x.age: want 1 number, got 2`},
		{people, `{"x":[{"age":1,"sex":"male","class":1},{"age":1,"sex":"male","class":true}]}`, "x[1].class", `x[1].class: want a whole number, got true`},
		{people, `{"x":[{"age":1,"sex":"male","class":1},{"age":1,"sex":"male"}]}`, "x[1].class", `x[1].class: missing, want a whole number`},
		{people, `{"x":[{"age":1,"sex":"male","class":1},5]}`, "x[1]", `x[1]: want an object with age, sex, class, got 5`},
		{people, `{"x":[{"age":1,"sex":"male","class":1},{"agee":1}]}`, "x[1].agee", `x[1].agee: no such input, want age, sex, class`},
		{[]model.Input{scans, sex}, `{"x":[{"scan":[1,"b"],"sex":"a"}]}`, "x[0].scan[1]", `x[0].scan[1]: want a number, got "b"`},
		{[]model.Input{scans, sex}, `{"x":{"scan":1,"sex":"a"}}`, "x.scan", `x.scan: want a list of 2 numbers, got 1`},
		{[]model.Input{square}, `{"x":[[1,2],[3,"a"]]}`, "x[1][1]", `x[1][1]: want a number, got "a"`},
		{[]model.Input{square}, `{"x":[[[1,2],[3,4]],[[1,2],[3]]]}`, "x[1][1]", `x[1][1]: want 2 numbers, got 1`},
		{[]model.Input{square}, `{"x":[[[1,2],[3,4]],[[1,2]]]}`, "x[1]", `x[1]: want 2 lists, got 1`},
		{[]model.Input{square}, `{"x":[1,2]}`, "x[0]", `x[0]: want a list of 2 numbers, got 1`},
		{[]model.Input{input("x", onnx.Float32, 1, 3)}, `{"x":[[1,2,3],[1,2,3]]}`, "x", `x: want 1 row, got 2: the model's batch is fixed`},
		{[]model.Input{input("x", onnx.Float32, -1, -1)}, `{"x":[[1,2,3],[1,2]]}`, "x[1]", `x[1]: want 3 numbers, got 2`},
		{[]model.Input{input("x", onnx.Uint8, -1, 1)}, `{"x":[-1]}`, "x[0]", `x[0]: want a number in the range of uint8, got -1`},
		{[]model.Input{input("x", onnx.Bool, -1, 1)}, `{"x":[1]}`, "x[0]", `x[0]: want a boolean, got 1`},
		{[]model.Input{input("x", onnx.String, -1, 2)}, `{"x":["a",1]}`, "x[1]", `x[1]: want a string, got 1`},
	} {
		b := requestOf(c.inputs...)
		err := b.Decode([]byte(c.body))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want an Error", c.body, err)
			continue
		}
		field := e.Field
		if e.NotJSON {
			field = "400"
		}
		if field != c.field || e.Error() != c.want {
			t.Errorf("%.80s:\n got %s %s\nwant %s %s", c.body, field, e, c.field, c.want)
		}
	}
}

func TestDecodeFloat32(t *testing.T) {
	texts := []string{"0.1", "1e-45", "7e-46", "3.4028235e38", "16777217", "1.00000017881393432617187500", "1.00000017881393432617187499",
		"1.1754943e-38", "0.000000000000000000000000000000000000011754944", "8388608.5", "8388609.5", "123456789012345678", "1e22", "-0.0", "2.5e-8",
		"0.10170054435729980", "9007199254740993", "1.17549429e-38", "340282346638528859811704183484516925439", "0.30000001192092896", "5e-324"}
	rng := uint64(1)
	for range 20000 {
		rng = rng*6364136223846793005 + 1442695040888963407
		f := math.Float32frombits(uint32(rng >> 32))
		if f-f != 0 {
			continue
		}
		// The value, its double form, and the exact middle to its neighbour.
		g := math.Nextafter32(f, 0)
		texts = append(texts, fmt.Sprint(f), fmt.Sprintf("%.17g", float64(f)), fmt.Sprintf("%.60g", (float64(f)+float64(g))/2))
	}
	b := requestOf(input("x", onnx.Float32, -1, 1), input("y", onnx.Float64, -1, 1))
	for _, text := range texts {
		if err := b.Decode([]byte(`{"x":{"x":` + text + `,"y":` + text + `}}`)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var f32 float32
		var f64 float64
		if err := json.Unmarshal([]byte(text), &f32); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &f64); err != nil {
			t.Fatal(err)
		}
		if got := b.inputs[0].F32[0]; math.Float32bits(got) != math.Float32bits(f32) {
			t.Errorf("float32 %s: got %v, want %v", text, got, f32)
		}
		if got := b.inputs[1].F64[0]; math.Float64bits(got) != math.Float64bits(f64) {
			t.Errorf("float64 %s: got %v, want %v", text, got, f64)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		b    *Request
		body string
	}{
		"vector":  {requestOf(three), `{"x":[0.4,-0.2,0.10170054435729980]}`},
		"float64": {requestOf(missing), `{"x":[0.10170054435729981,null,0.1]}`},
		"batch":   {requestOf(three), `{"x":[` + strings.TrimSuffix(strings.Repeat(`[0.4,-0.2,0.1],`, 100), ",") + `]}`},
		"objects": {requestOf(age, sex, class), `{"x":[{"age":1,"sex":"m\u0061le","class":3},{"age":1,"sex":"female","class":3}]}`},
	} {
		body := []byte(c.body)
		got := testing.AllocsPerRun(100, func() {
			if err := c.b.Decode(body); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 {
			t.Errorf("%s: got %v allocations a body, want 0", name, got)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	rows := func(n, width int) string {
		row := "[" + strings.TrimSuffix(strings.Repeat("-0.14031748,", width), ",") + "]"
		return `{"x":[` + strings.TrimSuffix(strings.Repeat(row+",", n), ",") + `]}`
	}
	for _, c := range []struct {
		name  string
		width int
		body  string
	}{
		{"row of 3", 3, `{"x": [0.4, -0.2, 0.1]}`},
		{"1000 rows of 30", 30, rows(1000, 30)},
	} {
		b.Run(c.name, func(b *testing.B) {
			batch, body := requestOf(input("x", onnx.Float32, -1, c.width)), []byte(c.body)
			b.ReportAllocs()
			for b.Loop() {
				if err := batch.Decode(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"x":[0.4,-0.2,0.1]}`, `{"x":[[1,2,3],[4,5,6]]}`, `{"x":{"x":[1,2,3]}}`, `{"x":[{"age":1,"sex":"\ud83d\ude00","class":3}]}`,
		`{"a":"\u00e9","x":[1e5,-0.0,1E-3]}`, `{"x":{"age":null,"sex":"é","class":1.0}}`, `[]`, `{"x":[1,2,3]}}`, "\"\xff\"", `{"x":[[[1]]]}`,
		`{"x":{"hue":2,"ash":1}}`, `{"x":{"ash":[1,2],"hue":[3,null]}}`, `{"x":{"data":[[1,2]],"columns":["x","ash"]}}`, `{"x":{"age":[1,2],"sex":["f","m"],"class":[1,2]}}`} {
		f.Add([]byte(seed))
	}
	vector, people, cube, named := requestOf(three), requestOf(age, sex, class), requestOf(square), requestOf(wine(true))
	f.Fuzz(func(t *testing.T, body []byte) {
		valid, deep := strictJSON(body), bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > scan.MaxDepth
		for _, b := range []*Request{vector, people, cube, named} {
			err := b.Decode(body)
			if err == nil {
				if !valid {
					t.Errorf("accepted %q, which is not JSON", body)
				}
				for i, in := range b.inputs {
					if got, want := length(in), in.Len(); got != want {
						t.Errorf("%q: input %d holds %d elements, its shape %v wants %d", body, i, got, in.Shape, want)
					}
				}
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.NotJSON == valid && !deep {
				t.Errorf("%q: JSON is %v, got %v", body, valid, e)
			}
		}
		compare(t, vector, body)
	})
}

var (
	escapedPair = regexp.MustCompile(`\\\\`)
	surrogates  = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	surrogate   = regexp.MustCompile(`\\u[dD][89a-fA-F]`)
)

// strictJSON is what encoding/json takes, but for text that is not Unicode.
func strictJSON(body []byte) bool {
	escapes := surrogates.ReplaceAll(escapedPair.ReplaceAll(body, nil), nil)
	return json.Valid(body) && utf8.Valid(body) && !surrogate.Match(escapes)
}

// compare reads the body with encoding/json as well: the same numbers must come out.
func compare(t *testing.T, r *Request, body []byte) {
	t.Helper()
	if r.Decode(body) != nil || r.objects {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	var want []float32
	var rows [][]float32
	if json.Unmarshal(members["x"], &want) != nil {
		if err := json.Unmarshal(members["x"], &rows); err != nil {
			t.Fatal(err)
		}
		want = slices.Concat(rows...)
	}
	if !slices.Equal(want, r.inputs[0].F32) {
		t.Errorf("%q: got %v, want %v", body, r.inputs[0].F32, want)
	}
}

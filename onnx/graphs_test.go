package onnx

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// graphAttribute writes an attribute that holds a graph.
func graphAttribute(name string, parts ...[]byte) []byte {
	return message(5, cat(message(1, []byte(name)), message(6, cat(parts...)), number(20, int64(attrGraph))))
}

// named writes strings in a field.
func named(field int64, names string) []byte {
	var all [][]byte
	for _, n := range strings.Fields(names) {
		all = append(all, message(protowire.Number(field), []byte(n)))
	}
	return cat(all...)
}

// nodeWith is a node of the graph with attributes that are written already.
func nodeWith(operator, inputs, outputs string, attributes ...[]byte) []byte {
	return message(1, cat(named(1, inputs), named(2, outputs), message(4, []byte(operator)), cat(attributes...)))
}

func TestGraphsInAttributes(t *testing.T) {
	yes := graphAttribute("then_branch", op("Add", "x w", "then", nil), message(12, message(1, []byte("then"))))
	no := graphAttribute("else_branch", op("Neg", "x", "else", nil), message(12, message(1, []byte("else"))))
	for _, c := range []struct {
		name string
		data []byte
		want *Tensor
		rows bool
	}{
		{"a condition that is known", graph(nodeWith("If", "c", "y", yes, no), initializer("w", f32s(10, 20, 30)), initializer("c", shaped(bools(true)))), matrix(3, 11, 22, 33), true},
		{"a condition that is computed", graph(op("ReduceMax", "x", "m", attrs{"keepdims": 0}), op("Greater", "w0 m", "c", nil), nodeWith("If", "c", "y", yes, no),
			initializer("w", f32s(10, 20, 30)), initializer("w0", shaped(f32s(0)))), matrix(3, -1, -2, -3), false},
		{"a scan whose state adds up", graph(op("Constant", "", "s", attrs{"value_floats": []float32{0, 0, 0}}), nodeWith("Scan", "s x", "last y",
			message(5, attribute("num_scan_inputs", 1)),
			graphAttribute("body", op("Add", "state row", "next", nil), op("Identity", "next", "sum", nil),
				message(11, message(1, []byte("state"))), message(11, message(1, []byte("row"))), message(12, message(1, []byte("next"))), message(12, message(1, []byte("sum")))))), matrix(3, 1, 2, 3), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := run(t, c.data, matrix(3, 1, 2, 3))
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(got, c.want); d != "" {
				t.Error(d)
			}
			if rows := mustLoad(t, c.data).RowWise(); rows != c.rows {
				t.Errorf("RowWise is %v, want %v", rows, c.rows)
			}
		})
	}
}

// A function's nodes take the place of its call: with names of their own, its attributes, and functions inside of it.
func TestFunctionsOfTheFile(t *testing.T) {
	reference := message(5, cat(message(1, []byte("alpha")), message(21, []byte("by")), number(20, int64(attrFloat))))
	scale := message(25, cat(message(1, []byte("Twice")), message(10, []byte("acme")), named(4, "a b"), named(5, "c"), message(6, []byte("by")),
		message(7, cat(named(1, "a b"), named(2, "c"), message(4, []byte("Gemm")), reference)), message(9, number(2, 17))))
	outer := message(25, cat(message(1, []byte("Model")), message(10, []byte("acme")), named(4, "x w"), named(5, "y"),
		message(7, cat(named(1, "x w"), named(2, "c"), message(4, []byte("Twice")), message(7, []byte("acme")), message(5, attribute("by", float32(2))))),
		message(7, cat(named(1, "c"), named(2, "y"), message(4, []byte("Neg")))), message(9, number(2, 17)), message(9, cat(message(1, []byte("acme")), number(2, 1)))))
	data := append(append(graph(message(1, cat(named(1, "x w"), named(2, "y"), message(4, []byte("Model")), message(7, []byte("acme")))), initializer("w", matrix(1, 1, 0, 1))), scale...), outer...)
	got, err := run(t, data, matrix(3, 1, 2, 3, 4, 5, 6))
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(got, matrix(1, -8, -20)); d != "" {
		t.Error(d)
	}
}

// A short file cannot make many nodes of few by calling a function with a large graph in an attribute.
func TestFunctionsMakeFewNodes(t *testing.T) {
	inner := [][]byte{}
	for range 100 {
		inner = append(inner, op("Neg", "x", "-", nil))
	}
	inner = append(inner, message(12, message(1, []byte("x"))))
	fn := message(25, cat(message(1, []byte("F")), message(10, []byte("acme")), named(4, "c x"), named(5, "y"),
		message(7, cat(named(1, "c"), named(2, "y"), message(4, []byte("If")), graphAttribute("then_branch", inner...), graphAttribute("else_branch", inner...)))))
	calls := [][]byte{}
	for range 100 {
		calls = append(calls, message(1, cat(named(1, "c x"), named(2, "y"), message(4, []byte("F")), message(7, []byte("acme")))))
	}
	_, err := Load(append(graph(calls...), fn...))
	if err == nil || !strings.Contains(err.Error(), "functions make more than 16384 nodes") {
		t.Errorf("got %v", err)
	}
}

func TestTexts(t *testing.T) {
	of := func(node []byte, more ...[]byte) []byte {
		return file(append([][]byte{input("x", String, -1), node, message(12, message(1, []byte("y")))}, more...)...)
	}
	for _, c := range []struct {
		name string
		data []byte
		in   *Tensor
		want *Tensor
	}{
		{"lower case", of(op("StringNormalizer", "x", "y", attrs{"case_change_action": "LOWER"})), texts("ÄB", ""), texts("äb", "")},
		{"stop words", of(op("StringNormalizer", "x", "y", attrs{"stopwords": []string{"the"}})), texts("The", "cat"), texts("cat")},
		{"nothing is left", of(op("StringNormalizer", "x", "y", attrs{"stopwords": []string{"the"}})), texts("the"), texts("")},
		{"tokens of an expression", of(op("com.microsoft.Tokenizer", "x", "y", attrs{"pad_value": "#", "mincharnum": 2, "tokenexp": "[a-z]+"})), texts("ab c def", "", "xy"),
			shaped(texts("ab", "def", "#", "#", "xy", "#"), 3, 2)},
		{"tokens between separators", of(op("com.microsoft.Tokenizer", "x", "y", attrs{"pad_value": "#", "mincharnum": 1, "separators": []string{" ", "-+"}})), texts("a b--c", "d"),
			shaped(texts("a", "b", "c", "d", "#", "#"), 2, 3)},
		{"characters", of(op("com.microsoft.Tokenizer", "x", "y", attrs{"pad_value": "#", "mincharnum": 1, "separators": []string{""}})), texts("né"), shaped(texts("n", "é"), 1, 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := run(t, c.data, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(got, c.want); d != "" {
				t.Error(d)
			}
		})
	}
}

// A text of a million tokens beside others is refused before anything is filled up.
func TestTooManyTokens(t *testing.T) {
	data := file(input("x", String, -1), op("com.microsoft.Tokenizer", "x", "y", attrs{"pad_value": "#", "mincharnum": 1, "tokenexp": "."}), message(12, message(1, []byte("y"))))
	_, err := run(t, data, texts("a", strings.Repeat("b", maxTokens/2+1), "c"))
	if err == nil || !strings.Contains(err.Error(), "x[1]: a text of 524289 tokens in a batch of 3 texts") {
		t.Errorf("got %v", err)
	}
}

package record

import (
	"strings"
	"testing"
)

// What has no name beside it is left out where anything is: the rows of a split frame, and values that warnings quote.
func TestOmitUnnamed(t *testing.T) {
	l := &Log{Options: Options{Omit: []Field{{Name: "city"}}}, hash: newHasher()}
	for text, want := range map[string]string{
		`{"x":{"columns":["city","age"],"data":[["PII",40]]}}`:   `{"x":{"columns":["city","age"]}}`,
		`{"prediction":1,"warnings":["x.city: \"PII\" is new"]}`: `{"prediction":1}`,
		`{"x":[{"city":"PII","age":40}]}`:                        `{"x":[{"age":40}]}`,
	} {
		if got := string(l.without([]byte(text), "body")); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// A feature is left out by its name and by its place in a row, whichever of the two was said and whichever the body has. A column's
// places are rows, and an answer's are its own.
func TestOmitRows(t *testing.T) {
	for _, name := range []string{"city", "1"} {
		l := &Log{Options: Options{Omit: []Field{{Name: name}}, Row: []string{"age", "city", ""}}, hash: newHasher()}
		for text, want := range map[string]string{
			`{"x":[40,7,1]}`:                                                 `{"x":[40,null,1]}`,
			`{"x":[[40,7,1],[41,8]]}`:                                        `{"x":[[40,null,1],[41,null]]}`,
			`{"x":[[40],7,[1]]}`:                                             `{"x":[[40],null,[1]]}`,
			`{"x":[40,["PII"],1]}`:                                           `{"x":[40,null,1]}`,
			`{"x":{"age":40,"city":7}}`:                                      `{"x":{"age":40}}`,
			`{"x":{"age":[40,41],"city":[7,8]}}`:                             `{"x":{"age":[40,41]}}`,
			`{"x":[{"age":40,"city":7}],"user":"anna"}`:                      `{"user":"anna","x":[{"age":40}]}`,
			`{"x":{"columns":["age","city"],"index":[1,2],"data":[[40,7]]}}`: `{"x":{"columns":["age","city"]}}`,
		} {
			if got := string(l.without([]byte(text), "body")); got != want {
				t.Errorf("%s, %s: got %s, want %s", name, text, got, want)
			}
		}
	}
	l := &Log{Options: Options{Omit: []Field{{Name: "city"}}, Row: []string{"age", "city"}}, hash: newHasher()}
	if got := string(l.without([]byte(`{"history":[1,2],"x":[40,7]}`), "body")); got != `{"history":[1,2],"x":[40,null]}` {
		t.Errorf("got %s, want the rows of x alone without the feature", got)
	}
	if got := string(l.without([]byte(`{"prediction":[1,2]}`), "answer")); got != `{"prediction":[1,2]}` {
		t.Errorf("got %s, want the answer as it is", got)
	}
}

// The body of a request that was refused is not recorded where anything is left out: in a form that the model does not take, nobody can
// say which value is which.
func TestOmitRefused(t *testing.T) {
	for _, c := range []struct {
		omit   []Field
		status int
		want   string
	}{
		{[]Field{{Name: "city"}}, 422, `"body":null`}, {[]Field{{Name: "city"}}, 200, `"body":{"x":{"age":40}}`}, {nil, 422, `"body":{"x":{"age":40,"city":7}}`},
	} {
		l := &Log{Options: Options{Omit: c.omit}, hash: newHasher()}
		line, err := l.line(Entry{Status: c.status, Body: []byte(`{"x":{"age":40,"city":7}}`)})
		if err != nil || !strings.Contains(string(line), c.want) {
			t.Errorf("%v, %d: got %s, %v, want %s", c.omit, c.status, line, err, c.want)
		}
	}
}

func TestParseFieldsRefuses(t *testing.T) {
	for _, text := range []string{"hash:", "hash:body", "a,,b"} {
		if got, err := ParseFields(text); err == nil || strings.Contains(err.Error(), "got") {
			t.Errorf("%s: got %v, %v, want what was expected alone", text, got, err)
		}
	}
}

func TestOmitWhole(t *testing.T) {
	l := &Log{Options: Options{Omit: []Field{{Name: "body"}, {Name: "city"}}}, hash: newHasher()}
	for text, want := range map[string]string{
		`{"x":1}`: "",
	} {
		if got := string(l.without([]byte(text), "body")); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

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
			`{"x":[40,7,1]}`:                            `{"x":[40,null,1]}`,
			`{"x":[[40,7,1],[41,8]]}`:                   `{"x":[[40,null,1],[41,null]]}`,
			`{"x":[[40],7,[1]]}`:                        `{"x":[[40],null,[1]]}`,
			`{"x":[40,["PII"],1]}`:                      `{"x":[40,null,1]}`,
			`{"x":{"age":40,"city":7}}`:                 `{"x":{"age":40}}`,
			`{"x":{"age":[40,41],"city":[7,8]}}`:        `{"x":{"age":[40,41]}}`,
			`{"x":[{"age":40,"city":7}],"user":"anna"}`: `{"user":"anna","x":[{"age":40}]}`,
			`{"x":{"columns":["age","city"],"index":[1,2],"records":[{"age":"PII"}],"data":[[40,7]]}}`: `{"x":{"columns":["age","city"]}}`,
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

// A name of RECORD_OMIT may have a comma, and spaces around a feature's name do not keep its values in the record.
func TestOmitOddNames(t *testing.T) {
	fields, err := ParseFields(`lead, "income, EUR",hash:a"b`)
	if err != nil || len(fields) != 3 {
		t.Fatalf("got %v, %v, want three fields", fields, err)
	}
	l := &Log{Options: Options{Omit: fields}, hash: newHasher()}
	if got := string(l.without([]byte(`{"x":{"  lead":"PII","income, EUR":1,"a\"b":"PII","age":40}}`), "body")); strings.Contains(got, "PII") || strings.Contains(got, "income") || !strings.Contains(got, `"age":40`) {
		t.Errorf("got %s, want age alone as it is", got)
	}
}

// One number has one hash, however it is spelt, and two whole numbers have two.
func TestHashOfNumbers(t *testing.T) {
	l := &Log{Options: Options{Omit: []Field{{"id", true}}}, hash: newHasher()}
	hashes := map[string]bool{}
	for _, text := range []string{"7", "7.0", "7e0", "0.7e1", "9007199254740992", "9007199254740993", "0", "-0", "0.0", "0.5", "5e-1"} {
		hashes[string(l.without([]byte(`{"id":`+text+`}`), "body"))] = true
	}
	if len(hashes) != 5 {
		t.Errorf("got %d hashes, want 5", len(hashes))
	}
}

func TestOmitWhole(t *testing.T) {
	l := &Log{Options: Options{Omit: []Field{{Name: "body"}, {Name: "city"}}}, hash: newHasher()}
	if got := l.without([]byte(`{"x":1}`), "body"); len(got) != 0 {
		t.Errorf("got %s, want no body", got)
	}
}

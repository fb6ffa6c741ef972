package record

import "testing"

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

package scan

import (
	"encoding/json"
	"testing"
)

func TestUnescape(t *testing.T) {
	const text = `"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é\u0000"`
	var want string
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if got := string(unescape(nil, []byte(text[1:len(text)-1]))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var back string
	if err := json.Unmarshal(AppendString(nil, want+"\x1f\xff"), &back); err != nil || back != want+"\x1f\ufffd" {
		t.Errorf("got %q, %v, want %q", back, err, want+"\x1f\ufffd")
	}
}

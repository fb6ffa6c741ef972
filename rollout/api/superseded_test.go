package api

import (
	"errors"
	"strings"
	"testing"
)

// An order under a key that is known is answered with its old success: whether users have it, the API's status says.
func TestSuperseded(t *testing.T) {
	other := strings.Replace(image, "sha256:01", "sha256:ff", 1)
	split := func(blue, green string) string {
		return `{"split":{"shares":{"` + blue + `":100}},"sides":[{"side":"blue","state":"healthy","artifact":"` + other + `"},{"side":"green","state":"healthy","artifact":"` + green + `"}]}`
	}
	tests := []struct {
		name   string
		status []turn
		kind   error
		says   string
	}{
		{"users have it", []turn{says(200, split("green", image))}, nil, "succeeded: done\n"},
		{"the other side has them", []turn{says(200, split("blue", image))}, ErrSuperseded, "superseded: d-1 has succeeded, and since then users were given " + other},
		{"a part of them has it", []turn{says(200, strings.Replace(split("green", image), `{"green":100}`, `{"green":10,"blue":90}`, 1))}, nil, "succeeded: done\n"},
		{"no side that is known", []turn{says(200, `{"split":{},"sides":[]}`)}, nil, "succeeded: done\n"},
		{"another route of that name", []turn{says(200, `fine`)}, nil, "succeeded: done\n"},
		{"no such route", []turn{says(404, `not found`)}, nil, "succeeded: done\n"},
		{"after a lost answer", []turn{cuts, says(200, split("blue", image))}, ErrSuperseded, "superseded: d-1"},
		{"never an answer", []turn{drops, drops, drops, drops, drops, drops, drops, drops}, nil, "whether users still have it is not known: GET: EOF, at the last of 8 tries"},
		{"the token as an image", []turn{says(200, strings.ReplaceAll(split("blue", image), other, "x"+token))}, ErrSuperseded, "users were given x***"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, nil, nil, succeeded)
			f.status = tt.status
			got := deploy(t, to(t, f.URL, nil))
			if !errors.Is(got.err, tt.kind) || tt.kind == nil && got.err != nil || !strings.Contains(got.all(), tt.says) {
				t.Errorf("got %v and %q, want %v and in it %q", got.err, got.all(), tt.kind, tt.says)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.faults) > 0 {
				t.Errorf("faults: %q", f.faults)
			}
			if len(f.status) > 0 {
				t.Errorf("the status was not asked for %d times more", len(f.status))
			}
		})
	}
}

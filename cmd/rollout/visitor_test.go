package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"ml-service/rollout/api"
	"ml-service/rollout/page"
)

// TestVisitor: what the scopes of a token are on the page.
func TestVisitor(t *testing.T) {
	secret := func(name string) string { return name + "-0123456789abcdef0123456789abcdef" }
	text := ""
	for _, name := range []string{"deploy", "read", "ui"} {
		text += "the-" + name + " " + name + " " + secret(name) + "\n"
	}
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := api.OpenTokens("", file)
	if err != nil {
		t.Fatal(err)
	}
	check := visitor(api.NewDoor(tokens, nil, slog.New(slog.DiscardHandler)))
	for name, want := range map[string]page.Visitor{
		"deploy": {Name: "the-deploy", Look: true, Move: true}, "read": {Name: "the-read", Look: true}, "ui": {Name: "the-ui", Look: true, Move: true},
	} {
		if got, valid := check(secret(name)); !valid || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, valid, want)
		}
	}
	if got, valid := check(secret("other")); valid || got.Look || got.Move {
		t.Errorf("a token that is not there: %+v, %v", got, valid)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/rollout/api"
)

// TestVerifyKey has cosign judge each image before it is pulled; a stand-in of cosign says what it was asked.
func TestVerifyKey(t *testing.T) {
	bin := t.TempDir()
	asked := filepath.Join(bin, "asked")
	script := "#!/bin/sh\necho \"$@\" >>" + asked + "\ncase \"$*\" in *sha256:1111*) exit 0 ;; esac\necho 'Error: no signatures found' >&2\nexit 10\n"
	if err := os.WriteFile(filepath.Join(bin, "cosign"), []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	s := newServed(t)
	key := filepath.Join(bin, "cosign.pub")
	server := s.start("--verify-key", key)
	defer s.stop(server)
	signed, unsigned := s.image("1"), s.image("2")

	before, _ := s.runs("green")
	said, err := s.order("unsigned", unsigned, "v1.1.0", api.Switch)
	if err == nil || !strings.Contains(said+err.Error(), "no signatures found") {
		t.Errorf("an image without a signature: %v\n%s", err, said)
	}
	if after, _ := s.runs("green"); after != before || s.traffic() == "green" {
		t.Errorf("it moved something: green runs %s, traffic %s", after, s.traffic())
	}
	if said, err := s.order("signed", signed, "v1.1.0", api.Switch); err != nil || s.traffic() != "green" {
		t.Errorf("a signed image: %v, traffic %s\n%s", err, s.traffic(), said)
	}
	text, err := os.ReadFile(asked)
	if want := "verify --key " + key + " " + unsigned + "\nverify --key " + key + " " + signed + "\n"; err != nil || string(text) != want {
		t.Errorf("asked %q, %v; want %q", text, err, want)
	}
}

package api

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/rollout"
)

const (
	deployToken = "deploy-0123456789abcdef0123456789abcdef"
	readToken   = "read-0123456789abcdef0123456789abcdef"
	uiToken     = "ui-0123456789abcdef0123456789abcdef"
)

func tokensFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokensThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		name, single, text string
		mode               os.FileMode
		says               string
	}{
		{"none", "", "", 0, "no token: want one of at least 32 characters"},
		{"short", strings.Repeat("s", 31), "", 0, "CLOUD_TOKEN: want a token of at least 32 characters, got 31"},
		{"with a space", strings.Repeat("s", 31) + " s", "", 0, "CLOUD_TOKEN: want 1 to 255 visible ASCII"},
		{"over-long", strings.Repeat("s", 256), "", 0, "CLOUD_TOKEN: want 1 to 255 visible ASCII"},
		{"file without a token", "", "# nobody\n", 0o600, "no token in it"},
		{"file with a short one", "", "ci deploy " + strings.Repeat("s", 31) + "\n", 0o600, "line 1: want a token of at least 32"},
		{"file with another scope", "", "ci root " + deployToken + "\n", 0o600, "line 1: want the scopes deploy, read or ui"},
		{"file with two words", "", "\nci " + deployToken + "\n", 0o600, "line 2: want a name, its scopes and its token"},
		{"file with a name twice", "", "ci read " + readToken + "\nci deploy " + deployToken + "\n", 0o600, "line 2: want a name"},
		{"file for every user", "", "ci deploy " + deployToken + "\n", 0o644, "every user of this machine may read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := ""
			if tt.text != "" {
				file = tokensFile(t, tt.text, tt.mode)
			}
			_, err := OpenTokens(tt.single, file)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !errors.Is(err, rollout.ErrUsage) || rollout.ExitCode(err) != 2 {
				t.Fatalf("got %v, want %q with exit code 2", err, tt.says)
			}
			if strings.Contains(err.Error(), "sssss") || strings.Contains(err.Error(), "0123456789") {
				t.Errorf("a token is in the error: %v", err)
			}
		})
	}
	if _, err := OpenTokens("", filepath.Join(t.TempDir(), "gone")); err == nil || rollout.ExitCode(err) != 2 {
		t.Errorf("a missing file: got %v, want exit code 2", err)
	}
}

func TestTokensAreReadAgain(t *testing.T) {
	file := tokensFile(t, "# CI\nci deploy "+deployToken+"\nlook read,ui "+readToken+"\n", 0o600)
	tokens, err := OpenTokens("", file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(token, name string, scopes ...string) {
		t.Helper()
		who, ok := tokens.Check(token)
		if ok != (name != "") || who.Name != name {
			t.Errorf("got %q, %v, want %q", who.Name, ok, name)
		}
		for _, s := range scopes {
			if !who.May(s) {
				t.Errorf("%s may not %s", name, s)
			}
		}
	}
	check(deployToken, "ci", ScopeDeploy)
	check(readToken, "look", ScopeRead, ScopeUI)
	check(deployToken[:len(deployToken)-1], "")
	check(deployToken+"x", "")
	check("", "")
	if who, _ := tokens.Check(readToken); who.May(ScopeDeploy) {
		t.Error("look may deploy")
	}

	replace := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("next deploy " + uiToken + "\n") // rotated
	check(deployToken, "")
	check(uiToken, "next")
	replace("next deploy\n") // a mistake: nobody, not those from before
	check(uiToken, "")
	if err := tokens.Fault(); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got the fault %v, want line 1", err)
	}
	replace("ci deploy " + deployToken + "\n")
	check(deployToken, "ci")
	if err := tokens.Fault(); err != nil {
		t.Error(err)
	}
}

package registry

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// action is what testdata/actions.json keeps of an action: read from its own repository by ./actions.
type action struct {
	Tag      string   `json:"tag"`
	Commit   string   `json:"commit"`
	Inputs   []string `json:"inputs"`
	Required []string `json:"required"`
}

// Each action is pinned by the commit that its own repository has under the tag in the comment, and is given only
// inputs that its own action.yml has at that commit.
func TestActions(t *testing.T) {
	text, err := os.ReadFile("testdata/actions.json")
	if err != nil {
		t.Fatal(err)
	}
	var known map[string]action
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	const refresh = "; after a change of versions: cd e2e && go run ./registry/actions"
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	form := regexp.MustCompile(`^([\w-]+/[\w-]+)@([0-9a-f]{40}) # (v\S+)$`)
	used := map[string]bool{}
	for name, w := range workflows(t) {
		for _, m := range uses.FindAllStringSubmatch(w.text, -1) {
			if strings.HasPrefix(m[1], "./") {
				continue
			}
			got := form.FindStringSubmatch(m[1])
			if got == nil {
				t.Errorf("%s: uses: got %q, want owner/name@<40 hex digits> # <tag>", name, m[1])
				continue
			}
			a, ok := known[got[1]]
			used[got[1]] = true
			if !ok || a.Commit != got[2] || a.Tag != got[3] {
				t.Errorf("%s: %s: got %s # %s, want %s # %s%s", name, got[1], got[2], got[3], a.Commit, a.Tag, refresh)
			}
		}
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				action, _, _ := strings.Cut(s.Uses, "@")
				for input := range s.With {
					if !slices.Contains(known[action].Inputs, input) {
						t.Errorf("%s/%s/%s: input %q is not in the action's own action.yml, which has %v", name, id, s.what(), input, known[action].Inputs)
					}
				}
				for _, input := range known[action].Required {
					if s.With[input] == "" {
						t.Errorf("%s/%s/%s: input %q is required and not given", name, id, s.what(), input)
					}
				}
			}
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("testdata/actions.json has %s, which no workflow uses%s", name, refresh)
		}
	}
}

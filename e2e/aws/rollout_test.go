package aws

import (
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// rollout runs a verb of rollout on the deployed stack, and holds its exit status and a part of what it prints.
func (m *machine) rollout(t *testing.T, want int, text string, args ...string) {
	t.Helper()
	started := time.Now()
	r, err := e2e.Command{Dir: m.dir, Env: m.env}.Run(e2e.Binary(t, "./cmd/rollout"), append([]string{"--target", "lambda"}, args...)...)
	t.Logf("%5.1fs $ rollout --target lambda %s\n%s%s", time.Since(started).Seconds(), strings.Join(args, " "), r.Stdout, r.Stderr)
	if err != nil || r.Code != want || !strings.Contains(r.Stdout+r.Stderr, text) {
		t.Errorf("rollout %s: %v, status %d, want %d and %q", strings.Join(args, " "), err, r.Code, want, text)
	}
}

// release moves the alias by rollout, with the real SDK: a share, all of it, and back from another machine, which has the
// alias's description alone. It leaves the alias as it was: all traffic on version 1 of 1 and 2.
func (m *machine) release(t *testing.T, s stack) {
	t.Helper()
	m.rollout(t, 0, "v1.1.0", "status")
	m.rollout(t, 0, "golden rows answer", "deploy", "--to", "next", "--version", "v1.1.0", "--golden", "models/v1.1.0/golden.json")
	m.rollout(t, 1, "golden row", "deploy", "--to", "next", "--golden", "models/v1.0.0/golden.json")
	m.rollout(t, 0, "0 of 26 predictions", "compare", "--to", "next", "--rows", "models/v1.0.0/golden.json")
	m.rollout(t, 0, "NextWeight=0.1", "shift", "--to", "next", "--weight", "10")
	m.wantAlias(t, s, "live", "1", map[string]float64{"2": 0.1})
	m.wantServed(t, s, 200, "1 v1.0.0", "2 v1.1.0")

	other := &machine{dir: t.TempDir(), env: m.env}
	other.rollout(t, 0, "LiveVersion=1 NextVersion=none", "rollback", "--reason", "from another machine")
	m.wantAlias(t, s, "live", "1", nil)

	for _, refused := range []struct{ text, to, weight string }{
		{"name a published version", "$LATEST", "10"}, {`no version "7": want one of 1, 2`, "7", "10"}, {"0 to 100 percent", "2", "170"},
	} {
		other.rollout(t, 2, refused.text, "shift", "--to", refused.to, "--weight", refused.weight)
	}
	m.wantAlias(t, s, "live", "1", nil)

	// The first machine learns that somebody else has moved the alias.
	m.rollout(t, 5, "somebody else has changed it", "promote", "--to", "2")
	m.rollout(t, 0, "LiveVersion=2", "promote", "--to", "2", "--accept-drift")
	m.wantAlias(t, s, "live", "2", nil)
	m.wantServed(t, s, 20, "2 v1.1.0", "")
	m.rollout(t, 0, "LiveVersion=1", "rollback")
	m.wantAlias(t, s, "live", "1", nil)
	m.wantServed(t, s, 20, "1 v1.0.0", "")
}

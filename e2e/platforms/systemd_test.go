package platforms

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/e2e"
)

// systemd's own check takes the unit, and no directive of a misspelt one; its judgement of what the service may do stays "OK".
func TestSystemdUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not on this machine: the unit is checked where systemd is")
	}
	text, err := os.ReadFile(filepath.Join(e2e.Root(t), "deploy", "systemd", "rollout.service"))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(text string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "rollout.service")
		text = strings.Replace(text, "ExecStart=/usr/local/bin/rollout ", "ExecStart=/bin/true ", 1) // what is not installed is no fault of the unit
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := e2e.Command{}.Run("systemd-analyze", "verify", path)
		if err != nil {
			t.Fatal(err)
		}
		if security, err := (e2e.Command{}).Run("systemd-analyze", "security", "--offline=true", "--threshold=25", path); err == nil {
			lines := strings.Split(strings.TrimSpace(security.Stdout), "\n")
			t.Log(strings.TrimSpace(lines[len(lines)-1]))
			if security.Code != 0 {
				t.Errorf("the exposure is above 2.5: %s", security.Stdout)
			}
		}
		return r.Stdout + r.Stderr
	}
	if said := verify(string(text)); strings.Contains(said, "rollout.service") {
		t.Errorf("systemd-analyze verify says %s", said)
	}
	if said := verify(strings.Replace(string(text), "ProtectSystem=", "ProtectSystm=", 1)); !strings.Contains(said, "ProtectSystm") {
		t.Errorf("a misspelt directive passes: %q", said)
	}
}

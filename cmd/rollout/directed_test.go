package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"ml-service/rollout/api"
)

// TestRollbackAsksWhoIsAtWork: in an incident nobody has to find and stop the process that holds the lock.
func TestRollbackAsksWhoIsAtWork(t *testing.T) {
	s := newServed(t)
	server := s.start("--watch", "1m")
	said := make(chan error, 1)
	image := s.image("5")
	go func() {
		_, err := s.order("watched", image, "v1.1.0", api.Switch)
		said <- err
	}()
	s.promoted()
	cmd := exec.CommandContext(t.Context(), "rollout", "-C", s.dir, "rollback", "--reason", "too many refunds")
	cmd.Env = append(os.Environ(), "ROLLOUT_WORLD="+s.control.URL, strings.Join(race[:], "="))
	out, err := cmd.CombinedOutput()
	if err != nil || s.traffic() != "blue" || !strings.Contains(string(out), "it is asked to roll back") || !strings.Contains(string(out), "green 100 %  ->  blue 100 %") {
		t.Errorf("got %v, traffic %s\n%s", err, s.traffic(), out)
	}
	if err := <-said; err == nil || !strings.HasPrefix(err.Error(), api.RolledBack) || !strings.Contains(err.Error(), "too many refunds") {
		t.Errorf("the order ended with %v", err)
	}
	s.stop(server)
}

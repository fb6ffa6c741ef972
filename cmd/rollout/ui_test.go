package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/api"
)

// TestPages starts rollout ui and rollout serve in the same folder: both have the page, and without a token one shows it.
func TestPages(t *testing.T) {
	s := newServed(t)
	cmd := exec.CommandContext(t.Context(), "rollout", "-C", s.dir, "ui", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "ROLLOUT_WORLD="+s.control.URL, "CLOUD_TOKEN=", "CLOUD_TOKENS_FILE=", strings.Join(race[:], "="))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	lines.Scan()
	_, address, _ := strings.Cut(lines.Text(), `"address":"`)
	address, _, found := strings.Cut(address, `"`)
	if !found {
		t.Fatalf("no address in %s", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	server := s.start()
	for _, c := range []struct {
		address, host string
		status        int
		has, hasNot   string
	}{
		{address, "", 200, "v1.0.0", `name="token"`},
		{address, "evil.example.com", 421, "not called so", "v1.0.0"},
		{"127.0.0.1:" + s.port, "", 200, `name="token"`, "v1.0.0"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.status || !strings.Contains(string(text), c.has) || strings.Contains(string(text), c.hasNot) {
			t.Errorf("%s as %q: %v, status %d, want %d, %q and not %q in\n%s", c.address, c.host, err, res.StatusCode, c.status, c.has, c.hasNot, text)
		}
	}
	s.stop(server)
	s.stop(cmd)
}

// promoted waits for a promotion and gives the journal that it stands in, and its release.
func (s *served) promoted() (journal *rollout.Journal, release string) {
	s.t.Helper()
	journal = rollout.OpenJournal(filepath.Join(s.dir, ".rollout"), "nginx")
	for until := time.Now().Add(20 * time.Second); release == ""; time.Sleep(20 * time.Millisecond) {
		all, err := journal.All()
		if err != nil || time.Now().After(until) {
			s.t.Fatalf("no promotion in %v, %v", all, err)
		}
		for _, e := range all {
			if e.Verb == "promote" {
				release = e.Release
			}
		}
	}
	return journal, release
}

// TestServedDirective: what the page leaves for a deployment that is watched is done by the server.
func TestServedDirective(t *testing.T) {
	s := newServed(t)
	server := s.start("--watch", "1m")
	said := make(chan error, 1)
	image := s.image("4")
	go func() {
		_, err := s.order("directive", image, "v1.1.0", api.Switch)
		said <- err
	}()
	journal, release := s.promoted()
	if err := journal.Direct(rollout.Directive{Verb: "rollback", Release: release, Who: "anna, on the page", Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	err := <-said
	if err == nil || !strings.HasPrefix(err.Error(), api.RolledBack) || !strings.Contains(err.Error(), "asked for by anna, on the page") || s.traffic() != "blue" {
		t.Errorf("got %v, traffic %s", err, s.traffic())
	}
	s.stop(server)
}

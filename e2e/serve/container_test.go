package serve_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// TestContainer runs the server as deploy/rollout does, in a container without rights but those of Docker's socket, as
// somebody who owns the folder, and has it deploy a version under load.
func TestContainer(t *testing.T) {
	r := startRegistry(t)
	dir := binaries(t)
	s := newFolder(t)

	owner := strconv.Itoa(os.Getuid())
	if owner == "0" { // who is not root may not give the folder away, and need not
		owner = "10001"
		e2e.Command{}.Output(t, "chown", "-R", owner, s.Dir)
	}
	group := strings.TrimSpace(e2e.Command{}.Output(t, "stat", "-c", "%g", socket(t)))
	_, port, _ := strings.Cut(s.address, ":")
	more := filepath.Join(t.TempDir(), "more.yml")
	write(t, more, fmt.Sprintf("services: {rollout: {command: [serve, --repository, %q, --listen, %q, --watch, 5s, --every, 1s]}}\n", r.repository(), s.address))
	container := e2e.Command{Dir: s.Dir, Limit: 5 * time.Minute, Env: []string{"PWD=" + s.Dir, "DOCKER_CLI=" + cli(t), "REPOSITORY=" + r.repository(),
		"OWNER=" + owner, "DOCKER_GROUP=" + group, "CLOUD_TOKEN=" + token, "COMPOSE_PROJECT_NAME=" + e2e.ComposeProject + "serve-container"}}
	compose := func(args ...string) string {
		t.Helper()
		return container.Output(t, "docker", append([]string{"compose", "-f", filepath.Join(e2e.Root(t), "deploy", "rollout", "docker-compose.yml"), "-f", more}, args...)...)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(compose("logs", "--no-color"))
		}
		compose("down", "--volumes", "--timeout", "5")
	})
	compose("up", "-d", "--build")
	e2e.Listens(t, s.address)

	ask := func(token string) (int, map[string]any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		var status map[string]any
		if err != nil || json.Unmarshal(text, &status) != nil {
			t.Fatalf("status %d: %v %s", res.StatusCode, err, text)
		}
		return res.StatusCode, status
	}
	if code, status := ask(token); code != http.StatusOK || status["sides"] == nil {
		t.Errorf("/v1/status: %d %v", code, status)
	}
	if code, _ := ask(strings.Repeat("x", 40)); code != http.StatusUnauthorized {
		t.Errorf("/v1/status with another token: %d", code)
	}

	l := (&e2e.Load{Clients: 8, Pace: 15 * time.Millisecond}).Start(t)
	if code, said := s.order("good", r.push(t, dir, "good", e2e.ImageFile("good")+"LABEL n=1\n"), "v1.1.0"); code != 0 {
		t.Fatalf("the good version: exit code %d\n%s", code, said)
	}
	l.Stop()
	seen := l.Seen(t)
	t.Log(seen)
	if seen.Colour["green"] == 0 || seen.Colour["blue"] == 0 {
		t.Errorf("the move to green: %s", seen)
	}
	if log := compose("logs", "--no-color"); strings.Contains(log, token) || !strings.Contains(log, "/v1/deployments") {
		t.Errorf("the audit: %s", log)
	}
}

// cli is an image with what docker:cli has: the command line and compose, from this machine.
func cli(t *testing.T) string {
	t.Helper()
	const name = "ml-service-e2e-serve:cli"
	dir := t.TempDir()
	docker, err := exec.LookPath("docker")
	if err != nil {
		t.Fatal(err)
	}
	var plugins []struct{ Name, Path string }
	if err := json.Unmarshal([]byte(e2e.Command{}.Output(t, "docker", "info", "--format", "{{json .ClientInfo.Plugins}}")), &plugins); err != nil {
		t.Fatal(err)
	}
	for _, p := range plugins {
		if p.Name == "compose" {
			e2e.Command{}.Output(t, "cp", "-L", p.Path, filepath.Join(dir, "docker-compose"))
		}
	}
	e2e.Command{}.Output(t, "cp", "-L", docker, filepath.Join(dir, "docker"))
	write(t, filepath.Join(dir, "Dockerfile"), "FROM nginx:1.30-alpine\nCOPY docker /usr/local/bin/docker\nCOPY docker-compose /usr/local/libexec/docker/cli-plugins/docker-compose\n")
	e2e.Command{Dir: dir, Limit: 2 * time.Minute}.Output(t, "docker", "build", "--quiet", "--tag", name, ".")
	return name
}

// socket is Docker's, which the container is given.
func socket(t *testing.T) string {
	t.Helper()
	path := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if path == "" {
		path = "/var/run/docker.sock"
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

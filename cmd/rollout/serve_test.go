package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/rollout/api"
)

const serveToken = "serve-0123456789abcdef0123456789abcdef"

// served is a folder with its world, and the servers that are started there one after another.
type served struct {
	*world
	t    *testing.T
	port string
}

func newServed(t *testing.T) *served {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"nginx.conf": conf, "docker-compose.balancer.yml": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w, err := newWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	return &served{world: w, t: t, port: port}
}

// start starts a server, and returns it once it listens.
func (s *served) start(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "rollout", append([]string{"-C", s.dir, "serve", "--repository", "ghcr.io/o/r", "--listen", "127.0.0.1:" + s.port,
		"--watch", "300ms", "--every", "100ms", "--pull-within", "2s", "--start-within", "5s"}, args...)...)
	cmd.Env = append(os.Environ(), "ROLLOUT_WORLD="+s.control.URL, "CLOUD_TOKEN="+serveToken, "CLOUD_TOKENS_FILE=", strings.Join(race[:], "="))
	log, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	listens := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if strings.Contains(lines.Text(), serveToken) {
				s.t.Error("the token is in the log")
			}
			if strings.Contains(lines.Text(), `"msg":"listening"`) {
				listens <- true
			}
		}
		listens <- false
	}()
	if !<-listens {
		_ = cmd.Wait()
	}
	return cmd
}

func (s *served) stop(cmd *exec.Cmd) {
	s.t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("after Ctrl-C: %v", err)
	}
}

// image is one that can be pulled, by a digest made of one digit.
func (s *served) image(digit string) string {
	image := "ghcr.io/o/r@sha256:" + strings.Repeat(digit, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remote[image] = true
	return image
}

func (s *served) call(method, path string, into any) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://127.0.0.1:"+s.port+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+serveToken)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			s.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return res.StatusCode
}

// order posts an order and follows it. It returns the client's error and what it said.
func (s *served) order(key, image, version, strategy string) (string, error) {
	base, err := url.Parse("http://127.0.0.1:" + s.port)
	if err != nil {
		s.t.Fatal(err)
	}
	said := ""
	c := &api.Client{Base: base, Token: serveToken, Key: key, Limit: 30 * time.Second, Poll: 20 * time.Millisecond, Say: func(line string) { said += line + "\n" },
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(min(d, 100*time.Millisecond)):
				return nil
			}
		}}
	return said, c.Deploy(s.t.Context(), api.Order{Image: image, Version: version, Strategy: strategy})
}

func (s *served) runs(colour string) (image, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.env(colour, "IMAGE"); got != s.all["ml-service-"+colour].image {
		s.t.Errorf("%s runs %s, and .env says %s", colour, s.all["ml-service-"+colour].image, got)
	}
	return s.all["ml-service-"+colour].image, s.all["ml-service-"+colour].version
}

// traffic is who has it, as Nginx runs.
func (s *served) traffic() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var who []string
	for _, m := range serverForm.FindAllStringSubmatch(blockForm.FindString(s.loaded), -1) {
		who = append(who, m[1])
	}
	return strings.Join(who, "+")
}

// TestServe takes orders through a server and a fake docker, and holds what was left to what was said.
func TestServe(t *testing.T) {
	s := newServed(t)
	server := s.start()
	if second := s.start(); second.ProcessState == nil || second.ProcessState.ExitCode() != 5 {
		t.Fatal("a second server in the folder: want exit code 5")
	}
	first := s.image("1")
	if said, err := s.order("1", first, "v1.1.0", api.Switch); err != nil || s.traffic() != "green" {
		t.Fatalf("%v, traffic %s\n%s", err, s.traffic(), said)
	}
	if image, version := s.runs("green"); image != first || version != "v1.1.0" {
		t.Errorf("green runs %s %s", image, version)
	}

	var list struct{ Deployments []api.View }
	s.call("GET", api.Path, &list)
	id := list.Deployments[0].ID
	var detail api.View
	if code := s.call("GET", api.Path+"/"+id, &detail); code != 200 || len(detail.Events) < 5 || detail.Who != "CLOUD_TOKEN" {
		t.Errorf("got %d and %+v", code, detail)
	}
	events := s.stream(id, "")
	if len(events) < 5 || events[0].State != api.Running || events[len(events)-1].State != api.Succeeded {
		t.Errorf("events: %+v", events)
	}
	for k, e := range events {
		if e.Number != k+1 {
			t.Errorf("event %d has number %d", k, e.Number)
		}
	}
	if rest := s.stream(id, fmt.Sprint(len(events)-1)); len(rest) != 1 {
		t.Errorf("behind the last but one: %+v", rest)
	}
	var status struct {
		Sides   []json.RawMessage
		Running string
	}
	if code := s.call("GET", "/v1/status", &status); code != 200 || len(status.Sides) != 2 || status.Running != "" {
		t.Errorf("status: %d %+v", code, status)
	}

	// What is refused or fails leaves green as it is.
	s.mu.Lock()
	s.failing["v2.0.0"] = true
	s.mu.Unlock()
	for _, tt := range []struct {
		name, image, version string
		kind                 error
		says                 string
		before, after        func()
	}{
		{"no such image", "ghcr.io/o/r@sha256:" + strings.Repeat("9", 64), "v1.0.0", api.ErrFailed, "pull", nil, nil},
		{"wrong version", s.image("2"), "v3.0.0", api.ErrFailed, "runs what it ran before, and nobody was moved", nil, nil},
		{"another signature", s.image("3"), "wide", api.ErrFailed, "does not fit", nil, nil},
		{"errors after the switch", s.image("4"), "v2.0.0", api.ErrRolledBack, "more than 3 % of the requests fail", nil, nil},
		{"another digest", s.image("5"), "v1.0.0", api.ErrFailed, "the registry gave another image", func() { s.unlike = true }, func() { s.unlike = false }},
		{"a pull that hangs", s.image("6"), "v1.0.0", api.ErrFailed, "the pull took longer than 2s", func() { s.hangs = true }, func() { s.hangs = false }},
	} {
		if tt.before != nil {
			s.mu.Lock()
			tt.before()
			s.mu.Unlock()
		}
		said, err := s.order(strings.ReplaceAll(tt.name, " ", "-"), tt.image, tt.version, api.Switch)
		if err == nil || !strings.Contains(fmt.Sprintf("%v", err), tt.says) || !isKind(err, tt.kind) || s.traffic() != "green" {
			t.Errorf("%s: got %v, traffic %s, want %v and %q\n%s", tt.name, err, s.traffic(), tt.kind, tt.says, said)
		}
		if image, version := s.runs("green"); image != first || version != "v1.1.0" {
			t.Errorf("%s: green runs %s %s", tt.name, image, version)
		}
		if tt.after != nil {
			s.mu.Lock()
			tt.after()
			s.mu.Unlock()
		}
	}

	// The last one that succeeded can be rolled back, where it is the last.
	if code := s.call("POST", api.Path+"/"+id+"/rollback", nil); code != 409 {
		t.Errorf("rollback of an earlier deployment: got %d, want 409", code)
	}
	if said, err := s.order("7", s.image("7"), "v1.0.0", api.Switch); err != nil || s.traffic() != "blue" {
		t.Fatalf("%v, traffic %s\n%s", err, s.traffic(), said)
	}
	// The first order once more, as a run of old that is run again: its success was, and moves nobody.
	if said, err := s.order("1", first, "v1.1.0", api.Switch); !isKind(err, api.ErrSuperseded) || !strings.Contains(err.Error(), strings.Repeat("7", 64)) || s.traffic() != "blue" {
		t.Errorf("an order of before: got %v, traffic %s, want that it is superseded\n%s", err, s.traffic(), said)
	}
	s.call("GET", api.Path, &list)
	id = list.Deployments[0].ID
	if code := s.call("POST", api.Path+"/"+id+"/rollback", nil); code != 200 {
		t.Errorf("rollback: got %d, want 200", code)
	}
	s.stream(id, "")
	if s.call("GET", api.Path+"/"+id, &detail); detail.State != api.RolledBack || s.traffic() != "green" {
		t.Errorf("after the rollback: %+v, traffic %s", detail.Deployment, s.traffic())
	}
	s.stop(server)
}

func isKind(err, kind error) bool {
	for e := err; e != nil; {
		if e == kind {
			return true
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			return false
		}
		e = u.Unwrap()
	}
	return false
}

// stream reads the events of a deployment until it has ended.
func (s *served) stream(id, after string) []api.Event {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://127.0.0.1:"+s.port+api.Path+"/"+id+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+serveToken)
	r.Header.Set("Last-Event-ID", after)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var all []api.Event
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e api.Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				s.t.Fatal(err)
			}
			all = append(all, e)
		}
	}
	return all
}

// TestServePrunes keeps the images of both colours and of the last three deployments, and what has a tag.
func TestServePrunes(t *testing.T) {
	s := newServed(t)
	s.mu.Lock()
	s.images["ghcr.io/o/r:by-hand"] = "sha256:tagged"
	s.images["ghcr.io/o/other@sha256:"+strings.Repeat("a", 64)] = "sha256:other"
	s.mu.Unlock()
	server := s.start()
	defer s.stop(server)
	for k, digit := range []string{"1", "2", "3", "4", "5"} {
		version := []string{"v1.1.0", "v1.0.0"}[k%2]
		if said, err := s.order(digit, s.image(digit), version, api.Switch); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := fmt.Sprint(s.removed); len(s.removed) != 2 || !strings.Contains(got, strings.Repeat("1", 64)) || !strings.Contains(got, strings.Repeat("2", 64)) {
		t.Errorf("removed %v, want those of the first two deployments", got)
	}
}

// TestServeKilled kills the server at its calls of docker, while it carries an order out, and starts another one: that
// finishes the order or rolls it back. ROLLOUT_KILLS=all takes each call.
func TestServeKilled(t *testing.T) {
	step := 9
	if testing.Short() {
		step = 16
	}
	if os.Getenv("ROLLOUT_KILLS") == "all" {
		step = 1
	}
	for _, version := range []string{"v1.1.0", "v2.0.0"} { // v2.0.0 fails, and goes back
		killed, ends := 0, map[string]int{}
		for n := 2; ; n += step {
			end, ok := serveKilledAt(t, n, version)
			if !ok {
				break
			}
			killed++
			ends[end]++
		}
		if killed < 2 {
			t.Errorf("%s: killed at %d calls only", version, killed)
		}
		t.Logf("| %s | killed at %d calls, every %d. | %v |", version, killed, step, ends)
	}
}

func serveKilledAt(t *testing.T, n int, version string) (string, bool) {
	t.Helper()
	s := newServed(t)
	s.failing["v2.0.0"] = true
	image := s.image("1")
	server := s.start()
	s.mu.Lock()
	s.calls, s.killAt = 0, n
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		_, err := s.order("k", image, version, api.Switch)
		done <- err
	}()
	ended := make(chan struct{})
	go func() {
		_ = server.Wait()
		close(ended)
	}()
	select {
	case err := <-done: // before the n-th call
		if (err == nil) != (version == "v1.1.0") {
			t.Errorf("%s, not killed: %v", version, err)
		}
		_ = server.Process.Signal(os.Interrupt)
		<-ended
		return "", false
	case <-ended:
	}
	s.mu.Lock()
	if len(s.all) != 3 || s.all["ml-service-blue"].state != "running" || s.all["ml-service-blue"].version != "v1.0.0" {
		t.Errorf("call %d: blue does not serve", n)
	}
	s.mu.Unlock()
	next := s.start()
	err := <-done // the client goes on by itself
	var list struct{ Deployments []api.View }
	s.call("GET", api.Path, &list)
	s.stop(next)
	if len(list.Deployments) != 1 {
		t.Fatalf("call %d: %d deployments of one order: %v", n, len(list.Deployments), err)
	}
	state := list.Deployments[0].State
	switch {
	case version == "v1.1.0" && state == api.Succeeded && err == nil && s.traffic() == "green":
		if image2, v := s.runs("green"); image2 != image || v != version {
			t.Errorf("call %d: green runs %s %s", n, image2, v)
		}
	case version == "v2.0.0" && state == api.RolledBack && s.traffic() == "blue":
	default:
		t.Errorf("%s, call %d: %s, traffic %s, client: %v: %s", version, n, state, s.traffic(), err, list.Deployments[0].Reason)
	}
	s.runs("blue")
	return state, true
}

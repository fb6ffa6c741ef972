package harness

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

// everyday is what people do beside what a balancer is made for. None of it may lose a request.
var everyday = []scenario{
	{name: "saved by vim, sed -i, git", do: savedAnyWay},
	{name: "a broken edit and a misspelt name are refused", do: refused},
	{name: "up -d after another LOG_LEVEL", do: func(t *testing.T, s *stack, l *load) {
		before := s.containers(t)
		s.write(t, ".env", "LOG_LEVEL=warn\n")
		s.up(t, "balancer")
		bothAgain(t, l)
		after := s.containers(t)
		if before["ml-service-blue"] == after["ml-service-blue"] || before["ml-service-green"] == after["ml-service-green"] || before["nginx"] != after["nginx"] {
			t.Errorf("containers before %v, after %v: want both colours replaced, and nginx the same", before, after)
		}
	}},
	{name: "another compose file, twice round, and a slow upload", do: otherFiles},
	{name: "both colours restarted at once", do: func(t *testing.T, s *stack, l *load) {
		s.run(t, "balancer", "restart", "ml-service-blue", "ml-service-green")
		bothAgain(t, l)
	}},
	{name: "green's network disconnected", do: func(t *testing.T, s *stack, l *load) {
		green, network := s.containers(t)["ml-service-green"], project+"_balancer"
		e2e.Command{}.Output(t, "docker", "network", "disconnect", network, green)
		onlyBlue(t, l)
		e2e.Command{}.Output(t, "docker", "network", "connect", "--alias", "ml-service-green", network, green)
		bothAgain(t, l)
	}},
	{name: "bodies of 900 KB, green killed three times", load: large, do: func(t *testing.T, s *stack, l *load) {
		for range 3 {
			s.run(t, "balancer", "kill", "ml-service-green")
			more(t, l, 60)
			s.run(t, "balancer", "start", "ml-service-green")
			waitVersions(t, greenAddr, "v1.1.0")
			more(t, l, 60)
		}
	}},
	{name: "somebody in green's place closes connections", do: closing},
	{name: "20 requests a second, green stopped and killed", load: quiet, do: func(t *testing.T, s *stack, l *load) {
		for i := range 4 {
			s.run(t, "balancer", []string{"stop", "kill"}[i%2], "ml-service-green")
			more(t, l, 30)
			s.run(t, "balancer", "start", "ml-service-green")
			waitVersions(t, greenAddr, "v1.1.0")
			more(t, l, 30)
		}
	}},
}

// slowUpload sends a body for half a minute, while Nginx reloads.
func slowUpload() error {
	const parts = 14
	c, err := dial(nginxAddr)
	if err != nil {
		return err
	}
	defer c.Close()
	body := inputs[0] + strings.Repeat(" ", parts)
	part := fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), inputs[0])
	for i := range parts {
		if _, err := io.WriteString(c, part); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		part = " "
		time.Sleep(2 * time.Second) // the upload's pace
	}
	a, err := c.exchange(" ")
	if err == nil && a.status != http.StatusOK {
		err = &unexpected{a}
	}
	return err
}

// brokenRestart restarts Nginx with an edit that cannot be: the last good one runs, and the log says so.
func brokenRestart(t *testing.T, s *stack, l *load) {
	s.replace(t, "nginx.conf", strings.Replace(s.shipped, "worker_processes 4;", "worker_processes 4", 1))
	s.run(t, "balancer", "restart", "nginx")
	waitColours(t, 60, "blue", "green")
	s.waitLog(t, "nginx", "nginx.conf is refused, the last good one runs", "directive")
	s.replace(t, "nginx.conf", s.conf(t, nineToOne))
	s.reload(t)
}

// closing puts somebody in green's place who takes connections and closes them. Users do not see it; the counts do.
func closing(t *testing.T, s *stack, l *load) {
	before := s.unanswered(t)
	s.run(t, "balancer", "stop", "ml-service-green")
	id := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "run", "--detach", "--network", project+"_balancer", "--network-alias", "ml-service-green",
		"--entrypoint", "sh", "nginx:1.30-alpine", "-c", `echo 'events {} http { server { listen 8080; return 444; } }' >/tmp/conf; exec nginx -c /tmp/conf -g "daemon off;"`))
	remove := sync.OnceFunc(func() { e2e.Command{}.Output(t, "docker", "rm", "--force", id) })
	t.Cleanup(remove)
	e2e.Poll(t, pollLimit, "tries that green did not answer to be counted", func() error {
		more(t, l, 50)
		if now := s.unanswered(t); now["green"] < before["green"]+3 || now["blue"] != before["blue"] {
			return &unexpected{now}
		}
		return nil
	})
	remove()
	s.run(t, "balancer", "start", "ml-service-green")
	bothAgain(t, l)
}

// unanswered reads what Nginx counts, by colour.
func (s *stack) unanswered(t *testing.T) map[string]int {
	t.Helper()
	text := e2e.Command{}.Output(t, "docker", "exec", s.containers(t)["nginx"], "sh", "-c",
		"wget -q -O - http://127.0.0.1:8079/metrics || curl -fsS http://127.0.0.1:8079/metrics")
	counts := map[string]int{}
	for line := range strings.Lines(text) {
		var color string
		var n int
		if strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := fmt.Sscanf(line, "nginx_unanswered_tries_total{color=%q} %d", &color, &n); err != nil {
			t.Fatalf("metrics of Nginx: %q: %v", line, err)
		}
		counts[color] = n
	}
	return counts
}

// savedAnyWay edits the weights with the programs that put another file in the old one's place.
func savedAnyWay(t *testing.T, s *stack, l *load) {
	git := func(args ...string) {
		t.Helper()
		e2e.Command{Dir: s.dir}.Output(t, "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
	}
	s.write(t, "nginx.conf", s.shipped)
	git("add", "--all", "--", "nginx.conf", "docker-compose*")
	git("commit", "--quiet", "--allow-empty", "--message", "as it stands")
	for _, edit := range []struct {
		name        string
		do          func()
		least, most float64
	}{
		{"sed -i", func() {
			e2e.Command{Dir: s.dir}.Output(t, "sed", "-i", "s/ml-service-blue:8080 weight=1/ml-service-blue:8080 weight=9/", "nginx.conf")
		}, 0.02, 0.15},
		{"git checkout", func() { git("checkout", "--quiet", "HEAD", "--", "nginx.conf") }, 0.4, 0.6},
		{"vim", func() { s.replace(t, "nginx.conf", s.conf(t, greenOnly)) }, 1, 1},
		{"git stash", func() { git("stash", "--quiet") }, 0.4, 0.6},
		{"vim with a backup", func() {
			if err := os.Rename(filepath.Join(s.dir, "nginx.conf"), filepath.Join(s.dir, "nginx.conf.bak")); err != nil {
				t.Fatal(err)
			}
			s.write(t, "nginx.conf", s.conf(t, blueOnly))
		}, 0, 0},
		{"mv", func() { s.replace(t, "nginx.conf", s.shipped) }, 0.4, 0.6},
	} {
		edit.do()
		s.run(t, "balancer", "exec", "-T", "nginx", "nginx", "-t")
		s.reload(t)
		waitShare(t, l, edit.least, edit.most)
	}
}

// refused edits what cannot be, and has Nginx check, reload and restart with it.
func refused(t *testing.T, s *stack, l *load) {
	s.write(t, "nginx.conf", s.shipped)
	s.reload(t)
	waitShare(t, l, 0.4, 0.6)
	for _, test := range []struct{ conf, message string }{
		{strings.Replace(s.shipped, "upstream ml_backend {", "upstrem ml_backend {", 1), `unknown directive "upstrem" in nginx.conf:`},
		{s.conf(t, strings.ReplaceAll(nineToOne, "ml-service-green", "ml-service-gren")), "no container answers to the name ml-service-gren"},
	} {
		s.replace(t, "nginx.conf", test.conf)
		for _, args := range [][]string{{"-t"}, {"-s", "reload"}} {
			r, err := s.command().Run(s.tool[0], s.args("balancer", append([]string{"exec", "-T", "nginx", "nginx"}, args...)...)...)
			if err != nil || r.Code != 1 || !strings.Contains(r.Stderr, test.message) {
				t.Errorf("nginx %v: %+v, %v; want exit status 1 and %s", args, r, err, test.message)
			}
		}
		s.waitLog(t, "nginx", "nginx.conf is refused", strings.ReplaceAll(test.message, `"`, `\"`))
		wantShare(t, l, 1000, 0.5)
	}
	s.write(t, "nginx.conf", s.shipped)
	s.reload(t)
}

// otherFiles brings up one file after the other. Nginx and the colours that run are left alone.
func otherFiles(t *testing.T, s *stack, l *load) {
	before := s.containers(t)
	upload := make(chan error, 1)
	go func() { upload <- slowUpload() }()
	for range 2 {
		s.up(t, "blue")
		waitShare(t, l, 0, 0)
		s.up(t, "green")
		waitShare(t, l, 1, 1)
		s.up(t, "balancer")
		waitShare(t, l, 0.4, 0.6)
	}
	after := s.containers(t)
	delete(before, "nginx-conf")
	delete(after, "nginx-conf")
	if !maps.Equal(before, after) {
		t.Errorf("containers before %v, after %v: want the same but nginx-conf", before, after)
	}
	if err := <-upload; err != nil {
		t.Errorf("the upload: %v", err)
	}
}

// waitLog waits until one line of a service's log holds all words.
func (s *stack) waitLog(t *testing.T, service string, words ...string) {
	t.Helper()
	e2e.Poll(t, pollLimit, fmt.Sprintf("a line of %s with %q", service, words), func() error {
		// The access log, on stdout, would push the line out of any --tail.
		r, err := e2e.Command{}.Run("sh", "-c", `docker logs --since 10m "$1" >/dev/null`, "sh", s.containers(t)[service])
		if err != nil {
			return err
		}
	lines:
		for line := range strings.Lines(r.Stderr) {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			return nil
		}
		return errors.New(tail(r.Stderr, 1000))
	})
}

// Package limits sends the containers, as they ship with 512 MB each, whatever could take them down: large, slow, claimed,
// unread and left. Memory at its highest, restarts and kills are printed for each attack, beside the requests of bystanders.
package limits

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	project = e2e.ComposeProject + "limits"
	image   = "ml-service:v1"
	nginx   = "127.0.0.1:8080"
	blue    = "127.0.0.1:8081"
	green   = "127.0.0.1:8082"
)

// stack is the balancer's containers, from a copy of the files that ship.
type stack struct {
	t      *testing.T
	dir    string
	models string
}

func newStack(t *testing.T) *stack {
	t.Helper()
	root := e2e.Root(t)
	began := time.Now()
	e2e.Command{Dir: root, Limit: 10 * time.Minute}.Output(t, "docker", "build", "-q", "-t", image, ".")
	t.Logf("docker build took %s", time.Since(began).Round(time.Second))
	s := &stack{t: t, dir: t.TempDir(), models: modelDir(t, root)}
	e2e.ComposeFiles(t, s.dir)
	e2e.Command{}.Output(t, "chmod", "-R", "a+rX", filepath.Dir(s.dir))
	s.compose("down", "--remove-orphans", "--volumes") // what a killed run left
	e2e.ComposePorts(t)
	t.Cleanup(func() { s.compose("down", "--remove-orphans", "--volumes") })
	return s
}

func (s *stack) compose(args ...string) { s.composeWith(nil, args...) }

func (s *stack) composeWith(env []string, args ...string) {
	s.t.Helper()
	all := append([]string{"compose", "-f", "docker-compose.balancer.yml"}, args...)
	e2e.Command{Dir: s.dir, Env: append([]string{"COMPOSE_PROJECT_NAME=" + project, "MODEL_DIR=" + s.models}, env...), Limit: 3 * time.Minute}.
		Output(s.t, "docker", all...)
}

// serve has both colours serve a version, in new containers, and waits until all three ports answer.
func (s *stack) serve(version string, env ...string) {
	s.t.Helper()
	s.composeWith(append(env, "BLUE_VERSION="+version, "GREEN_VERSION="+version), "up", "-d", "--force-recreate")
	for _, addr := range []string{nginx, blue, green} {
		e2e.Poll(s.t, time.Minute, addr+" to answer", func() error {
			res, err := http.Get("http://" + addr + "/health") //nolint:gosec // this machine's
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK || res.Header.Get("X-Model-Version") != version {
				return fmt.Errorf("%s %s", res.Status, res.Header.Get("X-Model-Version"))
			}
			return nil
		})
	}
}

// container is one of the stack's, and where its cgroup counts memory.
type container struct {
	service, id string
	cgroup      string
	v2          bool
}

func (s *stack) containers() []container {
	s.t.Helper()
	var all []container
	for _, service := range []string{"ml-service-blue", "ml-service-green", "nginx"} {
		id := strings.TrimSpace(e2e.Command{}.Output(s.t, "docker", "ps", "-q", "--no-trunc", "--filter", "label=com.docker.compose.project="+project,
			"--filter", "label=com.docker.compose.service="+service))
		pid := strings.TrimSpace(e2e.Command{}.Output(s.t, "docker", "inspect", "-f", "{{.State.Pid}}", id))
		lines, err := os.ReadFile("/proc/" + pid + "/cgroup")
		if err != nil {
			s.t.Fatalf("the cgroup of %s: %v; this test runs beside the Docker engine", service, err)
		}
		c := container{service: service, id: id}
		for line := range strings.Lines(string(lines)) {
			if f := strings.SplitN(strings.TrimSpace(line), ":", 3); f[1] == "memory" {
				c.cgroup, c.v2 = "/sys/fs/cgroup/memory"+f[2], false
				break
			} else if f[1] == "" {
				c.cgroup, c.v2 = "/sys/fs/cgroup"+f[2], true
			}
		}
		all = append(all, c)
	}
	return all
}

func (c container) number(t *testing.T, v2, v1 string) int64 {
	t.Helper()
	name := v1
	if c.v2 {
		name = v2
	}
	text, err := os.ReadFile(filepath.Join(c.cgroup, name))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// peak is the most memory that the container ever had, in MiB.
func (c container) peak(t *testing.T) int64 {
	return c.number(t, "memory.peak", "memory.max_usage_in_bytes") >> 20
}

// forgetPeak begins to measure again, where the kernel can.
func (c container) forgetPeak() {
	if !c.v2 {
		_ = os.WriteFile(filepath.Join(c.cgroup, "memory.max_usage_in_bytes"), []byte("0"), 0o600)
	}
}

// kills is how many processes of the container ran out of memory.
func (c container) kills(t *testing.T) int {
	t.Helper()
	name := "memory.oom_control"
	if c.v2 {
		name = "memory.events"
	}
	f, err := os.Open(filepath.Join(c.cgroup, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
			kills, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			return kills
		}
	}
	t.Fatalf("%s/%s does not count kills", c.cgroup, name)
	return 0
}

func (c container) restarts(t *testing.T) int {
	t.Helper()
	var all []struct {
		RestartCount int
		State        struct {
			Running, OOMKilled bool
		}
	}
	if err := json.Unmarshal([]byte(e2e.Command{}.Output(t, "docker", "inspect", c.id)), &all); err != nil || len(all) != 1 {
		t.Fatalf("docker inspect %s: %v", c.id, err)
	}
	if !all[0].State.Running || all[0].State.OOMKilled {
		t.Errorf("%s: running %v, out of memory %v", c.service, all[0].State.Running, all[0].State.OOMKilled)
	}
	return all[0].RestartCount
}

// dial opens a connection that ends with the test; nil: it was refused.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	return conn
}

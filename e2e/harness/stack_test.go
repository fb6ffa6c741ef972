package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	project   = e2e.ComposeProject + "harness"
	nginxAddr = "127.0.0.1:8080"
	blueAddr  = "127.0.0.1:8081"
	greenAddr = "127.0.0.1:8082"
	tag       = "ml-service:v1"
)

// tools are both spellings of compose; every file has to work with either.
var tools = []tool{{"docker", "compose"}, {"docker-compose"}}

type tool []string

func (t tool) String() string { return strings.Join(t, " ") }

// stack is a clone of the repository, as a user has it, and the project started from it.
type stack struct {
	dir     string
	project string // the name given to compose, or that compose makes of dir's
	tool    tool
	shipped string // nginx.conf as it is in the repository
}

// newStack clones HEAD, puts the harness's files of the working tree into it, checks that the ports are free, and
// takes the whole project down when the test ends.
func newStack(t *testing.T, with tool) *stack {
	t.Helper()
	if len(with) == 1 {
		if why := e2e.NoOldCompose(t); why != "" {
			t.Skip(why)
		}
	}
	buildImage(t)
	root := e2e.Root(t)
	s := &stack{project: project, dir: filepath.Join(t.TempDir(), "ml-service"), tool: with}
	e2e.Command{}.Output(t, "git", "clone", "--quiet", root, s.dir)
	e2e.ComposeFiles(t, s.dir)
	shipped, err := os.ReadFile(filepath.Join(s.dir, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	s.shipped = string(shipped)
	s.down(t) // what a killed run of this test left
	e2e.ComposePorts(t)
	t.Cleanup(func() {
		if t.Failed() {
			r, err := s.command().Run(s.tool[0], s.args("balancer", "logs", "--no-color", "--tail", "60")...)
			t.Logf("the containers' last lines: %v\n%s", err, tail(r.Stdout, 12000))
		}
		s.down(t)
	})
	return s
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// write puts a file into the folder in place, as `cat >` and VS Code do.
func (s *stack) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace writes a new file and renames it over the old one, as vim does.
func (s *stack) replace(t *testing.T, name, text string) {
	t.Helper()
	s.write(t, name+"~", text)
	if err := os.Rename(filepath.Join(s.dir, name+"~"), filepath.Join(s.dir, name)); err != nil {
		t.Fatal(err)
	}
}

var upstream = regexp.MustCompile(`upstream ml_backend \{[^}]*\}`)

// conf is the shipped nginx.conf with another upstream block.
func (s *stack) conf(t *testing.T, block string) string {
	t.Helper()
	if n := len(upstream.FindAllString(s.shipped, -1)); n != 1 {
		t.Fatalf("nginx.conf has %d upstream blocks", n)
	}
	return upstream.ReplaceAllLiteralString(s.shipped, block)
}

func (s *stack) command() e2e.Command {
	c := e2e.Command{Dir: s.dir, Limit: 3 * time.Minute}
	if s.project == project {
		c.Env = []string{"COMPOSE_PROJECT_NAME=" + project}
	}
	return c
}

func (s *stack) args(file string, args ...string) []string {
	return append(append(append([]string{}, s.tool[1:]...), "-f", "docker-compose."+file+".yml"), args...)
}

// run runs a compose command on one of the three files; it must succeed.
func (s *stack) run(t *testing.T, file string, args ...string) {
	t.Helper()
	s.command().Output(t, s.tool[0], s.args(file, args...)...)
}

func (s *stack) up(t *testing.T, file string) {
	t.Helper()
	s.run(t, file, "up", "-d")
}

func (s *stack) down(t *testing.T) {
	t.Helper()
	s.run(t, "balancer", "down", "--remove-orphans", "--volumes")
}

// reload has Nginx read its configuration again.
func (s *stack) reload(t *testing.T) {
	t.Helper()
	s.run(t, "balancer", "exec", "-T", "nginx", "nginx", "-s", "reload")
}

// containers returns the ids of the project's containers by service name.
func (s *stack) containers(t *testing.T) map[string]string {
	t.Helper()
	out := e2e.Command{}.Output(t, "docker", "ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project="+s.project,
		"--format", `{{.Label "com.docker.compose.service"}} {{.ID}}`)
	ids := map[string]string{}
	for line := range strings.Lines(out) {
		service, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		ids[service] = id
	}
	return ids
}

// container is what `docker inspect` says of one.
type container struct {
	Image string
	State struct {
		Running  bool
		ExitCode int
		Health   struct{ Status string }
	}
	Config struct {
		User        string
		StopTimeout int
	}
	HostConfig struct {
		ReadonlyRootfs       bool
		CapDrop, SecurityOpt []string
		Memory, PidsLimit    int64
		NetworkMode          string
		RestartPolicy        struct{ Name string }
		PortBindings         map[string][]struct{ HostIP, HostPort string }
	}
	Mounts []struct {
		Type, Destination string
		RW                bool
	}
}

func inspect(t *testing.T, id string) container {
	t.Helper()
	var all []container
	if err := json.Unmarshal([]byte(e2e.Command{}.Output(t, "docker", "inspect", id)), &all); err != nil || len(all) != 1 {
		t.Fatalf("docker inspect %s: %d containers, %v", id, len(all), err)
	}
	return all[0]
}

// waitVersions waits until GET /health at addr answers 200 and until n answers in a row have shown exactly want.
func waitVersions(t *testing.T, addr string, want ...string) {
	t.Helper()
	e2e.Poll(t, time.Minute, fmt.Sprintf("%s to answer %v", addr, want), func() error {
		seen := map[string]bool{}
		for range 4 * len(want) {
			a, err := once(addr, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			if err != nil {
				return err
			}
			if a.status != http.StatusOK {
				return fmt.Errorf("status %d: %s", a.status, a.body)
			}
			seen[a.body] = true
		}
		for _, v := range want {
			if !seen[fmt.Sprintf(`{"status":"ok","version":%q}`, v)] {
				return fmt.Errorf("saw %v", seen)
			}
		}
		if len(seen) != len(want) {
			return fmt.Errorf("saw %v", seen)
		}
		return nil
	})
}

// answersOf asks each colour on its own port for the answers to inputs.
func answersOf(t *testing.T) map[string][]string {
	t.Helper()
	want := map[string][]string{}
	for colour, addr := range map[string]string{"blue": blueAddr, "green": greenAddr} {
		for _, in := range inputs {
			c, err := dial(addr)
			if err != nil {
				t.Fatal(err)
			}
			a, err := c.post(in, "direct")
			c.Close()
			if err == nil && (a.status != http.StatusOK || a.color != colour) {
				err = errors.New("not what a colour answers")
			}
			if err != nil {
				t.Fatalf("%s directly: %+v: %v", colour, a, err)
			}
			want[colour] = append(want[colour], a.body)
		}
	}
	return want
}

package harness

import (
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ml-service/e2e"
)

// built is the image that compose has to build itself.
const built = "ml-service:e2e-built"

// The README's commands, in its order and each alone, with both tools. No running colour is recreated on the way.
func TestComposeFiles(t *testing.T) {
	for _, with := range tools {
		t.Run(with.String(), func(t *testing.T) {
			s := newStack(t, with)
			t.Log(strings.TrimSpace(e2e.Command{}.Output(t, with[0], append(slices.Clone(with[1:]), "version")...)))
			running := map[string]string{}
			var l *load
			for _, step := range []struct {
				file string
				want []string
			}{
				{"blue", []string{"v1.0.0"}},
				{"balancer", []string{"v1.0.0", "v1.1.0"}},
				{"green", []string{"v1.1.0"}},
				{"blue", []string{"v1.0.0"}},
				{"balancer", []string{"v1.0.0", "v1.1.0"}},
			} {
				s.up(t, step.file)
				waitVersions(t, nginxAddr, step.want...)
				if with.String() == "docker-compose" && l == nil { // with the other, TestNothingIsLost edits
					handEdits(t, s, step.file)
				}
				now := s.containers(t)
				for service, id := range running {
					if now[service] != id {
						t.Errorf("%s up: %s was recreated", step.file, service)
					}
				}
				running = maps.Clone(now)
				delete(running, "nginx-conf")
				if step.file == "green" && l == nil { // from here on nothing is lost, whichever file comes
					l = startLoad(t, nginxAddr, quiet, answersOf(t))
				}
			}
			s.write(t, ".env", "LOG_LEVEL=warn\n")
			s.up(t, "balancer") // which replaces both colours
			more(t, l, 20)
			noneLost(t, l)
			waitVersions(t, blueAddr, "v1.0.0")
			waitVersions(t, greenAddr, "v1.1.0")

			for service, id := range s.containers(t) {
				checkHardening(t, service, inspect(t, id))
			}
			// Without an image either: then compose builds it.
			s.write(t, ".env", "GREEN_IMAGE="+built+"\n")
			removed, err := e2e.Command{}.Run("docker", "image", "rm", "--force", built)
			if r, err2 := (e2e.Command{}).Run("docker", "image", "inspect", built); err != nil || err2 != nil || r.Code == 0 {
				t.Fatalf("docker image rm %s: %+v, %v; inspect then: %+v, %v", built, removed, err, r, err2)
			}
			s.down(t)
			s.up(t, "green") // alone, as blue was at first
			waitVersions(t, nginxAddr, "v1.1.0")
			if got := inspect(t, s.containers(t)["ml-service-green"]).Image; got != inspectImage(t, built).ID {
				t.Errorf("green runs %s, not what compose built", got)
			}
			before := s.containers(t)
			s.up(t, "green")
			if after := s.containers(t); !maps.Equal(before, after) {
				t.Errorf("a second up -d changed the containers: %v, then %v", before, after)
			}
			checkEnvFile(t, s)
		})
	}
}

func checkHardening(t *testing.T, service string, c container) {
	t.Helper()
	h := c.HostConfig
	if !h.ReadonlyRootfs || !slices.Equal(h.CapDrop, []string{"ALL"}) || !slices.Contains(h.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("%s: read-only %v, cap_drop %v, security_opt %v", service, h.ReadonlyRootfs, h.CapDrop, h.SecurityOpt)
	}
	if h.Memory <= 0 || h.Memory > 512<<20 || h.PidsLimit <= 0 || h.PidsLimit > 256 {
		t.Errorf("%s: memory limit %d, pid limit %d", service, h.Memory, h.PidsLimit)
	}
	// More than DRAIN_DELAY + SHUTDOWN_TIMEOUT for the service; Nginx is waited for with port 8080 closed.
	least, most := 18, 30
	if service == "nginx" || service == "nginx-conf" {
		least, most = 0, 5
	}
	if h.RestartPolicy.Name != "unless-stopped" || service != "nginx-conf" && (c.Config.StopTimeout < least || c.Config.StopTimeout > most) {
		t.Errorf("%s: restart %q, stop grace %d s; want unless-stopped and %d to %d", service, h.RestartPolicy.Name, c.Config.StopTimeout, least, most)
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(c.Config.User) {
		t.Errorf("%s runs as %q, want a numeric user that is not root", service, c.Config.User)
	}
	if c.State.Health.Status == "" {
		t.Errorf("%s has no health check", service)
	}
	if service == "nginx-conf" {
		if len(h.PortBindings) != 0 || h.NetworkMode != "none" {
			t.Errorf("%s publishes %v on network %q, want no network: it sees the project's folder", service, h.PortBindings, h.NetworkMode)
		}
	} else {
		want := map[string]string{"ml-service-blue": "8081", "ml-service-green": "8082", "nginx": "8080"}[service]
		if b := h.PortBindings["8080/tcp"]; len(h.PortBindings) != 1 || len(b) != 1 || b[0].HostIP != "127.0.0.1" || b[0].HostPort != want {
			t.Errorf("%s publishes %v, want 8080 on 127.0.0.1:%s alone", service, h.PortBindings, want)
		}
	}
	for _, m := range c.Mounts {
		if m.RW && m.Type != "volume" {
			t.Errorf("%s may write to %s", service, m.Destination)
		}
		if m.Destination == "/project" && service != "nginx-conf" {
			t.Errorf("%s sees the project's folder", service)
		}
	}
}

// A user's own model, as the README has it: a folder beside the compose files and one line of .env, no image built. Green
// is taken out first, and no user sees the new version before it has been looked at.
func TestOwnModel(t *testing.T) {
	s := newStack(t, tools[0])
	s.up(t, "balancer")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")
	want := answersOf(t)
	own := filepath.Join(s.dir, "models", "v7.0.0")
	e2e.Command{}.Output(t, "cp", "-r", filepath.Join(e2e.Root(t), "models", "v1.0.0"), own)
	e2e.Command{}.Output(t, "chmod", "-R", "a+rX", own)

	l := startLoad(t, nginxAddr, quiet, want) // whose answers are those of v1.0.0 and v1.1.0
	s.up(t, "blue")
	s.write(t, ".env", "GREEN_VERSION=v7.0.0\n")
	s.run(t, "green", "up", "-d", "ml-service-green")
	waitVersions(t, greenAddr, "v7.0.0")
	if d := more(t, l, 40); d.colour["green"] > 0 {
		t.Errorf("the new version has answered users before it was let in: %+v", d)
	}
	noneLost(t, l)

	s.up(t, "balancer")
	waitVersions(t, nginxAddr, "v1.0.0", "v7.0.0")
}

// checkEnvFile checks that .env reaches what compose would start.
func checkEnvFile(t *testing.T, s *stack) {
	t.Helper()
	settings := map[string]string{"LOG_LEVEL": "error", "METRICS": "false", "MODEL_NAME": "own", "MAX_BODY_BYTES": "2097152",
		"MAX_CONCURRENCY": "3", "MAX_QUEUE": "77", "MAX_CONNECTIONS": "99", "MEMORY_LIMIT": "123456789", "CORS_ORIGINS": "https://a.example,https://b.example", "BASE_PATH": "/ml",
		"RECORD_DIR": "/record", "RECORD_SAMPLE": "0.25", "RECORD_OMIT": "hash:customer"}
	env := "BIND=0.0.0.0\nBLUE_IMAGE=ghcr.io/o/r:blue\nGREEN_IMAGE=ghcr.io/o/r:green\nBLUE_VERSION=v8\nMODEL_DIR=/srv/models\n"
	for name, value := range settings {
		env += name + "=" + value + "\n"
	}
	s.write(t, ".env", env)
	config := s.command().Output(t, s.tool[0], s.args("balancer", "config")...)
	for _, want := range []string{"0.0.0.0", "ghcr.io/o/r:blue", "ghcr.io/o/r:green", "MODEL_VERSION: v8", "/srv/models", "MODEL_VERSION: v1.1.0"} {
		if !strings.Contains(config, want) {
			t.Errorf("config does not say %s", want)
		}
	}
	for name, value := range settings {
		got := regexp.MustCompile(name+`: ["']?`+value+`["']?\n`).FindAllString(config, -1)
		if len(got) != 2 {
			t.Errorf("%s=%s reaches %d services, want both colours", name, value, len(got))
		}
	}
}

// handEdits pastes the three upstream blocks of the README, and back. They work with all three files, after a restart of
// Nginx as after a reload; both name the balancer's file, whichever file was brought up last.
func handEdits(t *testing.T, s *stack, file string) {
	t.Helper()
	for i, e := range []edit{{greenOnly, "green"}, {blueOnly, "blue"}, {nineToOne, "blue green"}, {s.shipped, "blue green"}} {
		text := e.block
		if text != s.shipped {
			text = s.conf(t, e.block)
		}
		s.replace(t, "nginx.conf", text)
		if i == 0 && file == "balancer" {
			s.run(t, "balancer", "restart", "nginx")
		} else {
			s.reload(t)
		}
		want := file
		if file == "balancer" {
			want = e.balanced
		}
		waitColours(t, 60, strings.Fields(want)...)
	}
}

// edit is an upstream block and who answers with it in the balancer's file.
type edit struct{ block, balanced string }

// waitColours waits until n answers to POST /predict in a row have come from exactly these colours.
func waitColours(t *testing.T, n int, want ...string) {
	t.Helper()
	e2e.Poll(t, pollLimit, "answers of "+strings.Join(want, " and "), func() error {
		seen := map[string]bool{}
		for range n {
			a, err := predictOnce(nginxAddr)
			if err != nil {
				return err
			}
			if a.status != http.StatusOK {
				return &unexpected{a}
			}
			seen[a.color] = true
		}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
			return &unexpected{got}
		}
		return nil
	})
}

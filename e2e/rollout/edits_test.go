package rollout

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ml-service/e2e"
)

var block = regexp.MustCompile(`(?s)upstream ml_backend \{.*?\}`)

// paste puts a block over upstream ml_backend, in place.
func (s *stack) paste(t *testing.T, text string) {
	t.Helper()
	conf := s.read(t, "nginx.conf")
	if len(block.FindAllString(conf, -1)) != 1 {
		t.Fatalf("nginx.conf has not one upstream block")
	}
	s.write(t, "nginx.conf", block.ReplaceAllLiteralString(conf, text))
}

func (s *stack) reload(t *testing.T) {
	t.Helper()
	s.must(t, "exec", "-T", "nginx", "nginx", "-s", "reload")
}

// TestEdits makes the mistakes that people were seen to make: each is mended or named, and none is made worse.
func TestEdits(t *testing.T) {
	s := newStack(t, tools[0])
	s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")

	t.Log("an editor puts a new file in the old one's place")
	s.replace(t, "nginx.conf", strings.Replace(s.read(t, "nginx.conf"), "upstream ml_backend {", "# by hand\n    upstream ml_backend {", 1))
	s.want(t, 0, "green 25 %", "shift", "--to", "green", "--weight", "25")
	if !strings.Contains(s.read(t, "nginx.conf"), "# by hand\n") {
		t.Error("the hand edit is gone")
	}

	t.Log("somebody else's split is named, and not overwritten silently")
	s.paste(t, "upstream ml_backend { server ml-service-blue:8080 weight=9; server ml-service-green:8080 weight=1; }")
	s.reload(t)
	before := s.read(t, "nginx.conf")
	s.want(t, 0, "somebody else has made blue 90 %, green 10 % of it", "status")
	s.want(t, 5, "--accept-drift", "shift", "--to", "green", "--weight", "50")
	if s.read(t, "nginx.conf") != before {
		t.Error("nginx.conf was changed although rollout had refused")
	}
	s.want(t, 0, "green 50 %", "shift", "--to", "green", "--weight", "50", "--accept-drift")

	t.Log("an edit that was not reloaded")
	s.paste(t, "upstream ml_backend { server ml-service-green:8080; }")
	s.want(t, 0, "blue answered", "status")
	s.want(t, 1, "what runs is not what nginx.conf says", "doctor")
	s.want(t, 0, "blue 100 %", "rollback")

	t.Log("a misspelt name")
	good := s.read(t, "nginx.conf")
	s.paste(t, "upstream ml_backend { server ml-service-blue:8080 weight=9; server ml-service-gren:8080 weight=1; }")
	for _, verb := range [][]string{{"status"}, {"doctor"}, {"shift", "--to", "green", "--weight", "10"}} {
		s.want(t, 1, "server ml-service-gren:8080 is neither", verb...)
	}

	t.Log("a file that ends in the middle")
	s.write(t, "nginx.conf", good[:len(good)/2])
	s.want(t, 1, "nginx.conf: line", "shift", "--to", "green", "--weight", "10")

	t.Log("a file that Nginx refuses")
	bad := strings.Replace(good, "http {", "http {\n    bogus on;", 1)
	s.write(t, "nginx.conf", bad)
	s.want(t, 1, "nginx -t refuses the candidate, nothing was changed", "shift", "--to", "green", "--weight", "10")
	s.want(t, 1, "unknown directive", "doctor")
	if s.read(t, "nginx.conf") != bad {
		t.Error("nginx.conf was changed although Nginx had refused it")
	}
	s.write(t, "nginx.conf", good)

	t.Log("a file that the container's user may not read")
	if err := os.Chmod(filepath.Join(s.dir, "nginx.conf"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.want(t, 1, "chmod a+r", "shift", "--to", "green", "--weight", "10")
	s.want(t, 1, "chmod a+r", "doctor")
	if err := os.Chmod(filepath.Join(s.dir, "nginx.conf"), 0o644); err != nil {
		t.Fatal(err)
	}

	t.Log("both versions in .env")
	s.write(t, ".env", "BLUE_VERSION=v1.1.0\nGREEN_VERSION=v1.0.0\n")
	s.want(t, 1, "blue has MODEL_VERSION=v1.0.0, and .env says BLUE_VERSION=v1.1.0: a plain up -d would replace it", "doctor")
	s.write(t, ".env", "")

	t.Log("the tag that both colours share is built again")
	id := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "image", "inspect", "--format", "{{.Id}}", tag))
	e2e.Command{Stdin: "FROM " + tag + "\nLABEL again=yes\n"}.Output(t, "docker", "build", "--quiet", "--tag", tag, "-")
	s.want(t, 1, "was built or pulled again since blue was started", "doctor")
	e2e.Command{}.Output(t, "docker", "tag", id, tag)

	t.Log("a file that makes one colour of both names")
	e2e.Command{Dir: s.dir, Env: []string{"COMPOSE_PROJECT_NAME=" + project}}.Output(t, s.tool[0], append(s.tool[1:], "-f", "docker-compose.blue.yml", "up", "-d")...)
	s.want(t, 1, "docker compose -f docker-compose.balancer.yml up -d", "shift", "--to", "green", "--weight", "10")
	s.up(t)

	t.Log("a colour that is gone")
	e2e.Command{}.Output(t, "docker", "rm", "-f", s.container(t, "ml-service-green"))
	s.want(t, 1, "green cannot take traffic: it is gone", "shift", "--to", "green", "--weight", "10")
	s.up(t)
	s.healthy(t, "ml-service-green")
	s.want(t, 0, "green 10 %", "shift", "--to", "green", "--weight", "10")
	s.want(t, 0, "blue 100 %", "rollback")
}

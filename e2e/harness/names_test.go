package harness

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/e2e"
)

// A colour's name is followed to whatever address it has, and never asked of anybody but Docker.
func TestNames(t *testing.T) {
	s := newStack(t, tools[0])
	s.up(t, "balancer")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")
	want := answersOf(t)
	t.Run("addresses change hands", func(t *testing.T) { changeHands(t, s) })
	t.Run("everything starts again in another order", func(t *testing.T) { reboot(t, s) })
	t.Run("slow names", func(t *testing.T) { slowNames(t, s, want) })
	t.Run("a name server that knows every name", func(t *testing.T) { stranger(t, s, want) })
}

// address gives a container's address on the project's network.
func (s *stack) address(t *testing.T, container string) string {
	t.Helper()
	a := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container))
	if a == "" {
		t.Fatalf("%s has no address", container)
	}
	return a
}

// changeHands stops and starts both colours so that each gets the other's address, with all traffic on green.
func changeHands(t *testing.T, s *stack) {
	s.write(t, "nginx.conf", s.conf(t, greenOnly))
	s.reload(t)
	waitColours(t, 20, "green")
	c := s.containers(t)
	blue, green := c["ml-service-blue"], c["ml-service-green"]
	before := s.address(t, green)
	e2e.Command{}.Output(t, "docker", "stop", blue, green)
	order := []string{green, blue} // the free address that comes first goes to who starts first
	if s.addressOrder(t, before) {
		order = []string{blue, green}
	}
	for _, id := range order {
		e2e.Command{}.Output(t, "docker", "start", id)
	}
	waitVersions(t, blueAddr, "v1.0.0")
	waitVersions(t, greenAddr, "v1.1.0")
	if now := s.address(t, blue); now != before {
		t.Fatalf("blue has %s, want green's %s: the test has not made addresses change hands", now, before)
	}
	waitColours(t, 20, "green") // an address is believed for a second
	onlyGreen(t)
}

// addressOrder says whether an address is the lower of the two that the stopped colours had.
func (s *stack) addressOrder(t *testing.T, address string) bool {
	t.Helper()
	probe := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "run", "--detach", "--network", project+"_balancer", "nginx:1.30-alpine"))
	defer e2e.Command{}.Output(t, "docker", "rm", "--force", probe)
	return s.address(t, probe) == address
}

func onlyGreen(t *testing.T) {
	t.Helper()
	for i := range 200 {
		a, err := predictOnce(nginxAddr)
		if err != nil || a.status != http.StatusOK || a.color != "green" {
			t.Fatalf("answer %d: %+v, %v; want green alone", i, a, err)
		}
	}
}

// reboot stops everything and starts it as a machine may: Nginx before what hands it its configuration.
func reboot(t *testing.T, s *stack) {
	c := s.containers(t)
	all := []string{c["nginx"], c["ml-service-green"], c["ml-service-blue"], c["nginx-conf"]}
	e2e.Command{}.Output(t, "docker", append([]string{"stop"}, all...)...)
	for _, id := range all {
		e2e.Command{}.Output(t, "docker", "start", id)
	}
	waitVersions(t, greenAddr, "v1.1.0")
	waitVersions(t, blueAddr, "v1.0.0")
	waitColours(t, 20, "green")
	onlyGreen(t)
}

// nameServer runs ./dns on the project's network and gives its address.
func (s *stack) nameServer(t *testing.T, args ...string) string {
	t.Helper()
	binary := filepath.Join(e2e.Cache(t, "e2e", "dns"), "dns")
	e2e.Command{Env: []string{"CGO_ENABLED=0"}}.Output(t, "go", "build", "-o", binary, "./dns")
	run := append([]string{"run", "--detach", "--network", project + "_balancer", "--volume", binary + ":/dns:ro", "--entrypoint", "/dns", "nginx:1.30-alpine"}, args...)
	id := strings.TrimSpace(e2e.Command{}.Output(t, "docker", run...))
	t.Cleanup(func() { e2e.Command{}.Output(t, "docker", "rm", "--force", id) })
	return s.address(t, id)
}

// slowNames changes from a short block to the shipped one and back while each name takes 800 ms to be found.
func slowNames(t *testing.T, s *stack, want map[string][]string) {
	c := s.containers(t)
	server := s.nameServer(t, "-delay", "800ms", "ml-service-blue="+s.address(t, c["ml-service-blue"]), "ml-service-green="+s.address(t, c["ml-service-green"]))
	slow := func(conf string) string {
		return strings.Replace(conf, "resolver 127.0.0.11 ", "resolver "+server+" ", 1)
	}
	if slow(s.shipped) == s.shipped {
		t.Fatal("nginx.conf names no resolver 127.0.0.11")
	}
	l := startLoad(t, nginxAddr, busy, want)
	for range 2 {
		for _, conf := range []string{s.conf(t, nineToOne), s.shipped} {
			s.replace(t, "nginx.conf", slow(conf))
			s.reload(t)
			more(t, l, 1000)
		}
	}
	noneLost(t, l)
	s.write(t, "nginx.conf", s.shipped)
	s.reload(t)
}

func noneLost(t *testing.T, l *load) {
	t.Helper()
	seen := l.stop()
	if seen.failed > 0 {
		t.Errorf("%d of %d requests failed:\n%s", seen.failed, seen.requests, strings.Join(seen.failures, "\n"))
	}
	t.Log(seen)
}

// stranger stops green where Docker's own name server passes names it does not know to one that gives an address for
// every name, at which somebody answers.
func stranger(t *testing.T, s *stack, want map[string][]string) {
	other := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "run", "--detach", "--network", project+"_balancer", "--env", "COLOR=stranger", tag))
	t.Cleanup(func() { e2e.Command{}.Output(t, "docker", "rm", "--force", other) })
	server := s.nameServer(t, "-any", s.address(t, other))
	s.write(t, "dns.yml", fmt.Sprintf("services:\n  nginx:\n    dns: [%q]\n", server))
	s.run(t, "balancer", "-f", "dns.yml", "up", "-d")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")

	s.run(t, "balancer", "stop", "ml-service-green")
	found := e2e.Command{}.Output(t, "docker", "run", "--rm", "--network", project+"_balancer", "--dns", server, "--entrypoint", "getent",
		"nginx:1.30-alpine", "hosts", "ml-service-green")
	if !strings.HasPrefix(found, s.address(t, other)) {
		t.Fatalf("without dns_opt green's name is %q, want the stranger's address", found)
	}
	l := startLoad(t, nginxAddr, quiet, want)
	more(t, l, 60)
	noneLost(t, l) // an answer of the stranger is one
}

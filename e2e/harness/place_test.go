package harness

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/e2e"
)

// A folder with blanks and capitals in its name, all addresses, and no project name given; then a copy of it.
func TestAnyFolder(t *testing.T) {
	s := newStack(t, tools[0])
	place := filepath.Join(t.TempDir(), "Our Models", "ML Service 2")
	e2e.Command{}.Output(t, "mkdir", "-p", filepath.Dir(place))
	e2e.Command{}.Output(t, "mv", s.dir, place)
	s.dir, s.project = place, "mlservice2"
	s.write(t, ".env", "BIND=0.0.0.0\n")
	t.Cleanup(func() { s.down(t) })
	s.up(t, "balancer")
	for _, addr := range []string{nginxAddr, "localhost:8080", net.JoinHostPort(otherAddress(t), "8080")} {
		waitVersions(t, addr, "v1.0.0", "v1.1.0")
	}
	for service, port := range map[string]string{"nginx": "8080", "ml-service-blue": "8081", "ml-service-green": "8082"} {
		if b := inspect(t, s.containers(t)[service]).HostConfig.PortBindings["8080/tcp"]; len(b) != 1 || b[0].HostIP != "0.0.0.0" || b[0].HostPort != port {
			t.Errorf("%s publishes %v, want 0.0.0.0:%s", service, b, port)
		}
	}

	// A copy under another name cannot have the ports, and says so; the first one goes on.
	copied := filepath.Join(filepath.Dir(place), "copy")
	e2e.Command{}.Output(t, "cp", "-r", place, copied)
	second := &stack{dir: copied, tool: s.tool, project: "copy"}
	t.Cleanup(func() { second.down(t) })
	r, err := second.command().Run(s.tool[0], second.args("balancer", "up", "-d")...)
	if err != nil || r.Code == 0 || !strings.Contains(r.Stderr, "port is already allocated") {
		t.Errorf("the copy: %+v, %v; want the port that is already allocated", r, err)
	}
	second.down(t)
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")
}

// otherAddress is an address of this machine that is not the loopback's.
func otherAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no address but the loopback's")
	return ""
}

// A clone made under umask 077: nobody but its owner may read it, and the containers run as somebody else.
func TestUnreadableFolder(t *testing.T) {
	s := newStack(t, tools[0])
	for _, test := range []struct{ mode, names, service, message string }{
		{"a+rX", ".", "", ""},
		{"go=", "models", "ml-service-blue", "chmod -R a+rX on the folder"},
		{"go=", "nginx.conf", "nginx-conf", "nginx.conf cannot be read by user 65532: chmod a+r nginx.conf"},
		{"go=", ".", "nginx-conf", "chmod -R a+rX nginx nginx.conf models"},
	} {
		e2e.Command{Dir: s.dir}.Output(t, "chmod", "-R", test.mode, test.names)
		s.down(t)
		args := s.args("blue", "up", "-d")
		if test.service != "" {
			args = append(args, "--no-deps", test.service)
		}
		r, err := s.command().Run(s.tool[0], args...)
		if err != nil || test.service == "" && r.Code != 0 {
			t.Fatalf("%v: %+v, %v", test, r, err)
		}
		if test.service != "" {
			s.waitLog(t, test.service, test.message)
		}
	}
}

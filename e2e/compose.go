package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ComposeProject begins the names of the compose projects that the tests start.
const ComposeProject = "ml-service-e2e-"

// ComposeFiles copies what a user has to run the containers into dir: the compose files, nginx.conf and its folder,
// readable for the containers' own user.
func ComposeFiles(t testing.TB, dir string) {
	t.Helper()
	root := Root(t)
	files, err := filepath.Glob(filepath.Join(root, "docker-compose.*.yml"))
	if err != nil || len(files) != 4 {
		t.Fatalf("compose files at the root: %v, %v; want base, blue, green and balancer", files, err)
	}
	for _, file := range append(files, filepath.Join(root, "nginx.conf")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o644); err != nil { //nolint:gosec // containers run as another user
			t.Fatal(err)
		}
	}
	Command{}.Output(t, "cp", "-r", filepath.Join(root, "nginx"), dir)
	Command{Dir: dir}.Output(t, "chmod", "-R", "a+rX", ".")
}

// ComposePorts makes sure that ports 8080, 8081 and 8082 of 127.0.0.1 are free. Containers of ComposeProject's that a
// killed run of any test left, and that the engine keeps alive, are removed; whatever else has a port ends the test.
func ComposePorts(t testing.TB) {
	t.Helper()
	left := Command{}.Output(t, "docker", "ps", "--all", "--format", `{{.ID}} {{.Label "com.docker.compose.project"}}`)
	for line := range strings.Lines(left) {
		if id, project, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(project, ComposeProject) {
			t.Logf("removing a container that a killed run of %s left", project)
			Command{}.Output(t, "docker", "rm", "--force", "--volumes", id)
		}
	}
	for _, port := range []string{"8080", "8081", "8082"} {
		l, err := net.Listen("tcp", "127.0.0.1:"+port) //nolint:noctx // it does not wait
		if err != nil {
			t.Fatalf("this test needs ports 8080, 8081 and 8082 of 127.0.0.1, and something else has %s: %v", port, err)
		}
		_ = l.Close()
	}
}

// NoOldCompose says why docker-compose 1.29 cannot be tried with this machine's engine; "" if it can. That tool speaks
// version 1.38 of the engine's API and no other, which engines from 29 on no longer take.
func NoOldCompose(t *testing.T) string {
	t.Helper()
	return tooNewForOldCompose(strings.TrimSpace(Command{}.Output(t, "docker", "version", "--format", "{{.Server.Version}} {{.Server.MinAPIVersion}}")))
}

// tooNewForOldCompose judges an engine's version and the lowest API version that it takes.
func tooNewForOldCompose(engine string) string {
	version, lowest, _ := strings.Cut(engine, " ")
	var major, minor int
	if n, err := fmt.Sscanf(lowest, "%d.%d", &major, &minor); n == 2 && err == nil && (major > 1 || minor > 38) {
		return fmt.Sprintf("docker-compose 1.29 speaks version 1.38 of Docker's API, and this engine, %s, takes %s and later: left out", version, lowest)
	}
	return ""
}

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

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

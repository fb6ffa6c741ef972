package registry

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const binfmt = "/proc/sys/fs/binfmt_misc"

var qemuName = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// canRun makes the kernel run programs of another architecture through qemu-user, as containers need it, and takes
// that back when the test ends if it was not so before. Where the kernel does not let it, it returns the reason.
func canRun(t *testing.T, goarch string) error {
	t.Helper()
	if goarch == runtime.GOARCH {
		return nil
	}
	name := "qemu-" + qemuName[goarch]
	if _, err := os.Stat(binfmt + "/register"); err != nil {
		r, err := e2e.Command{}.Run("mount", "-t", "binfmt_misc", "binfmt_misc", binfmt)
		if err != nil {
			return err
		}
		if r.Code != 0 {
			return fmt.Errorf("exit status %d: %s", r.Code, strings.TrimSpace(r.Stderr))
		}
	}
	if state, err := os.ReadFile(filepath.Join(binfmt, name)); err == nil {
		if !strings.HasPrefix(string(state), "enabled") {
			return fmt.Errorf("%s is registered and not enabled", name)
		}
		return nil
	}
	qemu(t, goarch)
	rule, err := os.ReadFile("/usr/lib/binfmt.d/" + name + ".conf")
	if err != nil {
		return err
	}
	if err := os.WriteFile(binfmt+"/register", []byte(strings.TrimSpace(string(rule))), 0); err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := os.WriteFile(filepath.Join(binfmt, name), []byte("-1"), 0); err != nil {
			t.Errorf("take %s back: %v", name, err)
		}
	})
	return nil
}

// qemu returns the path of the emulator, installed if it is missing.
func qemu(t *testing.T, goarch string) string {
	t.Helper()
	path := "/usr/bin/qemu-" + qemuName[goarch] + "-static"
	if _, err := os.Stat(path); err != nil {
		noninteractive := e2e.Command{Env: []string{"DEBIAN_FRONTEND=noninteractive"}, Limit: 5 * time.Minute}
		noninteractive.Output(t, "apt-get", "update", "-qq")
		noninteractive.Output(t, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "qemu-user-static")
	}
	return path
}

// checkEmulated runs the image's program under qemu-user outside of a container and asks it for its health.
func checkEmulated(t *testing.T, goarch string, program []byte, want string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ml-service")
	if err := os.WriteFile(file, program, 0o755); err != nil {
		t.Fatal(err)
	}
	port := e2e.FreePort(t)
	s := e2e.StartProcess(t, "http://127.0.0.1:"+port, []string{"HOST=127.0.0.1", "PORT=" + port}, qemu(t, goarch), file)
	e2e.Poll(t, time.Minute, "the program under qemu-user", func() error {
		res, err := http.Get(s.URL + "/health")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err == nil && string(got) != want {
			err = fmt.Errorf("got %q, want %q", got, want)
		}
		return err
	})
}

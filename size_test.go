package mlservice_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestBinarySize holds the stripped binary under 16 MB on both architectures; with -short on this machine's alone, for
// the other's standard library has to be compiled first.
func TestBinarySize(t *testing.T) {
	const most = 16_000_000
	architectures := []string{"amd64", "arm64"}
	if testing.Short() {
		architectures = []string{runtime.GOARCH}
	}
	for _, arch := range architectures {
		t.Run(arch, func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "ml-service")
			build := exec.Command("go", "build", "-tags", "nomsgpack", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/local")
			build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			info, err := os.Stat(binary)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("linux/%s: %d bytes", arch, info.Size())
			if info.Size() >= most {
				t.Errorf("linux/%s: got %d bytes, want less than %d", arch, info.Size(), most)
			}
		})
	}
}

package mlservice_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestToolchain holds every module of the repository to one toolchain line, which is what CI builds with; without it CI
// would take the first release of that Go, with all that was found in it since. `make toolchain` compares it with the newest.
func TestToolchain(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "go.mod", "*/go.mod").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	files := strings.Fields(string(out))
	if len(files) < 2 {
		t.Fatalf("go.mod files: got %q, want that of e2e too", files)
	}
	form := regexp.MustCompile(`(?m)^toolchain (go1\.[0-9]+\.[1-9][0-9]*)$`)
	first := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := form.FindStringSubmatch(string(text))
		if m == nil {
			t.Errorf("%s: want a line such as toolchain go1.26.11, with a patch above 0", file)
			continue
		}
		if first == "" {
			first = m[1]
		}
		if m[1] != first {
			t.Errorf("%s: got %s, want %s, as in %s", file, m[1], first, files[0])
		}
	}
	image, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	minor := strings.TrimPrefix(first[:strings.LastIndexByte(first, '.')], "go")
	if !strings.Contains(string(image), "golang:"+minor+"-") {
		t.Errorf("Dockerfile: want the image golang:%s-…, as go.mod names %s", minor, first)
	}
}

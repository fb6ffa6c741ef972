package registry

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/e2e"
)

// setup-sam leaves sam on the PATH and no cfn-lint: make lint-template has ensure.sh bring what is missing where CI is set,
// and says so where it is not.
func TestTemplateLinters(t *testing.T) {
	tests := []struct {
		name     string
		here     []string
		ci       string
		installs bool
		says     string
	}{
		{"sam alone, as setup-sam leaves it", []string{"sam"}, "true", true, "sam validate --lint\ncfn-lint deploy/aws/github-role.yaml\n"},
		{"cfn-lint alone", []string{"cfn-lint"}, "true", true, "sam validate --lint\ncfn-lint deploy/aws/github-role.yaml\n"},
		{"both", []string{"sam", "cfn-lint"}, "true", false, "sam validate --lint\ncfn-lint deploy/aws/github-role.yaml\n"},
		{"sam alone, by hand", []string{"sam"}, "", false, "not linted: sam or cfn-lint is missing"},
		{"none, by hand", nil, "", false, "not linted: sam or cfn-lint is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put := func(name, text string) {
				t.Helper()
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			const stub = "#!/bin/bash\necho \"${0##*/} $*\"\n"
			put("Makefile", read(t, filepath.Join(e2e.Root(t), "Makefile")))
			put("stub", stub)
			put("e2e/aws/ensure.sh", "#!/bin/bash\nif [[ ${1:-} == env ]]; then echo 'export PATH=\""+dir+"/cache:$PATH\"'; exit; fi\n"+
				"touch installed; for tool in sam cfn-lint; do cp stub cache/$tool; done\n")
			put("cache/none", "")
			for _, tool := range tt.here {
				put("bin/"+tool, stub)
			}
			put("bin/none", "")
			for _, tool := range []string{"bash", "cp", "touch"} { // and nothing else, so that no other sam is found
				path, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(dir, "bin", tool)); err != nil {
					t.Fatal(err)
				}
			}
			program, err := exec.LookPath("make")
			if err != nil {
				t.Fatal(err)
			}
			r, err := e2e.Command{Dir: dir}.Run("env", "-i", "PATH="+filepath.Join(dir, "bin"), "CI="+tt.ci, program, "-s", "lint-template")
			if err != nil || r.Code != 0 || !strings.Contains(r.Stdout, tt.says) {
				t.Errorf("got exit status %d, %v and %q, want in it %q", r.Code, err, r.Stdout+r.Stderr, tt.says)
			}
			if _, err := os.Stat(filepath.Join(dir, "installed")); (err == nil) != tt.installs {
				t.Errorf("installed: got %v, want %v", err == nil, tt.installs)
			}
		})
	}
}

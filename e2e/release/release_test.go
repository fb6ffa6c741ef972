// Package release makes a release as release.yml does, and installs it as a stranger would: from a server on 127.0.0.1.
package release

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"debug/macho"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const tag = "v1.2.3"

// TestRelease builds dist/ in a copy of the work tree and looks at each file of it; then it installs from it.
func TestRelease(t *testing.T) {
	tree := t.TempDir()
	e2e.Command{Dir: e2e.Root(t)}.Output(t, "bash", "-euo", "pipefail", "-c",
		`git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null | tar -xf - -C "$0"`, tree)
	if r, err := (e2e.Command{Dir: tree, Env: []string{"TAG=1.2"}}).Run("make", "-s", "release"); err != nil || r.Code == 0 || !strings.Contains(r.Stdout, "TAG: want v1.2.3") {
		t.Errorf("a tag that is no version: %v, exit status %d, %s", err, r.Code, r.Stdout)
	}
	e2e.Command{Dir: tree, Env: []string{"TAG=" + tag, "REVISION=0123abc"}, Limit: 15 * time.Minute}.Output(t, "make", "-s", "release")
	dist := filepath.Join(tree, "dist")

	sums := map[string]string{}
	for line := range strings.Lines(read(t, filepath.Join(dist, "checksums.txt"))) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	found, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2*8+1 || len(sums) != 2*8 {
		t.Errorf("dist: got %d files and %d checksums, want 8 binaries, the contents of each, and checksums.txt", len(found), len(sums))
	}
	for name, want := range sums {
		sum := sha256.Sum256([]byte(read(t, filepath.Join(dist, name))))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: SHA-256 %s, checksums.txt says %s", name, got, want)
		}
	}
	for _, tool := range []string{"ml-service", "rollout"} {
		for arch, machine := range map[string]struct {
			linux  elf.Machine
			darwin macho.Cpu
		}{"amd64": {elf.EM_X86_64, macho.CpuAmd64}, "arm64": {elf.EM_AARCH64, macho.CpuArm64}} {
			if f, err := elf.Open(filepath.Join(dist, tool+"_linux_"+arch)); err != nil || f.Machine != machine.linux {
				t.Errorf("%s for linux/%s: %v, %v", tool, arch, f, err)
			}
			if f, err := macho.Open(filepath.Join(dist, tool+"_darwin_"+arch)); err != nil || f.Cpu != machine.darwin {
				t.Errorf("%s for darwin/%s: %v, %v", tool, arch, f, err)
			}
		}
		var contents struct {
			BOMFormat  string
			Components []struct{ Name string }
		}
		if err := json.Unmarshal([]byte(read(t, filepath.Join(dist, tool+"_linux_amd64.cdx.json"))), &contents); err != nil || contents.BOMFormat != "CycloneDX" || len(contents.Components) == 0 {
			t.Errorf("contents of %s: %v, %+v", tool, err, contents)
		}
	}
	installs(t, dist)
}

// installs runs install.sh against a server of the release's files, whole and spoilt.
func installs(t *testing.T, dist string) {
	script := filepath.Join(e2e.Root(t), "install.sh")
	spoilt := map[string][]byte{} // what the server gives in the place of a file
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/releases/latest/download/")
		if !ok {
			if name, ok = strings.CutPrefix(r.URL.Path, "/releases/download/"+tag+"/"); !ok {
				http.NotFound(w, r)
				return
			}
		}
		if body, ok := spoilt[name]; ok {
			_, _ = w.Write(body)
			return
		}
		http.ServeFile(w, r, filepath.Join(dist, filepath.Base(name)))
	}))
	defer server.Close()
	install := func(env ...string) (folder string, r e2e.Result) {
		t.Helper()
		folder = filepath.Join(t.TempDir(), "bin")
		r, err := e2e.Command{Env: append([]string{"RELEASES=" + server.URL + "/releases", "BIN_DIR=" + folder, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1"}, env...)}.Run("sh", script)
		if err != nil {
			t.Fatal(err)
		}
		return folder, r
	}
	for _, env := range [][]string{nil, {"VERSION=" + tag}} {
		folder, r := install(env...)
		if r.Code != 0 || !strings.Contains(r.Stdout, "installed "+folder+"/ml-service\ninstalled "+folder+"/rollout\n") || !strings.Contains(r.Stdout, "is not in PATH") {
			t.Fatalf("%v: exit status %d\n%s%s", env, r.Code, r.Stdout, r.Stderr)
		}
		port := e2e.FreePort(t)
		s := e2e.StartProcess(t, "http://127.0.0.1:"+port, []string{"HOST=127.0.0.1", "PORT=" + port}, filepath.Join(folder, "ml-service"))
		e2e.Poll(t, 30*time.Second, "the installed service", func() error {
			res, err := http.Get(s.URL + "/health")
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("/health: %s", res.Status)
			}
			return nil
		})
		if help, err := (e2e.Command{}).Run(filepath.Join(folder, "rollout"), "help"); err != nil || help.Code != 0 || !strings.Contains(help.Stdout+help.Stderr, "rollout") {
			t.Errorf("rollout help: %v, exit status %d, %s%s", err, help.Code, help.Stdout, help.Stderr)
		}
	}
	here := "_" + runtime.GOOS + "_" + runtime.GOARCH
	whole := []byte(read(t, filepath.Join(dist, "rollout"+here)))
	for name, tt := range map[string]struct {
		spoilt map[string][]byte
		env    []string
		says   string
	}{
		"another byte":            {map[string][]byte{"rollout" + here: append(bytes.Clone(whole), 0)}, nil, "checksums.txt says"},
		"half of it":              {map[string][]byte{"rollout" + here: whole[:len(whole)/2]}, nil, "nothing was installed"},
		"a page in its place":     {map[string][]byte{"rollout" + here: []byte("<html>sign in</html>")}, nil, "nothing was installed"},
		"no checksum of it":       {map[string][]byte{"checksums.txt": []byte("0123  other\n")}, nil, "checksums.txt has no line for ml-service" + here},
		"a checksum of its end":   {map[string][]byte{"checksums.txt": []byte("0123  x-ml-service" + here + "\n")}, nil, "checksums.txt has no line for ml-service" + here},
		"a release not there":     {nil, []string{"VERSION=v9.9.9"}, "cannot get " + server.URL + "/releases/download/v9.9.9/checksums.txt"},
		"no repository was named": {nil, []string{"RELEASES="}, "REPOSITORY is not set"},
	} {
		spoilt = tt.spoilt
		folder, r := install(tt.env...)
		left, _ := os.ReadDir(folder)
		if r.Code != 1 || !strings.Contains(r.Stderr, tt.says) || len(left) > 0 {
			t.Errorf("%s: exit status %d, %d files, %q; want 1, none and %q", name, r.Code, len(left), r.Stderr, tt.says)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

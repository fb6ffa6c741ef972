package registry

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"ml-service/e2e"
)

// Dependabot looks after the actions, the images and every Go module of the repository.
func TestDependabot(t *testing.T) {
	root := e2e.Root(t)
	text, err := os.ReadFile(filepath.Join(root, ".github", "dependabot.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Version int `yaml:"version"`
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directory   string   `yaml:"directory"`
			Directories []string `yaml:"directories"`
			Schedule    struct {
				Interval string `yaml:"interval"`
			} `yaml:"schedule"`
		} `yaml:"updates"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if file.Version != 2 {
		t.Errorf("version: got %d, want 2", file.Version)
	}
	folders := map[string][]string{}
	for _, u := range file.Updates {
		folders[u.Ecosystem] = append(u.Directories, u.Directory)
		if u.Schedule.Interval != "weekly" {
			t.Errorf("%s: schedule: got %q, want weekly", u.Ecosystem, u.Schedule.Interval)
		}
	}
	for _, ecosystem := range []string{"github-actions", "docker", "docker-compose"} {
		if !slices.Contains(folders[ecosystem], "/") {
			t.Errorf("%s: got %q, want /", ecosystem, folders[ecosystem])
		}
	}
	modules := strings.Fields(e2e.Command{Dir: root}.Output(t, "git", "ls-files", "--cached", "--others", "--exclude-standard", "*go.mod"))
	if len(modules) < 2 {
		t.Fatalf("modules: got %q, want the repository's and that of e2e at least", modules)
	}
	for _, module := range modules {
		folder := "/" + strings.TrimSuffix(strings.TrimSuffix(module, "go.mod"), "/")
		if !slices.ContainsFunc(folders["gomod"], func(p string) bool { ok, err := path.Match(p, folder); return ok && err == nil }) {
			t.Errorf("gomod: got %q, want in it the folder of %s", folders["gomod"], module)
		}
	}
}

package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"ml-service/e2e"
)

// workflow is what these tests read of a file in .github/workflows.
type workflow struct {
	file        string // its name without .yml
	text        string
	On          map[string]any     `yaml:"on"`
	Permissions *map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group  string `yaml:"group"`
		Cancel any    `yaml:"cancel-in-progress"`
	} `yaml:"concurrency"`
	Defaults struct {
		Run struct {
			Shell string `yaml:"shell"`
		} `yaml:"run"`
	} `yaml:"defaults"`
	Env  map[string]string `yaml:"env"`
	Jobs map[string]job    `yaml:"jobs"`
}

type job struct {
	Uses        string             `yaml:"uses"`
	If          string             `yaml:"if"`
	With        map[string]string  `yaml:"with"`
	Environment string             `yaml:"environment"`
	Needs       []string           `yaml:"needs"`
	RunsOn      string             `yaml:"runs-on"`
	Timeout     int                `yaml:"timeout-minutes"`
	Permissions *map[string]string `yaml:"permissions"`
	Env         map[string]string  `yaml:"env"`
	Outputs     map[string]string  `yaml:"outputs"`
	Strategy    struct {
		Matrix map[string][]string `yaml:"matrix"`
	} `yaml:"strategy"`
	Steps []step `yaml:"steps"`
}

type step struct {
	ID   string            `yaml:"id"`
	Name string            `yaml:"name"`
	Uses string            `yaml:"uses"`
	If   string            `yaml:"if"`
	Run  string            `yaml:"run"`
	With map[string]string `yaml:"with"`
	Env  map[string]string `yaml:"env"`
}

// what names a step in messages and tables: its name, or the action it uses without the commit.
func (s step) what() string {
	if s.Name != "" {
		return s.Name
	}
	action, _, _ := strings.Cut(s.Uses, "@")
	return action
}

// workflows reads every workflow there is, by the name of its file.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(e2e.Root(t), ".github", "workflows", "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := workflow{file: strings.TrimSuffix(filepath.Base(file), ".yml"), text: string(text)}
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[w.file] = w
	}
	for _, name := range []string{"ci", "deploy", "release", "rollback", "ship", "vuln"} {
		if all[name].Jobs == nil {
			t.Fatalf("workflows: got %v, want %s.yml among them", files, name)
		}
	}
	return all
}

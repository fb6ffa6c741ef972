// Command actions reads, for each action that the workflows use, the commit under its tag and the inputs of its
// action.yml from the action's own repository, and writes them to registry/testdata/actions.json.
//
//	cd e2e && go run ./registry/actions [-clones DIR]
//
// It clones from GitHub; -clones names a folder that has the clones already, as owner+name/repo.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

type action struct {
	Tag      string   `json:"tag"`
	Commit   string   `json:"commit"`
	Inputs   []string `json:"inputs"`
	Required []string `json:"required,omitempty"`
}

func main() {
	log.SetFlags(0)
	clones := flag.String("clones", "", "folder of clones, each as owner+name/repo")
	flag.Parse()
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		log.Fatalf("no ../.github/workflows/*.yml: run it in e2e (%v)", err)
	}
	all := map[string]action{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`uses: ([\w-]+/[\w-]+)@([0-9a-f]{40}) # (\S+)`).FindAllStringSubmatch(string(text), -1) {
			if _, done := all[m[1]]; done {
				continue
			}
			a, err := read(*clones, m[1], m[3])
			if err != nil {
				log.Fatalf("%s %s: %v", m[1], m[3], err)
			}
			fmt.Printf("%s %s %s\n", m[1], a.Tag, a.Commit)
			if a.Commit != m[2] {
				log.Fatalf("%s: the workflow has %s, the repository has %s under %s", m[1], m[2], a.Commit, m[3])
			}
			all[m[1]] = a
		}
	}
	out, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("registry/testdata/actions.json", append(out, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}

// read takes one action from a clone of its repository.
func read(clones, name, tag string) (action, error) {
	dir := filepath.Join(clones, strings.ReplaceAll(name, "/", "+"), "repo")
	if clones == "" {
		tmp, err := os.MkdirTemp("", "action-")
		if err != nil {
			return action{}, err
		}
		defer func() { _ = os.RemoveAll(tmp) }()
		dir = tmp
		if _, err := git(dir, "clone", "--quiet", "--bare", "--depth=1", "--branch", tag, "https://github.com/"+name, "."); err != nil {
			return action{}, err
		}
	}
	commit, err := git(dir, "rev-parse", tag+"^{commit}")
	if err != nil {
		return action{}, err
	}
	text, err := git(dir, "show", tag+":action.yml")
	if err != nil {
		return action{}, err
	}
	var def struct {
		Inputs map[string]struct {
			Required bool    `yaml:"required"`
			Default  *string `yaml:"default"`
		} `yaml:"inputs"`
	}
	if err := yaml.Unmarshal([]byte(text), &def); err != nil {
		return action{}, err
	}
	a := action{Tag: tag, Commit: strings.TrimSpace(commit), Inputs: slices.Sorted(maps.Keys(def.Inputs))}
	for _, input := range a.Inputs {
		if d := def.Inputs[input]; d.Required && d.Default == nil {
			a.Required = append(a.Required, input)
		}
	}
	return a, nil
}

func git(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "git", append([]string{"-C", dir}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

package registry

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// runner runs steps as GitHub's runner does, in a copy of the work tree, and keeps account of every step there is.
type runner struct {
	t         *testing.T
	workflows map[string]workflow
	checkout  string
	machine   map[string]string // what the setup actions leave in the environment
	account   map[string]string // a step as workflow/job/step: what became of it
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	r := &runner{t: t, workflows: workflows(t), checkout: t.TempDir(), account: map[string]string{}}
	e2e.Command{Dir: e2e.Root(t), Limit: 5 * time.Minute}.Output(t, "bash", "-eu", "-o", "pipefail", "-c",
		`git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --ignore-failed-read -cf - | tar -xf - -C "$0"`, r.checkout)
	return r
}

func (r *runner) step(path string) (workflow, job, step) {
	r.t.Helper()
	part := strings.SplitN(path, "/", 3)
	w := r.workflows[part[0]]
	j := w.Jobs[part[1]]
	for _, s := range j.Steps {
		if s.what() == part[2] {
			return w, j, s
		}
	}
	r.t.Fatalf("no step %s", path)
	panic("unreachable")
}

// values are what GitHub's expressions stand for in one run: an expression without ${{ }}, and its value.
type values map[string]string

var expression = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)

func (r *runner) eval(v values, s string) string {
	r.t.Helper()
	return expression.ReplaceAllStringFunc(s, func(m string) string {
		e := expression.FindStringSubmatch(m)[1]
		value, ok := v[e]
		if !ok {
			r.t.Fatalf("no value for the expression %q", e)
		}
		return value
	})
}

// ran is what a step left behind.
type ran struct {
	e2e.Result
	outputs map[string]string
	summary string
}

func (r ran) all() string { return r.Stdout + r.Stderr }

// github is what the runner puts into the environment of each step.
var github = map[string]string{
	"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Some-Owner/ML-Service", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit,
}

// run runs a step and notes it.
func (r *runner) run(path string, v values) ran {
	r.t.Helper()
	w, j, s := r.step(path)
	if s.Run == "" {
		r.t.Fatalf("%s has no run:", path)
	}
	env := maps.Clone(github)
	maps.Copy(env, r.machine)
	for _, layer := range []map[string]string{w.Env, j.Env, s.Env} {
		for name, value := range layer {
			if given, ok := v["env."+name]; ok {
				env[name] = given
			} else {
				env[name] = r.eval(v, value)
			}
		}
	}
	dir := r.t.TempDir()
	for _, file := range []string{"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY", "script.sh"} {
		text := ""
		if file == "script.sh" {
			text = s.Run
		}
		env[file] = filepath.Join(dir, file)
		if err := os.WriteFile(env[file], []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	command := e2e.Command{Dir: r.checkout, Limit: 10 * time.Minute}
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	var args []string // variables of the person or the make that runs this test are taken away
	for _, name := range []string{"MODEL_VERSION", "IMAGE", "TAG", "REVISION", "PLATFORM", "GOARCH", "GOOS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"} {
		if _, ok := env[name]; !ok {
			args = append(args, "-u", name)
		}
	}
	// bash as GitHub calls it for `shell: bash`.
	res, err := command.Run("env", append(args, "bash", "--noprofile", "--norc", "-eo", "pipefail", env["script.sh"])...)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s%s", path, err, res.Stdout, res.Stderr)
	}
	got := ran{Result: res, outputs: map[string]string{}}
	for line := range strings.Lines(read(r.t, env["GITHUB_OUTPUT"])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		got.outputs[name] = value
	}
	got.summary = read(r.t, env["GITHUB_STEP_SUMMARY"])
	r.account[path] = "run"
	return got
}

// mustRun runs a step that must succeed.
func (r *runner) mustRun(path string, v values) ran {
	r.t.Helper()
	got := r.run(path, v)
	if got.Code != 0 {
		r.t.Fatalf("%s: exit status %d\n%s", path, got.Code, got.all())
	}
	return got
}

// not notes a step that is not run here, and why.
func (r *runner) not(path, why string) {
	r.t.Helper()
	r.step(path)
	r.account[path] = "not run: " + why
}

// report writes the account and fails for a step that is not in it.
func (r *runner) report() {
	r.t.Helper()
	for name, w := range r.workflows {
		for id, j := range w.Jobs {
			if j.Uses != "" {
				r.account[name+"/"+id] = "not run: calls " + j.Uses + ", whose steps are listed by themselves"
			}
			for _, s := range j.Steps {
				if path := name + "/" + id + "/" + s.what(); r.account[path] == "" {
					r.t.Errorf("%s is neither run nor named as not run", path)
				}
			}
		}
	}
	var b strings.Builder
	run, not := 0, 0
	for _, path := range slices.Sorted(maps.Keys(r.account)) {
		fmt.Fprintf(&b, "\n%s: %s", path, r.account[path])
		part := strings.SplitN(path, "/", 3)
		switch {
		case r.account[path] == "run":
			run++
		case len(part) == 3 && !strings.Contains(part[2], "/"): // not an action, owner/name
			not++
		}
	}
	r.t.Logf("steps with run:, and the one that pushes: %d run, %d not run; with the actions:%s", run, not, b.String())
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

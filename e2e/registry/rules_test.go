package registry

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ml-service/e2e"
)

const versionExpression = "${{ inputs.version || secrets.MODEL_VERSION || vars.MODEL_VERSION || 'v1.0.0' }}"

func TestTriggers(t *testing.T) {
	want := map[string][]string{"ci": {"pull_request", "workflow_call"}, "deploy": {"push", "workflow_dispatch"}}
	for name, w := range workflows(t) {
		if got := slices.Sorted(maps.Keys(w.On)); !slices.Equal(got, want[name]) {
			t.Errorf("%s: on: got %v, want %v", name, got, want[name])
		}
	}
}

func TestPermissions(t *testing.T) {
	read := map[string]string{"contents": "read"}
	want := map[string]map[string]string{
		"ci/lint": read, "ci/test": read, "ci/e2e": read, "ci/build": read, "ci/vuln": read, "ci/arm64": read,
		"deploy/ci": read, "deploy/configuration": read, "deploy/api": read,
		"deploy/image":  {"contents": "read", "packages": "write"},
		"deploy/lambda": {"contents": "read", "id-token": "write"},
	}
	seen := 0
	for name, w := range workflows(t) {
		if w.Permissions == nil || len(*w.Permissions) > 0 {
			t.Errorf("%s: permissions: got %v at the top, want {}", name, w.Permissions)
		}
		for id, j := range w.Jobs {
			seen++
			if j.Permissions == nil || !maps.Equal(*j.Permissions, want[name+"/"+id]) {
				t.Errorf("%s/%s: permissions: got %v, want %v", name, id, j.Permissions, want[name+"/"+id])
			}
		}
	}
	if seen != len(want) {
		t.Errorf("jobs: got %d, want %d", seen, len(want))
	}
}

func TestTimeoutsAndConcurrency(t *testing.T) {
	all := workflows(t)
	for name, w := range all {
		if w.Concurrency.Group == "" {
			t.Errorf("%s: no concurrency group", name)
		}
		if w.Defaults.Run.Shell != "bash" {
			t.Errorf("%s: shell: got %q, want bash, because the default shell has no pipefail", name, w.Defaults.Run.Shell)
		}
		for id, j := range w.Jobs {
			if j.Uses == "" && (j.Timeout < 1 || j.Timeout > 60) {
				t.Errorf("%s/%s: timeout-minutes: got %d, want 1 to 60", name, id, j.Timeout)
			}
		}
	}
	if c := all["deploy"].Concurrency; strings.Contains(c.Group, "${{") || c.Cancel != false {
		t.Errorf("deploy: concurrency: got %+v, want one group for every run and no cancelling", c)
	}
	if c := all["ci"].Concurrency; c.Group == all["deploy"].Concurrency.Group {
		t.Error("ci: the group of deploy, which calls it: the run would wait for itself")
	}
}

// What a run: step takes from outside comes through its environment, where the shell reads no command in it.
func TestNoExpressionInsideRun(t *testing.T) {
	for name, w := range workflows(t) {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				if strings.Contains(s.Run, "${{") {
					t.Errorf("%s/%s/%s: an expression inside run: %s", name, id, s.what(), s.Run)
				}
			}
		}
	}
}

// GitHub's traps: secrets cannot stand in a job's if, and a job's output with a secret in it is dropped.
func TestSecrets(t *testing.T) {
	all := workflows(t)
	for name, w := range all {
		for id, j := range w.Jobs {
			if strings.Contains(j.If, "secrets") {
				t.Errorf("%s/%s: secrets inside if: %s", name, id, j.If)
			}
			if id != "image" && len(j.Outputs) > 0 {
				t.Errorf("%s/%s: outputs: got %v, want none", name, id, j.Outputs)
			}
		}
	}
	if strings.Contains(all["ci"].text, "secrets") {
		t.Error("ci: reads secrets, want none where pull requests run")
	}
	deploy := all["deploy"].Jobs
	if got := deploy["image"].Outputs; !maps.Equal(got, map[string]string{"digest": "${{ steps.push.outputs.digest }}"}) {
		t.Errorf("deploy/image: outputs: got %v, want the digest alone", got)
	}
	if got, want := deploy["api"].If, "vars.CLOUD_API_URL != ''"; got != want {
		t.Errorf("deploy/api: if: got %q, want %q", got, want)
	}
	if got, want := deploy["lambda"].If, "vars.AWS_ROLE_ARN != ''"; got != want {
		t.Errorf("deploy/lambda: if: got %q, want %q", got, want)
	}
	for _, id := range []string{"configuration", "image", "api", "lambda"} {
		env := maps.Clone(deploy[id].Env)
		if env == nil {
			env = map[string]string{}
		}
		for _, s := range deploy[id].Steps {
			maps.Copy(env, s.Env)
		}
		if env["MODEL_VERSION"] != versionExpression {
			t.Errorf("deploy/%s: MODEL_VERSION: got %q, want %q", id, env["MODEL_VERSION"], versionExpression)
		}
		if _, ok := env["CLOUD_TOKEN"]; ok != (id == "api") {
			t.Errorf("deploy/%s: CLOUD_TOKEN in the environment: got %v", id, ok)
		}
	}
	for id, needs := range map[string][]string{"image": {"ci", "configuration"}, "api": {"image"}, "lambda": {"image"}} {
		if got := deploy[id].Needs; !slices.Equal(got, needs) {
			t.Errorf("deploy/%s: needs: got %v, want %v", id, got, needs)
		}
	}
}

// Every make target that a step calls is there.
func TestTargets(t *testing.T) {
	call := regexp.MustCompile(`\bmake (?:-s )?([a-z0-9-]+)`)
	called := 0
	for name, w := range workflows(t) {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				for _, m := range call.FindAllStringSubmatch(s.Run, -1) {
					called++
					r, err := e2e.Command{Dir: e2e.Root(t)}.Run("make", "-n", m[1])
					if err != nil || r.Code != 0 {
						t.Errorf("%s/%s/%s: make -n %s: exit status %d, %v\n%s", name, id, s.what(), m[1], r.Code, err, r.Stderr)
					}
				}
			}
		}
	}
	if called < 10 {
		t.Errorf("steps that call make: got %d, want at least 10", called)
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Error(err)
	}
}

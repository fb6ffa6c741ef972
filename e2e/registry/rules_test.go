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
	want := map[string][]string{
		"ci":       {"merge_group", "pull_request", "workflow_call"},
		"deploy":   {"push", "workflow_dispatch"},
		"release":  {"push"},
		"rollback": {"workflow_dispatch"},
		"ship":     {"workflow_call"},
		"vuln":     {"merge_group", "pull_request", "schedule", "workflow_call", "workflow_dispatch"},
	}
	for name, w := range workflows(t) {
		if got := slices.Sorted(maps.Keys(w.On)); !slices.Equal(got, want[name]) {
			t.Errorf("%s: on: got %v, want %v", name, got, want[name])
		}
	}
}

func TestPermissions(t *testing.T) {
	read := map[string]string{"contents": "read"}
	pushes := map[string]string{"contents": "read", "packages": "write"}
	takesRole := map[string]string{"contents": "read", "id-token": "write"}
	want := map[string]map[string]string{
		"ci/lint": read, "ci/test": read, "ci/e2e": read, "ci/build": read, "ci/arm64": read, "vuln/vuln": read,
		"deploy/ci": read, "deploy/vuln": read, "deploy/configuration": read, "ship/api": read,
		"deploy/image": pushes, "deploy/tags": pushes, "rollback/tags": pushes,
		"rollback/asked": read, "rollback/find": {"contents": "read", "packages": "read"},
		"ship/lambda": takesRole, "rollback/lambda": takesRole,
		"release/ci": read, "release/image": pushes,
		"release/binaries": {"contents": "write", "id-token": "write", "attestations": "write"},
		// A called workflow gets at most what its caller has.
		"deploy/staging": takesRole, "deploy/api": takesRole, "deploy/lambda": takesRole, "rollback/api": takesRole,
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
		if (w.Concurrency.Group == "") != (name == "ship") {
			t.Errorf("%s: concurrency group: got %q; want one, but in ship, whose callers have one", name, w.Concurrency.Group)
		}
		if w.Defaults.Run.Shell != "bash" {
			t.Errorf("%s: shell: got %q, want bash, because the default shell has no pipefail", name, w.Defaults.Run.Shell)
		}
		for id, j := range w.Jobs {
			most := 60
			if name+"/"+id == "ship/api" {
				most = 355 // it follows a canary; GitHub ends a job after 360
			}
			if j.Uses == "" && (j.Timeout < 1 || j.Timeout > most) {
				t.Errorf("%s/%s: timeout-minutes: got %d, want 1 to %d", name, id, j.Timeout, most)
			}
		}
	}
	if c := all["deploy"].Concurrency; strings.Contains(c.Group, "${{") || c.Cancel != false {
		t.Errorf("deploy: concurrency: got %+v, want one group for every run and no cancelling", c)
	}
	if c := all["rollback"].Concurrency; strings.Contains(c.Group, "${{") || c.Group == all["deploy"].Concurrency.Group || c.Cancel != false {
		t.Errorf("rollback: concurrency: got %+v, want a group of its own, so that it waits for no deployment in the queue", c)
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
	outputs := map[string][]string{"deploy/image": {"digest"}, "rollback/find": {"digest", "version"}}
	for name, w := range all {
		for id, j := range w.Jobs {
			if strings.Contains(j.If, "secrets") {
				t.Errorf("%s/%s: secrets inside if: %s", name, id, j.If)
			}
			if got := slices.Sorted(maps.Keys(j.Outputs)); !slices.Equal(got, outputs[name+"/"+id]) {
				t.Errorf("%s/%s: outputs: got %v, want %v", name, id, got, outputs[name+"/"+id])
			}
			env := maps.Clone(j.Env)
			if env == nil {
				env = map[string]string{}
			}
			for _, s := range j.Steps {
				maps.Copy(env, s.Env)
			}
			if v, ok := env["MODEL_VERSION"]; ok && v != versionExpression && name != "rollback" {
				t.Errorf("%s/%s: MODEL_VERSION: got %q, want %q", name, id, v, versionExpression)
			}
			if _, ok := env["CLOUD_TOKEN"]; ok != (name+"/"+id == "ship/api") {
				t.Errorf("%s/%s: CLOUD_TOKEN in the environment: got %v", name, id, ok)
			}
		}
	}
	for _, name := range []string{"ci", "vuln"} {
		if strings.Contains(all[name].text, "secrets") {
			t.Errorf("%s: reads secrets, want none where pull requests run", name)
		}
	}
	ship := all["ship"].Jobs
	if got, want := ship["api"].If, "inputs.api && vars.CLOUD_API_URL != ''"; got != want {
		t.Errorf("ship/api: if: got %q, want %q", got, want)
	}
	if got, want := ship["lambda"].If, "inputs.lambda && vars.AWS_ROLE_ARN != ''"; got != want {
		t.Errorf("ship/lambda: if: got %q, want %q", got, want)
	}
}

// What goes on to what: nothing is built before the configuration is checked, nothing is deployed before it is tested, no
// tag moves before the deployment succeeded, and the way back waits for no test.
func TestOrder(t *testing.T) {
	all := workflows(t)
	for path, needs := range map[string][]string{
		"deploy/configuration": nil, "deploy/ci": {"configuration"}, "deploy/vuln": nil, "deploy/image": {"ci", "configuration"},
		"deploy/staging": {"ci", "configuration", "image"}, "deploy/api": {"ci", "configuration", "image", "staging"}, "deploy/lambda": {"ci", "configuration", "image", "staging"}, "deploy/tags": {"image", "staging", "api", "lambda"},
		"rollback/asked": nil, "rollback/find": {"asked"}, "rollback/api": {"find"}, "rollback/tags": {"find", "api"}, "rollback/lambda": {"asked"},
		"ship/api": nil, "ship/lambda": nil,
	} {
		name, id, _ := strings.Cut(path, "/")
		if got := all[name].Jobs[id].Needs; !slices.Equal(got, needs) {
			t.Errorf("%s: needs: got %v, want %v", path, got, needs)
		}
	}
	deploy := all["deploy"].Jobs
	for _, id := range []string{"staging", "api", "lambda"} {
		if got, want := deploy[id].With["order"], "${{ github.event_name == 'push' && github.sha || github.run_id }}"; got != want {
			t.Errorf("deploy/%s: order: got %q, want %q: the same for each attempt", id, got, want)
		}
	}
	// A job that is left out because one before it failed looks like one that nobody wanted, so each is asked by itself.
	const tested = "needs.ci.result == 'success' && needs.configuration.result == 'success' && (needs.image.result == 'success' || needs.image.result == 'skipped' && vars.MODEL_S3_URI != '')"
	for _, id := range []string{"staging", "api", "lambda"} {
		if got := deploy[id].If; !strings.Contains(got, tested) {
			t.Errorf("deploy/%s: if: got %q, want in it %q", id, got, tested)
		}
	}
	for id, other := range map[string]string{"api": "lambda", "lambda": "api"} { // each of the two deploys its own, and both do all
		if got, want := deploy[id].If, "(needs.staging.result == 'success' || needs.staging.result == 'skipped')"; !strings.Contains(got, want) {
			t.Errorf("deploy/%s: if: got %q, want in it %q", id, got, want)
		}
		if w := deploy[id].With; w[other] != "false" || w[id] != "" || w["environment"] != "${{ vars.DEPLOY_ENVIRONMENT }}" {
			t.Errorf("deploy/%s: with: got %v, want %s: false, and DEPLOY_ENVIRONMENT", id, w, other)
		}
	}
	if got, want := all["rollback"].Jobs["tags"].If, "${{ !cancelled() && needs.api.result == 'success' }}"; got != want {
		t.Errorf("rollback/tags: if: got %q, want %q", got, want)
	}
	if got := deploy["vuln"].With["report"]; got != "true" {
		t.Errorf("deploy/vuln: report: got %q, want true: on main it reports", got)
	}
	for id := range all["rollback"].Jobs {
		if strings.Contains(all["rollback"].Jobs[id].Uses, "ci.yml") {
			t.Errorf("rollback/%s: calls ci.yml", id)
		}
	}
}

// The jobs that change what users have are in the environment that their caller names: without it nobody approves, and the
// environment's own variables and secrets are not read.
func TestEnvironments(t *testing.T) {
	const back = "${{ vars.ROLLBACK_ENVIRONMENT || vars.DEPLOY_ENVIRONMENT }}"
	want := map[string]string{"ship/api": "${{ inputs.environment }}", "ship/lambda": "${{ inputs.environment }}", "rollback/lambda": back}
	calls := map[string]string{"deploy/staging": "${{ vars.STAGING_ENVIRONMENT }}", "deploy/api": "${{ vars.DEPLOY_ENVIRONMENT }}",
		"deploy/lambda": "${{ vars.DEPLOY_ENVIRONMENT }}", "rollback/api": back}
	for name, w := range workflows(t) {
		for id, j := range w.Jobs {
			if path := name + "/" + id; j.Environment != want[path] || j.With["environment"] != calls[path] {
				t.Errorf("%s: environment: got %q and, for what it calls, %q, want %q and %q", path, j.Environment, j.With["environment"], want[path], calls[path])
			}
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

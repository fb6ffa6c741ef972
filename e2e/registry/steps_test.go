package registry

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ml-service/e2e"
)

// standIns says what is here in the place of each action that sets a job up.
var standIns = map[string]string{
	"actions/checkout":                      "a copy of the work tree",
	"actions/setup-go":                      "the machine's Go",
	"actions/setup-python":                  "the machine's Python",
	"aws-actions/setup-sam":                 "sam from e2e/aws/ensure.sh",
	"aws-actions/configure-aws-credentials": "the emulator's dummy credentials",
	"docker/setup-qemu-action":              "qemu-user-static, registered by the test",
	"docker/setup-buildx-action":            "the engine's own builder",
	"docker/build-push-action":              "make image-push, as in deploy/image",
	"docker/login-action":                   "a registry without accounts",
}

// TestSteps goes through the workflows as a push to main and then the way back do: every step that can run here runs, in
// order, with what the steps before it left; every other step is named with the reason.
func TestSteps(t *testing.T) {
	r := newRunner(t)
	for name, w := range r.workflows {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				if s.Name == "" && s.Uses != "" {
					r.not(name+"/"+id+"/"+s.what(), "an action of GitHub's runner; here "+standIns[s.what()])
				}
			}
		}
	}
	ciRun := read(t, filepath.Join(e2e.Root(t), ".ci", "run"))
	for path, target := range map[string]string{
		"ci/lint/Lint code, template and workflows":   "make lint",
		"ci/test/Test under the race detector":        "make race",
		"ci/test/Feed mutated models":                 "make fuzz",
		"ci/arm64/Test tree and onnx under emulation": "make test-arm64",
		"ci/e2e/Run the whole thing as users run it":  "make e2e",
	} {
		if _, _, s := r.step(path); s.Run != target || !strings.Contains(ciRun, target) {
			t.Errorf("%s: got %q, want %q, and the same in .ci/run", path, s.Run, target)
		}
		r.not(path, ".ci/run runs the same command, `"+target+"`, by itself")
	}
	r.not("release/binaries/Build the binaries, their contents and checksums", "e2e/release runs the same command, `make -s release`, and installs from it")
	r.not("release/binaries/Attest where they were built", "it signs with GitHub's identity of a run")
	r.not("release/binaries/Publish the release, once it is whole", "it needs GitHub")
	r.not("release/image/Name the image, in lower case", "deploy/image has the same")
	r.not("release/image/Build for both architectures and push under the release", "deploy/image has the same")
	for _, job := range []string{"ci/arm64", "ci/e2e"} {
		r.not(job+"/Install what the tests need", "it changes the machine; .ci/run begins with it")
	}
	for _, arch := range r.workflows["ci"].Jobs["build"].Strategy.Matrix["goarch"] {
		r.mustRun("ci/build/Build the binaries", values{"matrix.goarch": arch})
		program, err := elf.Open(filepath.Join(r.checkout, "bin", "ml-service"))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machines[arch] {
			t.Errorf("make build for %s: got a program for %v, want %v", arch, program.Machine, machines[arch])
		}
		program.Close()
	}

	vulnJob(t, r)
	if got := r.mustRun("deploy/configuration/Check the configuration before anything is built", push()); !strings.Contains(got.summary, "Deployment API: on") {
		t.Errorf("summary: got %q", got.summary)
	}
	r.mustRun("rollback/asked/Check that what is asked for is configured", with(push(), "inputs.image", "previous", "inputs.function_version", "2"))
	digest := imageJob(t, r)
	apiJob(t, r, digest)

	lambdaJob(t, r)
	r.report()
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// imageJob runs the job that makes the image, against a registry on 127.0.0.1, and returns the digest it pushed.
func imageJob(t *testing.T, r *runner) string {
	host := startRegistry(t)
	v := with(push(), "env.REGISTRY", host, "env.MODEL_VERSION", version)

	named := r.mustRun("deploy/image/Name the image, in lower case", v).outputs
	name, tag := named["image"], named["tag"]
	if want := host + "/some-owner/ml-service"; name != want || tag != commit+"-"+version {
		t.Fatalf("name and tag of the image: got %q, want %q and %q", named, want, commit+"-"+version)
	}
	v["steps.name.outputs.image"], v["steps.name.outputs.tag"] = name, tag
	const find = "deploy/image/Find what an earlier attempt pushed"
	if got := r.mustRun(find, v).outputs["digest"]; got != "" {
		t.Errorf("before the push: found %q, want nothing", got)
	}
	if _, _, s := r.step("deploy/image/Build for both architectures and push under the commit"); s.If != "steps.find.outputs.digest == ''" {
		t.Errorf("the build: if: got %q, want that it is left out where an earlier attempt has pushed", s.If)
	}

	// The workflow's own step needs the builder of setup-buildx, which is an image, as is the scanner of sbom: true.
	// The same build and push by the engine's builder, one platform at a time, gets its arguments from the step.
	const build = "deploy/image/Build for both architectures and push under the commit"
	r.not(build, "its builder and its scanner are images from elsewhere; `make image-push` builds and pushes with the arguments of the step, one platform at a time and without provenance and SBOM")
	_, _, s := r.step(build)
	env := []string{"IMAGE=" + name, "TAG=" + strings.TrimPrefix(r.eval(v, s.With["tags"]), name+":"), "PLATFORMS=" + strings.ReplaceAll(s.With["platforms"], ",", " ")}
	env = append(env, strings.Fields(r.eval(v, s.With["build-args"]))...)
	pushed := e2e.Command{Dir: r.checkout, Env: env, Limit: 15 * time.Minute}.Output(t, "make", "-s", "image-push")
	t.Cleanup(func() { removeImages(t, name) })

	list := getManifest(t, host, "some-owner/ml-service", tag)
	if got := r.mustRun(find, v).outputs["digest"]; got != list.digest {
		t.Errorf("after the push: found %q, want %s", got, list.digest)
	}
	if got := r.mustRun(find, with(maps.Clone(v), "vars.MODEL_DIR || 'models'", "mine")); got.outputs["digest"] != "" || !strings.Contains(got.Stdout, "with the models of models, not of mine") {
		t.Errorf("with the models of another folder: found %v and %q, want nothing, so that it is built anew", got.outputs, got.all())
	}
	if got := r.run(find, with(maps.Clone(v), "steps.name.outputs.image", "127.0.0.1:1/x")); got.Code == 0 {
		t.Errorf("a registry that does not answer: got %q, want a failure", got.all())
	}
	if !strings.Contains(pushed, "joined as "+name+"@"+list.digest) {
		t.Errorf("make image-push: got %q, want in it the digest %s", pushed, list.digest)
	}
	health := fmt.Sprintf(`{"status":"ok","version":%q}`, version)
	var found []string
	for _, m := range list.Manifests {
		arch := m.Platform.Architecture
		found = append(found, m.Platform.OS+"/"+arch)
		image := getManifest(t, host, "some-owner/ml-service", m.Digest)
		var c imageConfig
		get(t, host, "some-owner/ml-service/blobs/"+image.Config.Digest, &c)
		if c.OS+"/"+c.Architecture != m.Platform.OS+"/"+arch {
			t.Errorf("image for %s: its own configuration says %s/%s", arch, c.OS, c.Architecture)
		}
		for label, want := range map[string]string{"org.opencontainers.image.version": version, "org.opencontainers.image.revision": commit, "ml-service.models": "models"} {
			if got := c.Config.Labels[label]; got != want {
				t.Errorf("image for %s: label %s: got %q, want %q", arch, label, got, want)
			}
		}
		var size int64
		for _, l := range image.Layers {
			size += l.Size
		}
		by := name + "@" + m.Digest
		kind, program := machine(t, by, m.Platform.OS+"/"+arch)
		if kind != machines[arch] {
			t.Errorf("image for %s: its program is for %v", arch, kind)
		}
		if reason := canRun(t, arch); reason != nil {
			checkEmulated(t, arch, program, health)
			t.Logf("%s/%s %s: %d bytes of layers; its program ran under qemu-user outside of a container (%v)", m.Platform.OS, arch, m.Digest, size, reason)
			continue
		}
		check := e2e.Command{Dir: r.checkout, Env: []string{"IMAGE=" + by, "PLATFORM=" + m.Platform.OS + "/" + arch, "MODEL_VERSION=" + version}, Limit: 3 * time.Minute}
		said := check.Output(t, "make", "-s", "image-check")
		t.Logf("%s/%s: %d bytes of layers; %s", m.Platform.OS, arch, size, strings.TrimSpace(said))
	}
	if got := strings.Join(found, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("platforms in the registry: got %q, want linux/amd64 linux/arm64", got)
	}

	const either = "steps.find.outputs.digest || steps.push.outputs.digest"
	v[either] = list.digest
	checked := r.mustRun("deploy/image/Start the pushed image and ask it for its health", v)
	if !strings.Contains(checked.Stdout, "answers "+health) {
		t.Errorf("health of the pushed image: got %q, want in it %s", checked.Stdout, health)
	}
	other := r.run("deploy/image/Start the pushed image and ask it for its health", with(push(), "env.MODEL_VERSION", "v1.0.0",
		"steps.name.outputs.image", name, either, list.digest, strings.Trim(versionExpression, "${} "), "v1.0.0"))
	if other.Code == 0 || !strings.Contains(other.Stdout, `want {"status":"ok","version":"v1.0.0"} from /health, got `+health) {
		t.Errorf("an image of another version: got exit status %d and %q, want a failure that names both", other.Code, other.Stdout)
	}
	tagged(t, r, host, list.digest)
	return list.digest
}

// tagged moves the tags as after a deployment, and then back: the way back needs the image that was latest before.
func tagged(t *testing.T, r *runner, host, digest string) {
	const repository = "some-owner/ml-service"
	name := host + "/" + repository
	const deployed, back = "deploy/tags/Tag what was deployed with the version and latest", "rollback/tags/Tag what is deployed with its version and latest"
	at := func(when string, want map[string]string) {
		t.Helper()
		for tag, d := range want {
			if got := getManifest(t, host, repository, tag); got.digest != d {
				t.Errorf("%s: tag %s: got %s, want %s", when, tag, got.digest, d)
			}
		}
	}
	r.mustRun(deployed, with(push(), "env.REGISTRY", host, "needs.image.outputs.digest", digest))
	at("first deployment", map[string]string{version: digest, "latest": digest})

	// A second image: the first with another label, so another digest.
	other := "v1.0.0"
	folder := t.TempDir()
	file := "FROM " + name + "@" + digest + "\nLABEL org.opencontainers.image.version=" + other + "\n"
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	e2e.Command{Dir: folder, Limit: 5 * time.Minute}.Output(t, "docker", "build", "--quiet", "--tag", name+":second-amd64", ".")
	e2e.Command{Dir: folder}.Output(t, "docker", "push", "--quiet", name+":second-amd64")
	e2e.Command{Dir: folder}.Output(t, "docker", "buildx", "imagetools", "create", "--tag", name+":second", name+":second-amd64")
	second := getManifest(t, host, repository, "second").digest
	r.mustRun(deployed, with(push(), "env.REGISTRY", host, "needs.image.outputs.digest", second, strings.Trim(versionExpression, "${} "), other))
	at("second deployment", map[string]string{version: digest, other: second, "latest": second, "previous": digest})

	const find = "rollback/find/Find the image and the version it serves"
	for _, way := range []string{"previous", digest, version, commit + "-" + version} {
		got := r.mustRun(find, values{"inputs.image": way, "secrets.MODEL_VERSION": "", "env.REGISTRY": host})
		if got.outputs["digest"] != digest || got.outputs["version"] != version {
			t.Errorf("back to %s: got %v, want %s and %s", way, got.outputs, digest, version)
		}
	}
	for way, want := range map[string]string{"v9.9.9": ":v9.9.9", "a b": "want previous", "sha256:0": "want previous"} {
		if got := r.run(find, values{"inputs.image": way, "secrets.MODEL_VERSION": "", "env.REGISTRY": host}); got.Code != 2 || !strings.Contains(got.Stdout, want) {
			t.Errorf("back to %s: got exit status %d and %q, want 2 and %q", way, got.Code, got.all(), want)
		}
	}
	if got := r.run(find, values{"inputs.image": version, "secrets.MODEL_VERSION": "v1.1", "env.REGISTRY": host}); got.Code != 2 || !strings.Contains(got.Stdout, "make MODEL_VERSION a variable") {
		t.Errorf("a version that GitHub would drop: got exit status %d and %q", got.Code, got.all())
	}
	r.mustRun(back, values{"needs.find.outputs.digest": digest, "needs.find.outputs.version || secrets.MODEL_VERSION": version, "env.REGISTRY": host})
	at("way back", map[string]string{version: digest, "latest": digest, "previous": second})
}

// vulnJob checks the code against a database of one invented vulnerability, in a function that is called.
func vulnJob(t *testing.T, r *runner) {
	const check = "vuln/vuln/Check what is called against the Go vulnerability database"
	r.machine = map[string]string{"GOVULNDB": "file://" + filepath.Join(e2e.Root(t), "e2e", "registry", "testdata", "vulndb")}
	defer func() { r.machine = nil }()
	if got := r.run(check, with(push(), "inputs.report", "")); got.Code == 0 || !strings.Contains(got.Stdout, "GO-2000-0001") || !strings.Contains(got.summary, "GO-2000-0001") {
		t.Errorf("a pull request: got exit status %d, summary %q and %q, want a failure that names GO-2000-0001", got.Code, got.summary, got.all())
	}
	if got := r.mustRun(check, push()); !strings.Contains(got.summary, "GO-2000-0001") || !strings.Contains(got.Stdout, "::warning::vuln") {
		t.Errorf("a push to main: got summary %q and %q, want a report", got.summary, got.all())
	}
	// A patch that came out today is no fault of this commit; the weekly run fails until go.mod names it.
	got := r.run("vuln/vuln/Check that go.mod names the newest patch of its Go", push())
	if newest := "is the newest patch"; got.Code == 0 && !strings.Contains(got.Stdout, newest) || got.Code != 0 && !strings.Contains(got.Stdout, "the newest patch is go") {
		t.Errorf("toolchain: got exit status %d and %q", got.Code, got.all())
	}
	t.Log(strings.TrimSpace(got.Stdout))
}

// removeImages takes the images of this test from the engine.
func removeImages(t *testing.T, name string) {
	ids := e2e.Command{}.Output(t, "docker", "images", "--quiet", "--no-trunc", "--filter", "reference="+name)
	if all := strings.Fields(ids); len(all) > 0 {
		e2e.Command{}.Output(t, "docker", append([]string{"image", "rm", "--force"}, all...)...)
	}
}

// apiJob runs the job that deploys to the API, against a server that answers as the contract says.
func apiJob(t *testing.T, r *runner, digest string) {
	image := "ghcr.io/some-owner/ml-service@" + digest
	var posts, gets atomic.Int32
	var cancel, replaced atomic.Bool
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if got := req.Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("%s: Authorization: got %q", req.Method, got)
		}
		if strings.HasSuffix(req.URL.Path, "/events") { // an API need not have them
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if req.URL.Path == "/v1/status" {
			live := image
			if replaced.Load() {
				live = "ghcr.io/some-owner/ml-service@newer"
			}
			fmt.Fprintf(w, `{"split":{"shares":{"green":100}},"sides":[{"side":"green","artifact":%q}]}`, live)
			return
		}
		if req.Method == http.MethodGet {
			gets.Add(1)
			if cancel.Load() { // as GitHub does: the step's own process hears it, and no other
				for _, pid := range steps(t) {
					_ = syscall.Kill(pid, syscall.SIGINT)
				}
				io.WriteString(w, `{"id":"d-1","state":"running","step":"start it on green"}`)
				return
			}
			io.WriteString(w, `{"id":"d-1","state":"succeeded","step":"done"}`)
			return
		}
		posts.Add(1)
		var body map[string]string
		err := json.NewDecoder(req.Body).Decode(&body)
		want := map[string]string{"image": image, "version": version, "strategy": "switch"}
		if err != nil || fmt.Sprint(body) != fmt.Sprint(want) {
			t.Errorf("order: got %v, %v; want %v", body, err, want)
		}
		if got, want := req.Header.Get("Idempotency-Key"), commit+"-"+version+"-switch"; got != want {
			t.Errorf("Idempotency-Key: got %q, want %q: the order, whatever the attempt", got, want)
		}
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"id":"d-1","url":"/v1/deployments/d-1"}`)
	}))
	defer api.Close()

	r.mustRun("ship/api/Build the client", push())
	const deploy = "ship/api/Deploy by digest and follow"
	got := r.mustRun(deploy, with(push(), "vars.CLOUD_API_URL", api.URL, "inputs.digest", digest))
	if posts.Load() != 1 || gets.Load() != 1 || !strings.Contains(got.Stdout, "succeeded: done\n") {
		t.Errorf("got %d POST, %d GET and %q", posts.Load(), gets.Load(), got.Stdout)
	}
	if strings.Contains(got.all(), token) {
		t.Error("the token is in the output of the step")
	}
	replaced.Store(true)
	old := r.run(deploy, with(push(), "vars.CLOUD_API_URL", api.URL, "inputs.digest", digest))
	if old.Code != 1 || posts.Swap(1) != 2 || !strings.Contains(old.Stderr, "superseded: d-1 has succeeded, and since then users were given ghcr.io/some-owner/ml-service@newer") {
		t.Errorf("an old run, run again: got exit status %d and %q, want a failure, so that no tag moves", old.Code, old.all())
	}
	replaced.Store(false)
	lost := r.run(deploy, with(push(), "vars.CLOUD_API_URL", api.URL, "inputs.digest", ""))
	if lost.Code != 2 || posts.Load() != 1 || !strings.Contains(lost.Stderr, "--image: want an image by digest") {
		t.Errorf("a digest lost between the jobs: got exit status %d, %d POST and %q", lost.Code, posts.Load(), lost.Stderr)
	}
	if _, err := os.Stat(filepath.Join(r.checkout, "bin", "rollout")); err != nil {
		t.Error(err)
	}
	cancel.Store(true)
	began := time.Now()
	cancelled := r.run(deploy, with(push(), "vars.CLOUD_API_URL", api.URL, "inputs.digest", digest, "vars.DEPLOY_TIMEOUT || '2h'", "20s"))
	if cancelled.Code == 0 || time.Since(began) > 7*time.Second || !strings.Contains(cancelled.Stderr, api.URL+"/v1/deployments/d-1") {
		t.Errorf("a cancelled run: got exit status %d after %s and %q; want within the 7.5 s that GitHub gives where the deployment can be followed",
			cancelled.Code, time.Since(began), cancelled.all())
	}
}

// steps are the processes of steps that run: the shell, or what it has become.
func steps(t *testing.T) []int {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Errorf("no list of children: %v", err)
	}
	var pids []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for word := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Error(err)
			}
			command, err := os.ReadFile("/proc/" + word + "/cmdline")
			for _, of := range []string{"script.sh", "bin/rollout", "deploy.sh"} {
				if err == nil && strings.Contains(string(command), of) {
					pids = append(pids, pid)
					break
				}
			}
		}
	}
	return pids
}

// lambdaJob runs the job that deploys to AWS Lambda twice, with two versions, against an emulator of AWS.
func lambdaJob(t *testing.T, r *runner) {
	port := e2e.FreePort(t)
	ensure := e2e.Command{Dir: filepath.Join(e2e.Root(t), "e2e", "aws"), Env: []string{"GATEWAY_PORT=" + port}, Limit: 10 * time.Minute}
	t.Cleanup(func() { ensure.Output(t, "./ensure.sh", "stop") })
	ensure.Output(t, "./ensure.sh", "start")
	r.machine = map[string]string{"SAM_CLI_POLL_DELAY": "1"}
	for line := range strings.Lines(ensure.Output(t, "bash", "-euc", `eval "$(./ensure.sh env)"; env`)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name == "PATH" || strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "SAM_") {
			r.machine[name] = value
		}
	}
	ask := e2e.Command{} // env finds aws on this PATH; a command by itself is looked up on that of the test
	for name, value := range r.machine {
		ask.Env = append(ask.Env, name+"="+value)
	}
	for i, v := range []string{"v1.0.0", "v1.1.0"} {
		got := r.mustRun("ship/lambda/Publish a version, check it, and move users as far as the strategy says", with(push(), strings.Trim(versionExpression, "${} "), v,
			"vars.LAMBDA_ARCHITECTURE", "x86_64")) // which this machine can run
		if want := "serves " + v + ", and answered 5 golden rows"; !strings.Contains(got.Stdout, want) {
			t.Errorf("deployment of %s: got %q, want in it %q", v, got.all(), want)
		}
		function := strings.TrimSpace(ask.Output(t, "env", "aws", "cloudformation", "describe-stacks", "--stack-name", "ml-service",
			"--query", "Stacks[0].Outputs[?OutputKey=='FunctionName'].OutputValue", "--output", "text"))
		for alias, want := range map[string]string{"live": "1", "next": fmt.Sprint(i + 1)} {
			got := strings.TrimSpace(ask.Output(t, "env", "aws", "lambda", "get-alias", "--function-name", function, "--name", alias, "--query", "FunctionVersion", "--output", "text"))
			if got != want {
				t.Errorf("deployment %d, of %s: alias %s is on version %s, want %s", i+1, v, alias, got, want)
			}
		}
	}
	const back = "rollback/lambda/Give all users one version"
	for _, step := range []struct{ back, want string }{{"2", "live was on 1 and is on 2"}, {"1", "live was on 2 and is on 1"}} {
		if got := r.mustRun(back, values{"inputs.function_version": step.back, "vars.LAMBDA_STACK": ""}); !strings.Contains(got.Stdout, step.want) {
			t.Errorf("back to %s: got %q, want %q", step.back, got.all(), step.want)
		}
	}
	if got := r.run(back, values{"inputs.function_version": "previous", "vars.LAMBDA_STACK": ""}); got.Code == 0 || !strings.Contains(got.all(), "Name the version: make lambda-back BACK=<number>; published: 1 2") {
		t.Errorf("previous after a way back: got exit status %d and %q, want to be asked for a number", got.Code, got.all())
	}
	if got := r.run(back, values{"inputs.function_version": "9", "vars.LAMBDA_STACK": ""}); got.Code == 0 || !strings.Contains(got.Stderr, "there is no version 9 of") {
		t.Errorf("back to a version that is not there: got exit status %d and %q", got.Code, got.all())
	}
}

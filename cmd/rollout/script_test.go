package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"rollout": main,
		"docker":  fakeDocker,
	})
}

// race keeps the race detector from sleeping for a second at the end of every process, of which there are hundreds.
var race = [2]string{"GORACE", "atexit_sleep_ms=0"}

// TestScripts are transcripts of every verb and every error. `try CODE ARGS…` runs rollout, which must end with CODE, and leaves what it
// said in the file `out`; `world WORDS…` changes the containers. With UPDATE_SCRIPTS=1 the transcripts are written anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			if err := os.WriteFile(filepath.Join(env.WorkDir, "nginx.conf"), []byte(conf), 0o644); err != nil {
				return err
			}
			if err := os.Mkdir(filepath.Join(env.WorkDir, "models"), 0o755); err != nil {
				return err
			}
			w, err := newWorld(env.WorkDir)
			if err != nil {
				return err
			}
			env.Values["world"] = w
			env.Setenv("ROLLOUT_WORLD", w.control.URL)
			env.Setenv(race[0], race[1])
			env.Defer(w.close)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"try": try, "world": changeWorld, "verbatim": verbatim, "path": onlyOnPath},
	})
}

const conf = `events {}
http {
    upstream ml_backend {
        zone ml_backend 64k;
        server ml-service-blue:8080 max_fails=1 fail_timeout=2s resolve;
    }
    resolver 127.0.0.11;
    proxy_connect_timeout 500ms;
    proxy_next_upstream error timeout non_idempotent;
    server { listen 8080; location / { proxy_pass http://ml_backend; } }
}
`

// try runs rollout and keeps what it said without what differs from run to run.
func try(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec("rollout", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("rollout: %v", err)
		}
		code = exit.ExitCode()
	}
	said := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if code != want {
		ts.Fatalf("rollout %s: exit code %d, want %d\n%s", strings.Join(args[1:], " "), code, want, said)
	}
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(plain(said, ts.Getenv("WORK"))), 0o644))
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "?"
	}
	return regexp.QuoteMeta(name)
}

var differing = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\d{8}-\d{6}-[a-z2-7]{4}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+.:0-9Z]*`), "TIME"},
	{regexp.MustCompile(`\d+\.\d s\b`), "N s"},
	{regexp.MustCompile(`\S+@` + host() + `( \(pid \d+\))?`), "WHO"},
	{regexp.MustCompile(`\b\d+/48\b`), "N/48"},
	{regexp.MustCompile(`answered \d+ of 48`), "answered N of 48"},
	{regexp.MustCompile(`(?m)^… .*\n`), ""},
	{regexp.MustCompile(`  +`), "  "},
	{regexp.MustCompile(`revision [0-9a-f]+, now [0-9a-f]+`), "revision R, now S"},
}

func plain(text, work string) string {
	text = strings.ReplaceAll(text, work, "WORK")
	for _, d := range differing {
		text = d.form.ReplaceAllString(text, d.as)
	}
	return text
}

// changeWorld does to the containers what the script says.
func changeWorld(ts *testscript.TestScript, _ bool, args []string) {
	w, ok := ts.Value("world").(*world)
	if !ok {
		ts.Fatalf("no world")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch args[0] {
	case "state": // SERVICE STATE HEALTH
		w.all[args[1]].state, w.all[args[1]].health = args[2], args[3]
	case "remove":
		w.all[args[1]].server.Close()
		delete(w.all, args[1])
	case "deaf":
		w.deaf = args[1] == "yes"
	case "kill": // at the n-th call from now on
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		w.calls, w.killAt = 0, n
	case "reload":
		w.reload()
	case "swap":
		w.swapped = true
	case "late": // DURATION
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		w.late = d
	case "tool": // VERSION of compose; none: it is missing
		w.tool = strings.Join(args[1:], "")
	case "image":
		w.images[args[1]] = args[2]
	default:
		ts.Fatalf("world %q", args)
	}
}

// onlyOnPath leaves nothing on PATH but the commands that it names.
func onlyOnPath(ts *testscript.TestScript, _ bool, args []string) {
	only := filepath.Join(ts.MkAbs("."), "only")
	ts.Check(os.RemoveAll(only))
	ts.Check(os.Mkdir(only, 0o755))
	for _, name := range args {
		path, err := exec.LookPath(name)
		ts.Check(err)
		ts.Check(os.Symlink(path, filepath.Join(only, name)))
	}
	ts.Setenv("PATH", only)
}

// verbatim pastes a block over the upstream in place, as a person does.
func verbatim(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs("nginx.conf")
	text := blockForm.ReplaceAllLiteralString(ts.ReadFile(path), "upstream ml_backend { "+strings.Join(args, " ")+" }")
	ts.Check(os.WriteFile(path, []byte(text), 0o644))
}

// TestKilledAtEveryCall kills a shift and a deploy at their calls of docker: with ROLLOUT_KILLS=all at each, which takes minutes
// under the race detector, else at every fourth.
func TestKilledAtEveryCall(t *testing.T) {
	for _, verb := range [][]string{{"shift", "--to", "green", "--weight", "50"}, {"deploy", "--image", "ml-service:v1", "--version", "v2.0.0"}} {
		killed := 0
		step := 4
		if os.Getenv("ROLLOUT_KILLS") == "all" {
			step = 1
		}
		for n := 1; ; n += step {
			if !killAt(t, n, verb) {
				break
			}
			killed++
		}
		if killed < 3 {
			t.Errorf("%s was killed at %d calls only", verb[0], killed)
		}
		t.Logf("%s: killed %d times, at every %d. call", verb[0], killed, step)
	}
}

// killAt kills rollout at its n-th call of docker and holds what was left, and the next call, to what is promised. It says
// whether rollout was killed.
func killAt(t *testing.T, n int, verb []string) bool {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.mu.Lock()
	w.killAt = n
	w.mu.Unlock()
	call := func(args ...string) (int, string) {
		cmd := exec.CommandContext(t.Context(), "rollout", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "ROLLOUT_WORLD="+w.control.URL, strings.Join(race[:], "="))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	if code, out := call(verb...); code >= 0 {
		if code != 0 {
			t.Fatalf("%v: exit code %d: %s", verb, code, out)
		}
		return false
	}
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	servers := fmt.Sprint(serverForm.FindAllString(string(left), -1))
	isNew := servers == "[server ml-service-blue:8080 weight=1 server ml-service-green:8080 weight=1]"
	if !isNew && servers != "[server ml-service-blue:8080]" {
		t.Errorf("%s, call %d: left %s", verb[0], n, servers)
	}
	_, missing := os.Stat(filepath.Join(dir, ".rollout", "journal-nginx.json"))
	code, out := call(verb...)
	if begun := missing == nil; code != 0 || strings.Contains(out, "was killed") != begun {
		t.Errorf("%s, call %d: the next call: exit code %d\n%s", verb[0], n, code, out)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if verb[0] == "deploy" {
		if got, want := w.all["ml-service-green"].version, w.env("green", "VERSION"); got != want || got != "v2.0.0" {
			t.Errorf("deploy, call %d: green has version %s, .env %s, want v2.0.0", n, got, want)
		}
	} else if !strings.Contains(w.loaded, "ml-service-green:8080 weight=1") {
		t.Errorf("shift, call %d: after the next call Nginx runs\n%s", n, w.loaded)
	}
	return true
}

// TestInterrupted sends Ctrl-C while a shift waits to be seen: the file from before is back, and nobody has moved.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.deaf = true
	read := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var said strings.Builder
	cmd := exec.CommandContext(t.Context(), "rollout", "-C", dir, "--within", "20s", "shift", "--to", "green", "--weight", "50")
	cmd.Env = append(os.Environ(), "ROLLOUT_WORLD="+w.control.URL)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); read() == conf; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was written: %s", said.String())
		}
	}
	w.mu.Lock()
	w.deaf = false // so that putting it back is seen
	w.mu.Unlock()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said.String(), "is back") {
		t.Errorf("exit code %d, want 1: %s", code, said.String())
	}
	if read() != conf {
		t.Errorf("nginx.conf is not the one from before:\n%s", read())
	}
}

// TestWatch follows the counts until Ctrl-C.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	cmd := exec.CommandContext(t.Context(), "rollout", "-C", dir, "status", "--watch", "--every", "100ms")
	cmd.Env = append(os.Environ(), "ROLLOUT_WORLD="+w.control.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var first, side []string
	for lines.Scan() && side == nil {
		switch text := lines.Text(); {
		case strings.Contains(text, "No release"):
			first = append(first, text)
		case strings.HasPrefix(text, "blue") && strings.Contains(text, "/s"): // the second look: the first one only begins to count
			side = strings.Fields(text)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // to the end, before Wait closes it
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if len(first) < 2 || !strings.HasSuffix(first[0], "No release is known here: blue 100 %.") {
		t.Errorf("got %q", first)
	}
	if got, want := strings.Join(side[:min(len(side), 8)], " "), "blue 100 % healthy v1.0.0 ml-service:v1 0 0.0/s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHelp holds every verb to a summary and an example.
func TestHelp(t *testing.T) {
	for _, cmd := range newRoot(nil, nil, nil).Commands() {
		if cmd.Short == "" || !strings.Contains(cmd.Example, "rollout "+cmd.Name()) {
			t.Errorf("%s: summary %q, example %q", cmd.Name(), cmd.Short, cmd.Example)
		}
	}
}

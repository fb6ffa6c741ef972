package nginx

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

func TestEnv(t *testing.T) {
	for _, c := range []struct{ text, value, after string }{
		{"", "v1.1.0", "GREEN_VERSION=v2\n"},
		{"A=1\n", "v1.1.0", "A=1\nGREEN_VERSION=v2\n"},
		{"A=1", "v1.1.0", "A=1\nGREEN_VERSION=v2\n"},
		{"# GREEN_VERSION=no\nGREEN_VERSION=v9\nB=2\n", "v9", "# GREEN_VERSION=no\nGREEN_VERSION=v2\nB=2\n"},
		{"GREEN_VERSION=v8\nGREEN_VERSION=v9\n", "v9", "GREEN_VERSION=v8\nGREEN_VERSION=v2\n"},
		{"export GREEN_VERSION=\"v9\" # why\r\nB=2\r\n", "v9", "GREEN_VERSION=v2\r\nB=2\r\n"},
		{"GREEN_VERSION='v9'\n", "v9", "GREEN_VERSION=v2\n"},
		{"GREEN_VERSION=v9 # why\n", "v9", "GREEN_VERSION=v2\n"},
		{"GREEN_VERSION=\n", "v1.1.0", "GREEN_VERSION=v2\n"},
	} {
		if got := envValue(c.text, "GREEN_VERSION"); got != c.value {
			t.Errorf("%q: got value %q, want %q", c.text, got, c.value)
		}
		after := withEnv(c.text, "GREEN_VERSION", "v2")
		if after != c.after || envValue(after, "GREEN_VERSION") != "v2" {
			t.Errorf("%q: got %q, want %q", c.text, after, c.after)
		}
	}
}

func TestTally(t *testing.T) {
	log := strings.Join([]string{
		`{"request_id":"a","upstream_addr":"172.20.0.3:8080, 172.20.0.2:8080","upstream_status":"504, 200"}`,
		`{"request_id":"b","upstream_addr":"172.20.0.2:8080","upstream_status":"200"}`,
		`{"request_id":"c","upstream_addr":"172.20.0.3:8080 : 127.0.0.1:8078 : 172.20.0.2:8080","upstream_status":"502 : 504 : 200"}`,
		`{"request_id":"d","upstream_addr":"172.20.0.2:8080","upstream_status":"500"}`,
		`{"request_id":"rollout-x-1","upstream_addr":"172.20.0.3:8080","upstream_status":"502"}`,
		`{"request_id":"e","upstream_addr":"","upstream_status":""}`,
		`{"request_id":"f","upstream_addr":"172.20.0.3:8080","upstream_status":"-"}`,
		`not a line of JSON`,
		`{"cut":`,
	}, "\n")
	got := map[rollout.Side]*tries{}
	tally(log, map[string]rollout.Side{"172.20.0.2:8080": "blue", "172.20.0.3:8080": "green"}, got)
	if b, g := got["blue"], got["green"]; *b != (tries{4, 0}) || *g != (tries{3, 3}) {
		t.Errorf("blue %+v, green %+v; want 4 tries of which 0 failed, and 3 of which 3 failed", *b, *g)
	}
}

func TestReadMetrics(t *testing.T) {
	text := `# HELP x
ml_model_info{version="v1"} 1
ml_requests_total{code="200",route="/predict"} 90
ml_requests_total{code="500",route="/predict"} 3
ml_requests_total{code="422",route="/predict"} 2
ml_requests_total{code="200",route="/health"} 1000
ml_requests_total{code="503",route="/v2/models/:name/infer"} 1
ml_requests_total{code="200",route="/invocations"} 1
ml_requests_total{code="200",route="/v1/models/:name"} 1
ml_requests_total{code="200",route="/v2/models/:name/stats"} 1000
ml_request_duration_seconds_bucket{route="/predict",le="0.1"} 80
ml_request_duration_seconds_bucket{route="/predict",le="+Inf"} 95
ml_request_duration_seconds_bucket{route="/health",le="0.1"} 1000
odd{label="a\"} b"} 1
`
	var n rollout.Counts
	if err := readMetrics([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	if n.Requests != 98 || n.Errors != 4 || len(n.Latency) != 2 || n.Latency[0].Count != 80 {
		t.Errorf("got %+v, want 98 requests, 4 errors, 80 within 0.1 s", n)
	}
	if err := readMetrics([]byte("go_threads{} 1\n"), &n); err == nil {
		t.Error("metrics of something else were taken")
	}
}

func TestWriteInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "link.conf")
	real := filepath.Join(t.TempDir(), "nginx.conf")
	if err := os.Symlink(real, path); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to string }{{"abcdef", "abXdef"}, {"abXdef", "ab"}, {"ab", "abcdefgh"}, {"abcdefgh", "abcdefgh"}} {
		if err := os.WriteFile(real, []byte(c.from), 0o640); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(real)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeInPlace(path, c.from, c.to); err != nil {
			t.Fatal(err)
		}
		after, err := os.Stat(real)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != c.to || !os.SameFile(before, after) {
			t.Errorf("%s to %s: got %s, %v, the same file: %v", c.from, c.to, got, err, os.SameFile(before, after))
		}
	}
	err := writeInPlace(path, "something else", "x")
	if rollout.ExitCode(err) != 5 {
		t.Errorf("a file that is not the one read: got %v, want drifted", err)
	}
}

func TestMixed(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{{"aaaa", true}, {"bbbb", true}, {"bbaa", true}, {"abca", false}, {"aaa", false}, {"aaaab", false}} {
		if got := mixed(c.text, "aaaa", "bbbb"); got != c.want {
			t.Errorf("%s: got %v", c.text, got)
		}
	}
}

// TestIncluded finds the block in a file that nginx.conf includes, through the mounts of the container.
func TestIncluded(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	main := write("nginx.conf", "events {}\nhttp { resolver 127.0.0.11; include conf.d/*.conf; }\n")
	block := write("conf.d/backend.conf", "# the split\nupstream ml_backend { server ml-service-blue:8080; }\n")
	write("conf.d/other.conf", "log_format x y;\n")
	mount := func(source, destination string) (m struct {
		Type, Source, Destination string
		RW                        bool
	}) {
		m.Source, m.Destination = source, destination
		return m
	}
	c := &docker.Container{ID: "x"}
	c.Mounts = append(c.Mounts, mount(main, "/etc/nginx/nginx.conf"), mount(filepath.Join(dir, "conf.d"), "/etc/nginx/conf.d"))
	target := New(dir, filepath.Join(dir, ".rollout"), rollout.Progress{})
	f, err := target.find(&project{nginx: c, all: map[string]*docker.Container{"nginx": c}})
	if err != nil {
		t.Fatal(err)
	}
	if f.path != block || f.inside != "/etc/nginx/conf.d/backend.conf" || !f.conf.resolver {
		t.Errorf("got %s, %s in the container, resolver %v", f.path, f.inside, f.conf.resolver)
	}
	if _, err := target.find(nil); err == nil || !strings.Contains(err.Error(), "it includes conf.d/*.conf") {
		t.Errorf("without a container: got %v", err)
	}
}

func TestPlace(t *testing.T) {
	dir := t.TempDir()
	var direct, above docker.Container
	add := func(c *docker.Container, source, destination string) {
		c.Mounts = append(c.Mounts, struct {
			Type, Source, Destination string
			RW                        bool
		}{"bind", source, destination, false})
	}
	add(&direct, filepath.Join(dir, "nginx.conf"), "/etc/nginx/nginx.conf")
	add(&above, dir, "/project")
	bare := &docker.Container{}
	for _, c := range []struct {
		name string
		p    *project
		want string
	}{
		{"the file", &project{nginx: &direct, all: map[string]*docker.Container{}}, "/etc/nginx/nginx.conf"},
		{"the folder, by the container beside it", &project{nginx: bare, all: map[string]*docker.Container{confService: &above}}, "/project/nginx.conf"},
		{"nowhere", &project{nginx: bare, all: map[string]*docker.Container{}}, ""},
	} {
		if _, got := c.p.place(filepath.Join(dir, "nginx.conf")); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAfter(t *testing.T) {
	moment := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	log := `{"time":"2026-11-26T02:59:59+00:00","n":1}` + "\n" + `{"time":"2026-11-26T04:00:01+01:00","n":2}` + "\n" + "noise\n" + `{"time":"2026-11-26T03:00:02+00:00","n":3}` + "\n"
	if got := after(log, moment); strings.Contains(got, `"n":1`) || !strings.Contains(got, `"n":2`) || !strings.Contains(got, `"n":3`) || strings.Contains(got, "noise") {
		t.Errorf("got %s", got)
	}
}

func TestMissing(t *testing.T) {
	split := rollout.Between("green", 1, "blue")
	for _, c := range []struct {
		blue, green, sent int
		want              bool
	}{{16, 0, 16, true}, {100, 1, 101, false}, {0, 5, 5, true}, {5000, 0, 5000, true}} {
		err := missing(split, map[rollout.Side]int{"blue": c.blue, "green": c.green}, c.sent)
		if (err != nil) != c.want {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	if err := missing(rollout.Between("green", 0.01, "blue"), map[rollout.Side]int{"blue": 2000}, 2000); err != nil {
		t.Errorf("a share of 0.01 %% need not be seen: %v", err)
	}
}

func TestFailTimeout(t *testing.T) {
	for server, want := range map[string]time.Duration{
		"server ml-service-blue:8080;":                    2 * time.Second,
		"server ml-service-blue:8080 fail_timeout=5s;":    5 * time.Second,
		"server ml-service-blue:8080 fail_timeout=7;":     7 * time.Second,
		"server ml-service-blue:8080 fail_timeout=500ms;": 500 * time.Millisecond,
		"server ml-service-blue:8080 fail_timeout=1d;":    mostRest,
		"server ml-service-green:8080 fail_timeout=5s;":   2 * time.Second,
	} {
		c, err := readConf("http { upstream ml_backend { " + server + " } }")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.failTimeout("blue"); got != want {
			t.Errorf("%s: got %s, want %s", server, got, want)
		}
	}
	for _, c := range []struct{ timeout, ran, want time.Duration }{
		{2 * time.Second, 500 * time.Millisecond, 1500 * time.Millisecond}, {2 * time.Second, 2 * time.Second, 0}, {2 * time.Second, time.Hour, 0},
		{time.Hour, 0, mostRest}, {2 * time.Second, -time.Hour, 0},
	} {
		if got := rest(c.timeout, c.ran); got != c.want {
			t.Errorf("a fail_timeout of %s after %s: got %s, want %s", c.timeout, c.ran, got, c.want)
		}
	}
}

// Ports that something else has are named, on the address of .env, and those of the project's own containers are not.
func TestPortsThatAreTaken(t *testing.T) {
	const bind = "127.0.0.77" // so that nothing of this machine is in the way
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", bind+":8081")
	if err != nil {
		t.Skipf("this machine has one loopback address alone: %v", err)
	}
	defer l.Close()
	target := &Target{Dir: t.TempDir()}
	if err := os.WriteFile(target.envPath(), []byte("BIND="+bind+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	blue := new(docker.Container)
	for _, running := range []bool{false, true} {
		blue.State.Running = running
		var f findings
		target.ports(&f, &project{all: map[string]*docker.Container{"ml-service-blue": blue}})
		switch {
		case running && len(f) > 0:
			t.Errorf("its own port: got %+v, want nothing", f)
		case !running && (len(f) != 1 || f[0].Level != "error" || !strings.Contains(f[0].What, "port 8081 is taken")):
			t.Errorf("another's port: got %+v, want that 8081 is taken", f)
		}
	}
}

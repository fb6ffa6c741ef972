package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// world is what the real docker would have around it: containers, an Nginx that splits by the configuration it has
// loaded, and the two colours. The docker on the scripts' PATH asks it over HTTP.
type world struct {
	mu      sync.Mutex
	dir     string
	tool    string // version of compose that made the containers
	mounted *os.File
	loaded  string // what Nginx runs
	workers int
	logs    []logged
	all     map[string]*contained
	images  map[string]string
	remote  map[string]bool // images that can be pulled
	failing map[string]bool // versions of which every second request fails
	asked   map[string]int  // scrapes of a version
	hangs   bool            // a pull does
	unlike  bool            // docker knows what was pulled by another digest
	removed []string        // images
	calls   int
	killAt  int
	deaf    bool          // Nginx takes no notice of a reload
	late    time.Duration // what Docker's clock is behind
	swapped bool          // the colours' addresses have changed hands since Nginx read their names
	control *httptest.Server
}

type logged struct {
	at   time.Time
	line string
}

// contained is a container.
type contained struct {
	service, id, image, imageID, version, state, health string
	restarts                                            int
	started                                             time.Time
	server                                              *httptest.Server
}

// call is one run of docker; answer is what it has to print and how to end.
type call struct {
	Args  []string
	Stdin string
}

type answer struct {
	Stdout, Stderr string
	Code           int
	Kill           bool
	Hang           bool // until it is killed
}

func newWorld(dir string) (*world, error) {
	w := &world{dir: dir, tool: "2.40.3", all: map[string]*contained{}, remote: map[string]bool{}, failing: map[string]bool{}, asked: map[string]int{}, images: map[string]string{"ml-service:v1": "sha256:1"}, workers: 100}
	var err error
	if w.mounted, err = os.Open(filepath.Join(dir, "nginx.conf")); err != nil {
		return nil, err
	}
	if w.loaded, err = w.inside(); err != nil {
		return nil, err
	}
	for _, service := range []string{"ml-service-blue", "ml-service-green", "nginx"} {
		w.create(service)
	}
	w.control = httptest.NewServer(http.HandlerFunc(w.serve))
	return w, nil
}

func (w *world) close() {
	w.control.Close()
	for _, c := range w.all {
		c.server.Close()
	}
	w.mounted.Close()
}

// inside is nginx.conf as the container has it: the inode that was mounted.
func (w *world) inside() (string, error) {
	text, err := io.ReadAll(io.NewSectionReader(w.mounted, 0, 1<<20))
	return string(text), err
}

// create makes a container as compose would, by .env.
func (w *world) create(service string) {
	old := w.all[service]
	c := &contained{service: service, id: fmt.Sprintf("%s-%04d", service, rand.IntN(10000)), image: "nginx:1.30-alpine", state: "running", health: "healthy", started: time.Now().Add(-time.Minute)}
	handler := http.HandlerFunc(w.nginx)
	if colour, ok := strings.CutPrefix(service, "ml-service-"); ok {
		c.image, c.version = w.env(colour, "IMAGE"), w.env(colour, "VERSION")
		c.imageID = w.images[c.image]
		handler = func(rw http.ResponseWriter, r *http.Request) { w.colour(colour, rw, r) }
		if !slices.Contains([]string{"v1.0.0", "v1.1.0", "v2.0.0", "wide"}, c.version) {
			c.state, c.health, c.restarts = "restarting", "unhealthy", 3
		}
	}
	if old != nil {
		old.server.Close()
	}
	c.server = httptest.NewServer(handler)
	w.all[service] = c
}

func (w *world) env(colour, what string) string {
	text, _ := os.ReadFile(filepath.Join(w.dir, ".env")) // a missing one is empty
	name := strings.ToUpper(colour) + "_" + what + "="
	value := map[string]string{"BLUE_IMAGE=": "ml-service:v1", "GREEN_IMAGE=": "ml-service:v1", "BLUE_VERSION=": "v1.0.0", "GREEN_VERSION=": "v1.1.0"}[name]
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name); ok {
			value = v
		}
	}
	return value
}

var (
	blockForm  = regexp.MustCompile(`(?s)upstream ml_backend \{.*?\}`)
	serverForm = regexp.MustCompile(`server ml-service-(blue|green):8080(?: weight=(\d+))?`)
)

// nginx is port 8080: it draws a colour by the loaded weights and asks it; of a colour that is gone the other one.
func (w *world) nginx(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	var draw []string
	for _, m := range serverForm.FindAllStringSubmatch(blockForm.FindString(w.loaded), -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			n = 1
		}
		for range n {
			draw = append(draw, m[1])
		}
	}
	up := func(colour string) bool { c := w.all["ml-service-"+colour]; return c != nil && c.state == "running" }
	swapped := w.swapped
	alive := slices.DeleteFunc(slices.Clone(draw), func(colour string) bool { return !up(colour) })
	w.mu.Unlock()
	rw.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
	if len(alive) == 0 {
		http.Error(rw, `{"error":"no colour answered"}`, http.StatusBadGateway)
		return
	}
	who := alive[rand.IntN(len(alive))]
	if swapped {
		who = map[string]string{"blue": "green", "green": "blue"}[who]
	}
	w.colour(who, rw, r)
}

// colour is the service.
func (w *world) colour(colour string, rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	c := w.all["ml-service-"+colour]
	w.mu.Unlock()
	rw.Header().Set("X-Color", colour)
	rw.Header().Set("X-Model-Version", c.version)
	switch r.URL.Path {
	case "/health":
		fmt.Fprintf(rw, `{"status":"ok","version":%q}`, c.version)
	case "/openapi.json":
		features := []string{"radius", "area", "smoothness"}
		if c.version == "wide" {
			features = []string{"radius", "area", "smoothness", "texture"}
		}
		model := map[string]any{"name": "ml-service", "version": c.version, "kind": "classifier", "sha256": strings.Repeat("a", 64), "classes": []int{0, 1},
			"inputs": []any{map[string]any{"name": "x", "datatype": "FP32", "shape": fmt.Sprintf("[N,%d]", len(features)), "features": features}}}
		_ = json.NewEncoder(rw).Encode(map[string]any{"x-model": model}) // who asked is told by its own error
	case "/predict":
		fmt.Fprint(rw, `{"prediction":1.0,"confidence":0.603,"version":"v"}`)
	case "/metrics":
		w.mu.Lock()
		good, bad := 7, 0
		if w.failing[c.version] {
			w.asked[c.version]++
			good, bad = 50*w.asked[c.version], 50*w.asked[c.version]
		}
		w.mu.Unlock()
		fmt.Fprintf(rw, "ml_model_info{version=%q} 1\nml_requests_total{code=\"200\",route=\"/predict\"} %d\nml_requests_total{code=\"500\",route=\"/predict\"} %d\nml_request_duration_seconds_bucket{route=\"/predict\",le=\"+Inf\"} %d\n", c.version, good, bad, good)
	default:
		http.NotFound(rw, r)
	}
}

// serve answers the fake docker.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	var in call
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	var out answer
	if out.Kill = w.calls == w.killAt; !out.Kill {
		out = w.docker(in)
	}
	_ = json.NewEncoder(rw).Encode(out) // who asked is told by its own error
}

func failed(format string, args ...any) answer {
	return answer{Code: 1, Stderr: fmt.Sprintf(format, args...) + "\n"}
}

// docker does what one command line says.
func (w *world) docker(in call) answer {
	a := in.Args
	switch {
	case a[0] == "compose" && a[1] == "version" && w.tool == "":
		return failed("docker: 'compose' is not a docker command.")
	case a[0] == "compose" && a[1] == "version":
		return answer{Stdout: "Docker Compose version v2.40.3\n"}
	case a[0] == "compose":
		service := a[len(a)-1]
		w.create(service)
		return answer{}
	case a[0] == "info" && a[2] == "{{.DockerRootDir}}":
		return answer{Stdout: w.dir + "\n"}
	case a[0] == "info":
		return answer{Stdout: time.Now().Add(-w.late).Format(time.RFC3339Nano) + "\n"}
	case a[0] == "create":
		return answer{Stdout: "copy\n"}
	case a[0] == "cp":
		return failed("Error response from daemon: Could not find the file %s in container", a[1])
	case a[0] == "rm" && a[len(a)-1] == "copy":
		return answer{}
	case a[0] == "image" && a[1] == "ls":
		var out strings.Builder
		for image := range w.images {
			if repository, digest, ok := strings.Cut(image, "@"); ok && slices.Contains(a, "reference="+repository) {
				fmt.Fprintf(&out, "%s@%s\n", repository, digest)
			}
		}
		return answer{Stdout: out.String()}
	case a[0] == "image" && a[1] == "rm":
		for _, c := range w.all {
			if c.image == a[2] {
				return failed("conflict: unable to remove repository reference %q, container %s is using it", a[2], c.id)
			}
		}
		delete(w.images, a[2])
		w.removed = append(w.removed, a[2])
		return answer{Stdout: "Untagged\n"}
	case a[0] == "image" && strings.Contains(a[3], "RepoDigests"):
		if w.unlike {
			return answer{Stdout: `["ghcr.io/o/r@sha256:` + strings.Repeat("f", 64) + `"]` + "\n"}
		}
		return answer{Stdout: `["` + a[4] + `"]` + "\n"}
	case a[0] == "ps":
		var out strings.Builder
		for _, c := range w.all {
			fmt.Fprintf(&out, "%s %s\n", c.id, w.dir)
		}
		return answer{Stdout: out.String()}
	case a[0] == "image" && a[1] == "inspect":
		if id, ok := w.images[a[len(a)-1]]; ok {
			return answer{Stdout: id + "\n"}
		}
		return failed("Error: No such image: %s", a[len(a)-1])
	case a[0] == "pull" && w.hangs:
		return answer{Hang: true}
	case a[0] == "pull" && w.remote[a[len(a)-1]]:
		w.images[a[len(a)-1]] = "sha256:" + a[len(a)-1][len(a[len(a)-1])-8:]
		return answer{}
	case a[0] == "pull":
		return failed("Error response from daemon: manifest for %s not found", a[len(a)-1])
	case a[0] == "container" && a[1] == "inspect" && a[2] == "--format":
		return answer{} // its environment: it records nothing
	case a[0] == "container" && a[1] == "inspect":
		var all []any
		for _, id := range a[2:] {
			for _, c := range w.all {
				if c.id == id {
					all = append(all, w.inspect(c))
				}
			}
		}
		text, err := json.Marshal(all)
		if err != nil {
			return failed("%v", err)
		}
		return answer{Stdout: string(text)}
	case a[0] == "top":
		return answer{Stdout: fmt.Sprintf("PID COMMAND\n1 nginx: master process nginx -e /dev/stderr -c /etc/nginx/nginx.conf\n%d nginx: worker process\n%d nginx: worker process\n", w.workers, w.workers+1)}
	case a[0] == "logs":
		return w.log(a)
	case a[0] == "restart":
		w.mounted.Close()
		w.mounted, _ = os.Open(filepath.Join(w.dir, "nginx.conf")) // nil reads as an error
		return w.reload()
	case a[0] == "rm":
		for service, c := range w.all {
			if c.id == a[len(a)-1] {
				c.server.Close()
				delete(w.all, service)
			}
		}
		return answer{}
	case a[0] == "exec":
		args := a[1:]
		if args[0] == "-i" {
			args = args[1:]
		}
		return w.exec(args[1:], in.Stdin)
	}
	return failed("the fake docker does not know %q", a)
}

func (w *world) exec(args []string, stdin string) answer {
	text, err := w.inside()
	if err != nil {
		return failed("%v", err)
	}
	switch {
	case args[0] == "cat":
		return answer{Stdout: text}
	case args[0] == "getent":
		if c := w.all[args[2]]; c != nil && c.state != "exited" {
			return answer{Stdout: address(args[2]) + "  " + args[2] + "\n"}
		}
		return answer{Code: 2}
	case slices.Equal(args, []string{"nginx", "-s", "reload"}):
		return w.reload()
	case args[0] == "sh" && strings.HasPrefix(args[2], "stat"):
		info, err := w.mounted.Stat()
		stat, ok := info.Sys().(*syscall.Stat_t)
		if err != nil || !ok {
			return failed("stat: %v", err)
		}
		return answer{Stdout: fmt.Sprintf("%d\n%s", stat.Ino, text)}
	case args[0] == "sh":
		if strings.Contains(stdin, "bogus") {
			return failed(`nginx: [emerg] unknown directive "bogus" in /tmp/rollout.X/nginx.conf:3`)
		}
		return answer{Stderr: "test is successful\n"}
	}
	return failed("the fake docker does not know exec %q", args)
}

func address(service string) string {
	return map[string]string{"ml-service-blue": "172.20.0.2", "ml-service-green": "172.20.0.3", "nginx": "172.20.0.4"}[service]
}

// reload is what the master does: it reads the file and starts workers, or says why not.
func (w *world) reload() answer {
	text, err := w.inside()
	if err != nil {
		return failed("%v", err)
	}
	if strings.Contains(text, "bogus") {
		w.logs = append(w.logs, logged{time.Now(), `[emerg] unknown directive "bogus" in /etc/nginx/nginx.conf:3`})
		return answer{}
	}
	if !w.deaf {
		w.loaded = text
		w.workers += 10
		w.swapped = false
	}
	return answer{}
}

// log gives what came since, or the last line.
func (w *world) log(a []string) answer {
	if slices.Contains(a, "--tail") {
		return answer{Stderr: `{"level":"ERROR","msg":"start","error":"unknown model version"}` + "\n"}
	}
	since, err := time.Parse(time.RFC3339Nano, a[2])
	if err != nil {
		return failed("%v", err)
	}
	var out strings.Builder
	for _, l := range w.logs {
		if l.at.After(since) {
			out.WriteString(l.line + "\n")
		}
	}
	return answer{Stderr: out.String()}
}

func (w *world) inspect(c *contained) map[string]any {
	_, port, _ := net.SplitHostPort(c.server.Listener.Addr().String())
	return map[string]any{
		"Id": c.id, "Name": "/demo-" + c.service + "-1", "Image": c.imageID, "RestartCount": c.restarts,
		"State": map[string]any{"Status": c.state, "Running": c.state == "running" || c.state == "paused", "Paused": c.state == "paused",
			"StartedAt": c.started, "Health": map[string]string{"Status": c.health}},
		"Config": map[string]any{"Image": c.image, "Env": []string{"MODEL_VERSION=" + c.version}, "Labels": map[string]string{
			"com.docker.compose.service": c.service, "com.docker.compose.project": "demo", "com.docker.compose.version": w.tool,
			"com.docker.compose.project.working_dir": w.dir}},
		"NetworkSettings": map[string]any{
			"Ports":    map[string]any{"8080/tcp": []any{map[string]string{"HostIp": "127.0.0.1", "HostPort": port}}},
			"Networks": map[string]any{"demo_balancer": map[string]any{"IPAddress": address(c.service)}}},
		"Mounts": []any{map[string]any{"Type": "bind", "Source": filepath.Join(w.dir, "nginx.conf"), "Destination": "/etc/nginx/nginx.conf"}},
	}
}

// fakeDocker is the docker on the scripts' PATH.
func fakeDocker() {
	stdin := ""
	if slices.Contains(os.Args, "-i") {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			panic(err)
		}
		stdin = string(text)
	}
	text, err := json.Marshal(call{os.Args[1:], stdin})
	if err != nil {
		panic(err)
	}
	resp, err := http.Post(os.Getenv("ROLLOUT_WORLD"), "application/json", strings.NewReader(string(text))) //nolint:gosec // the test's own server
	if err != nil {
		panic(err)
	}
	var out answer
	if err := errors.Join(json.NewDecoder(resp.Body).Decode(&out), resp.Body.Close()); err != nil {
		panic(err)
	}
	if out.Hang {
		time.Sleep(time.Minute)
	}
	if out.Kill {
		_ = syscall.Kill(os.Getppid(), syscall.SIGKILL) // it may have ended
		os.Exit(137)
	}
	fmt.Fprint(os.Stdout, out.Stdout)
	fmt.Fprint(os.Stderr, out.Stderr)
	os.Exit(out.Code)
}

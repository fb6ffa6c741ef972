package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ml-service/e2e"
)

const registryVersion = "v3.1.2"

// What the registry's front can be told to do to a pull.
const (
	works = iota
	dies  // in the middle of a layer, and answers nothing from then on
	hangs
	another   // gives the manifest of another image
	redirects // layers to a host that has other bytes
)

// registry is a real registry on 127.0.0.1, and a front before it that can be told to misbehave.
type registry struct {
	host    string // of the front
	mode    atomic.Int32
	dead    atomic.Bool
	instead string // digest whose manifest is given in mode another
	pulls   atomic.Int32
}

func startRegistry(t *testing.T) *registry {
	t.Helper()
	dir := e2e.Cache(t, "registry-"+registryVersion)
	program := filepath.Join(dir, "registry")
	if _, err := os.Stat(program); err != nil {
		e2e.Command{Env: []string{"GOBIN=" + dir, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"}, Limit: 10 * time.Minute}.
			Output(t, "go", "install", "github.com/distribution/distribution/v3/cmd/registry@"+registryVersion)
	}
	behind := "127.0.0.1:" + e2e.FreePort(t)
	file := filepath.Join(t.TempDir(), "registry.yml")
	write(t, file, fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\nlog: {level: warn, accesslog: {disabled: true}}\n", t.TempDir(), behind))
	e2e.StartProcess(t, "http://"+behind, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "OTEL_TRACES_EXPORTER=none"}, program, "serve", file)
	e2e.Poll(t, 30*time.Second, "the registry", func() error {
		res, err := http.Get("http://" + behind + "/v2/")
		if err == nil {
			err = res.Body.Close()
		}
		return err
	})
	r := &registry{}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "other bytes") }))
	t.Cleanup(other.Close)
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: behind})
		p.Out.Host = p.In.Host // so that the places it names are the front's
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		layer, manifest := strings.Contains(q.URL.Path, "/blobs/sha256:"), strings.Contains(q.URL.Path, "/manifests/sha256:")
		mode := r.mode.Load()
		if mode != works && (layer || manifest) {
			r.pulls.Add(1)
		}
		switch {
		case r.dead.Load() && mode == dies:
			panic(http.ErrAbortHandler)
		case mode == dies && layer && q.Method == http.MethodGet:
			r.dead.Store(true)
			w.Header().Set("Content-Length", "5000000")
			w.WriteHeader(http.StatusOK)
			io.WriteString(w, strings.Repeat("x", 10_000))
			panic(http.ErrAbortHandler)
		case mode == hangs && (layer || manifest):
			<-q.Context().Done()
			return
		case mode == another && manifest:
			q.URL.Path = q.URL.Path[:strings.LastIndex(q.URL.Path, "/")+1] + r.instead
		case mode == redirects && layer && q.Method == http.MethodGet:
			http.Redirect(w, q, other.URL+"/layer", http.StatusTemporaryRedirect)
			return
		}
		proxy.ServeHTTP(w, q)
	}))
	front.Config.ErrorLog = nil
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	r.host = strings.TrimPrefix(front.URL, "http://")
	return r
}

func (r *registry) repository() string { return r.host + "/o/r" }

// push builds an image from a Dockerfile in dir, pushes it, removes it from this engine and returns it by its digest.
func (r *registry) push(t *testing.T, dir, tag, dockerfile string) string {
	t.Helper()
	write(t, filepath.Join(dir, "Dockerfile"), dockerfile)
	name := r.repository() + ":" + tag
	docker := e2e.Command{Dir: dir, Limit: 2 * time.Minute}
	docker.Output(t, "docker", "build", "--quiet", "--tag", name, ".")
	docker.Output(t, "docker", "push", "--quiet", name)
	for _, digest := range strings.Fields(docker.Output(t, "docker", "image", "inspect", "--format", "{{join .RepoDigests \" \"}}", name)) {
		if strings.HasPrefix(digest, r.repository()+"@") {
			docker.Output(t, "docker", "image", "rm", name)
			_, _ = docker.Run("docker", "image", "rm", digest) // gone with the tag on some engines
			return digest
		}
	}
	t.Fatalf("%s has no digest after the push", name)
	return ""
}

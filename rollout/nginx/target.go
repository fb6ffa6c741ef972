// Package nginx is blue and green behind Nginx: the compose project in a folder, whose nginx.conf is the single truth
// for weights. It edits `upstream ml_backend` there in place, has Nginx read it, and believes it when it has seen it.
package nginx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

const (
	confName     = "nginx.conf"
	confService  = "nginx-conf" // where there is one: it sees the folder and hands Nginx a copy of nginx.conf
	balancerFile = "docker-compose.balancer.yml"
	servicePort  = "8080/tcp"
	upHint       = "docker compose -f " + balancerFile + " up -d"
)

// Target is the project that compose started from the files in Dir.
type Target struct {
	Dir   string // of the compose files and nginx.conf
	Saved string // folder for the bytes from before a change, and for what was begun
	rollout.Progress
	Within  time.Duration // for a change to be seen; for a deployed side to start, see Deploy
	docker  docker.CLI
	client  *http.Client
	tries   map[rollout.Side]*tries
	triesAt time.Time
	asked   *project // by Ask, for a moment
	askedAt time.Time
}

// New gives the target of a folder.
func New(dir, saved string, progress rollout.Progress) *Target {
	return &Target{Dir: dir, Saved: saved, Progress: progress, Within: 20 * time.Second, docker: docker.CLI{Dir: dir},
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, // a connection to the workers that are there now
			DialContext:       (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		}}}
}

// file is the file with the upstream, on the host and as the container names it.
type file struct {
	path   string            // on the host
	reader *docker.Container // that sees it: Nginx's, or the one that hands Nginx a copy; nil where none is known
	inside string            // its name there
	text   string
	conf   *conf
}

func (f *file) revision() string {
	sum := sha256.Sum256([]byte(f.text))
	return hex.EncodeToString(sum[:8])
}

// project are the containers as they are now.
type project struct {
	nginx *docker.Container // nil: there is none
	sides map[rollout.Side]*docker.Container
	all   map[string]*docker.Container
}

func (t *Target) project(ctx context.Context) (*project, error) {
	all, err := t.docker.Project(ctx, t.Dir)
	if err != nil {
		return nil, err
	}
	p := &project{nginx: all["nginx"], sides: map[rollout.Side]*docker.Container{}, all: all}
	for _, side := range colours {
		if c := all[serverPrefix+string(side)]; c != nil {
			p.sides[side] = c
		}
	}
	return p, nil
}

// running gives the project, whose Nginx must run.
func (t *Target) running(ctx context.Context) (*project, error) {
	p, err := t.project(ctx)
	if err != nil {
		return nil, err
	}
	if c := p.all[confService]; c != nil && !c.State.Running {
		return nil, fmt.Errorf("the container %s, which hands Nginx its configuration, is %s; start it: %s", name(c), c.State.Status, upHint)
	}
	if p.nginx == nil {
		return nil, fmt.Errorf("no nginx container was started from %s; start it: %s", t.Dir, upHint)
	}
	if !p.nginx.State.Running || p.nginx.State.Paused {
		return nil, fmt.Errorf("the nginx container %s is %s; start it: %s", name(p.nginx), p.nginx.State.Status, upHint)
	}
	return p, nil
}

// weightsCount says why the weights in nginx.conf are not what splits the traffic, if they are not.
func (p *project) weightsCount() error {
	if c := p.all[confService]; c != nil {
		if who := c.Env("TRAFFIC"); who != "balancer" {
			return fmt.Errorf("all traffic goes to %s, whatever nginx.conf says, since docker-compose.%s.yml was brought up last; first %s", who, who, upHint)
		}
		return nil
	}
	if nets := p.nginx.Networks(); !slices.Equal(nets, []string{"balancer"}) {
		return fmt.Errorf("the container of Nginx is on network %s, where both names lead to one colour and weights do not count; first %s", strings.Join(nets, ", "), upHint)
	}
	return nil
}

func name(c *docker.Container) string { return strings.TrimPrefix(c.Name, "/") }

// find reads nginx.conf, or the file it includes that has the upstream.
func (t *Target) find(p *project) (*file, error) {
	root := filepath.Join(t.Dir, confName)
	f, err := readFile(root)
	if err != nil {
		return nil, err
	}
	f.reader, f.inside = p.place(root)
	var missing *noUpstream
	if f.conf, err = readConf(f.text); err == nil || !errors.As(err, &missing) {
		if err != nil {
			err = fmt.Errorf("%s: %w", root, err)
		}
		return f, err
	}
	for _, pattern := range missing.includes {
		for _, host := range p.included(f.inside, pattern) {
			one, err := readFile(host)
			if err != nil {
				return nil, err
			}
			if one.conf, err = readConf(one.text); err == nil {
				// `resolver` stands in the file that includes it.
				outer, _ := parse(f.text)
				walk(outer, nil, func(d directive, around []string) {
					one.conf.resolver = one.conf.resolver || d.name == "resolver" && len(around) == 1 && around[0] == "http"
				})
				one.reader, one.inside = p.place(host)
				return one, nil
			}
			if !errors.As(err, new(*noUpstream)) {
				return nil, fmt.Errorf("%s: %w", host, err)
			}
		}
	}
	return nil, fmt.Errorf("%s: %w", root, missing)
}

func readFile(host string) (*file, error) {
	text, err := os.ReadFile(host)
	if err != nil {
		return nil, err
	}
	return &file{path: host, text: string(text)}, nil
}

// place finds the container that sees a file of the host, through the mount of the file or of a folder above it.
func (p *project) place(host string) (*docker.Container, string) {
	if p == nil {
		return nil, ""
	}
	real, err := filepath.EvalSymlinks(host)
	if err != nil {
		real = host
	}
	for _, c := range []*docker.Container{p.nginx, p.all[confService]} {
		if c == nil {
			continue
		}
		for _, m := range c.Mounts {
			for _, h := range []string{host, real} {
				if m.Source == h {
					return c, m.Destination
				}
				if rel, err := filepath.Rel(m.Source, h); err == nil && filepath.IsLocal(rel) {
					return c, path.Join(m.Destination, filepath.ToSlash(rel))
				}
			}
		}
	}
	return nil, ""
}

// included gives the files of the host behind an include of the container.
func (p *project) included(from, pattern string) []string {
	if p == nil || p.nginx == nil {
		return nil
	}
	if !path.IsAbs(pattern) {
		pattern = path.Join(path.Dir(from), pattern)
	}
	for _, m := range p.nginx.Mounts {
		if m.Destination == pattern {
			return []string{m.Source}
		}
		if rel, ok := strings.CutPrefix(pattern, strings.TrimSuffix(m.Destination, "/")+"/"); ok {
			hosts, _ := filepath.Glob(filepath.Join(m.Source, rel)) // the pattern's form is checked by Nginx
			return hosts
		}
		if ok, _ := path.Match(pattern, m.Destination); ok {
			return []string{m.Source}
		}
	}
	return nil
}

// Read gives the split that nginx.conf says.
func (t *Target) Read(ctx context.Context) (rollout.Split, error) {
	f, err := t.find(nil)
	var missing *noUpstream
	if errors.As(err, &missing) && len(missing.includes) > 0 { // the containers know where
		p, e := t.project(ctx)
		if e != nil {
			return rollout.Split{}, e
		}
		f, err = t.find(p)
	}
	if err != nil {
		return rollout.Split{}, err
	}
	return f.split()
}

func (f *file) split() (rollout.Split, error) {
	split, err := f.conf.split()
	if err != nil {
		return split, fmt.Errorf("%s: %w", f.path, err)
	}
	split.Revision = f.revision()
	return split, nil
}

// Plan shows the lines that a write would change.
func (t *Target) Plan(ctx context.Context, want rollout.Split) (string, error) {
	p, err := t.project(ctx)
	if err != nil {
		return "", err
	}
	f, err := t.find(p)
	if err != nil {
		return "", err
	}
	after, err := f.conf.with(want)
	if err != nil {
		return "", err
	}
	return f.path + "\n" + difference(f.text, after), nil
}

// difference shows the lines in which two texts differ, without the padding.
func difference(before, after string) string {
	a, b := trimmedLines(before), trimmedLines(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out strings.Builder
	for _, line := range a[head : len(a)-tail] {
		fmt.Fprintf(&out, "- %s\n", line)
	}
	for _, line := range b[head : len(b)-tail] {
		fmt.Fprintf(&out, "+ %s\n", line)
	}
	return out.String()
}

func trimmedLines(text string) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \r")
	}
	return lines
}

package nginx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ml-service/rollout"
)

// findings collects what Examine sees.
type findings []rollout.Finding

func (f *findings) wrong(mend, format string, args ...any) {
	*f = append(*f, rollout.Finding{Level: "error", What: fmt.Sprintf(format, args...), Mend: mend})
}

func (f *findings) warn(mend, format string, args ...any) {
	*f = append(*f, rollout.Finding{Level: "warning", What: fmt.Sprintf(format, args...), Mend: mend})
}

// Examine looks for everything that has gone wrong with such a project, or would.
func (t *Target) Examine(ctx context.Context) ([]rollout.Finding, error) {
	var f findings
	t.tools(ctx, &f)
	p, err := t.project(ctx)
	if err != nil {
		f.wrong("start Docker, and have the right to use it (group docker, or DOCKER_HOST)", "%v", err)
		t.files(ctx, &f, nil)
		return f, nil
	}
	conf := t.files(ctx, &f, p)
	t.environment(ctx, &f, p)
	t.containers(ctx, &f, p)
	if p.nginx == nil || !p.nginx.State.Running {
		t.ports(&f, p)
		return f, nil
	}
	t.live(ctx, &f, p, conf)
	return f, nil
}

// tools looks for the programs that are called.
func (t *Target) tools(ctx context.Context, f *findings) {
	if _, err := exec.LookPath("docker"); err != nil {
		f.wrong("install Docker", "docker is not on PATH")
		return
	}
	_, _, err := t.docker.Run(ctx, nil, "compose", "version")
	if _, old := exec.LookPath("docker-compose"); err != nil && old != nil {
		f.wrong("install docker compose", "neither docker compose nor docker-compose is here")
	}
	out, _, err := t.docker.Run(ctx, nil, "info", "--format", "{{.SystemTime}}")
	if err != nil {
		return // Examine says so
	}
	then, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(out))
	if err == nil && time.Since(then).Abs() > 2*time.Second {
		f.warn("set the clocks by NTP: logs are read by time", "Docker's clock and this machine's differ by %s", time.Since(then).Round(time.Second))
	}
}

// files looks at nginx.conf and the models as they lie in the folder; it gives nginx.conf where it can be read.
func (t *Target) files(ctx context.Context, f *findings, p *project) *file {
	path := filepath.Join(t.Dir, confName)
	conf, err := t.find(p)
	if err != nil {
		mend := "mend it by hand: " + path
		if errors.Is(err, fs.ErrNotExist) {
			mend = "say -C FOLDER, the one with nginx.conf and the compose files"
		}
		f.wrong(mend, "%v", err)
		conf = nil
	}
	if conf != nil {
		if _, err := conf.split(); err != nil {
			f.wrong("write a block that names ml-service-blue:8080, ml-service-green:8080 or both", "%v", err)
		}
		if err := readable(conf.path); err != nil {
			f.wrong("chmod a+r "+conf.path, "%v", err)
		}
		t.directives(f, conf)
	}
	t.git(ctx, f, path)
	env, err := readEnv(t.envPath())
	if err != nil {
		f.wrong("make it readable for you: "+t.envPath(), "%v", err)
		return conf
	}
	models := envValue(env, "MODEL_DIR")
	if !filepath.IsAbs(models) {
		models = filepath.Join(t.Dir, models)
	}
	unreadable := ""
	_ = filepath.WalkDir(models, func(path string, d fs.DirEntry, err error) error { // a folder that cannot be read is found by its mode
		if err != nil || unreadable != "" {
			return nil //nolint:nilerr // the next one may be read
		}
		info, err := d.Info()
		if err == nil && (info.Mode().Perm()&0o004 == 0 || d.IsDir() && info.Mode().Perm()&0o001 == 0) {
			unreadable = path
		}
		return nil
	})
	if unreadable != "" {
		f.wrong("chmod -R a+rX "+models, "%s cannot be read by the container's user 65532", unreadable)
	}
	return conf
}

// directives looks for what a hand edit has taken away from nginx.conf.
func (t *Target) directives(f *findings, conf *file) {
	all, err := parse(conf.text)
	if err != nil {
		return // find says so
	}
	retries, connect := false, false
	walk(all, nil, func(d directive, _ []string) {
		retries = retries || d.name == "proxy_next_upstream" && strings.Contains(strings.Join(d.args, " "), "non_idempotent")
		connect = connect || d.name == "proxy_connect_timeout"
	})
	if filepath.Base(conf.path) == confName {
		if !retries {
			f.wrong("proxy_next_upstream error timeout non_idempotent; in http", "%s: no retry of a POST: a colour that dies costs answers", conf.path)
		}
		if !connect {
			f.warn("proxy_connect_timeout 500ms; in http", "%s: a colour that is gone makes requests wait 60 s", conf.path)
		}
	}
	zone := false
	for _, d := range conf.conf.block.block {
		zone = zone || d.name == "zone"
		if d.name == "server" && conf.conf.resolver && !strings.Contains(strings.Join(d.args, " "), "resolve") {
			f.warn("the next rollout shift or promote writes it", "%s: server %s has no resolve: its address is read once, and may change hands", conf.path, d.args[0])
		}
	}
	if !zone {
		f.warn("the next rollout shift or promote writes it", "%s: `upstream %s` has no zone", conf.path, upstreamName)
	}
}

// git says whether a pull would fight with what rollout writes.
func (t *Target) git(ctx context.Context, f *findings, path string) {
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", t.Dir}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	tracked, err := run("ls-files", "-v", "--", confName)
	if err != nil || tracked == "" || strings.HasPrefix(tracked, "S") {
		return // no checkout, or one that was told to skip it
	}
	if changed, err := run("status", "--porcelain", "--", confName); err == nil && changed != "" {
		f.warn("git update-index --skip-worktree "+confName, "%s is tracked by git and changed here: a pull, checkout or stash fights with it, and puts a new file in its place", path)
	}
}

// environment compares .env with what runs.
func (t *Target) environment(ctx context.Context, f *findings, p *project) {
	env, err := readEnv(t.envPath())
	if err != nil {
		return // files says so
	}
	images := map[rollout.Side]string{}
	for _, side := range colours {
		imageVar, versionVar := variables(side)
		for _, name := range []string{imageVar, versionVar} {
			if value, ok := os.LookupEnv(name); ok && value != envValue(env, name) {
				f.wrong("unset "+name, "%s=%s is set in the environment, where compose prefers it to .env (%s)", name, value, envValue(env, name))
			}
		}
		images[side] = envValue(env, imageVar)
		c := p.sides[side]
		if c == nil {
			continue
		}
		up := fmt.Sprintf("%s -f %s up -d --no-deps %s%s, while it has no traffic", c.Tool(), balancerFile, serverPrefix, side)
		if err := agrees(c, side, env); err != nil {
			f.wrong("write what runs into .env, or "+up, "%v: a plain up -d would replace it", err)
			continue
		}
		if id, err := t.docker.ImageID(ctx, c.Config.Image); err == nil && id != "" && id != c.Image {
			f.wrong(up, "%s was built or pulled again since %s was started: a plain up -d would replace it", c.Config.Image, side)
		}
	}
	if same := images[colours[0]]; same == images[colours[1]] && !strings.Contains(same, "@sha256:") {
		f.warn("give each colour an image of its own, by digest or by a tag that is never moved: rollout deploy --image", "both colours run %s: when that tag moves, a plain up -d replaces both at once", same)
	}
}

// containers looks at how each is.
func (t *Target) containers(ctx context.Context, f *findings, p *project) {
	if p.nginx == nil {
		f.wrong(upHint, "nothing was started from %s", t.Dir)
	} else if !p.nginx.State.Running || p.nginx.State.Paused {
		f.wrong("docker logs "+name(p.nginx), "the container of Nginx is %s", p.nginx.State.Status)
	}
	tools := map[string]bool{}
	for _, c := range p.all {
		tools[c.Tool().String()] = true
	}
	if len(tools) > 1 {
		f.warn("take the project down by the one, up by the other", "the containers were made by both compose tools, which name them differently")
	}
	for _, side := range colours {
		s := t.side(ctx, p, side)
		logs := ""
		if c := p.sides[side]; c != nil {
			logs = "docker logs " + name(c)
		}
		switch {
		case s.State == "gone" && p.nginx != nil:
			f.warn(upHint, "%s is gone", side)
		case s.State == "hanging":
			f.wrong("docker restart "+name(p.sides[side]), "%s is hanging", side)
		case s.State != "gone" && !s.Usable():
			f.wrong(logs, "%s is %s%s", side, s.State, because(s.Remarks))
		default:
			for _, r := range s.Remarks {
				f.warn(logs, "%s: %s", side, r)
			}
		}
		if s.Restarts > 0 {
			f.warn(logs, "%s was restarted %d times by Docker", side, s.Restarts)
		}
	}
}

// live compares what runs with what nginx.conf says.
func (t *Target) live(ctx context.Context, f *findings, p *project, conf *file) {
	if conf == nil {
		return
	}
	if conf.reader != nil && conf.reader.State.Running {
		if err := t.test(ctx, p.nginx, conf, conf.text); err != nil {
			f.wrong("mend it: with this file Nginx does not start again", "%v", err)
		}
	}
	split, err := conf.split()
	if err != nil {
		return
	}
	for _, side := range split.Sides() {
		if p.sides[side] == nil {
			f.wrong(upHint, "%s has %s of the traffic and is gone", side, rollout.Percent(split.Shares[side]))
			continue
		}
		if err := t.names(ctx, p, rollout.All(side)); err != nil {
			f.wrong("rollout shift writes names that are followed; "+upHint, "%v", err)
		}
	}
	seen, err := t.See(ctx, split)
	if err != nil {
		f.wrong("docker logs "+name(p.nginx), "%v", err)
	}
	for _, r := range seen.Remarks {
		f.wrong("rollout shift or promote brings what runs and what is written together", "%s", r)
	}
}

// ports looks whether something else has the ports that the project is about to take, on the address that .env says.
func (t *Target) ports(f *findings, p *project) {
	env, err := readEnv(t.envPath())
	if err != nil {
		return // files says so
	}
	for _, one := range []struct{ port, service string }{{"8080", "nginx"}, {"8081", serverPrefix + "blue"}, {"8082", serverPrefix + "green"}} {
		port := one.port
		if c := p.all[one.service]; c != nil && (c.State.Running || c.State.Paused) {
			continue // it is the project's own
		}
		l, err := net.Listen("tcp", net.JoinHostPort(envValue(env, "BIND"), port)) //nolint:noctx // it does not wait
		if err != nil {
			f.wrong("stop what has it: ss -ltnp 'sport = :"+port+"'", "port %s is taken: %v", port, err)
			continue
		}
		l.Close() //nolint:errcheck // nobody has connected
	}
}

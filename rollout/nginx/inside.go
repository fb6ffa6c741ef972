package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

// candidate checks a configuration that comes on stdin, beside everything that lies beside the real one, so that
// relative names in it mean the same. $1 is the real one's folder, $2 the file's name in it, $3 the main file's.
const candidate = `set -e
d=$(mktemp -d /tmp/rollout.XXXXXX)
trap 'rm -rf "$d"' EXIT
mkdir -p "$d/$(dirname "$2")"
for f in "$1"/*; do [ "${f##*/}" = "${2%%/*}" ] || ln -s "$f" "$d/"; done
if [ "$2" != "${2#*/}" ]; then for f in "$1/${2%/*}"/*; do [ "$f" = "$1/$2" ] || ln -s "$f" "$d/${2%/*}/"; done; fi
cat > "$d/$2"
nginx -t -e /dev/stderr -c "$d/$3"`

// test has the Nginx in the container check a text as if it stood in the file.
func (t *Target) test(ctx context.Context, c *docker.Container, f *file, text string) error {
	main, err := t.confOf(ctx, c)
	if err != nil {
		return err
	}
	dir, base := splitPath(main)
	rel := base
	if filepath.Base(f.path) != confName || f.reader == c {
		var ok bool
		if rel, ok = strings.CutPrefix(f.inside, dir+"/"); !ok {
			return fmt.Errorf("%s is %s in the container, which is not below %s of its nginx.conf: move `upstream %s` into nginx.conf", f.path, f.inside, dir, upstreamName)
		}
	}
	_, stderr, err := t.docker.Exec(ctx, c.ID, []byte(text), "sh", "-c", candidate, "rollout", dir, rel, base)
	if err != nil {
		var failed *docker.Error
		if errors.As(err, &failed) && failed.Code == 1 {
			return fmt.Errorf("nginx -t refuses the candidate, nothing was changed: %s", emergencies(stderr))
		}
		return fmt.Errorf("nginx -t of the candidate, nothing was changed: %w", err)
	}
	return nil
}

func splitPath(p string) (dir, base string) {
	i := strings.LastIndexByte(p, '/')
	return p[:i], p[i+1:]
}

// emergencies are the lines of a log that say why Nginx did not do what it was told, or the last line.
func emergencies(log string) string {
	var found []string
	last := ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		last = line
		if alarming(line) {
			found = append(found, line)
		}
	}
	if len(found) == 0 {
		return last
	}
	return strings.Join(slices.Compact(found), "; ")
}

// unresolved is what Nginx says, while it runs, of a name to which no container answers any more.
const unresolved = "could not be resolved"

// alarming says whether a line of Nginx's log means that a reload did not take place as it should.
func alarming(line string) bool {
	for _, sign := range []string{"[emerg]", "[alert] fork", "fork() failed", "host not found in upstream", unresolved} {
		if strings.Contains(line, sign) {
			return true
		}
	}
	return false
}

// confOf is the configuration that the running master was started with.
func (t *Target) confOf(ctx context.Context, c *docker.Container) (string, error) {
	all, err := t.docker.Processes(ctx, c.ID)
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if _, args, ok := strings.Cut(p.Command, "nginx: master process"); ok {
			words := strings.Fields(args)
			if i := slices.Index(words, "-c"); i >= 0 && i+1 < len(words) {
				return words[i+1], nil
			}
			return "/etc/nginx/nginx.conf", nil
		}
	}
	return "", fmt.Errorf("no Nginx runs in the container %s", name(c))
}

// reload tells the master to read its configuration again. What comes of it is in the container's log.
func (t *Target) reload(ctx context.Context, c *docker.Container) error {
	// In these very words: what stands before Nginx on the container's PATH fetches nginx.conf first.
	if _, stderr, err := t.docker.Exec(ctx, c.ID, nil, "nginx", "-s", "reload"); err != nil {
		if said := emergencies(stderr); said != "" {
			return fmt.Errorf("nginx -s reload: %s", said)
		}
		return fmt.Errorf("nginx -s reload: %w", err)
	}
	return nil
}

// sees gives the text that the container has of a file, and whether it is the host's very file.
func (t *Target) sees(ctx context.Context, f *file) (text string, same bool, err error) {
	// stat of busybox and of coreutils; the inode's number is the same through a bind mount.
	out, _, err := t.docker.Exec(ctx, f.reader.ID, nil, "sh", "-c", `stat -L -c %i "$1" && cat "$1"`, "rollout", f.inside)
	if err != nil {
		return "", false, fmt.Errorf("read %s in the container: %w", f.inside, err)
	}
	inode, text, _ := strings.Cut(out, "\n")
	info, err := os.Stat(f.path)
	if err != nil {
		return "", false, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || text != f.text {
		return text, false, nil
	}
	// Where containers run in a virtual machine (Docker Desktop), the number is another one, and the same text has to do.
	return text, fmt.Sprint(stat.Ino) == inode || runtime.GOOS != "linux", nil
}

// seesText says whether the container has the text just written.
func (t *Target) seesText(ctx context.Context, f *file, want string) error {
	out, _, err := t.docker.Exec(ctx, f.reader.ID, nil, "cat", f.inside)
	if err != nil {
		return fmt.Errorf("read %s in the container: %w", f.inside, err)
	}
	if out != want {
		return fmt.Errorf("the container does not see what was written to %s", f.path)
	}
	return nil
}

// usable says whether every side that is to have traffic can take it.
func (t *Target) usable(ctx context.Context, p *project, want rollout.Split) error {
	for _, side := range want.Sides() {
		if !slices.Contains(colours, side) {
			return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("no side %q: want blue or green", side)}
		}
		if s := t.side(ctx, p, side); !s.Usable() {
			return fmt.Errorf("%s cannot take traffic: it is %s%s", side, s.State, because(s.Remarks))
		}
	}
	return nil
}

// mostRest bounds what is waited for a side that was just started: Nginx's own fail_timeout where none is said.
const mostRest = 10 * time.Second

// rested waits until every side that is to have traffic has run for its fail_timeout: Nginx may have marked one down while it was
// being replaced, and would leave it out so long, healthy or not.
func (t *Target) rested(ctx context.Context, p *project, c *conf, want rollout.Split) error {
	for _, side := range want.Sides() {
		left := rest(c.failTimeout(side), time.Since(p.sides[side].State.StartedAt))
		if left == 0 {
			continue
		}
		t.Step(fmt.Sprintf("wait until %s has run for its fail_timeout", side))
		if err := pause(ctx, left); err != nil {
			return err
		}
	}
	return nil
}

// rest is what is left of a fail_timeout for a side that has run for so long; a clock that is behind says nothing.
func rest(failTimeout, ran time.Duration) time.Duration {
	if ran < 0 {
		return 0
	}
	return max(min(failTimeout, mostRest)-ran, 0)
}

func because(remarks []string) string {
	if len(remarks) == 0 {
		return ""
	}
	return " (" + strings.Join(remarks, "; ") + ")"
}

// names says whether each name leads from inside Nginx to that colour and no other: on the blue and the green network,
// and where addresses have changed hands, it does not.
func (t *Target) names(ctx context.Context, p *project, want rollout.Split) error {
	if err := p.weightsCount(); err != nil {
		return err
	}
	for _, side := range want.Sides() {
		host := serverPrefix + string(side)
		out, _, err := t.docker.Exec(ctx, p.nginx.ID, nil, "getent", "hosts", host)
		if err != nil {
			return fmt.Errorf("%s does not resolve inside the container of Nginx: %w", host, err)
		}
		fields := strings.Fields(out)
		if len(fields) == 0 {
			return fmt.Errorf("%s does not resolve inside the container of Nginx", host)
		}
		if slices.Contains(p.sides[side].Addresses(), fields[0]) {
			continue
		}
		who := "nobody of this project"
		for _, s := range colours {
			if c := p.sides[s]; c != nil && slices.Contains(c.Addresses(), fields[0]) {
				who = string(s)
			}
		}
		return fmt.Errorf("inside the container of Nginx, %s is %s, which is %s", host, fields[0], who)
	}
	return nil
}

package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ml-service/rollout"
)

// Write brings about a split. Nothing is touched before every name leads to its own colour and Nginx has accepted the candidate;
// once nginx.conf is changed, any failure puts the previous bytes back.
func (t *Target) Write(ctx context.Context, want rollout.Split) (rollout.Split, error) {
	if err := want.Check(); err != nil {
		return rollout.Split{}, &rollout.Fault{Outcome: rollout.ErrUsage, Err: err}
	}
	t.Step("look at the containers")
	p, err := t.running(ctx)
	if err != nil {
		return rollout.Split{}, err
	}
	f, err := t.find(p)
	if err != nil {
		return rollout.Split{}, err
	}
	if now := f.revision(); want.Revision != now {
		return rollout.Split{}, &rollout.Fault{Outcome: rollout.ErrDrifted,
			Err: fmt.Errorf("%s is no longer the one that was read (revision %s, now %s)", f.path, want.Revision, now)}
	}
	if err := readable(f.path); err != nil {
		return rollout.Split{}, err
	}
	if err := t.usable(ctx, p, want); err != nil {
		return rollout.Split{}, err
	}
	if err := t.rested(ctx, p, f.conf, want); err != nil {
		return rollout.Split{}, err
	}
	if p, err = t.mendMount(ctx, p, f); err != nil {
		return rollout.Split{}, err
	}
	if err := t.names(ctx, p, want); err != nil {
		return rollout.Split{}, err
	}
	after, err := f.conf.with(want)
	if err != nil {
		return rollout.Split{}, err
	}
	t.Step("have Nginx check the candidate")
	if err := t.test(ctx, p.nginx, f, after); err != nil {
		return rollout.Split{}, err
	}
	if err := errors.Join(rollout.SaveFile(filepath.Join(t.Saved, beforeName), []byte(f.text)), rollout.SaveFile(filepath.Join(t.Saved, afterName), []byte(after))); err != nil {
		return rollout.Split{}, err
	}
	b, err := t.before(ctx, p.nginx)
	if err != nil {
		return rollout.Split{}, err
	}
	if err := writeInPlace(f.path, f.text, after); err != nil {
		return rollout.Split{}, fmt.Errorf("write %s: %w", f.path, err)
	}
	if err := t.apply(ctx, p, f, after, want, b); err != nil {
		return rollout.Split{}, t.restore(ctx, p, f, after, err)
	}
	now := &file{path: f.path, text: after}
	want.Revision = now.revision()
	return want, nil
}

// apply has Nginx read the file and waits until the split is seen.
func (t *Target) apply(ctx context.Context, p *project, f *file, text string, want rollout.Split, b before) error {
	t.Step("reload Nginx")
	if err := t.seesText(ctx, f, text); err != nil {
		return err
	}
	if err := t.reload(ctx, p.nginx); err != nil {
		return err
	}
	t.Step(fmt.Sprintf("wait until port 8080 answers as %s", want))
	return t.confirm(ctx, p, want, b)
}

// restore puts the previous text back after a failure, even where the caller has given up waiting.
func (t *Target) restore(ctx context.Context, p *project, f *file, after string, cause error) error {
	t.Step("put the previous nginx.conf back")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.Within+30*time.Second)
	defer cancel()
	b, err := t.before(ctx, p.nginx)
	if err == nil {
		err = writeInPlace(f.path, after, f.text)
	}
	if err == nil {
		err = t.reload(ctx, p.nginx)
	}
	if err == nil {
		if err := t.workers(ctx, p.nginx, b, rollout.Split{}); err != nil {
			return fmt.Errorf("%w; the previous %s is back, but Nginx was not seen to take it: %w", cause, f.path, err)
		}
	}
	if err != nil {
		return fmt.Errorf("%w; putting the previous %s back did not succeed either: %w (its bytes are in %s)", cause, f.path, err, filepath.Join(t.Saved, beforeName))
	}
	return fmt.Errorf("%w; the previous %s is back", cause, f.path)
}

// Settle finishes a write that was killed where the new file is in place, and takes it back where half of it is.
func (t *Target) Settle(ctx context.Context, from, to rollout.Split) (rollout.Split, error) {
	p, err := t.running(ctx)
	if err != nil {
		return rollout.Split{}, err
	}
	before, err := os.ReadFile(filepath.Join(t.Saved, beforeName))
	if errors.Is(err, os.ErrNotExist) { // it was killed before it changed anything
		return t.Read(ctx)
	}
	after, err2 := os.ReadFile(filepath.Join(t.Saved, afterName))
	if err := errors.Join(err, err2); err != nil {
		return rollout.Split{}, err
	}
	f, err := t.find(p)
	if f == nil || err != nil && !mixed(f.text, string(before), string(after)) {
		return rollout.Split{}, err
	}
	want := to
	switch {
	case f.text == string(after):
	case f.text == string(before):
		want = from
	case mixed(f.text, string(before), string(after)):
		t.Step("put the previous nginx.conf back: half of the new one was written")
		if err := writeInPlace(f.path, f.text, string(before)); err != nil {
			return rollout.Split{}, err
		}
		want = from
	default:
		return t.Read(ctx) // a person has edited it since: theirs
	}
	if f, err = t.find(p); err != nil {
		return rollout.Split{}, err
	}
	if now, err := f.conf.split(); err != nil || !now.Same(want) {
		return t.Read(ctx) // the saved bytes are of an earlier write
	}
	if err := t.rested(ctx, p, f.conf, want); err != nil {
		return rollout.Split{}, err
	}
	if p, err = t.mendMount(ctx, p, f); err != nil {
		return rollout.Split{}, err
	}
	b, err := t.before(ctx, p.nginx)
	if err == nil {
		err = t.apply(ctx, p, f, f.text, want, b)
	}
	if err != nil {
		return rollout.Split{}, err
	}
	return f.split()
}

// mixed says whether a text is a part of one and the rest of the other, as a write that was cut leaves it.
func mixed(text, before, after string) bool {
	if len(text) < min(len(before), len(after)) || len(text) > max(len(before), len(after)) {
		return false
	}
	for i := range len(text) {
		if !(i < len(before) && text[i] == before[i] || i < len(after) && text[i] == after[i]) {
			return false
		}
	}
	return true
}

// readable says whether the container's user may read the file: it is mounted, so its mode counts.
func readable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o004 == 0 {
		return fmt.Errorf("%s has mode %04o, so Nginx's user 65532 may not read it: chmod a+r %s", path, info.Mode().Perm(), path)
	}
	return nil
}

// mendMount sees to it that the container reads the folder's file. Where an editor has put a new file in the old one's
// place, only a restart of the container shows it that one.
func (t *Target) mendMount(ctx context.Context, p *project, f *file) (*project, error) {
	if f.reader == nil {
		return p, fmt.Errorf("no container of this project has a mount of %s; start it from the files here: %s", f.path, upHint)
	}
	seen, same, err := t.sees(ctx, f)
	if err != nil || same {
		return p, err
	}
	if f.reader != p.nginx {
		return p, fmt.Errorf("the container %s sees another %s than this folder's; restart it: docker restart %s", name(f.reader), confName, name(f.reader))
	}
	t.Tell("Nginx still has the file from before a rename-style edit; the folder's is taken as the truth:\n" + difference(seen, f.text) +
		"Nginx is restarted, so that it has it; port 8080 is gone for a moment")
	t.Step("restart Nginx")
	if err := t.test(ctx, p.nginx, f, f.text); err != nil {
		return p, fmt.Errorf("%w; Nginx was not restarted, since it would not come back", err)
	}
	if _, _, err := t.docker.Run(ctx, nil, "restart", p.nginx.ID); err != nil {
		return p, err
	}
	after, err := t.back(ctx)
	if err == nil {
		f.reader, f.inside = after.place(f.path)
	}
	return after, err
}

// back waits until a restarted Nginx answers.
func (t *Target) back(ctx context.Context) (*project, error) {
	deadline := time.Now().Add(t.Within)
	for {
		p, err := t.running(ctx)
		if err == nil {
			_, err = t.workersOf(ctx, p.nginx)
		}
		if err == nil {
			_, err = t.marked(ctx, p.nginx, 1)
		}
		if err == nil {
			return p, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("nginx is not back %s after its restart: %w", t.Within, err)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

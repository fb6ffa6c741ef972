package nginx

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

var (
	imageForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@-]*$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

// undo is what is kept of a deployment, to take it back.
type undo struct {
	Side    rollout.Side `json:"side"`
	Before  string       `json:"before"` // .env
	After   string       `json:"after"`
	Had     bool         `json:"had"`     // there was a container
	Project string       `json:"project"` // of compose
	Tool    docker.Tool  `json:"tool"`
	Model   string       `json:"model,omitempty"` // folder that was put into MODEL_DIR
}

func (t *Target) undoPath() string { return filepath.Join(t.Saved, "deploy.json") }
func (t *Target) envPath() string  { return filepath.Join(t.Dir, envName) }

// Deploy has one colour run another image or model: .env first, then `up -d --no-deps` of that service alone.
func (t *Target) Deploy(ctx context.Context, side rollout.Side, what rollout.Artifact) error {
	p, err := t.running(ctx)
	if err != nil {
		return err
	}
	env, err := readEnv(t.envPath())
	if err != nil {
		return err
	}
	imageVar, versionVar := variables(side)
	u := undo{Side: side, Before: env, Had: p.sides[side] != nil, Project: p.nginx.Project(), Tool: p.nginx.Tool()}
	image := what.Image
	if image == "" {
		image = envValue(env, imageVar)
	}
	if err := t.check(side, image, what.Version); err != nil {
		return err
	}
	if err := t.haveImage(ctx, image); err != nil {
		return err
	}
	if what.Model != "" {
		if u.Model, err = t.placeModel(env, what); err != nil {
			return err
		}
	}
	u.After = withEnv(withEnv(env, imageVar, image), versionVar, what.Version)
	if err := rollout.SaveJSON(t.undoPath(), u); err != nil {
		return err
	}
	if err := t.writeEnv(u.After); err != nil {
		return err
	}
	return t.up(ctx, p, u)
}

// check refuses what would not be what it looks like in .env.
func (t *Target) check(side rollout.Side, image, version string) error {
	if !slices.Contains(colours, side) {
		return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("no side %q: want blue or green", side)}
	}
	if !imageForm.MatchString(image) {
		return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("image %q: want the name of an image, as ghcr.io/owner/repo@sha256:…", image)}
	}
	if !versionForm.MatchString(version) {
		return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("version %q: want letters, digits, dots and dashes, as v1.2.0", version)}
	}
	imageVar, versionVar := variables(side)
	for _, name := range []string{imageVar, versionVar, "MODEL_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("%s=%s is set in the environment, where compose prefers it to .env: unset it", name, value)}
		}
	}
	return nil
}

// haveImage brings an image to this machine; compose would build this folder under its name instead.
func (t *Target) haveImage(ctx context.Context, image string) error {
	here, err := t.docker.HasImage(ctx, image)
	if err != nil || here {
		return err
	}
	t.Step("pull " + image)
	if err := t.docker.PullImage(ctx, image); err != nil {
		return fmt.Errorf("image %s is not here and cannot be pulled: %w", image, err)
	}
	return nil
}

func (t *Target) writeEnv(text string) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(t.envPath()); err == nil {
		mode = info.Mode().Perm()
	}
	if err := rollout.SaveFile(t.envPath(), []byte(text)); err != nil {
		return err
	}
	return os.Chmod(t.envPath(), mode)
}

// up has compose bring one colour to what .env says, and makes sure that nothing else was touched.
func (t *Target) up(ctx context.Context, before *project, u undo) error {
	if c := before.sides[u.Side]; c != nil && c.State.Paused {
		if _, _, err := t.docker.Run(ctx, nil, "unpause", c.ID); err != nil {
			return err
		}
	}
	service := serverPrefix + string(u.Side)
	if _, _, err := t.docker.Compose(ctx, u.Tool, u.Project, balancerFile, "up", "-d", "--no-deps", "--no-build", service); err != nil {
		return err
	}
	after, err := t.project(ctx)
	if err != nil {
		return err
	}
	for name, c := range before.all {
		if now := after.all[name]; name != service && (now == nil || now.ID != c.ID || !now.State.StartedAt.Equal(c.State.StartedAt)) {
			return fmt.Errorf("%s was replaced or restarted too, although compose was told to bring up %s alone", name, service)
		}
	}
	c := after.sides[u.Side]
	if c == nil {
		return fmt.Errorf("compose is done, and there is no container of %s", service)
	}
	return agrees(c, u.Side, u.After)
}

// agrees says whether a container runs what .env says.
func agrees(c *docker.Container, side rollout.Side, env string) error {
	imageVar, versionVar := variables(side)
	if want := envValue(env, imageVar); c.Config.Image != want {
		return fmt.Errorf("%s runs image %s, and .env says %s=%s", side, c.Config.Image, imageVar, want)
	}
	if want := envValue(env, versionVar); c.Env("MODEL_VERSION") != want {
		return fmt.Errorf("%s has MODEL_VERSION=%s, and .env says %s=%s", side, c.Env("MODEL_VERSION"), versionVar, want)
	}
	return nil
}

// Forget lets go of the last deployment: it will not be taken back any more.
func (t *Target) Forget() error { return rollout.RemoveFile(t.undoPath()) }

// Undo puts .env back and has the colour run what it ran before.
func (t *Target) Undo(ctx context.Context, side rollout.Side) (bool, error) {
	var u undo
	if found, err := rollout.LoadJSON(t.undoPath(), &u); !found {
		return false, err
	}
	env, err := readEnv(t.envPath())
	if err != nil {
		return false, err
	}
	if env != u.After && env != u.Before {
		return false, fmt.Errorf("%s was changed by somebody else since: look at it, then bring up %s%s", t.envPath(), serverPrefix, side)
	}
	if err := t.writeEnv(u.Before); err != nil {
		return false, err
	}
	p, err := t.project(ctx)
	if err != nil {
		return false, err
	}
	u.After = u.Before
	if u.Had {
		err = t.up(ctx, p, u)
	} else if c := p.sides[side]; c != nil {
		_, _, err = t.docker.Run(ctx, nil, "rm", "-f", c.ID)
	}
	if err != nil {
		return false, err
	}
	if u.Model != "" {
		if err := os.RemoveAll(u.Model); err != nil {
			return false, err
		}
	}
	return true, t.Forget()
}

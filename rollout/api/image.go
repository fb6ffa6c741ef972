package api

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

// images are the images of one repository on this machine.
type images struct {
	docker     docker.CLI
	repository string
	verifyKey  string // of cosign; "": signatures are not looked at
}

// mine says whether an image is one of the repository's, and no other.
func (i images) mine(image string) bool {
	name, digest, ok := strings.Cut(image, "@")
	return ok && name == i.repository && digest != ""
}

// leastFree is how many bytes the disk of images must have free before anything is pulled.
const leastFree = 1 << 30

// room says whether the disk of the engine's images is nearly full, where it is a disk of this machine.
func (i images) room(ctx context.Context) error {
	root, _, err := i.docker.Run(ctx, nil, "info", "--format", "{{.DockerRootDir}}")
	if err != nil {
		return err
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(strings.TrimSpace(root), &fs); err != nil {
		return nil //nolint:nilerr // an engine elsewhere: its pull says so
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < leastFree { //nolint:gosec // a block has a size above zero
		return fmt.Errorf("the disk of Docker's images has %d MiB free, want at least %d: nothing was changed", free>>20, leastFree>>20)
	}
	return nil
}

// pull brings an image here and holds what came to its digest and its signature.
func (i images) pull(ctx context.Context, image string) error {
	if i.verifyKey != "" {
		out, err := exec.CommandContext(ctx, "cosign", "verify", "--key", i.verifyKey, image).CombinedOutput() //nolint:gosec // the image's form was checked
		if err != nil {
			return fmt.Errorf("the signature of %s: %w: %s", image, err, Line(string(out), ""))
		}
	}
	if err := i.docker.PullImage(ctx, image); err != nil {
		return fmt.Errorf("%s cannot be pulled: %w", image, err)
	}
	out, _, err := i.docker.Run(ctx, nil, "image", "inspect", "--format", "{{json .RepoDigests}}", image)
	if err != nil {
		return err
	}
	var digests []string
	if err := json.Unmarshal([]byte(out), &digests); err != nil {
		return fmt.Errorf("the digests of %s: %w", image, err)
	}
	if !slices.Contains(digests, image) {
		return fmt.Errorf("the registry gave another image for %s: %s", image, strings.Join(digests, ", "))
	}
	return nil
}

// mostGolden is how long a golden.json may be.
const mostGolden = 16 << 20

// golden finds the golden rows of a version: in the folder of models that is mounted over the image's, else in the image's own
// /models. There may be none.
func (i images) golden(ctx context.Context, models, image, version string) (*rollout.Golden, error) {
	text, err := os.ReadFile(filepath.Join(models, version, "golden.json"))
	if errors.Is(err, os.ErrNotExist) {
		text, err = i.file(ctx, image, path.Join("/models", version, "golden.json"))
	}
	if err != nil || text == nil {
		return nil, err
	}
	g, err := rollout.ReadGolden(text)
	return &g, err
}

// file reads a file of an image; nil: it has none of this name.
func (i images) file(ctx context.Context, image, name string) ([]byte, error) {
	id, _, err := i.docker.Run(ctx, nil, "create", "--network", "none", image, "none")
	if err != nil {
		return nil, err
	}
	id = strings.TrimSpace(id)
	defer i.docker.Run(context.WithoutCancel(ctx), nil, "rm", "--force", "--volumes", id) //nolint:errcheck // it was never started
	archive, stderr, err := i.docker.Run(ctx, nil, "cp", id+":"+name, "-")
	if err != nil {
		if s := strings.ToLower(stderr); strings.Contains(s, "no such file") || strings.Contains(s, "could not find the file") {
			return nil, nil
		}
		return nil, err
	}
	files := tar.NewReader(strings.NewReader(archive))
	if _, err := files.Next(); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", name, image, err)
	}
	return io.ReadAll(io.LimitReader(files, mostGolden))
}

// clean removes images of the repository but those to keep. What a container still uses, Docker keeps.
func (i images) clean(ctx context.Context, keep []string) []string {
	out, _, err := i.docker.Run(ctx, nil, "image", "ls", "--no-trunc", "--digests", "--filter", "reference="+i.repository, "--format", "{{.Repository}}@{{.Digest}}")
	if err != nil {
		return nil
	}
	var gone []string
	for image := range strings.FieldsSeq(out) {
		if !i.mine(image) || strings.HasSuffix(image, "@<none>") || slices.Contains(keep, image) {
			continue
		}
		if _, _, err := i.docker.Run(ctx, nil, "image", "rm", image); err == nil { // without force: never what runs or stands somewhere
			gone = append(gone, image)
		}
	}
	return gone
}

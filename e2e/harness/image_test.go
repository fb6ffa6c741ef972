package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

const second = "ml-service:e2e-second"

var buildOnce sync.Once

// buildImage builds what README.md says, once a process.
func buildImage(t *testing.T) {
	t.Helper()
	buildOnce.Do(func() {
		began := time.Now()
		e2e.Command{Dir: e2e.Root(t), Limit: 10 * time.Minute}.Output(t, "docker", "build", "-t", tag, ".")
		t.Logf("docker build -t %s . took %s", tag, time.Since(began).Round(time.Second))
	})
}

// buildSecond builds another image: v1.1.0 is its default model.
func buildSecond(t *testing.T) {
	t.Helper()
	e2e.Command{Dir: e2e.Root(t), Limit: 10 * time.Minute}.Output(t, "docker", "build", "-t", second,
		"--build-arg", "MODEL_VERSION=v1.1.0", "--build-arg", "REVISION=0123abc", ".")
}

// image is what `docker image inspect` says of one.
type image struct {
	ID     string
	Size   int64
	RootFS struct{ Layers []string }
	Config struct {
		User        string
		Labels      map[string]string
		Healthcheck struct{ Test []string }
	}
}

func inspectImage(t *testing.T, name string) image {
	t.Helper()
	var all []image
	if err := json.Unmarshal([]byte(e2e.Command{}.Output(t, "docker", "image", "inspect", name)), &all); err != nil || len(all) != 1 {
		t.Fatalf("docker image inspect %s: %d images, %v", name, len(all), err)
	}
	return all[0]
}

func TestImageIsSmallAndSaysWhatItIs(t *testing.T) {
	buildImage(t)
	buildSecond(t)
	for _, test := range []struct{ name, version, revision string }{
		{tag, "v1.0.0", "unknown"},
		{second, "v1.1.0", "0123abc"},
	} {
		i := inspectImage(t, test.name)
		t.Logf("%s: %.1f MB", test.name, float64(i.Size)/1e6)
		if i.Size >= 18_000_000 {
			t.Errorf("%s is %d bytes, want less than 18 MB", test.name, i.Size)
		}
		if len(i.RootFS.Layers) != 3 {
			t.Errorf("%s has %d layers, want the binary, its folder of models and the empty one for a record", test.name, len(i.RootFS.Layers))
		}
		if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(i.Config.User) {
			t.Errorf("%s runs as %q, want a numeric user that is not root", test.name, i.Config.User)
		}
		if got := strings.Join(i.Config.Healthcheck.Test, " "); got != "CMD /ml-service healthcheck" {
			t.Errorf("%s: health check %q", test.name, got)
		}
		for label, want := range map[string]string{"version": test.version, "revision": test.revision, "title": "ml-service", "licenses": "MIT"} {
			if got := i.Config.Labels["org.opencontainers.image."+label]; got != want {
				t.Errorf("%s: label %s is %q, want %q", test.name, label, got, want)
			}
		}
	}
}

// The image alone, as `docker run` takes it, on a file system that cannot be written.
func TestImageAnswersItsStampedVersion(t *testing.T) {
	buildImage(t)
	buildSecond(t)
	for _, test := range []struct{ image, version string }{{tag, "v1.0.0"}, {second, "v1.1.0"}} {
		addr := "127.0.0.1:" + e2e.FreePort(t)
		id := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "create", "--read-only", "--cap-drop", "ALL",
			"--security-opt", "no-new-privileges", "--publish", addr+":8080", test.image))
		t.Cleanup(func() { e2e.Command{}.Output(t, "docker", "rm", "--force", id) })
		began := time.Now()
		e2e.Command{}.Output(t, "docker", "start", id)
		returned := time.Since(began)
		e2e.Poll(t, time.Minute, "the first 200", func() error {
			a, err := predictOnce(addr)
			if err == nil && (a.status != http.StatusOK || a.version != test.version || a.color != "") {
				err = fmt.Errorf("got %+v, want a 200 of %s", a, test.version)
			}
			return err
		})
		t.Logf("%s: from `docker start` to the first 200 of POST /predict: %s, of which the command itself %s", test.image,
			time.Since(began).Round(time.Millisecond), returned.Round(time.Millisecond))
		if test.image != tag {
			continue
		}
		e2e.Poll(t, time.Minute, "the image's own health check", func() error {
			if got := inspect(t, id).State.Health.Status; got != "healthy" {
				return errors.New(got)
			}
			return nil
		})
		e2e.Command{}.Output(t, "docker", "stop", "--time", "30", id)
		if state := inspect(t, id).State; state.Running || state.ExitCode != 0 {
			t.Errorf("%s after docker stop: %+v, want an exit status of 0", test.image, state)
		}
	}
}

// TestMain takes away the images that the tests have made for themselves.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, name := range []string{second, built} {
		if r, err := (e2e.Command{}).Run("docker", "image", "rm", name); err != nil || r.Code != 0 && !strings.Contains(r.Stderr, "No such image") {
			fmt.Fprintf(os.Stderr, "docker image rm %s: %v: %s\n", name, err, r.Stderr)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

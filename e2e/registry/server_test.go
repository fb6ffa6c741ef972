package registry

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ml-service/e2e"
)

const registryVersion = "v3.1.2"

// startRegistry starts a registry without accounts on 127.0.0.1 and returns its host and port. What is pushed to it
// goes with the test.
func startRegistry(t *testing.T) string {
	t.Helper()
	dir := e2e.Cache(t, "registry-"+registryVersion)
	program := filepath.Join(dir, "registry")
	if _, err := os.Stat(program); err != nil {
		e2e.Command{Env: []string{"GOBIN=" + dir, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"}, Limit: 10 * time.Minute}.
			Output(t, "go", "install", "github.com/distribution/distribution/v3/cmd/registry@"+registryVersion)
	}
	host := "127.0.0.1:" + e2e.FreePort(t)
	file := filepath.Join(t.TempDir(), "registry.yml")
	config := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\nlog: {level: warn, accesslog: {disabled: true}}\n", t.TempDir(), host)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "OTEL_TRACES_EXPORTER=none"}
	e2e.StartProcess(t, "http://"+host, env, program, "serve", file)
	e2e.Poll(t, 30*time.Second, "the registry", func() error {
		res, err := http.Get("http://" + host + "/v2/")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /v2/: %s", res.Status)
		}
		return nil
	})
	return host
}

// manifest is a manifest list, or the manifest of one image.
type manifest struct {
	digest    string
	MediaType string `json:"mediaType"`
	Manifests []struct {
		Digest   string `json:"digest"`
		Platform struct {
			OS           string `json:"os"`
			Architecture string `json:"architecture"`
		} `json:"platform"`
	} `json:"manifests"`
	Config struct {
		Digest string `json:"digest"`
	} `json:"config"`
	Layers []struct {
		Size int64 `json:"size"`
	} `json:"layers"`
}

// imageConfig is what an image says of itself.
type imageConfig struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Config       struct {
		User   string            `json:"User"`
		Labels map[string]string `json:"Labels"`
	} `json:"config"`
}

// get reads what the registry keeps under a path of a repository and checks it against its digest.
func get(t *testing.T, host, path string, into any) (digest string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"vnd.oci.image.index.v1", "vnd.docker.distribution.manifest.list.v2", "vnd.oci.image.manifest.v1", "vnd.docker.distribution.manifest.v2"} {
		req.Header.Add("Accept", "application/"+kind+"+json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", path, res.Status, err, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	sum := sha256.Sum256(body)
	digest = "sha256:" + hex.EncodeToString(sum[:])
	if want := res.Header.Get("Docker-Content-Digest"); want != digest {
		t.Errorf("GET %s: the registry names it %s, its bytes are %s", path, want, digest)
	}
	return digest
}

func getManifest(t *testing.T, host, repository, reference string) manifest {
	t.Helper()
	var m manifest
	m.digest = get(t, host, repository+"/manifests/"+reference, &m)
	return m
}

// machine reads from the pushed image which machine its program is for.
func machine(t *testing.T, image, platform string) (elf.Machine, []byte) {
	t.Helper()
	e2e.Command{}.Output(t, "docker", "pull", "--quiet", "--platform", platform, image)
	id := bytes.TrimSpace([]byte(e2e.Command{}.Output(t, "docker", "create", "--platform", platform, image)))
	defer e2e.Command{}.Output(t, "docker", "rm", "--volumes", string(id))
	file := filepath.Join(t.TempDir(), "ml-service")
	e2e.Command{}.Output(t, "docker", "cp", string(id)+":/ml-service", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return program.Machine, text
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// remote is <version>/remote.json, which the build puts in a model's place where that is beyond what a function's zip may
// hold. What it names is read from S3 at every start and must be, byte for byte, what the build saw.
type remote struct {
	URI    string `json:"uri"`    // s3://bucket/key of the model file
	File   string `json:"file"`   // its name in the version's folder, as model.onnx
	SHA256 string `json:"sha256"` // in hexadecimal
	Bytes  int64  `json:"bytes"`
}

// download reads the model that a folder of versions names in S3 into a new folder below temporary and returns that; the
// folder itself where it names none.
func download(dir, temporary string, getenv func(string) string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "remote.json"))
	if err != nil || len(found) == 0 {
		return dir, err
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return "", err
	}
	var r remote
	if err := json.Unmarshal(text, &r); err != nil {
		return "", fmt.Errorf("%s: %w", found[0], err)
	}
	from := filepath.Dir(found[0])
	to := filepath.Join(temporary, "models", filepath.Base(from))
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", err
	}
	if err := r.fetch(filepath.Join(to, filepath.Base(r.File)), getenv); err != nil {
		return "", fmt.Errorf("%s: %w", r.URI, err)
	}
	golden, err := os.ReadFile(filepath.Join(from, "golden.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "golden.json"), golden, 0o600)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return filepath.Dir(to), err
}

// fetch reads the object into a file.
func (r remote) fetch(file string, getenv func(string) string) error {
	u, err := url.Parse(r.URI)
	if err != nil || u.Scheme != "s3" || u.Host == "" || len(u.Path) < 2 {
		return errors.New("want s3://bucket/key")
	}
	region := getenv("AWS_REGION")
	endpoint := "https://s3." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		endpoint += ".cn"
	}
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		if v := getenv(name); v != "" {
			endpoint = strings.TrimRight(v, "/")
		}
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, endpoint+"/"+u.Host+u.EscapedPath(), nil)
	if err != nil {
		return err
	}
	keys := credentials{getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")}
	keys.sign(request, region, time.Now())
	// A proxy of the environment counts, as for any client; only the runtime API is dialled early.
	client := http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 500)) // what there is of the reason
		return fmt.Errorf("S3 answered %s: %s", answer.Status, said)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, hash), io.LimitReader(answer.Body, r.Bytes+1))
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); n != r.Bytes || got != r.SHA256 {
		return fmt.Errorf("another file than the build saw: want %d bytes with SHA-256 %s, got %d (or more) with %s", r.Bytes, r.SHA256, n, got)
	}
	return nil
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/handler"
	"ml-service/models"
)

// The example of Amazon's own documentation, "GET Object".
func TestSign(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-9")
	credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""}.sign(r, "us-east-1", time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," +
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What S3 gives must be what the build saw; then it is opened as if it had been in the zip.
func TestModelFromS3(t *testing.T) {
	data, err := os.ReadFile("../../models/v1.1.0/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../../models/v1.1.0/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, manifest string
		status         int
		body           []byte
		says           string // "": it is opened
	}{
		{"as the build saw it", "", 200, data, ""},
		{"another byte", "", 200, append(data[:len(data)-1:len(data)-1], 0), "another file than the build saw"},
		{"half of it", "", 200, data[:len(data)/2], "another file than the build saw"},
		{"more of it", "", 200, append(data[:len(data):len(data)], make([]byte, 1<<20)...), "another file than the build saw"},
		{"no right to it", "", 403, []byte("<Error><Code>AccessDenied</Code></Error>"), "s3://bucket/models/v7/model.onnx: S3 answered 403 Forbidden: <Error><Code>AccessDenied"},
		{"no such object", "", 404, nil, "S3 answered 404"},
		{"no place in S3", `{"uri":"file:///etc/passwd","file":"model.onnx"}`, 200, data, "want s3://bucket/key"},
		{"no manifest", `{`, 200, data, "remote.json: unexpected end of JSON input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/bucket/models/v7/model.onnx" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=id/") || r.Header.Get("X-Amz-Security-Token") != "session" {
					t.Errorf("request %s %v", r.URL, r.Header)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write(tt.body)
			}))
			defer s3.Close()
			env := map[string]string{"AWS_ENDPOINT_URL_S3": s3.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "never-shown", "AWS_SESSION_TOKEN": "session"}
			beside := t.TempDir()
			manifest := tt.manifest
			if manifest == "" {
				manifest = fmt.Sprintf(`{"uri":"s3://bucket/models/v7/model.onnx","file":"model.onnx","sha256":"%s","bytes":%d}`, sum(string(data)), len(data))
			}
			write(t, filepath.Join(beside, "v7", "remote.json"), []byte(manifest))
			write(t, filepath.Join(beside, "v7", "golden.json"), golden)
			dir, err := download(beside, t.TempDir(), func(name string) string { return env[name] })
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "never-shown") {
					t.Errorf("got %v, want %q", err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			opened, err := handler.Open(handler.Config{ModelDir: dir}, models.FS)
			if err != nil || opened.Model.Version() != "v7" {
				t.Errorf("open: %v", err)
			}
		})
	}
	here := t.TempDir()
	if dir, err := download(here, t.TempDir(), os.Getenv); err != nil || dir != here {
		t.Errorf("a folder that names nothing in S3: %s, %v, want the folder itself", dir, err)
	}
}

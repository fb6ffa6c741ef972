package onnx_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/onnx"
)

// foundCases is how many small inputs testdata/found holds, each of which once was answered wrongly.
const foundCases = 20

// TestFound runs what others' files and bug reports showed, against ONNX Runtime's answers.
func TestFound(t *testing.T) {
	folders, err := filepath.Glob("testdata/found/*")
	if err != nil || len(folders) != foundCases {
		t.Fatalf("%d folders, %v; want %d", len(folders), err, foundCases)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder, "case.json"))
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				Expect          string
				Inputs, Outputs map[string]record
			}
			if err := json.Unmarshal(text, &c); err != nil {
				t.Fatal(err)
			}
			file, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Load(file)
			if c.Expect == "refused at load" {
				if err == nil || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want a refusal in one line", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			runFound(t, m, c.Inputs, c.Outputs)
		})
	}
}

func runFound(t *testing.T, m *onnx.Model, inputs, outputs map[string]record) {
	s := m.NewSession()
	for i, v := range m.Inputs() {
		if err := inputs[v.Name].fill(s.Input(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	for i, v := range m.Outputs() {
		want, ok := outputs[v.Name]
		if !ok {
			t.Fatalf("no record of output %s", v.Name)
		}
		if want.DType == "int64" && v.DType == onnx.Float32 {
			want.DType = "float32"
		}
		if err := compare(s.Output(i), v, want, exactness{"tolerance", tolerance{1e-6, 1e-5}}); err != nil {
			t.Errorf("output %s: %v", v.Name, err)
		}
	}
}

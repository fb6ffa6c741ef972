package handler

import (
	"bytes"
	"os"
	"testing"

	"ml-service/handler/predict"
	"ml-service/model"
	"ml-service/models"
)

// TestSmallBodies holds that a body which is let in without a look inside would have been let in with one, whatever it asks for.
func TestSmallBodies(t *testing.T) {
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		m, err := model.Load(models.FS, version)
		if err != nil {
			t.Fatal(err)
		}
		s := New(Options{Model: m, Concurrency: 2})
		if s.small < 1000 {
			t.Errorf("%s: bodies of up to %d bytes are small, want at least 1000", version, s.small)
		}
		for name, text := range map[string]string{"commas": ",", "lines": "\n", "both": ",\n", "objects": "{", "rows": "[1,2],"} {
			for _, codec := range []*predict.Codec{s.codec, s.platforms} {
				body := bytes.Repeat([]byte(text), s.small/len(text))
				if got := s.needOf(body, true, true, codec); got > slotBytes {
					t.Errorf("%s, %d bytes of %s: need %d bytes, want at most %d", version, len(body), name, got, slotBytes)
				}
			}
		}
		body := bytes.Repeat([]byte(","), s.small+1)
		if got := max(s.needOf(body, true, true, s.codec), s.needOf(body, true, true, s.platforms)); got <= slotBytes && s.small+1 < firstRead && s.codec.MostAbsents(1) == 0 {
			t.Errorf("%s: %d bytes of commas need %d bytes: they are small too", version, len(body), got)
		}
	}
}

// TestOneRowIsSmall holds that of models of ONNX; TestNativeFilesOverHTTP does of the others.
func TestOneRowIsSmall(t *testing.T) {
	for _, name := range []string{"xgb_binary_nan", "tree_classifier_decision_path", "titanic_logreg", "multi_output_regressor"} {
		m, err := model.Load(os.DirFS(fixtures), name)
		if err != nil {
			t.Fatal(err)
		}
		oneRowIsSmall(t, name, New(Options{Model: m, Concurrency: 2}))
	}
}

// oneRowIsSmall wants a row of up to 50 values to be a small request, whatever runs it: trees take many rows in a block, and one without.
func oneRowIsSmall(t *testing.T, name string, s *Service) {
	t.Helper()
	width := 0
	for _, in := range s.model.Inputs() {
		width += max(in.Width, 0)
	}
	row, ok := s.exampleRow()
	if !ok || width > 50 {
		return
	}
	body := []byte(`{"x":` + row + `}`)
	if need := s.needOf(body, false, false, s.codec); counted(int64(len(body)), need) != 0 {
		t.Errorf("%s: %s needs %d bytes, want at most %d", name, body, need, slotBytes)
	}
}

// TestNeedOfAllOutputs holds that each output of a tensor answer is counted once: those of /predict are part of it.
func TestNeedOfAllOutputs(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	const rows, columns = 200_000, 3
	n := needsOf(m, 2)
	const scores = 2 * 4 // bytes a row; the label is part of the typed answer
	if got := n.of(rows*columns, 0, true) - n.of(rows*columns, 0, false); got != rows*scores {
		t.Errorf("all outputs of %d rows: got %d bytes more than the answer of /predict, want %d", rows, got, rows*scores)
	}
}

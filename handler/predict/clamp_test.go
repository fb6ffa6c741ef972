package predict

import (
	"encoding/json"
	"testing"

	"ml-service/model"
	"ml-service/onnx"
)

// TestProbabilitiesAreClamped writes scores that lie a little outside of [0, 1], as sums of float32 leaves do: within 1e-3 they are
// probabilities and are clamped, beyond they are scores and stay.
func TestProbabilitiesAreClamped(t *testing.T) {
	m := load(t, fixtures, "logreg_multinomial_strings_zipmap")
	if m.Kind() != model.Classifier {
		t.Fatal("want a classifier")
	}
	r := New(m).Request()
	defer r.Release()
	if err := r.Decode([]byte(`{"x":[5.0,3.4,1.5,0.2],"probabilities":true}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.Batch.Run(nil); err != nil {
		t.Fatal(err)
	}
	scores := r.Batch.Output(m.ScoresOutput())
	if scores.DType != onnx.Float32 || len(scores.F32) != 3 {
		t.Fatalf("%d scores of %s, want 3 of float32", len(scores.F32), scores.DType)
	}
	for _, c := range []struct{ scores, want [3]float32 }{
		{[3]float32{1.0000004, -0.0000002, -0.0000002}, [3]float32{1, 0, 0}},
		{[3]float32{1.0009, -0.0009, 0}, [3]float32{1, 0, 0}},
		{[3]float32{0.5, 0.25, 0.25}, [3]float32{0.5, 0.25, 0.25}},
	} {
		copy(scores.F32, c.scores[:])
		var got struct{ Probabilities map[string]float32 }
		answer := r.appendProbabilities([]byte("{"), 0)
		if err := json.Unmarshal(append([]byte("{"), append(answer[2:], '}')...), &got); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		for k, class := range m.Classes() {
			if got.Probabilities[class] != c.want[k] {
				t.Errorf("%v: got %v of %s, want %v", c.scores, got.Probabilities[class], class, c.want[k])
			}
		}
	}
}

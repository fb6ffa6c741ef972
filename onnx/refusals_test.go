package onnx_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ml-service/onnx"
)

// refusals are the models of testdata that are refused, each with the first node of the file that is not supported, and why.
var refusals = map[string]struct{ operator, node, message string }{
	"feature_hasher": {"com.microsoft.MurmurHash3", `node "N0"`, "the operator is not supported (nor are ai.onnx.Mod)"},
	"knn_imputer":    {"ai.onnx.NonZero", `node "Opset-N6"`, "the operator is not supported (nor are ai.onnx.Range, ai.onnx.ScatterND"},
}

// TestRefusals shows that the models that cannot be run are refused at load, by operator and node, in few words.
func TestRefusals(t *testing.T) {
	for name, want := range refusals {
		m, err := onnx.Load(readModel(t, name))
		var got *onnx.LoadError
		if m != nil || !errors.As(err, &got) {
			t.Errorf("%s: got %v, want a *LoadError", name, err)
			continue
		}
		if got.Operator != want.operator || got.Node != want.node {
			t.Errorf("%s: got %s at %s, want %s at %s", name, got.Operator, got.Node, want.operator, want.node)
		}
		message := "onnx: " + want.operator + ", " + want.node + ": " + want.message
		if !strings.HasPrefix(err.Error(), message) || len(err.Error()) > 400 {
			t.Errorf("%s: got %q, want it to begin with %q, in 400 bytes", name, err, message)
		}
	}
	if !slices.Contains(onnx.Operators(), "ai.onnx.ml.Scaler") {
		t.Error("Operators does not list ai.onnx.ml.Scaler")
	}
}

package handler

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"ml-service/handler/oip"
	"ml-service/onnx"
)

// serverMetadata is the answer to GET /v2.
type serverMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

// modelMetadata is the answer to GET /v2/models/{name}.
type modelMetadata struct {
	Name       string            `json:"name"`
	Versions   []string          `json:"versions"`
	Platform   string            `json:"platform"`
	Inputs     []tensorMetadata  `json:"inputs"`
	Outputs    []tensorMetadata  `json:"outputs"`
	Parameters map[string]string `json:"parameters,omitempty"` // the file's own metadata
}

// tensorMetadata describes one input or output; an unknown dimension is -1.
type tensorMetadata struct {
	Name       string            `json:"name"`
	Datatype   string            `json:"datatype"`
	Shape      []int             `json:"shape"`
	Parameters *tensorParameters `json:"parameters,omitempty"`
}

// tensorParameters are the names of a tensor's columns.
type tensorParameters struct {
	Features   []string `json:"features,omitempty"`
	Labels     any      `json:"labels,omitempty"`
	ClassNames []string `json:"class_names,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Missing    bool     `json:"missing_values,omitempty"` // null, or NaN in binary, is a missing value
}

func (s *Service) v2Server(c *gin.Context) {
	s.writeValue(c, serverMetadata{Name: s.name, Version: s.version[0], Extensions: []string{"binary_tensor_data", "model_configuration", "statistics"}})
}

func (s *Service) v2Model(c *gin.Context) {
	m := modelMetadata{Name: s.name, Versions: s.version, Platform: s.model.Platform(), Parameters: s.model.Metadata()}
	for _, in := range s.model.Inputs() {
		t := describeTensor(onnx.Value{Name: in.Name, DType: in.DType, Shape: in.Shape})
		if in.Features != nil || in.Categories != nil || in.Missing {
			t.Parameters = &tensorParameters{Features: in.Features, Categories: in.Categories, Missing: in.Missing}
		}
		m.Inputs = append(m.Inputs, t)
	}
	for i, v := range s.model.Outputs() {
		t := describeTensor(v)
		if labels := labelsOf(v); labels != nil {
			t.Parameters = &tensorParameters{Labels: labels}
			if i == s.model.ScoresOutput() {
				t.Parameters.ClassNames = s.model.ClassNames()
			}
		}
		m.Outputs = append(m.Outputs, t)
	}
	s.writeValue(c, m)
}

func describeTensor(v onnx.Value) tensorMetadata {
	shape := v.Shape
	if shape == nil { // not even the rank is known
		shape = []int{-1}
	}
	return tensorMetadata{Name: v.Name, Datatype: oip.Datatype(v.DType), Shape: shape}
}

// writeValue sends a value as JSON.
func (s *Service) writeValue(c *gin.Context, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.write(c, http.StatusOK, body)
}

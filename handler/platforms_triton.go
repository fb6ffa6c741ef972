package handler

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"ml-service/handler/oip"
	"ml-service/onnx"
)

// What Triton's clients ask beside the protocol: perf_analyzer reads the configuration, and the statistics before and after.
// https://github.com/triton-inference-server/server/tree/main/docs/protocol, the extensions model configuration, statistics and,
// of the model repository, the index.

func (s *Service) routeTriton(v2 *gin.RouterGroup) {
	for _, path := range []string{"/models/:name", "/models/:name/versions/:version"} {
		handleGet(v2, path+"/config", s.v2Known, func(c *gin.Context) { s.writeValue(c, s.tritonConfig()) })
		handleGet(v2, path+"/stats", s.v2Known, s.tritonStatistics)
	}
	handleGet(v2, "/models/stats", s.tritonStatistics)
	v2.POST("/repository/index", s.tritonIndex)
}

// tritonConfig is a ModelConfig.
type tritonConfig struct {
	Name          string                     `json:"name"`
	Platform      string                     `json:"platform"`
	Backend       string                     `json:"backend"`
	VersionPolicy tritonVersionPolicy        `json:"version_policy"`
	MaxBatchSize  int64                      `json:"max_batch_size"` // 0: the dims begin with that of the rows
	Input         []tritonTensor             `json:"input"`
	Output        []tritonTensor             `json:"output"`
	Parameters    map[string]tritonTextValue `json:"parameters,omitempty"`
}

type tritonVersionPolicy struct {
	Latest struct {
		NumVersions int `json:"num_versions"`
	} `json:"latest"`
}

type tritonTensor struct {
	Name     string         `json:"name"`
	DataType string         `json:"data_type"`
	Dims     []int          `json:"dims"`
	Reshape  *tritonReshape `json:"reshape,omitempty"`
}

// tritonReshape says of a tensor of one value a row, whose dims may not be empty, that it has none.
type tritonReshape struct {
	Shape []int `json:"shape"`
}

type tritonTextValue struct {
	Text string `json:"string_value"`
}

func (s *Service) tritonConfig() tritonConfig {
	c := tritonConfig{Name: s.name, Platform: s.model.Platform(), Backend: defaultName, MaxBatchSize: s.mostRows()}
	c.VersionPolicy.Latest.NumVersions = 1
	for _, in := range s.model.Inputs() {
		c.Input = append(c.Input, tritonTensorOf(in.Name, in.DType, in.Shape, c.MaxBatchSize > 0))
	}
	for _, v := range s.model.Outputs() {
		c.Output = append(c.Output, tritonTensorOf(v.Name, v.DType, v.Shape, c.MaxBatchSize > 0))
	}
	for key, value := range s.model.Metadata() {
		if c.Parameters == nil {
			c.Parameters = map[string]tritonTextValue{}
		}
		c.Parameters[key] = tritonTextValue{value}
	}
	return c
}

func tritonTensorOf(name string, d onnx.DType, shape []int, batched bool) tritonTensor {
	t := tritonTensor{Name: name, DataType: "TYPE_" + oip.Datatype(d), Dims: shape}
	switch {
	case shape == nil: // not even the rank is known
		t.Dims = []int{-1}
	case batched && len(shape) == 1:
		t.Dims, t.Reshape = []int{1}, &tritonReshape{Shape: []int{}}
	case batched:
		t.Dims = shape[1:]
	}
	if d == onnx.String {
		t.DataType = "TYPE_STRING"
	}
	return t
}

// mostRows is how many rows fit a body as binary tensors; 0 where a tensor's first dimension is not any number of rows.
func (s *Service) mostRows() int64 {
	width := int64(0)
	for _, in := range s.model.Inputs() {
		if len(in.Shape) == 0 || in.Shape[0] >= 0 {
			return 0
		}
		width += int64(max(in.Width, 1))
	}
	for _, v := range s.model.Outputs() {
		if len(v.Shape) == 0 || v.Shape[0] >= 0 || v.Rows > 0 {
			return 0
		}
	}
	return max(s.maxBody/(width*s.needs.wire), 1)
}

// tritonStatistic is the statistics of a model and version since the start.
type tritonStatistic struct {
	Name           string           `json:"name"`
	Version        string           `json:"version"`
	LastInference  int64            `json:"last_inference"` // milliseconds since the epoch; 0: none yet
	InferenceCount int64            `json:"inference_count"`
	ExecutionCount int64            `json:"execution_count"`
	InferenceStats map[string]total `json:"inference_stats"`
	BatchStats     []batchCounts    `json:"batch_stats"` // of the first sizes that came
}

func (s *Service) tritonStatistics(c *gin.Context) {
	waited := s.gate.waited.Load()
	n := &s.counts
	n.mu.Lock()
	one := tritonStatistic{Name: s.name, Version: s.version[0], InferenceCount: n.rows, ExecutionCount: n.infer.Count, BatchStats: append([]batchCounts{}, n.batches...),
		InferenceStats: map[string]total{
			"success": {n.success.Count, n.success.NS + waited}, "fail": n.fail, "queue": {n.success.Count, waited},
			"compute_input": n.input, "compute_infer": n.infer, "compute_output": n.output, "cache_hit": {}, "cache_miss": {},
		}}
	if n.last > 0 {
		one.LastInference = began.Add(n.last).UnixMilli()
	}
	n.mu.Unlock()
	s.writeValue(c, struct {
		Stats []tritonStatistic `json:"model_stats"`
	}{[]tritonStatistic{one}})
}

// tritonIndex answers POST /v2/repository/index; {"ready": true} asks for the models that are ready alone.
func (s *Service) tritonIndex(c *gin.Context) {
	var asked struct {
		Ready bool `json:"ready"`
	}
	const most = 4 << 10
	if c.Request.Body != nil {
		body, err := io.ReadAll(io.LimitReader(c.Request.Body, most+1))
		if err == nil && len(body) > 0 {
			err = json.Unmarshal(body, &asked)
		}
		if err != nil || len(body) > most {
			s.fail(c, &refusal{status: http.StatusBadRequest, message: `want no body, or JSON as {"ready": true} of at most 4096 bytes`})
			return
		}
	}
	type model struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		State   string `json:"state"`
		Reason  string `json:"reason"`
	}
	all := []model{{s.name, s.version[0], "READY", ""}}
	if s.draining.Load() {
		all = []model{{s.name, s.version[0], "UNAVAILABLE", "draining"}}
		if asked.Ready {
			all = []model{}
		}
	}
	s.writeValue(c, all)
}

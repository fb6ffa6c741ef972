package handler

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"ml-service/handler/oip"
	"ml-service/handler/record"
	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// headerLength says how long the JSON before the binary tensors is. It is spelt as net/http keeps it.
const headerLength = "Inference-Header-Content-Length"

// binaryType is the type of an answer that holds binary tensors; whoever wraps the router for a
// transport of text only encodes it by this type.
var binaryType = []string{"application/octet-stream"}

// routeV2 adds the routes of the Open Inference Protocol.
func (s *Service) routeV2(g *gin.RouterGroup) {
	v2 := g.Group("/v2")
	handleGet(v2, "", s.v2Server)
	handleGet(v2, "/", s.v2Server)
	handleGet(v2, "/health/live", func(c *gin.Context) { s.write(c, http.StatusOK, []byte(`{"live":true}`)) })
	handleGet(v2, "/health/ready", func(c *gin.Context) { s.v2Ready(c, `"ready":true,"live":true`, `"ready":false,"live":true`) })
	for _, path := range []string{"/models/:name", "/models/:name/versions/:version"} {
		handleGet(v2, path, s.v2Known, s.v2Model)
		handleGet(v2, path+"/ready", s.v2Known, s.v2ModelReady)
		v2.POST(path+"/infer", s.v2Known, s.v2Infer)
	}
	s.routeTriton(v2)
}

// signatureOf is what the model takes and gives, by the names of its graph.
func signatureOf(m *model.Model, strict bool) oip.Signature {
	sig := oip.Signature{Outputs: m.Outputs(), Strict: strict}
	for _, in := range m.Inputs() {
		sig.Inputs = append(sig.Inputs, onnx.Value{Name: in.Name, DType: in.DType, Shape: in.Shape, Missing: in.Missing})
	}
	return sig
}

// v2Known lets requests for the loaded model and version through; any other is a 404.
func (s *Service) v2Known(c *gin.Context) {
	var err *refusal
	if name := c.Param("name"); name != s.name {
		err = &refusal{status: http.StatusNotFound, message: fmt.Sprintf("unknown model %q: there is %q", shortened(name), s.name)}
	} else if version := c.Param("version"); version != "" && version != s.version[0] {
		err = &refusal{status: http.StatusNotFound,
			message: fmt.Sprintf("unknown version %q of model %q: there is %q", shortened(version), s.name, s.version[0])}
	}
	if err != nil {
		s.fail(c, err)
		c.Abort()
	}
}

func (s *Service) v2ModelReady(c *gin.Context) {
	name := string(scan.AppendString([]byte(`"name":`), s.name))
	s.v2Ready(c, name+`,"ready":true`, name+`,"ready":false`)
}

// v2Ready answers 200 with members, or 503 with the others once the service is draining.
func (s *Service) v2Ready(c *gin.Context, members, drained string) {
	if s.draining.Load() {
		s.write(c, http.StatusServiceUnavailable, []byte(`{"error":"not ready: draining",`+drained+`}`))
		return
	}
	s.write(c, http.StatusOK, []byte(`{`+members+`}`))
}

// inference is the memory of one inference request and its answer.
type inference struct {
	exchange
	request oip.Request
}

// forget forgets what a large request would otherwise leave behind for good.
func (s *Service) forget(x *inference) {
	x.forgetRequest()
	s.trim(&x.exchange)
}

// forgetRequest forgets what was read of a large body.
func (x *inference) forgetRequest() {
	if cap(x.in) > mostKept || cap(x.inflater.plain) > mostKept {
		x.request = oip.Request{}
	}
}

// v2Infer answers POST …/infer.
func (s *Service) v2Infer(c *gin.Context) {
	x, _ := s.inferences.Get().(*inference)
	if x == nil {
		x = new(inference)
	}
	whole := false
	defer func() {
		if s.settle(&x.claim); whole {
			s.inferences.Put(x) // last of all: from here on it is another request's
		}
	}()
	x.recorded = s.record != nil && s.record.Take()
	if err := s.inferV2(c, x); err != nil {
		s.fail(c, err)
	}
	if x.recorded {
		s.keep(c, &x.exchange)
	}
	s.forget(x)
	whole = true // what a panic interrupted is not used again
}

// inferV2 reads the request, runs it, and writes the answer.
func (s *Service) inferV2(c *gin.Context, x *inference) error {
	if err := s.admit(c); err != nil {
		return err
	}
	body, err := s.read(c, &x.exchange)
	if err != nil {
		return err
	}
	if body, err = s.inflate(c, &x.exchange, body); err != nil {
		return err
	}
	header, err := lengthOfHeader(c.Request.Header[headerLength])
	if err != nil {
		return err
	}
	if x.recorded && header < 0 && len(body) <= record.MostBody && s.record.Whole() {
		x.seen = bytes.Clone(body)
	}
	came := values(body)
	if header >= 0 && header < len(body) {
		came = values(body[:header]) + int64(len(body)-header)/s.needs.wire
	}
	if err := s.enter(c, &x.claim, len(body), s.needs.of(came, int64(len(body)), true)); err != nil {
		return err
	}
	defer s.leave(&x.claim)
	b := s.model.Batch()
	if err = x.request.Decode(body, header, s.signature, b.Input); err == nil {
		for _, o := range x.request.Outputs {
			b.Keep(o.Index)
		}
		err = x.refused(s.infer(b, &x.claim))
	}
	if err != nil {
		b.Release() // not deferred: what a panic interrupted is not used again
		return err
	}
	s.replyV2(c, x, b)
	return nil
}

// replyV2 writes the answer of a batch that ran, a large one in pieces. b is released.
func (s *Service) replyV2(c *gin.Context, x *inference, b *model.Batch) {
	a := oip.Answer{Model: s.name, Version: s.version[0], ID: x.request.ID, Outputs: x.request.Outputs, Values: s.signature.Outputs, Warnings: warnings(b)}
	if !x.request.HasID {
		a.ID = sentID(c)
	}
	more := false
	s.takePiece(&x.exchange, b.Rows())
	x.out, more = a.AppendPiece(x.out, b.Output)
	x.answered = true
	x.kind = jsonType
	header, whole := a.Lengths(b.Output)
	if header >= 0 {
		x.kind = binaryType
		h := c.Writer.Header()
		h[headerLength] = []string{strconv.Itoa(header)}
		h["Content-Length"] = []string{strconv.Itoa(whole)}
	}
	if more || len(x.out) > pieceBytes {
		announce(c.Writer, b.Rows(), func() int { return a.Frame(b.Output, b.Rows()) })
	}
	if more {
		x.request = oip.Request{}
		s.answering(b, &x.exchange, true)
		s.writePieces(c, &x.exchange, func(dst []byte) ([]byte, bool) { return a.AppendPiece(dst, b.Output) })
		b.Release()
		return
	}
	b.Release()
	x.forgetRequest()
	s.leaveBody(&x.exchange)
	s.writeAs(c, x.kind, http.StatusOK, x.out, x.left)
	if x.recorded && header < 0 && x.seen != nil {
		x.said = bytes.Clone(x.out)
	}
}

// lengthOfHeader reads Inference-Header-Content-Length; -1: the request has none.
func lengthOfHeader(values []string) (int, error) {
	if len(values) == 0 {
		return -1, nil
	}
	n, err := strconv.ParseUint(values[0], 10, 31)
	if err != nil {
		return 0, &refusal{status: http.StatusBadRequest, message: fmt.Sprintf("%s: want a number of bytes, got %q", headerLength, shortened(values[0]))}
	}
	return int(n), nil
}

// refused turns a value that the model refuses into a 400 at its place in the request.
func (x *inference) refused(err error) error {
	var run *onnx.RunError
	if !errors.As(err, &run) {
		return err
	}
	e := &oip.Error{Field: "inputs", Message: run.Error()}
	if i := x.request.Position(run.Input); i >= 0 {
		e.Field = "inputs[" + strconv.Itoa(i) + "]"
		e.Message = fmt.Sprintf("input %q", run.Input)
		if len(run.Element) > 0 {
			e.Message += fmt.Sprintf(", element %d", run.Element)
		}
		e.Message += ": " + run.Message
	}
	return e
}

// labelsOf are the labels of the columns of an output, where they are known.
func labelsOf(v onnx.Value) any {
	labels := v.Classes
	if labels == nil {
		labels = v.Labels
	}
	switch {
	case labels == nil:
		return nil
	case labels.DType == onnx.String:
		return slices.Clone(labels.Str)
	}
	return slices.Clone(labels.I64)
}

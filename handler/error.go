package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"ml-service/handler/oip"
	"ml-service/handler/predict"
)

// refusal is an error that knows its status and what the caller may read.
type refusal struct {
	status     int
	message    string
	field      string
	retryAfter int // seconds; 0: no Retry-After

	header, value string // one more header; empty: none
}

func (e *refusal) Error() string { return e.message }

var (
	errNotFound = &refusal{status: http.StatusNotFound, message: "no such path"}
	errMethod   = &refusal{status: http.StatusMethodNotAllowed, message: "method not allowed: see the Allow header"}
)

func errTooLarge(limit int64) error {
	return &refusal{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("body too large: want at most %d bytes", limit)}
}

// refusalOf is the one map from error to status: what the caller is told of err. What is not the
// caller's fault is a 500 that says nothing of its cause.
func refusalOf(err error) refusal {
	var known *refusal
	var input *predict.Error
	var tensor *oip.Error
	switch {
	case errors.As(err, &known):
		return *known
	case errors.As(err, &tensor):
		return refusal{status: http.StatusBadRequest, message: tensor.Error(), field: tensor.Field}
	case errors.As(err, &input) && input.NotJSON:
		return refusal{status: http.StatusBadRequest, message: input.Error()}
	case errors.As(err, &input):
		return refusal{status: http.StatusUnprocessableEntity, message: input.Error(), field: input.Field}
	}
	return refusal{status: http.StatusInternalServerError, message: "internal error"}
}

// fail answers err and leaves it for the log.
func (s *Service) fail(c *gin.Context, err error) {
	_ = c.Error(err)
	r := refusalOf(err)
	if r.retryAfter > 0 {
		c.Writer.Header()["Retry-After"] = []string{strconv.Itoa(r.retryAfter)}
	}
	if r.header != "" {
		c.Writer.Header().Set(r.header, r.value)
	}
	s.write(c, r.status, r.body())
}

// body is {"error":"<sentence>"}, with the field where there is one.
func (e refusal) body() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(struct { // two strings always encode
		Error string `json:"error"`
		Field string `json:"field,omitempty"`
	}{e.message, e.field})
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

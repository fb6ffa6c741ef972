package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The most bytes that an answer may have once it is encoded. Lambda cuts the invocation otherwise and the caller gets an
// unexplained 502: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. A load balancer takes less.
const (
	answerLimit   = 6_291_556
	balancerLimit = 1 << 20
)

// sizeOf is the key of a request's *answerSize in its context, by which the log knows what becomes of the answer.
type sizeOf struct{}

// answerSize counts what an answer will have once it is encoded.
type answerSize struct {
	limit   int
	plain   bool // the body is the answer, with nothing around it
	header  http.Header
	bytes   int // written
	escapes int // bytes that the JSON string around them adds
}

func (s *answerSize) add(b []byte) {
	s.bytes += len(b)
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			s.escapes++
		case c < 0x20:
			s.escapes += 5 // \u00XX, or less
		case c == 0xe2:
			s.escapes += 3 // it may begin U+2028, which becomes \u2028
		}
	}
}

// encoded is how many bytes the answer has at most: its body as a JSON string or as base64, its headers, and what is around.
func (s *answerSize) encoded() int {
	if s.plain {
		return s.bytes
	}
	body := s.bytes + s.escapes
	if strings.HasPrefix(s.header.Get("Content-Type"), "application/octet-stream") {
		body = (s.bytes + 2) / 3 * 4
	}
	around := 512
	for name, values := range s.header {
		for _, v := range values {
			around += 2 * (len(name) + len(v) + 8)
		}
	}
	return body + around
}

func (s *answerSize) over() bool { return s.encoded() > s.limit }

// refuse writes the 413 that takes the place of an answer, with its headers.
func (s *answerSize) refuse(w http.ResponseWriter, body string) {
	rows := rowsOf(s.header, body)
	for name, values := range s.header {
		if name != "Content-Length" && name != "Inference-Header-Content-Length" {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	text := fmt.Sprintf("the answer would have %d bytes, and %d can pass here", s.encoded(), s.limit)
	if rows > 1 {
		fit := max(1, int(float64(rows)*0.99*float64(s.limit)/float64(s.encoded()))) // rows differ in length
		text = fmt.Sprintf("the answer to %d rows would have %d bytes, and %d can pass here: send at most %d rows at once", rows, s.encoded(), s.limit, fit)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// rowsOf counts the rows that an answer of /predict or of the Open Inference Protocol is about; 0 if it does not say.
func rowsOf(header http.Header, body string) int {
	if n, err := strconv.Atoi(header.Get("Inference-Header-Content-Length")); err == nil && n >= 0 && n <= len(body) {
		body = body[:n]
	}
	var answer struct {
		Predictions []json.RawMessage `json:"predictions"`
		Outputs     json.RawMessage   `json:"outputs"`
	}
	if json.Unmarshal([]byte(body), &answer) != nil {
		return 0
	}
	if len(answer.Predictions) > 0 {
		return len(answer.Predictions)
	}
	var tensors []struct {
		Shape []int `json:"shape"`
	}
	if json.Unmarshal(answer.Outputs, &tensors) == nil && len(tensors) > 0 && len(tensors[0].Shape) > 0 {
		return tensors[0].Shape[0]
	}
	var named map[string][]json.RawMessage
	if json.Unmarshal(answer.Outputs, &named) == nil {
		for _, values := range named {
			return len(values)
		}
	}
	return 0
}

// counted hands an answer on and counts it. A flush does nothing: Lambda sends an answer whole.
type counted struct {
	http.ResponseWriter
	size *answerSize
}

func (c counted) Write(b []byte) (int, error) {
	c.size.add(b)
	return c.ResponseWriter.Write(b)
}

func (counted) Flush() {}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	bytes   int  // written
	escapes int  // bytes that the JSON string around them adds
	tooLong bool // what was written is dropped, and the rest only counted
	rows    int  // of the request, where the answer to them is large; else 0
	frame   int  // about how many of the bytes are there whatever the number of rows
}

func (s *answerSize) add(b []byte) {
	s.bytes += len(b)
	for _, c := range b {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
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

func (s *answerSize) over() bool { return s.tooLong || s.encoded() > s.limit }

// fit is how many rows can be sent at once; 0: not known, or not even two rows pass. The rows' share of the answer is taken to be
// all of it, and the frame to double when it is escaped or becomes base64, so that the number is rather too low. Rows that are longer
// than these are on average may still not pass; the answer to them says a lower number.
func (s *answerSize) fit() int {
	if s.rows < 2 {
		return 0
	}
	room := float64(s.limit - 2*s.frame)
	return max(0, int(0.99*room*float64(s.rows)/float64(s.encoded())))
}

// refuse writes the 413 that takes the place of an answer, with its headers.
func (s *answerSize) refuse(w http.ResponseWriter) {
	for name, values := range s.header {
		if name != "Content-Length" && name != "Inference-Header-Content-Length" {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	text := fmt.Sprintf("the answer would have %d bytes, and %d can pass here", s.encoded(), s.limit)
	if fit := s.fit(); fit > 0 {
		text = fmt.Sprintf("the answer to %d rows would have %d bytes, and %d can pass here: send at most %d rows at once", s.rows, s.encoded(), s.limit, fit)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// counted hands an answer on and counts it. Once it is too long nothing of it is kept: an answer can be many times as large as the
// memory of the function. A flush does nothing: Lambda sends an answer whole.
type counted struct {
	http.ResponseWriter
	size *answerSize
	drop func() http.ResponseWriter // forgets what was written, and returns the writer without it
}

func (c *counted) Write(b []byte) (int, error) {
	c.size.add(b)
	if !c.size.tooLong {
		if !c.size.over() {
			return c.ResponseWriter.Write(b)
		}
		c.size.tooLong = true
		c.ResponseWriter = c.drop()
	}
	return len(b), nil
}

// Header is that of the answer, also of one that is dropped.
func (c *counted) Header() http.Header { return c.size.header }

// Rows is handler.Sizer's.
func (c *counted) Rows(rows, frame int) { c.size.rows, c.size.frame = rows, frame }

func (*counted) Flush() {}

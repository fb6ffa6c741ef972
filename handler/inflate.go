package handler

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// inflater undoes the compression of bodies, with memory that is reused.
type inflater struct {
	source bytes.Reader
	gzip   *gzip.Reader
	plain  []byte
}

// inflate undoes the compression of a body, in a slot.
func (s *Service) inflate(c *gin.Context, x *exchange, body []byte) ([]byte, error) {
	coding := codingOf(c.Request.Header["Content-Encoding"])
	if coding == "" {
		return body, nil
	}
	if err := s.enter(c, &x.claim, mostSmall+1, 0); err != nil { // how long it will be is not known
		return nil, err
	}
	defer s.leaveSlot(&x.claim)
	return x.inflater.inflate(body, coding, s.maxBody, func(n int64) error {
		err := s.gate.hold(n)
		if err == nil {
			x.body += n
		}
		return err
	})
}

// codingOf is the content coding of a body; empty: none.
func codingOf(encodings []string) string {
	if len(encodings) == 0 {
		return ""
	}
	coding := strings.ToLower(strings.TrimSpace(strings.Join(encodings, ",")))
	if coding == "identity" {
		return ""
	}
	return coding
}

// inflate gives the body without its content encoding, at most limit bytes of it, for which hold is asked as they come.
// The result is valid until the next call.
func (x *inflater) inflate(body []byte, encoding string, limit int64, hold func(int64) error) ([]byte, error) {
	x.source.Reset(body)
	x.plain = x.plain[:0]
	r, err := x.reader(encoding, body)
	if err == nil {
		x.plain, err = readUpTo(r, x.plain, limit+1, hold)
	}
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return nil, err
	case err == errEncoding:
		return nil, &refusal{status: http.StatusUnsupportedMediaType, header: "Accept-Encoding", value: "gzip, deflate",
			message: fmt.Sprintf("Content-Encoding: want gzip, deflate or identity, got %q", shortened(encoding))}
	case int64(len(x.plain)) > limit:
		return nil, errTooLarge(limit)
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, message: fmt.Sprintf("the body is not %s: %v", encoding, err)}
	}
	return x.plain, nil
}

var errEncoding = fmt.Errorf("unknown content encoding")

func (x *inflater) reader(encoding string, body []byte) (io.Reader, error) {
	switch encoding {
	case "gzip", "x-gzip":
		if x.gzip == nil {
			x.gzip = new(gzip.Reader)
		}
		return x.gzip, x.gzip.Reset(&x.source)
	case "deflate":
		// By its standard the zlib format, but some clients send the bare stream.
		if len(body) >= 2 && body[0]&15 == 8 && (int(body[0])<<8|int(body[1]))%31 == 0 {
			return zlib.NewReader(&x.source)
		}
		return flate.NewReader(bufio.NewReader(&x.source)), nil
	}
	return nil, errEncoding
}

// readUpTo appends what r gives to dst, at most most bytes, and asks hold for what dst grows by.
func readUpTo(r io.Reader, dst []byte, most int64, hold func(int64) error) ([]byte, error) {
	for int64(len(dst)) < most {
		if len(dst) == cap(dst) {
			more := max(cap(dst), firstRead)
			if err := hold(int64(more)); err != nil {
				return dst, err
			}
			dst = slices.Grow(dst, more)
		}
		n, err := r.Read(dst[len(dst):min(int64(cap(dst)), most)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

package handler

import (
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

// exchange is the memory of one request and its answer.
type exchange struct {
	in, out []byte
	body    upload
}

const (
	firstRead = 16 << 10 // set aside for a body before any of it has come
	mostKept  = 64 << 10 // of a buffer that is kept for the next request
)

// read reads the whole body, at most as long as the service takes. The result is valid until the next read.
func (s *Service) read(c *gin.Context, x *exchange) ([]byte, error) {
	r, n := c.Request, c.Request.ContentLength
	if n > s.maxBody {
		return nil, errTooLarge(s.maxBody)
	}
	if r.Body == nil || n == 0 {
		return nil, nil
	}
	x.body = upload{body: r.Body, conn: *http.NewResponseController(c.Writer), pace: s.pace, left: s.pace.share(s.pace.Read)}
	if n > 0 && (n <= firstRead || n <= int64(cap(x.in))) {
		x.in = sized(x.in, int(n))
		if _, err := io.ReadFull(&x.body, x.in); err != nil {
			return nil, errBody(err)
		}
		x.body.end()
		return x.in, nil
	}
	x.in = sized(x.in, firstRead)
	for length := 0; ; {
		got, err := x.body.Read(x.in[length:])
		length += got
		switch {
		case int64(length) > s.maxBody:
			return nil, errTooLarge(s.maxBody)
		case err == io.EOF:
			x.body.end()
			return x.in[:length], nil
		case err != nil:
			return nil, errBody(err)
		case length == len(x.in):
			x.in = append(x.in, make([]byte, length)...)
			x.in = x.in[:cap(x.in)]
		}
	}
}

// trim forgets buffers that one large request would otherwise leave behind for good.
func (x *exchange) trim() {
	if cap(x.in) > mostKept {
		x.in = nil
	}
	if cap(x.out) > mostKept {
		x.out = nil
	}
	x.body = upload{}
}

func sized(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
	}
	return buf[:n]
}

// errBody is a body that did not come whole.
func errBody(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &refusal{status: http.StatusRequestTimeout, message: "the body did not come in time"}
	}
	return &refusal{status: http.StatusBadRequest, message: "the body ends early or is broken: want as many bytes as announced"}
}

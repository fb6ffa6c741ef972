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
	in, out  []byte
	upload   upload
	inflater inflater
	claim

	kind []string // of the answer, a value of Content-Type
	csv  bool     // the body is CSV

	recorded   bool   // this request is
	seen, said []byte // its body and its answer, for the record
}

const (
	firstRead = 16 << 10  // set aside for a body before any of it has come
	mostKept  = firstRead // of a buffer that is kept with each exchange
	mostSpare = 1 << 20   // of a buffer that is kept for the next large body
	spares    = 4         // so many of them are kept
)

// admit refuses a request that would be refused now anyway, before any memory is spent on its body. The length that it
// claims is only believed against it.
func (s *Service) admit(c *gin.Context) error {
	n := c.Request.ContentLength
	err := s.gate.full(max(n-slotBytes, 0))
	switch {
	case err != nil:
	case n > s.maxBody:
		return errTooLarge(s.maxBody)
	case n > firstRead && !s.gate.fitsNow(n-firstRead):
		err = errMemory
	}
	if err != nil {
		s.readAway(c.Request)
	}
	return err
}

// read reads the whole body, at most as long as the service takes. The result is valid until the next read. Its memory
// grows as it comes.
func (s *Service) read(c *gin.Context, x *exchange) ([]byte, error) {
	r, n := c.Request, c.Request.ContentLength
	if r.Body == nil || n == 0 {
		return nil, nil
	}
	x.upload = upload{body: r.Body, conn: *http.NewResponseController(c.Writer), pace: s.pace, left: s.pace.share(s.pace.Read)}
	if n < 0 || n > s.maxBody {
		n = s.maxBody + 1 // to see that there is more
	}
	x.in = sized(x.in, int(min(n, firstRead)))
	for length := 0; ; {
		got, err := x.upload.Read(x.in[length:])
		length += got
		switch {
		case int64(length) > s.maxBody:
			return nil, errTooLarge(s.maxBody)
		case err == io.EOF || length == int(r.ContentLength):
			x.upload.end()
			return x.in[:length], nil
		case err != nil:
			return nil, errBody(err)
		case length == len(x.in):
			more := min(int64(length), n-int64(length))
			if err := s.gate.hold(more); err != nil {
				return nil, err
			}
			x.body += more
			x.in = s.grow(x.in, length+int(more))
		}
	}
}

// grow gives buf the length n, in memory that an earlier large body left where there is such.
func (s *Service) grow(buf []byte, n int) []byte {
	if n <= cap(buf) {
		return buf[:n]
	}
	var grown []byte
	select {
	case grown = <-s.spare:
	default:
	}
	if cap(grown) < n {
		s.letGo(grown)
		grown = make([]byte, n)
	}
	grown = grown[:n]
	copy(grown, buf)
	s.letGo(buf)
	return grown
}

// letGo lets go of the memory of a large body, which the next one may have.
func (s *Service) letGo(buf []byte) {
	if cap(buf) <= mostKept || cap(buf) > mostSpare {
		return
	}
	select {
	case s.spare <- buf:
	default:
	}
}

// trim forgets buffers that one large request would otherwise leave behind for good.
func (s *Service) trim(x *exchange) {
	if cap(x.in) > mostKept {
		s.letGo(x.in)
		x.in = nil
	}
	if cap(x.out) > mostKept {
		x.out = nil
	}
	if x.inflater.source.Reset(nil); cap(x.inflater.plain) > mostKept {
		x.inflater = inflater{}
	}
	x.upload = upload{}
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

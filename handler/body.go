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
)

// admit refuses a request that would be refused now anyway, before any memory is spent on its body. The length that it
// claims is only believed against it.
func (s *Service) admit(c *gin.Context) error {
	n := c.Request.ContentLength
	err := s.gate.full(s.expects(n))
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
			x.in = s.grow(x.in, length+int(more), int(n))
		}
	}
}

// grow gives buf the length n, in memory that an earlier large body left where there is such. expected is how long it may become.
func (s *Service) grow(buf []byte, n, expected int) []byte {
	if n <= cap(buf) {
		return buf[:n]
	}
	grown := s.spare.take(n, expected)
	if grown == nil {
		grown = make([]byte, n)
	}
	grown = grown[:n]
	copy(grown, buf)
	s.spare.give(buf)
	return grown
}

// trim forgets buffers that one large request would otherwise leave behind for good.
func (s *Service) trim(x *exchange) {
	s.letGoBody(x)
	s.letGoPiece(x)
	x.upload = upload{}
}

// letGoBody leaves the memory of a large body to the next one.
func (s *Service) letGoBody(x *exchange) {
	if cap(x.in) > mostKept {
		s.spare.give(x.in)
		x.in = nil
	}
	if x.inflater.source.Reset(nil); cap(x.inflater.plain) > mostKept {
		x.inflater = inflater{}
	}
}

// pieceRoom is what a piece of an answer takes: it is full once it is pieceBytes long, and its last row is on top.
const pieceRoom = pieceBytes + 4<<10

// rowText is about what a row of an answer takes beside its outputs.
const rowText = 32

// takePiece makes x.out large enough for a piece of the answer to so many rows, so that it need not grow to that each time.
func (s *Service) takePiece(x *exchange, rows int) {
	if x.out = x.out[:0]; int64(rows)*(rowText+s.needs.outputs) <= mostKept {
		return
	}
	room, ok := s.pieces.Get().(*[pieceRoom]byte)
	if !ok {
		room = new([pieceRoom]byte)
	}
	x.out = room[:0]
}

// letGoPiece leaves the memory of a piece to the next answer of many rows.
func (s *Service) letGoPiece(x *exchange) {
	if cap(x.out) <= mostKept {
		return
	}
	if cap(x.out) == pieceRoom {
		s.pieces.Put((*[pieceRoom]byte)(x.out[:pieceRoom]))
	}
	x.out = nil
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

package handler

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"

	"ml-service/model"
)

// predicting are the routes that run the model, by the pattern they are registered with.
var predicting = map[string]bool{"/predict": true, "/v2/models/:name/infer": true, "/v2/models/:name/versions/:version/infer": true}

// Predicts says whether a route that an Observer is told of runs the model.
func Predicts(route string) bool { return predicting[route] }

// predict answers POST /predict.
func (s *Service) predict(c *gin.Context) {
	x, _ := s.buffers.Get().(*exchange)
	if x == nil {
		x = new(exchange)
	}
	if err := s.answer(c.Request, x); err != nil {
		s.fail(c, err)
	} else {
		s.write(c, http.StatusOK, x.out)
	}
	s.buffers.Put(x) // not deferred: what a panic interrupted is not used again
}

// answer reads the request and leaves the body of the answer in x.out.
func (s *Service) answer(r *http.Request, x *exchange) error {
	if err := s.admit(r); err != nil {
		return err
	}
	body, err := x.read(r, s.maxBody)
	if err != nil {
		return err
	}
	if err := s.gate.enter(r.Context()); err != nil {
		return err
	}
	defer s.gate.leave()
	p := s.codec.Request()
	if err = p.Decode(body); err == nil {
		err = p.Refused(s.infer(p.Batch))
	}
	if err == nil {
		x.out = p.AppendAnswer(x.out[:0])
	}
	p.Release() // not deferred, as above
	return err
}

// infer runs a decoded batch. Every route that predicts comes through here.
func (s *Service) infer(b *model.Batch) error {
	start := clock()
	if err := b.Run(s.gate); err != nil {
		return err
	}
	took := clock() - start
	s.gate.ran(took)
	if s.observer != nil {
		s.observer.Inference(b, took)
	}
	return nil
}

// exchange is the memory of one request and its answer.
type exchange struct{ in, out []byte }

// firstRead is how much is set aside for a body before any of it has come.
const firstRead = 32 << 10

// read reads the whole body, at most limit bytes. The result is valid until the next read.
func (x *exchange) read(r *http.Request, limit int64) ([]byte, error) {
	n := r.ContentLength
	if n > limit {
		return nil, errTooLarge(limit)
	}
	if r.Body == nil || n == 0 {
		return nil, nil
	}
	if n > 0 && (n <= firstRead || n <= int64(cap(x.in))) {
		x.in = sized(x.in, int(n))
		if _, err := io.ReadFull(r.Body, x.in); err != nil {
			return nil, errBody(err)
		}
		return x.in, nil
	}
	x.in = sized(x.in, firstRead)
	for length := 0; ; {
		got, err := r.Body.Read(x.in[length:])
		length += got
		switch {
		case int64(length) > limit:
			return nil, errTooLarge(limit)
		case err == io.EOF:
			return x.in[:length], nil
		case err != nil:
			return nil, errBody(err)
		case length == len(x.in):
			x.in = append(x.in, make([]byte, length)...)
			x.in = x.in[:cap(x.in)]
		}
	}
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

// bufferedAnswer is how long an answer may be for net/http to count it itself.
const bufferedAnswer = 2000

// write sends a JSON answer.
func (s *Service) write(c *gin.Context, status int, body []byte) {
	h := c.Writer.Header()
	h["Content-Type"] = jsonType
	if len(body) > bufferedAnswer {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(body) // the caller is gone: nobody is left to tell
}

func healthBody(status, version string) []byte {
	return []byte(`{"status":"` + status + `","version":` + strconv.Quote(version) + `}`)
}

package handler

import (
	"net/http"
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
	defer s.settle(&x.claim)
	if err := s.answer(c, x); err != nil {
		s.fail(c, err)
	} else {
		s.write(c, http.StatusOK, x.out)
	}
	x.trim()
	s.buffers.Put(x) // not deferred: what a panic interrupted is not used again
}

// answer reads the request and leaves the body of the answer in x.out.
func (s *Service) answer(c *gin.Context, x *exchange) error {
	if err := s.admit(c); err != nil {
		return err
	}
	body, err := s.read(c, x)
	if err != nil {
		return err
	}
	if err := s.enter(c, &x.claim, s.need(elements(body))); err != nil {
		return err
	}
	defer s.leave(&x.claim)
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

// bufferedAnswer is how long an answer may be for net/http to count it itself.
const bufferedAnswer = 2000

// write sends a JSON answer.
func (s *Service) write(c *gin.Context, status int, body []byte) {
	h := c.Writer.Header()
	h["Content-Type"] = jsonType
	if len(body) > bufferedAnswer {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	s.send(c, status, body)
}

// send sends the header and the body, at the pace that is asked of callers.
func (s *Service) send(c *gin.Context, status int, body []byte) {
	c.Writer.WriteHeader(status)
	d := download{answer: c.Writer, conn: *http.NewResponseController(c.Writer), pace: s.pace}
	if _, err := d.Write(body); err != nil {
		_ = c.Error(errUnread)
	}
}

func healthBody(status, version string) []byte {
	return []byte(`{"status":"` + status + `","version":` + strconv.Quote(version) + `}`)
}

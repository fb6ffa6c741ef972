package handler

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"ml-service/handler/predict"
	"ml-service/handler/record"
	"ml-service/handler/table"
	"ml-service/model"
)

// predicting are the routes that run the model, by the pattern they are registered with.
var predicting = map[string]bool{"/predict": true, "/predict/": true, "/v2/models/:name/infer": true, "/v2/models/:name/versions/:version/infer": true,
	"/invocations": true, "/v1/models/:name": true}

// Predicts says whether a route that an Observer is told of runs the model.
func Predicts(route string) bool { return predicting[route] }

// predict answers POST /predict.
func (s *Service) predict(c *gin.Context) {
	x, _ := s.buffers.Get().(*exchange)
	if x == nil {
		x = new(exchange)
	}
	whole := false
	defer func() {
		if s.settle(&x.claim); whole {
			s.buffers.Put(x) // last of all: from here on it is another request's
		}
	}()
	x.kind, x.csv = jsonType, false
	x.recorded = s.record != nil && s.record.Take()
	err := s.answer(c, x)
	if err != nil {
		s.fail(c, err)
	}
	if x.recorded {
		s.keep(c, x)
	}
	s.trim(x)
	whole = true // what a panic interrupted is not used again
}

// answer reads the request, runs it, and writes the answer.
func (s *Service) answer(c *gin.Context, x *exchange) error {
	body, asked, err := s.take(c, x, s.codec)
	if err != nil {
		return err
	}
	p := s.codec.Request()
	return s.reply(c, x, p.Batch, p, p.Decode(body), asked)
}

// rows are a request on its way through the model, in whichever form it came and is answered.
type rows interface {
	AskProbabilities() error
	Refused(err error) error
	Rowwise() error
	AppendPiece(dst []byte) (piece []byte, more bool)
	Frame() int
	Release()
}

// take reads the body of a request for rows and waits for what it needs. asked says whether its query asks for all scores.
func (s *Service) take(c *gin.Context, x *exchange, codec *predict.Codec) (body []byte, asked bool, err error) {
	if err := s.admit(c); err != nil {
		return nil, false, err
	}
	if body, err = s.read(c, x); err != nil {
		return nil, false, err
	}
	if body, err = s.inflate(c, x, body); err != nil {
		return nil, false, err
	}
	if x.recorded && len(body) <= record.MostBody {
		x.seen = bytes.Clone(body)
	}
	if asked, err = asksProbabilities(c.Request); err != nil {
		return nil, false, err
	}
	need := int64(0)
	if len(body) > s.small {
		need = s.needOf(body, x.csv, asked, codec)
	}
	return body, asked, s.enter(c, &x.claim, len(body), need)
}

// needOf is what the rows of a body need. asked says that all scores are asked for.
func (s *Service) needOf(body []byte, csv, asked bool, codec *predict.Codec) int64 {
	came := values(body) + int64(codec.Absents(body))
	if csv {
		rows := int64(bytes.Count(body, newline))
		came += rows + min(rows*absentOf(body, codec), int64(codec.MostAbsents(len(body))))
	}
	need := s.needs.of(came, int64(len(body)), false)
	if asked || bytes.Contains(body, probabilities) {
		need += came * s.needs.scores
	}
	return need
}

// absentOf is how many values of a row of CSV its header may leave out.
func absentOf(csv []byte, codec *predict.Codec) int64 {
	if codec.MostAbsents(0) == 0 {
		return 0
	}
	first, _ := table.CutLine(csv, true)
	cells, _ := table.Split(nil, first)
	return int64(max(codec.Columns()-len(cells), 0))
}

// reply runs a decoded batch, unless err says that it could not be decoded, and writes the answer, a large one in pieces. p is
// released.
func (s *Service) reply(c *gin.Context, x *exchange, b *model.Batch, p rows, err error, asked bool) error {
	if err == nil && asked {
		err = p.AskProbabilities()
	}
	if err == nil {
		err = p.Refused(s.infer(b, &x.claim))
	}
	if err == nil {
		err = p.Rowwise()
	}
	if err != nil {
		p.Release() // not deferred: what a panic interrupted is not used again
		return err
	}
	more := false
	s.takePiece(x, b.Rows())
	x.out, more = p.AppendPiece(x.out)
	x.answered = true
	if more || len(x.out) > pieceBytes {
		announce(c.Writer, b.Rows(), p.Frame)
	}
	if !more {
		p.Release()
		s.leaveBody(x)
		s.writeAs(c, x.kind, http.StatusOK, x.out, x.left)
		if x.recorded {
			x.said = bytes.Clone(x.out)
		}
		return nil
	}
	s.answering(b, x, false)
	s.writePieces(c, x, p.AppendPiece)
	p.Release()
	return nil
}

// answering gives back what a request does not need while a large answer is written: its body, and all of the budget but what
// the answers of b take; all says that they are all its outputs.
func (s *Service) answering(b *model.Batch, x *exchange, all bool) {
	if b.Blocks() {
		need := s.model.Need(b.Rows(), 1)
		if !all {
			need.Others = 0
		}
		held := need.Answer + need.Others + s.needs.beyond + pieceBytes
		if s.needs.texts { // which an output may hold on to
			held += int64(max(len(x.in), len(x.inflater.plain)))
		}
		s.shrink(&x.claim, held)
	}
	s.leaveBody(x)
}

// leaveBody gives the slot back, and the body with its bytes: who is slow to read the answer to a large body holds the answer alone.
func (s *Service) leaveBody(x *exchange) {
	s.letGoBody(x)
	s.leave(&x.claim)
}

var probabilities = []byte(`"probabilities"`)

// asksProbabilities says whether the query asks for all scores.
func asksProbabilities(r *http.Request) (bool, error) {
	if r.URL.RawQuery == "" {
		return false, nil
	}
	v := r.URL.Query().Get("probabilities")
	if v == "" {
		return false, nil
	}
	asked, err := strconv.ParseBool(v)
	if err != nil {
		return false, &predict.Error{Field: "probabilities", Message: fmt.Sprintf("want true or false, got %q", shortened(v))}
	}
	return asked, nil
}

// keep hands a request and its answer to the record; a large answer is left out.
func (s *Service) keep(c *gin.Context, x *exchange) {
	s.record.Add(record.Entry{RequestID: sentID(c), Route: s.routeOf(c), Status: c.Writer.Status(), Body: x.seen, Answer: x.said})
	x.seen, x.said = nil, nil
}

// writePieces writes an answer whose first piece is in x.out; next appends each further one. A caller that is slow to take it is
// cut off where others wait for the memory that it holds.
func (s *Service) writePieces(c *gin.Context, x *exchange, next func(dst []byte) (piece []byte, more bool)) {
	c.Writer.Header()["Content-Type"] = x.kind
	c.Writer.WriteHeader(http.StatusOK)
	taken, in := int64(0), time.Duration(0)
	for more := true; ; x.out, more = next(x.out[:0]) {
		start := clock()
		if s.sendBody(c, x.out, start) != nil || !more {
			return
		}
		taken, in = taken+int64(len(x.out)), in+clock()-start
		if s.gate.short.Load() && s.pace.tooSlow(taken, in) {
			_ = http.NewResponseController(c.Writer).SetWriteDeadline(over) // so that the connection ends with what it has
			_ = c.Error(errUnread)
			return
		}
	}
}

var over = time.Unix(1, 0)

// infer runs a decoded batch. Every route that predicts comes through here.
func (s *Service) infer(b *model.Batch, x *claim) error {
	x.ran = clock()
	if err := b.Run(s.gate); err != nil {
		return refusedMemory(err)
	}
	took := clock() - x.ran
	x.took, x.rows = took, b.Rows()
	s.gate.ran(took)
	if s.observer != nil {
		s.observe(func() { s.observer.Inference(b, took) })
	}
	return nil
}

// observe tells the observer something. Where it panics, that is logged and counted, and the answer goes out all the same.
func (s *Service) observe(tell func()) {
	defer func() {
		if cause := recover(); cause != nil {
			s.unobserved.Add(1)
			s.log.Error("observer panicked", "error", cause, "stack", string(debug.Stack()))
		}
	}()
	tell()
}

// bufferedAnswer is how long an answer may be for net/http to count it itself.
const bufferedAnswer = 2000

// write sends a JSON answer.
func (s *Service) write(c *gin.Context, status int, body []byte) {
	s.writeAs(c, jsonType, status, body, 0)
}

// writeAs sends an answer of a kind, a value of Content-Type. now is the time by clock; 0: not known.
func (s *Service) writeAs(c *gin.Context, kind []string, status int, body []byte, now time.Duration) {
	h := c.Writer.Header()
	h["Content-Type"] = kind
	if len(body) > bufferedAnswer {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	s.send(c, status, body, now)
}

// send sends the header and the body, at the pace that is asked of callers.
func (s *Service) send(c *gin.Context, status int, body []byte, now time.Duration) {
	c.Writer.WriteHeader(status)
	_ = s.sendBody(c, body, now) // it is noted
}

// sendBody sends some of the body. An error is noted: the caller did not take it.
func (s *Service) sendBody(c *gin.Context, body []byte, now time.Duration) error {
	d := download{answer: c.Writer, conn: *http.NewResponseController(c.Writer), pace: s.pace, now: now}
	_, err := d.Write(body)
	if err != nil {
		_ = c.Error(errUnread)
	}
	return err
}

func healthBody(status, version string) []byte {
	return []byte(`{"status":"` + status + `","version":` + strconv.Quote(version) + `}`)
}

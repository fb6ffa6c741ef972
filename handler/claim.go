package handler

import (
	"bytes"
	"time"

	"github.com/gin-gonic/gin"
)

// claim is what a request holds of the gate: a slot, bytes of its body, and bytes for what is made of it.
type claim struct {
	inside     bool
	body, work int64

	// For the statistics: when it had its slot, when the model began and how long that took, and when the slot was given back.
	entered, ran, took, left time.Duration
	rows                     int
	answered                 bool
}

// mostSmall is how long the body of a small request is at most, in bytes. A longer one takes its time whatever it holds.
const mostSmall = 64 << 10

// counted is what a request is counted for whose body is so long: nothing, if it is small and every slot has room for its need. It is
// a byte at least if its body is long, so that it waits in the line of large requests.
func counted(length, need int64) int64 {
	switch {
	case need > slotBytes:
		return need
	case length > mostSmall:
		return 1
	}
	return 0
}

// expects is what a body of so many bytes will be counted for, by what those before it needed.
func (s *Service) expects(length int64) int64 {
	if length <= int64(s.small) {
		return 0
	}
	return counted(length, max(length, (length>>10)*s.needPerKB.Load()))
}

// enter waits for a slot and for the need bytes of a body of so many bytes.
func (s *Service) enter(c *gin.Context, x *claim, length int, need int64) error {
	if kb := c.Request.ContentLength >> 10; kb > 0 && need > 0 {
		average := s.needPerKB.Load()
		s.needPerKB.Store(average + (need/kb-average)/8) // of two at once one is lost, which an average survives
	}
	need = counted(int64(length), need)
	if most := s.gate.most(); most > 0 && need > most {
		return errTooMany(need, most)
	}
	if err := s.gate.enter(c.Request.Context(), need); err != nil {
		return err
	}
	x.inside, x.work = true, x.work+need
	x.entered = clock()
	return nil
}

// leave gives the slot back, and the body's bytes: what was read is answered, and only to be written.
func (s *Service) leave(x *claim) {
	s.leaveSlot(x)
	s.gate.drop(x.body)
	x.body = 0
}

func (s *Service) leaveSlot(x *claim) {
	if x.inside {
		x.inside, x.left = false, clock()
		s.gate.leave()
	}
}

// shrink gives back what is not needed any more.
func (s *Service) shrink(x *claim, need int64) {
	if x.work > need {
		s.gate.free(x.work - need)
		x.work = need
	}
}

// settle gives back everything, also where a panic ended the request.
func (s *Service) settle(x *claim) {
	s.leave(x)
	s.gate.free(x.work)
	s.counts.add(x)
	*x = claim{}
}

// values bounds how many values a JSON text can hold, by the commas between them.
func values(text []byte) int64 { return int64(bytes.Count(text, comma)) + 1 }

var comma, newline = []byte{','}, []byte{'\n'}

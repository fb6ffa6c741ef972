package handler

import (
	"io"
	"net/http"
	"time"
)

// Pace is the least that is asked of a caller who sends a body or takes an answer: all of it within the time, or, of
// a large one, Rate bytes a second, measured over that time. Who is slower is cut off.
type Pace struct {
	Read, Write time.Duration // 0: for ever
	Rate        int64         // bytes a second
}

// DefaultPace is the pace where nothing else is said.
var DefaultPace = Pace{Read: 10 * time.Second, Write: 10 * time.Second, Rate: 8 << 10}

// share is how many bytes must pass within each time.
func (p Pace) share(each time.Duration) int64 { return max(int64(each.Seconds()*float64(p.Rate)), 1) }

// hurry is how many times the least pace is asked of an answer while others wait for the memory that it holds.
const hurry = 16

// tooSlow says whether an answer of which so many bytes were taken in some time holds up others, who wait for its memory.
func (p Pace) tooSlow(taken int64, in time.Duration) bool {
	return p.Write > 0 && in > p.Write && taken < int64(in.Seconds()*float64(hurry*p.Rate))
}

// upload reads a body at the least pace.
type upload struct {
	body io.Reader
	conn http.ResponseController
	pace Pace
	left int64 // bytes that must come before the deadline moves
}

// Read is io.Reader's.
func (u *upload) Read(p []byte) (int, error) {
	if u.pace.Read <= 0 {
		return u.body.Read(p)
	}
	if u.left <= 0 {
		u.left = u.pace.share(u.pace.Read)
		_ = u.conn.SetReadDeadline(time.Now().Add(u.pace.Read)) // a transport without deadlines, as Lambda's, has the whole body already
	}
	n, err := u.body.Read(p)
	u.left -= int64(n)
	return n, err
}

// end lets the connection wait for its answer without a deadline. It is for a body that came whole: the rest of any other must not be waited for.
func (u *upload) end() {
	if u.pace.Read > 0 {
		_ = u.conn.SetReadDeadline(time.Time{})
	}
}

// download writes an answer at the least pace.
type download struct {
	answer io.Writer
	conn   http.ResponseController
	pace   Pace
	now    time.Duration // by clock; 0: not known
}

// Write is io.Writer's.
func (d *download) Write(p []byte) (written int, err error) {
	if d.pace.Write <= 0 {
		return d.answer.Write(p)
	}
	for share := d.pace.share(d.pace.Write); len(p) > 0 && err == nil; d.now = 0 {
		if d.now == 0 {
			d.now = clock()
		}
		_ = d.conn.SetWriteDeadline(began.Add(d.now + d.pace.Write)) // net/http clears it after the answer
		var n int
		n, err = d.answer.Write(p[:min(int64(len(p)), share)])
		written, p = written+n, p[n:]
	}
	return written, err
}

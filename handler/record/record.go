// Package record keeps a log of requests and their answers, for comparing models and for labels that come late: sampled,
// bounded, in rotating files of JSON lines. It never blocks a request: what does not fit is dropped and counted, and where
// the disk is full recording stops and says so.
package record

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what is recorded and where.
type Options struct {
	Sink    io.WriteCloser // of whole lines; Files makes one of a folder
	Sample  float64        // the share of requests, 0 to 1
	Omit    []Field        // that are left out or hashed
	Row     []string       // the names of a row's values, in order: a name in Omit is its position in a row without names, and the other way round; nil: none
	Version string
	Color   string
	Logger  *slog.Logger
}

// Entry is one request and its answer. Body and Answer are taken over.
type Entry struct {
	RequestID string
	Route     string
	Status    int
	Body      []byte
	Answer    []byte
}

// Bounds of what waits to be written, and of what one entry may hold.
const (
	mostWaiting = 1024
	mostBytes   = 16 << 20
	// MostBody is the longest body that is recorded; of longer ones everything else is.
	MostBody = 64 << 10
)

// Log records. Its methods may be called by many goroutines at once.
type Log struct {
	Options
	waiting chan Entry
	bytes   atomic.Int64
	dropped atomic.Int64
	stopped atomic.Bool // the sink failed
	hash    *hasher
	done    chan struct{}
	close   sync.Once
	gate    sync.RWMutex // held to send; closing takes it whole
	closed  bool
}

// New starts a log.
func New(o Options) *Log {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{Options: o, waiting: make(chan Entry, mostWaiting), done: make(chan struct{}), hash: newHasher()}
	go l.write()
	return l
}

// Take draws whether a request is recorded.
func (l *Log) Take() bool {
	return !l.stopped.Load() && (l.Sample >= 1 || rand.Float64() < l.Sample)
}

// Add hands an entry over; where too many wait it is dropped.
func (l *Log) Add(e Entry) {
	size := int64(len(e.Body) + len(e.Answer))
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed || l.stopped.Load() || l.bytes.Add(size) > mostBytes {
		l.bytes.Add(-size)
		l.dropped.Add(1)
		return
	}
	select {
	case l.waiting <- e:
	default:
		l.bytes.Add(-size)
		l.dropped.Add(1)
	}
}

// Dropped is how many entries were not recorded for want of room.
func (l *Log) Dropped() int64 { return l.dropped.Load() }

// Close writes what waits and closes the sink.
func (l *Log) Close() error {
	err := error(nil)
	l.close.Do(func() {
		l.gate.Lock()
		l.closed = true
		l.gate.Unlock()
		close(l.waiting)
		<-l.done
		err = l.Sink.Close()
		if n := l.dropped.Load(); n > 0 {
			l.Logger.Warn("requests were not recorded", "dropped", n)
		}
	})
	return err
}

func (l *Log) write() {
	defer close(l.done)
	for e := range l.waiting {
		l.bytes.Add(-int64(len(e.Body) + len(e.Answer)))
		if l.stopped.Load() {
			l.dropped.Add(1)
			continue
		}
		line, err := l.line(e)
		if err == nil {
			_, err = l.Sink.Write(line)
		}
		if err != nil {
			l.stopped.Store(true)
			l.dropped.Add(1)
			l.Logger.Error("recording has stopped; requests are answered as before", "error", err.Error())
		}
	}
}

// line is one line of the record.
type line struct {
	Time      string          `json:"time"`
	RequestID string          `json:"request_id"`
	Route     string          `json:"route"`
	Status    int             `json:"status"`
	Version   string          `json:"version"`
	Color     string          `json:"color,omitempty"`
	Body      json.RawMessage `json:"body"`   // null where it is omitted, too long, or not JSON
	Answer    json.RawMessage `json:"answer"` // null where it is omitted
}

func (l *Log) line(e Entry) ([]byte, error) {
	if len(l.Omit) > 0 && e.Status >= http.StatusBadRequest {
		e.Body = nil // it is not of the form in which values have names
	}
	text, err := json.Marshal(line{Time: time.Now().UTC().Format(time.RFC3339Nano), RequestID: e.RequestID, Route: e.Route, Status: e.Status,
		Version: l.Version, Color: l.Color, Body: l.without(e.Body, "body"), Answer: l.without(e.Answer, "answer")})
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return append(text, '\n'), nil
}

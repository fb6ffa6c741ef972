package handler

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// Header values that every answer shares. They are never changed.
var (
	jsonType   = []string{"application/json"}
	closeValue = []string{"close"}
)

// maxRequestID is the longest X-Request-Id that is taken over.
const maxRequestID = 128

// mostHeaders bounds what a request in flight holds: a short field takes some 100 times its length in memory.
const mostHeaders = 128

var errManyHeaders = &refusal{status: http.StatusRequestHeaderFieldsTooLarge, message: "want at most 128 header fields"}

// began is when the process did, for clock.
var began = time.Now()

// clock is the time since the process began. It reads one clock, where time.Now reads two.
func clock() time.Duration { return time.Since(began) }

// around is the only middleware: headers, panics, logs, and the observer.
func (s *Service) around(c *gin.Context) {
	start, h := clock(), c.Writer.Header()
	if s.dates != nil {
		h["Date"] = s.dates.at(start)
	}
	h["X-Model-Version"] = s.version
	if s.color != nil {
		h["X-Color"] = s.color
	}
	h["X-Request-Id"] = requestID(c.Request)
	if s.origins != nil {
		s.allowOrigin(c.Request, h)
	}
	if s.draining.Load() || c.Request.TransferEncoding != nil { // a chunked body may have had a length besides: a smuggler's
		h["Connection"] = closeValue
	}
	s.inflight.Add(1)
	defer s.finish(c, start)
	if len(c.Request.Header) > mostHeaders {
		h["Connection"] = closeValue
		s.fail(c, errManyHeaders)
		c.Abort()
		return
	}
	c.Next()
}

// finish turns a panic into a 500, logs the request and tells the observer.
func (s *Service) finish(c *gin.Context, start time.Duration) {
	s.inflight.Add(-1)
	if cause := recover(); cause != nil {
		if cause == http.ErrAbortHandler {
			panic(cause)
		}
		attrs := []slog.Attr{slog.String("request_id", sentID(c)), slog.Any("error", cause), slog.String("stack", string(debug.Stack()))}
		s.log.LogAttrs(c.Request.Context(), slog.LevelError, "panic", appendTrace(attrs, c.Request)...)
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		s.fail(c, fmt.Errorf("panic: %v", cause))
	}
	took, status := clock()-start, c.Writer.Status()
	if last := c.Errors.Last(); last != nil && errors.Is(last.Err, errUnread) {
		status = statusGone
	}
	if s.observer != nil {
		route := s.routeOf(c)
		s.observe(func() { s.observer.Request(route, status, took) })
	}
	if s.debug || status >= http.StatusBadRequest {
		s.logRequest(c, status, took)
	}
}

// routeOf is the pattern of the route that matched, under whichever of its addresses; empty: none did.
func (s *Service) routeOf(c *gin.Context) string {
	route := strings.TrimPrefix(c.FullPath(), s.base)
	switch {
	case route == "/predict/":
		return "/predict"
	case route == "":
		return s.aip.routeOf(c.Request.URL.Path)
	}
	return route
}

// logRequest writes one line: failures at info, the service's own faults at error, the rest at debug.
func (s *Service) logRequest(c *gin.Context, status int, took time.Duration) {
	level, event := slog.LevelDebug, "request"
	switch {
	case status == http.StatusInternalServerError:
		level, event = slog.LevelError, "request failed"
	case status >= http.StatusBadRequest:
		level, event = slog.LevelInfo, "request failed"
	}
	attrs := []slog.Attr{
		slog.String("method", c.Request.Method), slog.String("path", shortened(c.Request.URL.Path)),
		slog.Int("status", status), slog.Float64("seconds", took.Seconds()),
		slog.String("request_id", sentID(c)), slog.String("version", s.version[0]),
	}
	if s.color != nil {
		attrs = append(attrs, slog.String("color", s.color[0]))
	}
	attrs = appendTrace(attrs, c.Request)
	if err := c.Errors.Last(); err != nil {
		text := err.Error()
		if s.discreet {
			text = withoutValues(err.Err)
		}
		attrs = append(attrs, slog.String("error", shortened(text)))
	}
	s.log.LogAttrs(context.WithoutCancel(c.Request.Context()), level, event, attrs...)
}

func shortened(s string) string {
	const most = 300
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func sentID(c *gin.Context) string { return c.Writer.Header().Get("X-Request-Id") }

// requestID takes over the caller's id where it is at most 128 visible ASCII characters, and makes one otherwise.
func requestID(r *http.Request) []string {
	if ids := r.Header["X-Request-Id"]; len(ids) > 0 && usableID(ids[0]) {
		return ids[:1:1]
	}
	var id [8]byte
	var text [4 * len(id)]byte
	binary.LittleEndian.PutUint64(id[:], mixed(made.Add(1)))
	copy(text[:], ofProcess)
	hex.Encode(text[2*len(id):], id[:])
	return []string{string(text[:])}
}

// An id that is made is a number of this process's, and one that no other request of it has.
var (
	ofProcess = fmt.Sprintf("%016x", rand.Uint64())
	made      atomic.Uint64
)

// mixed gives another number to each number, so that those of one after the other have nothing in common: the finalizer of
// SplitMix64, https://doi.org/10.1145/2714064.2660195.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func usableID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

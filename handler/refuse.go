package handler

import (
	"log/slog"
	"net/http"
	"strconv"
)

// invalid are the statuses with which net/http refuses a request by itself.
var invalid = map[int]string{
	http.StatusBadRequest:                  "the request is not valid HTTP",
	http.StatusExpectationFailed:           "the expectation is not supported: want 100-continue",
	http.StatusRequestHeaderFieldsTooLarge: "the request header is too large",
	http.StatusNotImplemented:              "the transfer encoding is not supported: want chunked",
	http.StatusHTTPVersionNotSupported:     "the HTTP version is not supported",
}

// Refuse is the answer to a request that never reached the router, since the server could not read it as HTTP: counted and
// logged as any other. reason is what the server says of it, and may be empty.
func (s *Service) Refuse(status int, reason string) (http.Header, []byte) {
	message := invalid[status]
	if message == "" {
		message = http.StatusText(status)
	}
	if reason != "" {
		message += ": " + reason
	}
	body := refusal{message: message}.body()
	id := requestID(new(http.Request))
	h := http.Header{"Content-Type": jsonType, "Content-Length": {strconv.Itoa(len(body))}, "Connection": closeValue,
		"X-Model-Version": s.version, "X-Request-Id": id}
	if s.color != nil {
		h["X-Color"] = s.color
	}
	if s.dates != nil {
		h["Date"] = s.dates.at(clock())
	}
	if s.observer != nil {
		s.observe(func() { s.observer.Request("", status, 0) })
	}
	attrs := []any{slog.Int("status", status), slog.String("request_id", id[0]), slog.String("version", s.version[0]), slog.String("error", message)}
	if s.color != nil {
		attrs = append(attrs, slog.String("color", s.color[0]))
	}
	s.log.Info("request failed", attrs...)
	return h, body
}

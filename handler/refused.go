package handler

import "net/http"

// Bodies of refused requests are read and forgotten, so that their connections can be used again. net/http does that for what
// is shorter than readAway, 8 KB at a time; with a few larger buffers it takes three quarters of the time, the caller's included
// (BenchmarkRefused). Who finds none leaves it to net/http, as all would without the call in admit.
const (
	sinks    = 4
	sinkSize = 64 << 10
	readAway = 256 << 10
)

// readAway reads the body of a refused request.
func (s *Service) readAway(r *http.Request) {
	if n := r.ContentLength; n < firstRead || n >= readAway || r.Header["Expect"] != nil {
		return
	}
	select {
	case sink := <-s.sinks:
		if sink == nil {
			sink = make([]byte, sinkSize)
		}
		for {
			if _, end := r.Body.Read(sink); end != nil { // a body that breaks off: net/http meets that too
				break
			}
		}
		s.sinks <- sink
	default:
	}
}

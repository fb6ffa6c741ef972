package handler

import "net/http"

// Sizer is an http.ResponseWriter that limits how long an answer may be, and wants to say how many rows would fit.
type Sizer interface {
	// Rows is told, before a large answer to rows is written, how many they are, and about how many bytes of it are there
	// whatever their number.
	Rows(rows, frame int)
}

// announce tells the writer below w what a large answer is made of, where that wants to know.
func announce(w http.ResponseWriter, rows int, frame func() int) {
	for {
		if s, ok := w.(Sizer); ok {
			s.Rows(rows, frame())
			return
		}
		below, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = below.Unwrap()
	}
}

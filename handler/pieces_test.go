package handler

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// watched sees how an answer is written, and what the service holds meanwhile.
type watched struct {
	*httptest.ResponseRecorder
	s       *Service
	longest int   // of one Write
	held    int64 // of the budget, at most
	running int   // slots, at most
}

func (w *watched) Write(b []byte) (int, error) {
	l := w.s.Load()
	w.longest, w.held, w.running = max(w.longest, len(b)), max(w.held, l.Bodies+l.Work), max(w.running, l.Running)
	return w.ResponseRecorder.Write(b)
}

// TestLargeInferencesInPieces answers 20,000 rows by the open protocol: while the answer is written, a piece at a time, no slot is
// held, and of memory the typed answers alone.
func TestLargeInferencesInPieces(t *testing.T) {
	const rows = 20_000
	s := demo(t, Options{Memory: 64 << 20})
	text := `{"inputs":[{"name":"x","datatype":"FP32","shape":[` + strconv.Itoa(rows) + `,3],"data":[` +
		strings.TrimSuffix(strings.Repeat("0.4,-0.2,0.1,", rows), ",") + `]}]`
	ones := `[` + strings.TrimSuffix(strings.Repeat("1,", rows), ",") + `]`
	scores := `[` + strings.TrimSuffix(strings.Repeat("0.3969859,0.6030141,", rows), ",") + `]`
	le := binary.LittleEndian
	pair := le.AppendUint32(le.AppendUint32(nil, math.Float32bits(0.3969859)), math.Float32bits(0.6030141))
	for _, c := range []struct {
		name, end      string
		labels, scores bool // are binary
	}{
		{"JSON", `}`, false, false},
		{"binary", `,"parameters":{"binary_data_output":true}}`, true, true},
		{"both", `,"outputs":[{"name":"label","parameters":{"binary_data":true}},{"name":"probabilities"}]}`, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", inferPath, strings.NewReader(text+c.end))
			r.Header.Set("X-Request-Id", "request-1")
			w := &watched{ResponseRecorder: httptest.NewRecorder(), s: s}
			s.Engine().ServeHTTP(w, r)
			part := func(name, datatype, shape, data string, binary bool, size int) string {
				if binary {
					data = `"parameters":{"binary_data_size":` + strconv.Itoa(size) + `}`
				} else {
					data = `"data":` + data
				}
				return `{"name":"` + name + `","datatype":"` + datatype + `","shape":` + shape + `,` + data + `}`
			}
			want := head + `"request-1","outputs":[` + part("label", "INT64", "[20000]", ones, c.labels, 8*rows) + `,` +
				part("probabilities", "FP32", "[20000,2]", scores, c.scores, 8*rows) + `]}`
			length := len(want)
			tail := ""
			if c.labels {
				tail += strings.Repeat("\x01\x00\x00\x00\x00\x00\x00\x00", rows)
			}
			if c.scores {
				tail += strings.Repeat(string(pair), rows)
			}
			got := w.Body.String()
			if w.Code != 200 || got != want+tail {
				t.Errorf("got %d and %d bytes that are not the %d wanted: %.200s", w.Code, len(got), len(want+tail), got)
			}
			wantHeader, wantLength := "", ""
			if tail != "" {
				wantHeader, wantLength = strconv.Itoa(length), strconv.Itoa(length+len(tail))
			} else if !json.Valid([]byte(got)) {
				t.Error("it is not JSON")
			}
			if h := w.Header(); h.Get(headerLength) != wantHeader || h.Get("Content-Length") != wantLength {
				t.Errorf("%s %q, Content-Length %q, want %q and %q", headerLength, h.Get(headerLength), h.Get("Content-Length"), wantHeader, wantLength)
			}
			if typed := int64(rows * (8 + 8 + 16 + 8)); w.longest > 2*pieceBytes || w.running > 0 || w.held > typed+pieceBytes {
				t.Errorf("pieces of up to %d bytes; %d slots and %d bytes held meanwhile, want none and at most %d", w.longest, w.running, w.held, typed+pieceBytes)
			}
			if l := s.Load(); l.Bodies != 0 || l.Work != 0 {
				t.Errorf("afterwards: %+v, want nothing held", l)
			}
		})
	}
}

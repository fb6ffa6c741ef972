package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink keeps what is written, and fails or waits as it is told.
type sink struct {
	mutex  sync.Mutex
	text   bytes.Buffer
	fail   error
	hold   chan struct{} // a write waits for it
	closed bool
}

func (s *sink) Write(p []byte) (int, error) {
	if s.hold != nil {
		<-s.hold
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	return s.text.Write(p)
}

func (s *sink) Close() error { s.closed = true; return nil }

func recorded(t *testing.T, omit string, entries ...Entry) []line {
	t.Helper()
	fields, err := ParseFields(omit)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	l := New(Options{Sink: s, Sample: 1, Omit: fields, Version: "v1", Color: "blue"})
	for _, e := range entries {
		l.Add(e)
	}
	if err := l.Close(); err != nil || !s.closed {
		t.Fatalf("close: %v", err)
	}
	var all []line
	for text := range strings.Lines(s.text.String()) {
		var one line
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, one)
	}
	return all
}

func TestRecord(t *testing.T) {
	all := recorded(t, "", Entry{"id-1", "/predict", 200, []byte(`{"x":[1,2]}`), []byte(`{"prediction":1.0}`)},
		Entry{"id-2", "/predict", 400, []byte(`not JSON`), []byte(`{"error":"e"}`)})
	if len(all) != 2 || all[0].RequestID != "id-1" || all[0].Version != "v1" || all[0].Color != "blue" || string(all[0].Body) != `{"x":[1,2]}` || string(all[0].Answer) != `{"prediction":1.0}` {
		t.Errorf("got %+v", all)
	}
	if string(all[1].Body) != "null" || all[1].Status != 400 {
		t.Errorf("a body that is not JSON: %+v", all[1])
	}
}

func TestOmit(t *testing.T) {
	const object, list = `{"x":[{"age":30,"email":"a@b"},{"age":31,"email":"a@b"}]}`, `{"x":[[1,2,3],[1,5,6]]}`
	for omit, want := range map[string][2]string{
		"email":       {`{"x":[{"age":30},{"age":31}]}`, list},
		"1":           {object, `{"x":[[1,null,3],[1,null,6]]}`},
		"body":        {`null`, `null`},
		"answer":      {object, list},
		"email,age,0": {`{"x":[{},{}]}`, `{"x":[[null,2,3],[null,5,6]]}`},
	} {
		for k, body := range []string{object, list} {
			one := recorded(t, omit, Entry{Body: []byte(body), Answer: []byte(`{"prediction":1}`)})[0]
			if string(one.Body) != want[k] {
				t.Errorf("%s of %s: got %s, want %s", omit, body, one.Body, want[k])
			}
			if (string(one.Answer) == "null") != (omit == "answer") {
				t.Errorf("%s: answer %s", omit, one.Answer)
			}
		}
	}
	one := recorded(t, "hash:email", Entry{Body: []byte(object)})[0]
	var body struct{ X []struct{ Email string } }
	if err := json.Unmarshal(one.Body, &body); err != nil || len(body.X[0].Email) != 16 || body.X[0].Email != body.X[1].Email || strings.Contains(string(one.Body), "a@b") {
		t.Errorf("hashed: %s, %v", one.Body, err)
	}
	if string(recorded(t, "email", Entry{Body: []byte(`{"email":"a@b"`)})[0].Body) != "null" {
		t.Error("a broken body was recorded although something is to be left out of it")
	}
	for _, text := range []string{"a,,b", ",", "hash:", "hash:body"} {
		if _, err := ParseFields(text); err == nil {
			t.Errorf("%q: want an error", text)
		}
	}
}

// TestNeverBlocks adds more than fits while the disk does not answer.
func TestNeverBlocks(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	l := New(Options{Sink: s, Sample: 1})
	for range 3 * mostWaiting {
		l.Add(Entry{Body: make([]byte, 4096)})
	}
	if got := l.Dropped(); got < mostWaiting {
		t.Errorf("%d dropped, want at least %d", got, mostWaiting)
	}
	for range 100 { // by bytes, too
		l.Add(Entry{Body: make([]byte, 1<<20)})
	}
	close(s.hold)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Add(Entry{}) // after the end
}

func TestAFullDiskStopsIt(t *testing.T) {
	var logged bytes.Buffer
	s := &sink{fail: errors.New("no space left on device")}
	l := New(Options{Sink: s, Sample: 1, Logger: slog.New(slog.NewJSONHandler(&logged, nil))})
	for range 10 {
		l.Add(Entry{Body: []byte("{}")})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l.Take() || strings.Count(logged.String(), "recording has stopped") != 1 || !strings.Contains(logged.String(), "no space left") {
		t.Errorf("take %v, logged %s", l.Take(), &logged)
	}
}

func TestFilesRotate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "record")
	f, err := NewFiles(dir, "blue")
	if err != nil {
		t.Fatal(err)
	}
	f.most, f.keep = 100, 3
	fixed := time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC)
	f.now = func() time.Time { return fixed } // a clock that stands still
	for k := range 50 {
		if _, err := fmt.Fprintf(f, "{\"line\":%d,\"pad\":\"xxxxxxxxxxxx\"}\n", k); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v, want 3", len(files), err)
	}
	text, err := os.ReadFile(files[2])
	if err != nil || !strings.Contains(string(text), `"line":49`) || len(text) > 100 {
		t.Errorf("the newest file: %q, %v", text, err)
	}
	if _, err := NewFiles(files[0], "blue"); err == nil {
		t.Error("a file for a folder: want an error")
	}
}

func TestSample(t *testing.T) {
	l := New(Options{Sink: &sink{}, Sample: 0.1})
	taken := 0
	for range 10_000 {
		if l.Take() {
			taken++
		}
	}
	if taken < 800 || taken > 1200 {
		t.Errorf("%d of 10,000 taken, want about 1,000", taken)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

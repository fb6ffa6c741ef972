package canary_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// TestCanary releases a good green, and then bad ones, under load. A bad one is rolled back; no request fails but by the
// faulty green's own hand.
func TestCanary(t *testing.T) {
	images(t, "fail", "slow", "die", "leak")
	s := newStack(t)
	wide := filepath.Join(s.Dir, "models", "v9.0.0")
	e2e.Command{}.Output(t, "mkdir", "-m", "755", wide)
	write(t, filepath.Join(wide, "model.onnx"), read(t, filepath.Join(e2e.Root(t), "onnx", "testdata", "models", "logreg_multinomial", "model.onnx")))

	rows := filepath.Join(s.Dir, "rows.jsonl") // of the first three the two models think differently
	write(t, rows, `{"x":[-1.011,-0.068,0.317]}
{"x":[-0.631,-0.214,0.094]}
{"x":[-0.842,0.013,0.027]}
{"x":[0.4,-0.2,0.1]}
{"x":[2.284548,2.3819487,-0.06852648]}
{"x":[-0.14031748,-0.28182784,1.4183899]}
`)

	canary := []string{"canary", "--to", "green", "--every", "1s", "--max-wait", "5m", "--step-time", "12"}
	var table []string
	for _, c := range []struct {
		name, image, version string
		more                 []string
		code                 int
		says                 string
		meanwhile            func(t *testing.T) // some seconds into it
		own500, refused      bool               // may be seen by callers
	}{
		{name: "good", image: goodImage, version: "v1.1.0", says: "promote: green 100 %"},
		{name: "fails 5 %", image: faultyImage + "fail", version: "v1.1.0", code: 4, says: "errors: green fails more often than blue", own500: true},
		{name: "three times slower", image: faultyImage + "slow", version: "v1.1.0", more: []string{"--slow-over", "0s", "--step-time", "60"}, code: 4,
			says: "times slower than blue"},
		{name: "dies every few seconds", image: faultyImage + "die", version: "v1.1.0", code: 4, says: "rolled back to blue"},
		{name: "leaks until it is killed", image: faultyImage + "leak", version: "v1.1.0", code: 4, says: "rolled back to blue"},
		{name: "hangs", image: goodImage, version: "v1.1.0", code: 4, says: "rolled back to blue", meanwhile: func(t *testing.T) {
			e2e.Command{}.Output(t, "docker", "pause", s.Container(t, "green"))
		}},
		{name: "predicts differently", image: goodImage, version: "v1.1.0", code: 4, says: "predictions change",
			more: []string{"--rows", rows, "--max-disagreement", "10%"}},
		{name: "another width, refused", image: goodImage, version: "v9.0.0", code: 2, says: "takes or answers something else"},
		{name: "another width, accepted", image: goodImage, version: "v9.0.0", more: []string{"--accept-signature"}, code: 4,
			says: "errors: green fails more often than blue", refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.deploy(t, c.image, c.version)
			l := (&e2e.Load{Clients: 8, Pace: 15 * time.Millisecond, Own: []int{500, 422}}).Start(t)
			began := time.Now()
			args := append(append([]string{}, canary...), c.more...)
			if c.meanwhile != nil {
				args = append(args, "--step-time", "90") // so that it lasts
				timer := time.AfterFunc(12*time.Second, func() { c.meanwhile(t) })
				defer timer.Stop()
			}
			out := s.want(t, c.code, c.says, args...)
			took := time.Since(began)
			if c.meanwhile != nil {
				e2e.Command{}.Output(t, "docker", "unpause", s.Container(t, "green"))
			}
			l.Stop()
			saw := l.Seen(t)
			own500, refused := saw.Own[e2e.Own{Colour: "green", Status: 500}], saw.Own[e2e.Own{Colour: "green", Status: 422}]
			seen := fmt.Sprintf("%s; %d own 500s and %d refused", saw, own500, refused)
			t.Log(seen)
			if own500 > 0 && !c.own500 || refused > 0 && !c.refused || saw.Own[e2e.Own{Colour: "blue", Status: 500}]+saw.Own[e2e.Own{Colour: "blue", Status: 422}] > 0 {
				t.Errorf("callers met green's faults: %s", seen)
			}
			_, reason, _ := strings.Cut(out, "rollout: ")
			table = append(table, strings.Join([]string{c.name, took.Round(time.Second).String(), seen, strings.TrimSpace(reason)}, " | "))
			if c.code == 0 {
				s.want(t, 0, "blue 100 %", "rollback")
			}
			s.want(t, 0, "blue   100 %", "status")
		})
	}
	t.Logf("\n%s", strings.Join(table, "\n"))

	// What two good versions would change, as text and as a picture.
	s.deploy(t, goodImage, "v1.1.0")
	html := filepath.Join(s.Dir, "report.html")
	s.want(t, 0, "latency, ms", "compare", "--to", "green", "--rows", rows, "--html", html)
	if text := read(t, html); !strings.Contains(text, "<svg") || !strings.Contains(text, "v1.1.0") {
		t.Errorf("the report is %.200s", text)
	}
}

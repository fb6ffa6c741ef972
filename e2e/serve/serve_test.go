package serve_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// TestServe orders a good version under load, and then the bad ones: each ends refused or rolled back, and the good one
// serves on. No request fails but those that the version of which one in ten fails answers itself.
func TestServe(t *testing.T) {
	began := time.Now()
	r := startRegistry(t)
	dir := binaries(t)
	s := newStack(t, r.repository())

	// Versions that this machine has: one with another signature, and one that the image has other golden rows for. (Rows
	// beside the served model are checked by the service itself, which does not start then.)
	models := filepath.Join(s.Dir, "models")
	write(t, filepath.Join(models, "v9.0.0", "model.onnx"), read(t, filepath.Join(e2e.Root(t), "onnx", "testdata", "models", "logreg_multinomial", "model.onnx")))
	write(t, filepath.Join(models, "v1.2.0", "model.onnx"), read(t, filepath.Join(models, "v1.1.0", "model.onnx")))
	write(t, filepath.Join(dir, "golden.json"), `{"rows":[{"x":[0.4,-0.2,0.1]}],"answers":[{"prediction":7.0}]}`)

	pushed := 0
	push := func(dockerfile string) string {
		pushed++
		return r.push(t, dir, fmt.Sprint("n", pushed), dockerfile+fmt.Sprintf("LABEL n=%d\n", pushed))
	}
	// One with a layer of its own, for a pull that does not end well: what is here already is not pulled.
	fresh := func() string {
		write(t, filepath.Join(dir, "layer"), strings.Repeat(fmt.Sprintln("layer of", pushed), 300_000))
		return push(e2e.ImageFile("good") + "COPY layer /layer\n")
	}

	good := push(e2e.ImageFile("good"))
	l := (&e2e.Load{Clients: 8, Pace: 15 * time.Millisecond, Own: []int{500}}).Start(t)
	own := func(s e2e.Seen) int { // of blue; green is the good version
		if n := s.Own[e2e.Own{Colour: "green", Status: 500}]; n > 0 {
			t.Errorf("%d requests met a 500 of green, which is the good version", n)
		}
		return s.Own[e2e.Own{Colour: "blue", Status: 500}]
	}
	blue := s.Container(t, "blue")
	if code, said := s.order("good", good, "v1.1.0"); code != 0 {
		t.Fatalf("the good version: exit code %d\n%s\n%s", code, said, s.server.Output())
	}
	seen := l.Seen(t)
	t.Logf("port 8080 moved: %s", seen)
	if seen.Colour["green"] == 0 || seen.Colour["blue"] == 0 || own(seen) > 0 || seen.Requests < 500 {
		t.Errorf("the move to green: %s", seen)
	}
	green := s.Container(t, "green")
	s.Up(t) // plain, as a person does
	if s.Container(t, "green") != green || s.Container(t, "blue") != blue {
		t.Error("docker compose up -d has replaced a colour")
	}

	table := []string{fmt.Sprintf("| good | 0 | %s |", seen)}
	for _, c := range []struct {
		name, image, version string
		mode                 int32
		code                 int
		says                 string
		own500               bool // callers may meet
	}{
		{name: "a broken image", image: push("FROM scratch\nCOPY good /ml-service\nENTRYPOINT [\"/nothing\"]\n"), version: "v1.1.0", code: 1, says: "nobody was moved"},
		{name: "the wrong version", image: push("FROM scratch\nCOPY good /ml-service\nENTRYPOINT [\"/ml-service\",\"--model-version\",\"v1.0.0\"]\n"), version: "v1.1.0", code: 1, says: "serves version v1.0.0, announced was v1.1.0"},
		{name: "a version that is not there", image: push(e2e.ImageFile("good")), version: "v7.7.7", code: 1, says: "does not stay up"},
		{name: "another signature", image: push(e2e.ImageFile("good")), version: "v9.0.0", code: 1, says: "does not fit green's"},
		{name: "golden rows differ", image: push(e2e.ImageFile("good") + "COPY golden.json /models/v1.2.0/golden.json\n"), version: "v1.2.0", code: 1, says: "golden row 0: prediction"},
		{name: "never healthy", image: push(e2e.ImageFile("sleep")), version: "v1.1.0", code: 1, says: "after 15s"},
		{name: "one in ten fails", image: push(e2e.ImageFile("faulty", "FAULT=fail10")), version: "v1.1.0", code: 4, says: "rolled back to green 100 %", own500: true},
		{name: "the registry dies in the pull", image: fresh(), version: "v1.1.0", mode: dies, code: 1, says: "cannot be pulled"},
		{name: "the registry hangs", image: fresh(), version: "v1.1.0", mode: hangs, code: 1, says: "the pull took longer than 10s"},
		{name: "the registry gives another image", image: fresh(), version: "v1.1.0", mode: another, code: 1, says: "cannot be pulled"},
		{name: "the registry redirects to other bytes", image: fresh(), version: "v1.1.0", mode: redirects, code: 1, says: "cannot be pulled"},
		{name: "another repository", image: strings.Replace(good, "/o/r@", "/o/evil@", 1), version: "v1.1.0", code: 2, says: "image: want one of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			_, instead, _ := strings.Cut(good, "@")
			r.instead = instead
			r.pulls.Store(0)
			r.mode.Store(c.mode)
			before := own(l.Seen(t))
			took := time.Now()
			code, said := s.order(strings.ReplaceAll(c.name, " ", "-"), c.image, c.version)
			r.mode.Store(works)
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("exit code %d, want %d and %q", code, c.code, c.says)
			}
			if c.mode != works && r.pulls.Load() == 0 {
				t.Error("nothing was asked of the registry: its fault was not met")
			}
			if s.Container(t, "green") != green {
				t.Error("green was replaced")
			}
			status := e2e.Command{Dir: s.Dir}.Output(t, s.Rollout, "status")
			if !strings.Contains(status, "green  100 %") && !strings.Contains(status, "green 100 %") {
				t.Errorf("after it: %s", status)
			}
			now := l.Seen(t)
			after := own(now)
			if (after > before) != c.own500 {
				t.Errorf("%d requests met a 500 of blue", after-before)
			}
			table = append(table, fmt.Sprintf("| %s | %d | %d met a 500 of its own, %d failed, %s |", c.name, code, after-before, now.Failed, time.Since(took).Round(time.Second)))
		})
	}
	s.t = t
	l.Stop()
	seen = l.Seen(t)
	t.Logf("%s\n%s, 500s of blue %d\nall of it took %s", strings.Join(table, "\n"), seen, own(seen), time.Since(began).Round(time.Second))
}

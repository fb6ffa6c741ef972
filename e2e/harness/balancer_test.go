package harness

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// The blocks a person pastes, verbatim.
const (
	greenOnly = `upstream ml_backend { server ml-service-green:8080; }`
	blueOnly  = `upstream ml_backend { server ml-service-blue:8080; }`
	nineToOne = `upstream ml_backend { server ml-service-blue:8080 weight=9; server ml-service-green:8080 weight=1; }`
)

const pollLimit = time.Minute

type unexpected struct{ got any }

func (u *unexpected) Error() string { return fmt.Sprintf("got %+v", u.got) }

// scenario is one disturbance under load: what is done while the clients run.
type scenario struct {
	name    string
	refuses bool    // it may refuse connections: its failures are counted and reported, not failed
	load    traffic // busy where it says nothing
	do      func(t *testing.T, s *stack, l *load)
}

// TestNothingIsLost runs every disturbance under the clients, on one balancer, and adds up what they saw.
func TestNothingIsLost(t *testing.T) {
	buildSecond(t)
	s := newStack(t, tools[0])
	s.up(t, "balancer")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")
	want := answersOf(t)
	t.Logf("the Nginx image here:\n%s", e2e.Command{}.Output(t, "docker", "exec", s.containers(t)["nginx"], "sh", "-c",
		"nginx -v 2>&1; head -1 /etc/os-release"))

	scenarios := append([]scenario{
		{name: "split 50/50", do: func(t *testing.T, s *stack, l *load) {
			wantShare(t, l, 4000, 0.5)
		}},
		{name: "twenty edits and reloads", do: reloads},
		{name: "edit to 90/10 and reload", do: func(t *testing.T, s *stack, l *load) {
			s.write(t, "nginx.conf", s.conf(t, nineToOne))
			s.reload(t)
			waitShare(t, l, 0.02, 0.15)
			wantShare(t, l, 4000, 0.1)
			s.write(t, "nginx.conf", s.shipped)
			s.reload(t)
			waitShare(t, l, 0.4, 0.6)
		}},
		{name: "green stopped, reload meanwhile, green started", do: func(t *testing.T, s *stack, l *load) {
			s.run(t, "balancer", "stop", "ml-service-green")
			onlyBlue(t, l)
			s.reload(t)
			onlyBlue(t, l)
			s.run(t, "balancer", "start", "ml-service-green")
			bothAgain(t, l)
		}},
		{name: "green killed, green started", do: func(t *testing.T, s *stack, l *load) {
			s.run(t, "balancer", "kill", "ml-service-green")
			onlyBlue(t, l)
			s.run(t, "balancer", "start", "ml-service-green")
			bothAgain(t, l)
		}},
		{name: "both restarted in turn", do: func(t *testing.T, s *stack, l *load) {
			for _, colour := range []string{"blue", "green"} {
				s.run(t, "balancer", "restart", "ml-service-"+colour)
				bothAgain(t, l)
			}
		}},
		{name: "image of green replaced", do: replaceGreen},
		{name: "green hanging", do: func(t *testing.T, s *stack, l *load) {
			began := time.Now()
			s.run(t, "balancer", "pause", "ml-service-green")
			onlyBlue(t, l)
			waitSecondTry(t, s, began)
			s.run(t, "balancer", "unpause", "ml-service-green")
			bothAgain(t, l)
		}},
		{name: "hand edit to 90/10 and restart of nginx", refuses: true, do: func(t *testing.T, s *stack, l *load) {
			s.replace(t, "nginx.conf", s.conf(t, nineToOne))
			s.run(t, "balancer", "restart", "nginx")
			waitColours(t, 60, "blue", "green")
		}},
		{name: "broken edit and restart of nginx", refuses: true, do: brokenRestart},
		{name: "split 90/10", do: func(t *testing.T, s *stack, l *load) {
			wantShare(t, l, 4000, 0.1)
		}},
	}, everyday...)

	var total tally
	var report []string
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			began := time.Now()
			if sc.load.clients == 0 {
				sc.load = busy
			}
			l := startLoad(t, nginxAddr, sc.load, want)
			more(t, l, 20*sc.load.clients) // in full swing first
			sc.do(t, s, l)
			more(t, l, 40*sc.load.clients)
			seen := l.stop()
			if seen.failed > 0 && !sc.refuses {
				t.Errorf("%d of %d requests failed:\n%s", seen.failed, seen.requests, strings.Join(seen.failures, "\n"))
			}
			note := ""
			if sc.refuses {
				note = "  (may refuse connections; not in the sum)"
			} else {
				total.requests += seen.requests
				total.failed += seen.failed
			}
			line := fmt.Sprintf("%-48s %5.1f s %s%s", sc.name, time.Since(began).Seconds(), seen, note)
			report = append(report, line)
			t.Log(line)
		})
	}
	t.Logf("clients on kept connections:\n%s\nin all %d requests, %d failed", strings.Join(report, "\n"), total.requests, total.failed)
	if total.requests < 30_000 {
		t.Errorf("%d requests in all, want at least 30,000", total.requests)
	}
	if total.failed > 0 {
		t.Errorf("%d requests failed, want 0", total.failed)
	}
	t.Run("log", func(t *testing.T) { checkLog(t, s) })
}

// more waits until the clients have sent n more requests.
func more(t *testing.T, l *load, n int) tally {
	t.Helper()
	before := l.seen()
	var d tally
	e2e.Poll(t, 2*time.Minute, fmt.Sprintf("%d more requests", n), func() error {
		if d = l.seen().minus(before); d.requests < n {
			return &unexpected{d}
		}
		return nil
	})
	return d
}

// wantShare checks the share of green in the next n answers against the binomial distribution, six standard
// deviations wide: a right split leaves them once in 500 million runs.
func wantShare(t *testing.T, l *load, n int, share float64) {
	t.Helper()
	d := more(t, l, n)
	answers := float64(d.colour["blue"] + d.colour["green"])
	mean, width := answers*share, 6*math.Sqrt(answers*share*(1-share))
	if got := float64(d.colour["green"]); math.Abs(got-mean) > width {
		t.Errorf("green answered %.0f of %.0f, want %.0f +- %.0f", got, answers, mean, width)
	}
	t.Logf("green answered %d of %.0f (%.1f%%), within %.0f +- %.0f", d.colour["green"], answers,
		100*float64(d.colour["green"])/answers, mean, width)
}

// onlyBlue waits until 400 answers in a row are blue's: Nginx has learnt that green is gone.
func onlyBlue(t *testing.T, l *load) {
	t.Helper()
	e2e.Poll(t, pollLimit, "blue alone", func() error {
		if d := more(t, l, 400); d.colour["green"] > 0 {
			return &unexpected{d}
		}
		return nil
	})
}

// bothAgain waits until both colours answer on their own ports and each has a quarter of the split at least.
func bothAgain(t *testing.T, l *load) {
	t.Helper()
	waitVersions(t, blueAddr, "v1.0.0")
	waitVersions(t, greenAddr, "v1.1.0")
	e2e.Poll(t, pollLimit, "both colours", func() error {
		d := more(t, l, 200)
		if d.colour["green"] < 50 || d.colour["blue"] < 50 {
			return &unexpected{d}
		}
		return nil
	})
}

// reloads goes five times round the three pasted blocks and the shipped one. Each is waited for by what it does.
func reloads(t *testing.T, s *stack, l *load) {
	for range 5 {
		for _, edit := range []struct {
			conf        string
			least, most float64 // of green, in the answers that show the edit has arrived
		}{
			{s.conf(t, greenOnly), 1, 1},
			{s.conf(t, blueOnly), 0, 0},
			{s.conf(t, nineToOne), 0.02, 0.15},
			{s.shipped, 0.4, 0.6},
		} {
			s.write(t, "nginx.conf", edit.conf)
			s.reload(t)
			waitShare(t, l, edit.least, edit.most)
		}
	}
}

// waitShare waits until green's share of 300 answers lies between least and most: an edit has arrived.
func waitShare(t *testing.T, l *load, least, most float64) {
	t.Helper()
	e2e.Poll(t, pollLimit, fmt.Sprintf("green's share to be %.2f to %.2f", least, most), func() error {
		d := more(t, l, 300)
		share := float64(d.colour["green"]) / float64(d.colour["green"]+d.colour["blue"])
		if share < least || share > most {
			return &unexpected{d}
		}
		return nil
	})
}

// replaceGreen gives green another image by .env; a later plain up -d changes nothing.
func replaceGreen(t *testing.T, s *stack, l *load) {
	before := s.containers(t)
	s.write(t, ".env", "GREEN_IMAGE="+second+"\n")
	s.up(t, "balancer")
	bothAgain(t, l)
	after := s.containers(t)
	if before["ml-service-blue"] != after["ml-service-blue"] || before["nginx"] != after["nginx"] || before["ml-service-green"] == after["ml-service-green"] {
		t.Errorf("containers before %v, after %v: want another green alone", before, after)
	}
	if got, old := inspect(t, after["ml-service-green"]).Image, inspect(t, after["ml-service-blue"]).Image; got == old {
		t.Errorf("green runs %s, blue's image", got)
	}
	s.up(t, "balancer")
	if again := s.containers(t); fmt.Sprint(again) != fmt.Sprint(after) {
		t.Errorf("a plain up -d changed %v to %v", after, again)
	}
}

// access is a line of Nginx's access log.
type access struct {
	RequestID    string `json:"request_id"`
	Status       int    `json:"status"`
	Color        string `json:"color"`
	Addr         string `json:"upstream_addr"`
	TryStatus    string `json:"upstream_status"`
	ConnectTime  string `json:"upstream_connect_time"`
	ResponseTime string `json:"upstream_response_time"`
}

// accessLog is what Docker keeps of Nginx's access log: the last 20 to 30 MB, half a minute under full load.
func (s *stack) accessLog(t *testing.T, since time.Time) []access {
	t.Helper()
	out := e2e.Command{}.Output(t, "docker", "logs", "--since", since.Format(time.RFC3339Nano), s.containers(t)["nginx"])
	var entries []access
	for line := range strings.Lines(out) {
		var entry access
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("access log line %s: %v", line, err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// waitSecondTry waits for the line of a request that hung at green for ten seconds and was answered by blue; it names
// both tries.
func waitSecondTry(t *testing.T, s *stack, since time.Time) {
	t.Helper()
	e2e.Poll(t, pollLimit, "a request that hung at green and was answered by blue", func() error {
		entries := s.accessLog(t, since)
		for _, e := range entries {
			if strings.HasPrefix(e.RequestID, "client-") && e.Status == 200 && e.Color == "blue" && e.TryStatus == "504, 200" &&
				strings.HasPrefix(e.ResponseTime, "10.") && strings.Count(e.ResponseTime, ",") == 1 &&
				strings.Count(e.ConnectTime, ",") == 1 && strings.Count(e.Addr, ",") == 1 {
				t.Logf("a request that took two tries: %+v", e)
				return nil
			}
		}
		return &unexpected{fmt.Sprintf("%d other lines", len(entries))}
	})
}

// checkLog looks at what Nginx left after all of it.
func checkLog(t *testing.T, s *stack) {
	if n := len(s.accessLog(t, time.Time{})); n < 1000 {
		t.Errorf("%d access log lines", n)
	}

	// After some forty reloads there are four workers, and those that finish an upload at most.
	workers := strings.Count(e2e.Command{}.Output(t, "docker", "top", s.containers(t)["nginx"]), "nginx: worker process")
	if workers < 4 || workers > 12 {
		t.Errorf("%d workers, want 4", workers)
	}
	if n := s.unanswered(t); n["green"] < 5 {
		t.Errorf("unanswered tries by colour: %v; want green's, which was killed, hung and closed connections", n)
	}
	s.waitLog(t, "nginx", "tries that a colour did not answer in the last minute", "green ")
}

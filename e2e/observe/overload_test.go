package observe_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	rowsPerRequest = 512
	connections    = 1024 // many more than the queue holds, so that the offered rate can be kept up
	offer          = 4    // times the capacity
	rounds         = 3
	phase          = 3 * time.Second
)

// TestOverload offers four times its capacity to a service on one core, in turn with as much as it can take. What it
// asserts holds on any machine, whoever else uses it: every answer is a prediction or an honest 503, /health answers
// throughout, memory stays flat, nothing crashes, and a refusal takes a small part of the processor time of an answer, so that
// throughput does not collapse. The table with the exact figures is printed.
func TestOverload(t *testing.T) {
	taskset := program(t, "taskset", "util-linux")
	all, asking, serving := cores(t)
	dir := t.TempDir()
	data := filepath.Join(e2e.Root(t), "bench", "testdata", "xgb1000_d6")
	body := requestBody(t, filepath.Join(data, "rows.f32"))
	if err := os.CopyFS(filepath.Join(dir, "v1"), os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	s := e2e.Start(t, "MODEL_DIR="+dir, "MODEL_VERSION=v1", "GOMAXPROCS=1")
	e2e.Command{}.Output(t, taskset, "-a", "-c", "-p", serving, strconv.Itoa(s.PID))
	e2e.Command{}.Output(t, taskset, "-a", "-c", "-p", asking, strconv.Itoa(os.Getpid()))
	defer e2e.Command{}.Output(t, taskset, "-a", "-c", "-p", all, strconv.Itoa(os.Getpid()))

	g := newGenerator(s.URL, body)
	g.closed(t, 4, time.Second) // until the code is warm
	rest := resident(t, s.PID)
	var throughput, answers, refusals []float64
	var refused float64
	var most int
	for round := range rounds {
		began := processorTime(t, s.PID)
		peak := g.closed(t, 4, phase)
		between := processorTime(t, s.PID)
		over := g.open(t, peak.accepted/phase.Seconds()*offer, phase)
		ended := processorTime(t, s.PID)
		rss := resident(t, s.PID)
		most = max(most, rss)
		refused += over.refused
		if peak.accepted == 0 || over.accepted == 0 || over.refused == 0 {
			t.Errorf("round %d: %.0f and %.0f accepted, %.0f refused, want some of each", round+1, peak.accepted, over.accepted, over.refused)
			continue
		}
		answer := (between - began).Seconds() / peak.accepted
		refusal := ((ended - between).Seconds() - over.accepted*answer) / over.refused
		answers, refusals = append(answers, answer), append(refusals, refusal)
		throughput = append(throughput, over.accepted/peak.accepted)
		t.Logf("round %d: peak %.0f/s, p99 %s; offered %.0f/s: accepted %.0f/s (%.2f of the peak), refused %.0f/s, p99 of accepted %s, /health p99 %s, RSS %d MiB; processor time %.0f µs an answer, %.0f µs a refusal",
			round+1, peak.accepted/phase.Seconds(), peak.p99, over.offered/phase.Seconds(), over.accepted/phase.Seconds(), over.accepted/peak.accepted,
			over.refused/phase.Seconds(), over.p99, over.health, rss>>10, answer*1e6, refusal*1e6)
	}
	if t.Failed() {
		return
	}
	answer, refusal := median(answers), median(refusals)
	t.Logf("under %d times its capacity, medians of %d rounds: throughput %.2f of the peak, a refusal %.2f of an answer; RSS %d MiB at rest, %d MiB at most",
		offer, rounds, median(throughput), refusal/answer, rest>>10, most>>10)
	if refusal > answer/2 {
		t.Errorf("a refusal took %.0f µs of processor time and an answer %.0f, want less than half of it", refusal*1e6, answer*1e6)
	}
	const flat = 64 << 10 // KiB
	if most > rest+flat {
		t.Errorf("RSS grew from %d to %d KiB, want at most %d more", rest, most, flat)
	}
	post(t, s.URL, `{"x":[1]}`, http.StatusUnprocessableEntity) // it lives
	metrics := string(get(t, s.URL+"/metrics"))
	for _, want := range []string{`ml_requests_total{code="503",`, "ml_inference_queue_limit{color=\"\",model_version=\"v1\"} 64\n"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// requestBody is a batch of the recorded rows.
func requestBody(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const width = 30
	var b strings.Builder
	for k := range rowsPerRequest * width {
		switch {
		case k == 0:
			b.WriteString(`{"x":[[`)
		case k%width == 0:
			b.WriteString(`],[`)
		default:
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))), 'g', -1, 32))
	}
	return b.String() + `]]}`
}

// cores are those that this process may use, one to ask from and another for the server; with one core alone they share it.
func cores(t *testing.T) (all, asking, serving string) {
	t.Helper()
	all = statusField(t, os.Getpid(), "Cpus_allowed_list")
	list := strings.FieldsFunc(all, func(r rune) bool { return r == ',' || r == '-' }) // as 0-3,8
	return all, list[0], list[len(list)-1]
}

// processorTime is what a process has used of the processors, by all of its threads.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name
	var ticks time.Duration
	for _, field := range strings.Fields(rest)[11:13] { // utime, stime
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100 // Linux shows hundredths everywhere
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// resident is the resident memory of a process, in KiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	kib, err := strconv.Atoi(strings.TrimSuffix(statusField(t, pid, "VmRSS"), " kB"))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// statusField is a line of a process's status.
func statusField(t *testing.T, pid int, name string) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

// outcome is what one phase of load came to.
type outcome struct {
	offered, accepted, refused float64
	p99, health                time.Duration
}

// generator sends one request over kept connections.
type generator struct {
	url, body string
	client    *http.Client
}

func newGenerator(url, body string) *generator {
	transport := &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
	return &generator{url: url, body: body, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// tally collects the answers of a phase.
type tally struct {
	mu       sync.Mutex
	accepted []time.Duration
	refused  int
}

// send asks once; anything but a whole prediction or a 503 with Retry-After is an error.
func (g *generator) send(t *testing.T, count *tally) {
	began := time.Now()
	res, err := g.client.Post(g.url+"/predict", "application/json", strings.NewReader(g.body))
	if err != nil {
		t.Errorf("POST /predict: %v", err)
		return
	}
	answer, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	took := time.Since(began)
	count.mu.Lock()
	defer count.mu.Unlock()
	switch {
	case err == nil && res.StatusCode == http.StatusOK && strings.Count(string(answer), `"prediction"`) == rowsPerRequest:
		count.accepted = append(count.accepted, took)
	case err == nil && res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "1":
		count.refused++
	default:
		t.Errorf("POST /predict: %s, Retry-After %q, %v: %.100s", res.Status, res.Header.Get("Retry-After"), err, answer)
	}
}

// closed keeps so many callers busy, each with one request at a time: the most that the service can take.
func (g *generator) closed(t *testing.T, callers int, length time.Duration) outcome {
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var count tally
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				g.send(t, &count)
			}
		})
	}
	all.Wait()
	return count.outcome()
}

// open sends at a fixed rate, whether or not answers come, as many callers do. A caller in time for whom no connection
// is left is not sent, so that the load is bounded; the offered rate is what was sent.
func (g *generator) open(t *testing.T, rate float64, length time.Duration) outcome {
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var count tally
	var all sync.WaitGroup
	var sent, busy atomic.Int64
	health := make(chan time.Duration, 1)
	go func() { health <- g.watchHealth(ctx, t) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ctx.Err() == nil && !t.Failed(); <-tick.C {
		for due := int64(time.Since(began).Seconds() * rate); sent.Load() < due; sent.Add(1) {
			if busy.Load() >= connections {
				break
			}
			busy.Add(1)
			all.Go(func() {
				defer busy.Add(-1)
				g.send(t, &count)
			})
		}
	}
	all.Wait()
	o := count.outcome()
	o.health = <-health
	return o
}

// watchHealth asks for /health all the time, and gives the 99th percentile of how long that took.
func (g *generator) watchHealth(ctx context.Context, t *testing.T) time.Duration {
	var took []time.Duration
	for ctx.Err() == nil {
		began := time.Now()
		if body, err := fetch(g.url + "/health"); err != nil || string(body) != `{"status":"ok","version":"v1"}` {
			t.Errorf("GET /health under load: %s, %v", body, err)
			return 0
		}
		took = append(took, time.Since(began))
		time.Sleep(20 * time.Millisecond)
	}
	return percentile99(took)
}

func (c *tally) outcome() outcome {
	return outcome{offered: float64(len(c.accepted) + c.refused), accepted: float64(len(c.accepted)), refused: float64(c.refused), p99: percentile99(c.accepted)}
}

func percentile99(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)*99/100].Round(10 * time.Microsecond)
}

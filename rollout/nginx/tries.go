package nginx

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ml-service/rollout"
)

// tries are what Nginx's access log says of one side: every try, a request may need two.
type tries struct {
	all, failed uint64
}

// logLine is one request in the access log. Nginx lists the tries with ", " and, after an internal redirect, " : ".
type logLine struct {
	RequestID string `json:"request_id"`
	Addr      string `json:"upstream_addr"`
	Status    string `json:"upstream_status"`
}

// tally adds the tries of an access log, by the address of each side.
func tally(log string, sides map[string]rollout.Side, into map[rollout.Side]*tries) {
	lines := bufio.NewScanner(strings.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one logLine
		if !bytes.HasPrefix(lines.Bytes(), []byte("{")) || json.Unmarshal(lines.Bytes(), &one) != nil || strings.HasPrefix(one.RequestID, markPrefix) {
			continue
		}
		addrs := strings.Split(strings.ReplaceAll(one.Addr, " : ", ", "), ", ")
		statuses := strings.Split(strings.ReplaceAll(one.Status, " : ", ", "), ", ")
		for i, addr := range addrs {
			side, ok := sides[addr]
			if !ok || i >= len(statuses) {
				continue
			}
			if into[side] == nil {
				into[side] = &tries{}
			}
			into[side].all++
			// 502 and 504 are Nginx's own words for a try that brought no answer; the service never answers them.
			if statuses[i] == "502" || statuses[i] == "504" || statuses[i] == "-" {
				into[side].failed++
			}
		}
	}
}

// addresses maps the addresses of the sides, with their port, to the sides.
func (p *project) addresses() map[string]rollout.Side {
	all := map[string]rollout.Side{}
	for side, c := range p.sides {
		for _, ip := range c.Addresses() {
			all[ip+":"+serverPort] = side
		}
	}
	return all
}

// Count is one scrape of a colour: its own metrics, and the tries at it that failed in Nginx's log since the target's
// first count.
func (t *Target) Count(ctx context.Context, side rollout.Side) (rollout.Counts, error) {
	p, err := t.running(ctx)
	if err != nil {
		return rollout.Counts{}, err
	}
	c := p.sides[side]
	if c == nil {
		return rollout.Counts{}, fmt.Errorf("%s is gone", side)
	}
	if err := t.followLog(ctx, p); err != nil {
		return rollout.Counts{}, err
	}
	n := rollout.Counts{At: time.Now(), Instance: c.ID[:min(12, len(c.ID))], Restarts: c.RestartCount}
	if seen := t.tries[side]; seen != nil {
		n.FailedTries = seen.failed
	}
	answer, err := t.askIn(ctx, p, side, rollout.Request{Path: "/metrics"})
	if err != nil {
		return n, err
	}
	if answer.Status != http.StatusOK {
		return n, fmt.Errorf("GET /metrics of %s: status %d; is METRICS=false?", side, answer.Status)
	}
	err = readMetrics(answer.Body, &n)
	n.Errors += n.FailedTries
	return n, err
}

// sameLook is how close two looks at the log are one: it is read from its beginning each time.
const sameLook = 250 * time.Millisecond

// followLog adds the tries since the last look to the ones before.
func (t *Target) followLog(ctx context.Context, p *project) error {
	now := time.Now()
	if t.tries == nil {
		t.tries, t.triesAt = map[rollout.Side]*tries{}, now
		return nil
	}
	if now.Sub(t.triesAt) < sameLook { // the other side was counted just now
		return nil
	}
	log, _, err := t.docker.Logs(ctx, p.nginx.ID, t.triesAt)
	if err != nil {
		return err
	}
	t.triesAt = now
	tally(log, p.addresses(), t.tries)
	return nil
}

// readMetrics takes the requests that were answered by a model out of the service's own metrics.
func readMetrics(text []byte, n *rollout.Counts) error {
	byRoute, predictions := map[float64]uint64{}, map[float64]uint64{}
	scores := map[string]uint64{} // rows at most a bucket's limit, by class
	found := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		metric, value, ok := strings.Cut(line, "} ")
		if !ok {
			continue
		}
		metric, list, _ := strings.Cut(metric, "{")
		labels := labelsOf(list)
		found = found || metric == "ml_model_info"
		var into map[float64]uint64
		switch {
		case metric == "ml_requests_total" && predicts(labels["route"]):
		case metric == "ml_request_duration_seconds_bucket" && predicts(labels["route"]):
			into = byRoute
		case metric == "ml_prediction_duration_seconds_bucket" && labels["start"] == "false":
			into = predictions
		case metric == "ml_prediction_score_bucket":
		default:
			continue
		}
		v, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
		if err != nil {
			return fmt.Errorf("metrics: %q: %w", line, err)
		}
		switch {
		case metric == "ml_requests_total":
			n.Requests += uint64(v)
			switch code := labels["code"]; {
			case strings.HasPrefix(code, "5"):
				n.Errors += uint64(v)
			case strings.HasPrefix(code, "4") && code != "408" && code != "413": // those are the caller's, whatever the model
				n.Refused += uint64(v)
			}
		case metric == "ml_prediction_score_bucket":
			scores[labels["class"]+" "+labels["le"]] = uint64(v)
		default:
			le, err := strconv.ParseFloat(labels["le"], 64)
			if err != nil {
				return fmt.Errorf("metrics: %q: %w", line, err)
			}
			into[le] += uint64(v)
		}
	}
	if !found {
		return fmt.Errorf("the answer to GET /metrics has no ml_model_info: is it the service's?")
	}
	buckets := predictions
	if len(buckets) == 0 { // an older image
		buckets = byRoute
	}
	for _, le := range slices.Sorted(maps.Keys(buckets)) {
		n.Latency = append(n.Latency, rollout.Bucket{Seconds: le, Count: buckets[le]})
	}
	n.Scores = apart(scores)
	return lines.Err()
}

// apart takes the buckets of each class, which include the ones before them, apart.
func apart(cumulative map[string]uint64) map[string]uint64 {
	type bucket struct {
		le   float64
		name string
	}
	classes := map[string][]bucket{}
	for name := range cumulative {
		k := strings.LastIndexByte(name, ' ')
		if le, err := strconv.ParseFloat(name[k+1:], 64); err == nil {
			classes[name[:k]] = append(classes[name[:k]], bucket{le, name})
		}
	}
	all := map[string]uint64{}
	for _, buckets := range classes {
		slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.le, b.le) })
		before := uint64(0)
		for _, b := range buckets {
			all[b.name] = cumulative[b.name] - min(before, cumulative[b.name])
			before = cumulative[b.name]
		}
	}
	return all
}

// predicts says whether a route runs the model.
func predicts(route string) bool {
	switch route {
	case "/predict", "/invocations", "/v1/models/:name":
		return true
	}
	return strings.HasSuffix(route, "/infer")
}

// labelsOf reads `a="x",b="y"`.
func labelsOf(list string) map[string]string {
	all := map[string]string{}
	for list != "" {
		name, rest, ok := strings.Cut(list, `="`)
		if !ok {
			break
		}
		end := 0
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(rest))
		value, err := strconv.Unquote(`"` + rest[:end] + `"`)
		if err != nil {
			value = rest[:end]
		}
		all[strings.Trim(name, ", ")] = value
		list = rest[min(end+1, len(rest)):]
	}
	return all
}

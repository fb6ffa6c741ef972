// Package observe_test runs what watches the service, and the service with more to do than it can.
package observe_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

// program is the path of a program that this folder cannot do without.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: install Debian's package %s", err, debian)
	}
	return path
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	body, err := fetch(url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func fetch(url string) ([]byte, error) {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", url, res.Status, body)
	}
	return body, err
}

func TestPromtoolFindsNothing(t *testing.T) {
	promtool := program(t, "promtool", "prometheus")
	s := e2e.Start(t, "COLOR=blue", "MODEL_VERSION=v1.1.0")
	post(t, s.URL, `{"x":[0.4,-0.2,0.1]}`, http.StatusOK)
	r, err := e2e.Command{Stdin: string(get(t, s.URL+"/metrics"))}.Run(promtool, "check", "metrics")
	if err != nil || r.Code != 0 || r.Stdout+r.Stderr != "" {
		t.Errorf("promtool check metrics: %v, status %d, %s%s; want status 0 and no word", err, r.Code, r.Stdout, r.Stderr)
	}
}

func post(t *testing.T, url, body string, want int) {
	t.Helper()
	res, err := http.Post(url+"/predict", "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode != want {
		t.Errorf("POST /predict %s: got %d %s, want %d", body, res.StatusCode, answer, want)
	}
}

// query is one question of the dashboard.
type query struct{ panel, expr string }

func dashboard(t *testing.T) []query {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(e2e.Root(t), "deploy", "grafana", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	var all []query
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, query{p.Title, target.Expr})
		}
	}
	return all
}

// result is one series of Prometheus' answer at one moment.
type result struct {
	Metric map[string]string
	Value  [2]any // time, value as a string
}

func ask(prometheus, expr string) ([]result, error) {
	body, err := fetch(prometheus + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status string
		Data   struct{ Result []result }
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("%s: %w: %s", expr, err, body)
	}
	return answer.Data.Result, nil
}

// TestDashboard asks a real Prometheus every query of the dashboard, while blue and green are under load.
func TestDashboard(t *testing.T) {
	binary := program(t, "prometheus", "prometheus")
	colors := []string{"blue", "green"}
	servers := []*e2e.Server{
		e2e.Start(t, "COLOR=blue", "MODEL_VERSION=v1.0.0"),
		e2e.Start(t, "COLOR=green", "MODEL_VERSION=v1.1.0"),
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	shipped, err := os.ReadFile(filepath.Join(e2e.Root(t), "deploy", "grafana", "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("127.0.0.1:8081", strings.TrimPrefix(servers[0].URL, "http://"),
		"127.0.0.1:8082", strings.TrimPrefix(servers[1].URL, "http://"), "scrape_interval: 5s", "scrape_interval: 1s").Replace(string(shipped))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + e2e.FreePort(t)
	prometheus := e2e.StartProcess(t, "http://"+address, os.Environ(), binary, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")

	done := make(chan struct{})
	var load sync.WaitGroup
	defer load.Wait()
	defer close(done)
	for _, s := range servers {
		load.Go(func() { keepAsking(t, s.URL, done) })
	}

	queries := dashboard(t)
	if len(queries) < 20 {
		t.Fatalf("the dashboard asks %d queries, want at least 20", len(queries))
	}
	answered := 0
	for _, q := range queries {
		expr := strings.NewReplacer("$__rate_interval", "5s", "$__range", "10s", "$color", ".*").Replace(q.expr)
		var last []result
		e2e.Poll(t, time.Minute, q.panel+": "+expr, func() error {
			results, err := ask(prometheus.URL, expr)
			if err != nil {
				return err
			}
			last = results
			return complete(results, colors)
		})
		answered++
		t.Logf("%s: %d series, %s=%v: %s", q.panel, len(last), last[0].Metric["color"], last[0].Value[1], q.expr)
	}
	t.Logf("%d of %d queries of the dashboard answered for blue and green", answered, len(queries))
}

// complete says what is missing: a series for each colour, with a finite value.
func complete(results []result, colors []string) error {
	for _, color := range colors {
		found := false
		for _, r := range results {
			text, _ := r.Value[1].(string)
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || v != v || v-v != 0 {
				return fmt.Errorf("%v: value %q, want a finite number", r.Metric, text)
			}
			found = found || r.Metric["color"] == color
		}
		if !found {
			return fmt.Errorf("%d series, none for %s", len(results), color)
		}
	}
	return nil
}

// keepAsking sends what a user sends, mistakes included, until done; at most for two minutes.
func keepAsking(t *testing.T, url string, done <-chan struct{}) {
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for k := range 24_000 {
		select {
		case <-done:
			return
		case <-pause.C:
		}
		x := float64(k%40)/10 - 2
		post(t, url, fmt.Sprintf(`{"x":[[%g,%g,0.1],[%g,0.5,%g]]}`, x, -x, x, x), http.StatusOK)
		if k%10 == 0 {
			post(t, url, `{"x":[1]}`, http.StatusUnprocessableEntity)
		}
	}
}

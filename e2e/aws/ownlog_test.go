package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pushed is the line of ship.yml's AWS job, with what the job gives it on a push where the variable LAMBDA_STRATEGY is canary. The
// times are for a test: CloudWatch is a minute or two late, and the emulator is not.
const pushed = "STRATEGY='as on a push' LAMBDA_STRATEGY=canary LAMBDA_MEASURE=6s LAMBDA_EVERY=1s LAMBDA_MAX_WAIT=8m CGO_ENABLED=0 deploy/aws/deploy.sh"

// TestCanaryByTheFunctionsOwnLog pushes versions to a function whose job has LAMBDA_STRATEGY=canary: judged by what the
// function's own log lines tell CloudWatch, it holds without users, and promotes a good version by all its steps.
func TestCanaryByTheFunctionsOwnLog(t *testing.T) {
	m := start(t)
	ship := m.run(t, "cat .github/workflows/ship.yml")
	wantSaid(t, ship, "run: exec deploy/aws/deploy.sh\n")
	wantSaid(t, ship, "LAMBDA_STRATEGY: ${{ vars.LAMBDA_STRATEGY }}\n")

	m.run(t, "export REVISION=1; "+buildLine+" && sam deploy --parameter-overrides Architecture=x86_64")
	wantSaid(t, m.run(t, "REVISION=1 "+pushed), "live is on version 1, which is the newest: nobody is moved")
	s := m.stack(t)

	// No traffic: nobody is moved, and the last lines say how to go on.
	out := m.fails(t, 3, "REVISION=2 MODEL_VERSION=v1.1.0 "+pushed)
	wantSaid(t, out, "version 2 is published and checked; rollout canary moves users from 1 step by step")
	wantSaid(t, out, "no request came in 6s: without traffic there is nothing to judge, and no step ends")
	wantSaid(t, out, "Nobody was moved")
	wantSaid(t, out, "rollout promote --to 2")
	m.wantAlias(t, s, "live", "1", nil)
	m.wantAlias(t, s, "next", "2", nil)

	users := m.crowd(t, s)
	good := m.watch(t, s)
	out = m.run(t, "REVISION=2 MODEL_VERSION=v1.1.0 "+pushed)
	t.Log(out)
	wantSaid(t, out, "promote: 2 100 %")
	m.wantAlias(t, s, "live", "2", nil)
	good.want(t, "1", "1 2=0.1", "1 2=0.5", "2")
	users.want(t, "1 200", "2 200")
}

// crowd are clients of the HTTP API that ask until the test ends, and what they got by "<function version> <status>".
type crowd struct {
	mu   sync.Mutex
	seen map[string]int
}

func (m *machine) crowd(t *testing.T, s stack) *crowd {
	t.Helper()
	c := &crowd{seen: map[string]int{}}
	quit := make(chan struct{})
	var work sync.WaitGroup
	t.Cleanup(func() { close(quit); work.Wait() })
	client := http.Client{Timeout: 30 * time.Second}
	for range 4 {
		work.Go(func() {
			for {
				select {
				case <-quit:
					return
				case <-time.After(20 * time.Millisecond):
				}
				resp, err := client.Post(s.url+"/predict", "application/json", strings.NewReader(`{"x":[0.4,-0.2,0.1]}`))
				who := "no answer"
				if err == nil {
					_ = resp.Body.Close() // only the headers count
					who = fmt.Sprintf("%s %d", resp.Header.Get("X-Function-Version"), resp.StatusCode)
				}
				c.mu.Lock()
				c.seen[who]++
				c.mu.Unlock()
			}
		})
	}
	return c
}

// want wants answers of these kinds, each at least once, and no others.
func (c *crowd) want(t *testing.T, kinds ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Logf("         users got %v", c.seen)
	for _, kind := range kinds {
		if c.seen[kind] == 0 {
			t.Errorf("no user got %q", kind)
		}
	}
	for kind := range c.seen {
		if !slices.Contains(kinds, kind) {
			t.Errorf("%d users got %q", c.seen[kind], kind)
		}
	}
}

// watched is what an alias was on, each time that it changed.
type watched struct {
	mu   sync.Mutex
	path []string
	stop func()
}

// watch reads live twice a second until want is called, by Lambda's own API: the emulator checks no signature.
func (m *machine) watch(t *testing.T, s stack) *watched {
	t.Helper()
	endpoint, _, _ := strings.Cut(s.url, "/_aws/")
	w := &watched{}
	quit := make(chan struct{})
	var work sync.WaitGroup
	w.stop = sync.OnceFunc(func() { close(quit); work.Wait() })
	t.Cleanup(w.stop)
	client := http.Client{Timeout: 10 * time.Second}
	read := func() error {
		resp, err := client.Get(endpoint + "/2015-03-31/functions/" + s.function + "/aliases/live")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var a struct {
			FunctionVersion string
			RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
		}
		if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
			return err
		}
		now := a.FunctionVersion
		for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
			now += fmt.Sprintf(" %s=%g", version, weight)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.path) == 0 || w.path[len(w.path)-1] != now {
			w.path = append(w.path, now)
		}
		return nil
	}
	work.Go(func() {
		for {
			if err := read(); err != nil {
				t.Errorf("read live: %v", err)
				return
			}
			select {
			case <-quit:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
	return w
}

// want wants the alias to have been on just these, one after the other.
func (w *watched) want(t *testing.T, path ...string) {
	t.Helper()
	w.stop()
	t.Logf("         live was on %q", w.path)
	if !slices.Equal(w.path, path) {
		t.Errorf("live was on %q, want %q", w.path, path)
	}
}

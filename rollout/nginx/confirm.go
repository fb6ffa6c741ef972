package nginx

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

const (
	markPrefix = "rollout-" // of the X-Request-Id of requests that are ours
	window     = 16         // requests in a row that have to come from the right sides
)

// before is what was there when a reload was asked for.
type before struct {
	workers  map[string]bool // by pid
	restarts int
	id       string
	at       time.Time
}

func (t *Target) before(ctx context.Context, c *docker.Container) (before, error) {
	all, err := t.workersOf(ctx, c)
	b := before{workers: map[string]bool{}, restarts: c.RestartCount, id: c.ID, at: time.Now()}
	for _, pid := range all {
		b.workers[pid] = true
	}
	return b, err
}

// workersOf gives the pids of the workers that take connections.
func (t *Target) workersOf(ctx context.Context, c *docker.Container) ([]string, error) {
	all, err := t.docker.Processes(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var pids []string
	for _, p := range all {
		if strings.Contains(p.Command, "nginx: worker process") && !strings.Contains(p.Command, "shutting down") {
			pids = append(pids, p.PID)
		}
	}
	if len(pids) == 0 {
		return nil, fmt.Errorf("no worker of Nginx runs in the container %s", name(c))
	}
	return pids, nil
}

// confirm waits until the workers from before take no more connections and new ones send requests to the sides that
// should have them. What it has seen are its own requests and, for small shares under load, those of users in Nginx's log.
func (t *Target) confirm(ctx context.Context, p *project, want rollout.Split, b before) error {
	c := p.nginx
	if err := t.workers(ctx, c, b, want); err != nil {
		return err
	}
	began := time.Now()
	deadline, look := began.Add(t.Within), began.Add(time.Second)
	seen, sent := map[rollout.Side]int{}, 0
	for {
		now, wrong := t.marked(ctx, c, window)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		sent += window
		for side, n := range now {
			if want.Shares[side] == 0 {
				wrong = fmt.Errorf("%d of %d requests through port 8080 were answered by %s", n, window, side)
			}
			seen[side] += n
		}
		if wrong == nil {
			wrong = missing(want, seen, sent)
		}
		if wrong == nil {
			_, err := t.quiet(ctx, c, b, want)
			return err
		}
		if time.Now().After(look) {
			log, err := t.quiet(ctx, c, b, want)
			if err != nil {
				return err
			}
			users := map[rollout.Side]*tries{}
			tally(after(log, began.Add(settled)), p.addresses(), users)
			for side, n := range users {
				seen[side] += int(n.all - n.failed)
			}
			look = time.Now().Add(time.Second)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not what is seen within %s: %w", want, t.Within, wrong)
		}
	}
}

// settled is how long workers from before were seen to answer on kept connections, and some.
const settled = 3 * time.Second

// after gives the lines of an access log that were written after a moment.
func after(log string, moment time.Time) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		_, rest, ok := strings.Cut(line, `"time":"`)
		stamp, _, ok2 := strings.Cut(rest, `"`)
		if at, err := time.Parse(time.RFC3339, stamp); ok && ok2 && err == nil && at.After(moment) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// missing says which side has answered nothing and should have.
func missing(want rollout.Split, seen map[rollout.Side]int, sent int) error {
	for _, side := range want.Sides() {
		if seen[side] == 0 && !unlikely(want.Shares[side], sent) {
			return fmt.Errorf("none of %d requests through port 8080 was answered by %s, which should have %s", sent, side, rollout.Percent(want.Shares[side]))
		}
	}
	return nil
}

// unlikely says whether a share is too small to be waited for: after 2,000 requests one is expected of 0.05 %, and
// a smaller one may go unseen.
func unlikely(share float64, sent int) bool { return sent >= 2000 && share < 0.5 }

// workers waits until none of the workers from before takes connections and others do.
func (t *Target) workers(ctx context.Context, c *docker.Container, b before, want rollout.Split) error {
	deadline, look := time.Now().Add(t.Within), time.Now().Add(time.Second)
	for {
		now, err := t.workersOf(ctx, c)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil && !slices.ContainsFunc(now, func(pid string) bool { return b.workers[pid] }) {
			return nil
		}
		if time.Now().After(look) {
			if _, err := t.quiet(ctx, c, b, want); err != nil {
				return err
			}
			look = time.Now().Add(time.Second)
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s after the reload, workers from before it still take connections", t.Within), err)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// quiet says whether Nginx has complained since, or was restarted, and gives its access log since. The log of a busy Nginx
// is long, so this is not asked often.
func (t *Target) quiet(ctx context.Context, c *docker.Container, b before, want rollout.Split) (log string, err error) {
	now, err := t.docker.Inspect(ctx, c.ID)
	if err != nil {
		return "", err
	}
	if now[0].RestartCount != b.restarts || !now[0].State.Running {
		return "", fmt.Errorf("the container of Nginx ended meanwhile (%d restarts, %d before)", now[0].RestartCount, b.restarts)
	}
	log, stderr, err := t.docker.Logs(ctx, c.ID, b.at)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(stderr) {
		if alarming(line) && !unwanted(line, want) {
			return log, fmt.Errorf("nginx says: %s", strings.TrimSpace(line))
		}
	}
	return log, nil
}

// unwanted says whether a line is about the name of a side that is to have no traffic: workers from before still ask for
// the colour that is gone, which is why it is left.
func unwanted(line string, want rollout.Split) bool {
	return strings.Contains(line, unresolved) &&
		!slices.ContainsFunc(want.Sides(), func(side rollout.Side) bool { return strings.Contains(line, serverPrefix+string(side)+" ") })
}

// marked sends n requests through port 8080, each on a connection of its own, and counts who answered. Its requests
// are GET /health, which no judge counts.
func (t *Target) marked(ctx context.Context, c *docker.Container, n int) (map[rollout.Side]int, error) {
	addr := c.HostAddr(servicePort)
	if addr == "" {
		return nil, fmt.Errorf("port 8080 of the container %s is not published on this machine", name(c))
	}
	mark := markPrefix + rand.Text()[:10]
	var (
		mu     sync.Mutex
		counts = map[rollout.Side]int{}
		errs   []error
		wg     sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			side, err := t.ask(ctx, addr, fmt.Sprintf("%s-%d", mark, i))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			counts[side]++
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		return counts, fmt.Errorf("%d of %d requests through port 8080 failed, the first: %w", len(errs), n, errs[0])
	}
	return counts, nil
}

func (t *Target) ask(ctx context.Context, addr, id string) (rollout.Side, error) {
	answer, err := t.send(ctx, addr, rollout.Request{Path: "/health", Header: http.Header{"X-Request-Id": {id}}})
	if err != nil {
		return "", err
	}
	if got := answer.Header.Get("X-Request-Id"); got != id {
		return "", fmt.Errorf("the answer has X-Request-Id %q, want %q: something else answers on %s", got, id, addr)
	}
	if answer.Status != http.StatusOK {
		return "", fmt.Errorf("GET /health: status %d: %.200s", answer.Status, answer.Body)
	}
	colour := answer.Header.Get("X-Color")
	if colour == "" {
		return "", errors.New("an answer has no X-Color, so nobody knows who gave it: set COLOR of both sides")
	}
	return rollout.Side(colour), nil
}

const maxAnswer = 8 << 20 // bytes of an answer that are read

// send sends a request to an address of this machine.
func (t *Target) send(ctx context.Context, addr string, r rollout.Request) (rollout.Answer, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+r.Path, strings.NewReader(string(r.Body)))
	if err != nil {
		return rollout.Answer{}, err
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	began := time.Now()
	resp, err := t.client.Do(req)
	if err != nil {
		return rollout.Answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("GET %s: the answer is longer than %d bytes", r.Path, maxAnswer)
	}
	return rollout.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, Seconds: time.Since(began).Seconds()}, err
}

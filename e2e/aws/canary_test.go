package aws

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

// judged is the job's own command where "Run workflow" says canary, in less time than an hour.
const judged = "STRATEGY=canary LAMBDA_MEASURE=6s LAMBDA_EVERY=2s LAMBDA_MAX_WAIT=3m make -s deploy-lambda MODEL_VERSION=v1.1.0"

// TestCanary is the job that publishes and has rollout canary move users, for a version that fails: it is taken back. The
// versions' metrics are put into CloudWatch by the test. A good version is TestCanaryByTheFunctionsOwnLog's.
func TestCanary(t *testing.T) {
	m := start(t)
	m.run(t, "make -s deploy-lambda ARCHITECTURE=x86_64")
	s := m.stack(t)
	users := m.users(t, s)
	users.failing("2", 0.3)
	wantSaid(t, m.fails(t, 2, judged), "rolled back to 1 100 %: errors: 2 fails more often than 1")
	m.wantAlias(t, s, "live", "1", nil)
	m.wantAlias(t, s, "next", "2", nil)
	users.stop()
}

// users are counted in CloudWatch as the function counts them: some a second, spread by the alias's weights.
type users struct {
	t     *testing.T
	m     *machine
	s     stack
	quit  chan struct{}
	group sync.WaitGroup
	mu    sync.Mutex
	fails map[string]float64 // by version: the share of its answers that are its own 500s
}

func (m *machine) users(t *testing.T, s stack) *users {
	u := &users{t: t, m: m, s: s, quit: make(chan struct{}), fails: map[string]float64{}}
	u.group.Go(u.ask)
	t.Cleanup(u.stop)
	return u
}

func (u *users) failing(version string, share float64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fails[version] = share
}

func (u *users) stop() {
	select {
	case <-u.quit:
	default:
		close(u.quit)
	}
	u.group.Wait()
}

type datum struct {
	MetricName string
	Dimensions []map[string]string
	Values     []float64
	Counts     []float64
}

func (u *users) ask() {
	file := filepath.Join(u.t.TempDir(), "data.json")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-u.quit:
			return
		case <-tick.C:
		}
		var alias struct {
			FunctionVersion string
			RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
		}
		if !u.call(&alias, "lambda", "get-alias", "--function-name", u.s.function, "--name", "live") {
			return
		}
		share, rest := alias.RoutingConfig.AdditionalVersionWeights, 1.0
		for _, w := range share {
			rest -= w
		}
		if share == nil {
			share = map[string]float64{}
		}
		share[alias.FunctionVersion] = rest
		var data []datum
		for version, w := range share {
			u.mu.Lock()
			fails := u.fails[version]
			u.mu.Unlock()
			of := []map[string]string{{"Name": "FunctionName", "Value": u.s.function}, {"Name": "FunctionVersion", "Value": version}}
			n := float64(int(400*w + 0.5))
			bad := float64(int(n * fails))
			data = append(data, datum{"Requests", of, []float64{1}, []float64{n}}, datum{"Errors5xx", of, []float64{0, 1}, []float64{n - bad, bad}},
				datum{"PredictionLatency", of, []float64{2, 3, 6}, []float64{float64(int(n * 0.7)), float64(int(n * 0.28)), float64(int(n * 0.02))}})
		}
		text, err := json.Marshal(data)
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			u.t.Error(err)
			return
		}
		if !u.call(nil, "cloudwatch", "put-metric-data", "--namespace", "ml-service", "--metric-data", "file://"+file) {
			return
		}
	}
}

func (u *users) call(into any, args ...string) bool {
	r, err := e2e.Command{Dir: u.m.dir, Env: u.m.env}.Run("bash", append([]string{"-c", `aws --output json "$@"`, "aws"}, args...)...)
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("exit status %d: %s", r.Code, strings.TrimSpace(r.Stderr))
	}
	if err == nil && into != nil {
		err = json.Unmarshal([]byte(r.Stdout), into)
	}
	if err != nil {
		u.t.Errorf("aws %s: %v", strings.Join(args, " "), err)
	}
	return err == nil
}

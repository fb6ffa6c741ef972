package rollout

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// shifts is how many changes of weight a run makes; ROLLOUT_SHIFTS=50 is the large one.
func shifts(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("ROLLOUT_SHIFTS"))
	if os.Getenv("ROLLOUT_SHIFTS") != "" && err != nil {
		t.Fatal(err)
	}
	return max(n, 4)
}

// TestRelease is a release from the idle side to all the traffic and back, whatever state green is in, under load.
func TestRelease(t *testing.T) {
	for _, tool := range tools {
		t.Run(strings.Join(tool, " "), func(t *testing.T) {
			s := newStack(t, tool)
			s.want(t, 2, "say --from", "promote", "--to", "blue") // at a split nobody knows whom a rollback goes back to
			s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")
			l := users(t)

			t.Log("a release in three commands")
			model := filepath.Join(t.TempDir(), "v2.0.0")
			e2e.Command{}.Output(t, "cp", "-R", filepath.Join(s.dir, "models", "v1.1.0"), model)
			began := time.Now()
			s.want(t, 0, "golden rows answer", "deploy", "--model", model)
			s.want(t, 0, "green 10 %", "shift", "--to", "green", "--weight", "10")
			s.want(t, 0, "green 100 %", "promote")
			t.Logf("deploy, shift and promote took %.1f s", time.Since(began).Seconds())
			s.up(t) // a plain up -d changes nothing
			if got := l.Shares(t, 200); len(got) != 1 || got["green"] == 0 {
				t.Errorf("after the promotion answers come from %v, want green alone", got)
			}
			s.want(t, 0, "blue 100 %", "rollback", "--reason", "alive")

			for range shifts(t) {
				weight := []string{"1", "5", "10", "25", "33.3", "50", "75", "99"}[rand.IntN(8)]
				s.want(t, 0, "green "+weight+" %", "shift", "--to", "green", "--weight", weight)
				near(t, l, weight)
			}

			green := s.container(t, "ml-service-green")
			for _, c := range []struct {
				name        string
				spoil, mend []string
			}{
				{"stopped", []string{"stop", green}, []string{"start", green}},
				{"hanging", []string{"pause", green}, []string{"unpause", green}},
				{"removed", []string{"rm", "-f", green}, nil},
			} {
				s.want(t, 0, "green 50 %", "shift", "--to", "green", "--weight", "50")
				e2e.Command{}.Output(t, "docker", c.spoil...)
				s.want(t, 0, "blue 100 %", "rollback", "--reason", "green is "+c.name)
				if got := l.Shares(t, 100); len(got) != 1 || got["blue"] == 0 {
					t.Errorf("green is %s: after the rollback answers come from %v, want blue alone", c.name, got)
				}
				if c.mend != nil {
					e2e.Command{}.Output(t, "docker", c.mend...)
					s.healthy(t, "ml-service-green")
				}
			}
			l.Stop()
			t.Logf("0 failed is wanted: %s", l.Seen(t))
		})
	}
}

// users ask for predictions all the time.
func users(t *testing.T) *e2e.Load {
	return (&e2e.Load{Clients: 16, Pace: 3 * time.Millisecond, Same: true}).Start(t)
}

// near says whether green's part of some requests can come from its weight: five standard deviations.
func near(t *testing.T, l *e2e.Load, weight string) {
	t.Helper()
	want, err := strconv.ParseFloat(weight, 64)
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	got := l.Shares(t, n)["green"]
	if bound := 1 + 5*100*math.Sqrt(want/100*(1-want/100)/n); math.Abs(got-want) > bound {
		t.Errorf("green has %.1f %% of %d requests, want %s %% within %.1f", got, n, weight, bound)
	}
}

// TestRefusedDeployments deploys what must not come near users: each is refused, taken back, and named.
func TestRefusedDeployments(t *testing.T) {
	s := newStack(t, tools[0])
	s.want(t, 2, "both sides have traffic", "deploy", "--image", tag, "--version", "v1.1.0")
	s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")
	l := users(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"an image that is nowhere", []string{"--image", "127.0.0.1:1/none:v9", "--version", "v9"}, 1, "cannot be pulled"},
		{"a version that is not in it", []string{"--image", tag, "--version", "v9"}, 1, "green runs what it ran before"},
		{"a wrong checksum", []string{"--image", tag, "--version", "v1.1.0", "--sha256", strings.Repeat("0", 64)}, 1, "announced was 0000"},
		{"shell in a version", []string{"--image", tag, "--version", "v1;reboot"}, 2, "want letters, digits"},
		{"a side with traffic", []string{"--image", tag, "--version", "v1.1.0", "--to", "blue"}, 2, "deploy goes to a side without any"},
	} {
		s.want(t, c.code, c.says, append([]string{"deploy"}, c.args...)...)
	}
	// Golden rows of another model.
	golden := filepath.Join(s.dir, "models", "v1.0.0", "golden.json")
	s.want(t, 1, "golden row", "deploy", "--image", tag, "--version", "v1.1.0", "--golden", golden)
	if env := s.read(t, ".env"); !strings.Contains(env, "GREEN_VERSION=v1.1.0") && strings.Contains(env, "GREEN_VERSION") {
		t.Errorf(".env after refused deployments:\n%s", env)
	}
	s.want(t, 0, "", "status")
	l.Stop()
	t.Log(l.Seen(t))
}

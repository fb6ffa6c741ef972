package nginx

import (
	"testing"

	"ml-service/rollout"
)

// TestUnwanted lets a rollback leave a colour that is gone: workers from before go on asking for its name.
func TestUnwanted(t *testing.T) {
	const gone = "2026/11/26 04:58:17 [error] 996#996: ml-service-green could not be resolved (3: Host not found)"
	for _, c := range []struct {
		name, line string
		want       rollout.Split
		unwanted   bool
	}{
		{"back to blue", gone, rollout.All("blue"), true},
		{"a share for the one that is gone", gone, rollout.Between("green", 10, "blue"), false},
		{"another name", "[error] ml-service-gren could not be resolved (3: Host not found)", rollout.All("blue"), true},
		{"no configuration", `[emerg] host not found in upstream "ml-service-green:8080"`, rollout.All("blue"), false},
		{"no worker", "[alert] fork() failed while spawning", rollout.All("blue"), false},
	} {
		if got := unwanted(c.line, c.want); got != c.unwanted || !alarming(c.line) {
			t.Errorf("%s: unwanted is %t, alarming is %t", c.name, got, alarming(c.line))
		}
	}
}

package e2e

import "testing"

func TestTooNewForOldCompose(t *testing.T) {
	for engine, left := range map[string]bool{"20.10.24 1.12": false, "27.5.1 1.24": false, "28.5.2 1.24": false, "29.0.0 1.44": true, "29.1.3 1.40": true, "30.0.0 2.0": true, "28.0 1.38": false} {
		if got := tooNewForOldCompose(engine); (got != "") != left {
			t.Errorf("engine %s: got %q, want left out %v", engine, got, left)
		}
	}
}

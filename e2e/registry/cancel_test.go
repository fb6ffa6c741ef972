package registry

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// GitHub tells a cancelled job's step alone, and kills it 7.5 seconds later: the step must have become deploy.sh, which in turn
// becomes rollout canary. deploy.sh says here what it was given and waits.
func TestCancelledLambda(t *testing.T) {
	r := newRunner(t)
	began := filepath.Join(r.checkout, "began")
	script := `#!/usr/bin/env bash
trap 'echo heard; exit 7' INT
echo "STACK=$STACK ARCHITECTURE=$ARCHITECTURE MEMORY_SIZE=$MEMORY_SIZE CGO_ENABLED=$CGO_ENABLED"
touch began
for _ in $(seq 100); do sleep 0.1; done
`
	if err := os.WriteFile(filepath.Join(r.checkout, "deploy", "aws", "deploy.sh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	told := make(chan time.Time, 1)
	go func() {
		defer close(told)
		for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(began); err == nil {
				for _, pid := range steps(t) {
					_ = syscall.Kill(pid, syscall.SIGINT)
				}
				told <- time.Now()
				return
			}
		}
	}()
	got := r.run("ship/lambda/Publish a version, check it, and move users as far as the strategy says", with(push(),
		"vars.LAMBDA_STACK", "ml-staging", "vars.LAMBDA_ARCHITECTURE", "x86_64", "vars.LAMBDA_MEMORY_SIZE", "512"))
	if took := time.Since(<-told); got.Code != 7 || took > 7*time.Second || !strings.HasSuffix(got.Stdout, "heard\n") {
		t.Errorf("got exit status %d, %s after it was told, and %q; want 7, within 7s, and that it heard", got.Code, took, got.all())
	}
	if want := "STACK=ml-staging ARCHITECTURE=x86_64 MEMORY_SIZE=512 CGO_ENABLED=0\n"; !strings.HasPrefix(got.Stdout, want) {
		t.Errorf("got %q, want it to begin with %q", got.Stdout, want)
	}
}

// Command lambda measures how long the bootstrap takes from its start to its first request for an event, beside a bare
// aws-lambda-go handler that was built the same way. The two take turns, so that what else the machine does hits both.
// Each is written anew in one piece first, as Lambda unpacks a zip: a file that the linker wrote page by page, or that
// has lain in the page cache for a while, starts up to a third slower or faster, whichever program it is.
//
//	go run ./bench/lambda -n 200
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	n := flag.Int("n", 200, "starts of each")
	flag.Parse()
	if err := run(context.Background(), *n); err != nil {
		fmt.Fprintln(os.Stderr, "bench/lambda:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n int) error {
	if n < 1 {
		return fmt.Errorf("-n %d: want at least 1", n)
	}
	dir, err := os.MkdirTemp("", "bench-lambda")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bare, ours := filepath.Join(dir, "bare"), filepath.Join(dir, "bootstrap")
	if err := command(ctx, "make", "-s", "build-MlServiceFunction", "ARTIFACTS_DIR="+dir, "GOARCH="+runtime.GOARCH); err != nil {
		return err
	}
	// The flags are the Makefile's.
	if err := command(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "nomsgpack,lambda.norpc", "-ldflags", "-s -w", "-o", bare, "./bench/lambda/bare"); err != nil {
		return err
	}
	var took [2][]time.Duration
	const block, warm = 25, 3
	for i := range n + (n+block-1)/block*warm {
		for j, binary := range []string{bare, ours} {
			if i%(block+warm) == 0 {
				if err := rewrite(binary); err != nil {
					return err
				}
			}
			d, err := start(ctx, binary)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(binary), err)
			}
			if i%(block+warm) >= warm {
				took[j] = append(took[j], d)
			}
		}
	}
	fmt.Printf("from spawn to the first next, ms, %d starts each, %s/%s, %d cores\n", len(took[0]), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Printf("%-10s %8s %8s %8s %8s\n", "", "min", "median", "p90", "bytes")
	for j, binary := range []string{bare, ours} {
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		fmt.Printf("%-10s %8.2f %8.2f %8.2f %8d\n", filepath.Base(binary), at(took[j], 0), at(took[j], 0.5), at(took[j], 0.9), info.Size())
	}
	fmt.Printf("ratio of the medians %.2f, of the minima %.2f\n", at(took[1], 0.5)/at(took[0], 0.5), at(took[1], 0)/at(took[0], 0))
	return nil
}

// rewrite writes a program again, in one piece.
func rewrite(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o755)
}

func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// start runs a bootstrap until it asks for its first event, and kills it.
func start(ctx context.Context, binary string) (time.Duration, error) {
	asked := make(chan time.Time, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2018-06-01/runtime/invocation/next" {
			select {
			case asked <- time.Now():
			default:
			}
		}
		<-r.Context().Done()
	}))
	defer api.Close()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "LAMBDA_TASK_ROOT=" + filepath.Dir(binary)}
	spawned := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var status error
	ended := make(chan struct{})
	go func() {
		status = cmd.Wait()
		close(ended)
	}()
	stop := func() error {
		err := cmd.Process.Kill()
		<-ended
		api.CloseClientConnections()
		return err
	}
	select {
	case at := <-asked:
		return at.Sub(spawned), stop()
	case <-ended:
		return 0, fmt.Errorf("it ended before it asked for an event: %w", status)
	case <-time.After(10 * time.Second):
		return 0, errors.Join(errors.New("it did not ask for an event within 10 s"), stop())
	}
}

// at returns the q-quantile in milliseconds.
func at(took []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(took))
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}

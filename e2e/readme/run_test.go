package readme

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

func TestRun(t *testing.T) {
	free := e2e.FreePort(t) // above 1023, where whoever is not root may listen
	port, err := strconv.Atoi(free)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		block Block
		want  string // how the error begins; "": none
	}{
		{"status 0", Block{Language: "bash", Text: "true"}, ""},
		{"another status", Block{Language: "bash", Text: "false\necho after"}, "exit status 1"},
		{"a failure in a pipe", Block{Language: "bash", Text: "false | cat"}, "exit status 1"},
		{"an unset variable", Block{Language: "bash", Text: "echo $no_such"}, "exit status 1"},
		{"the output", Block{Language: "bash", Text: "echo a; echo b", Output: ptr("a\nb")}, ""},
		{"another output", Block{Language: "bash", Text: "echo a", Output: ptr("b")}, "printed something else"},
		{"comments", Block{Language: "bash", Text: "echo '{1}'; echo '{2}'", Says: []string{"{1}", "{2}"}}, ""},
		{"comments in another order", Block{Language: "bash", Text: "echo '{2}'; echo '{1}'", Says: []string{"{1}", "{2}"}}, "did not print what its comment says: {2}"},
		{"python", Block{Language: "python", Text: "print('a')", Output: ptr("a")}, ""},
		{"no end", Block{Language: "bash", Text: "sleep 600"}, "killed after 2s"},
		{"a server that ends", Block{Language: "bash", Text: "echo broken; exit 7", Serves: port}, "the server on port " + free + ": ended with status 7\nbroken"},
	} {
		r := Runner{Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}, Limit: 2 * time.Second}
		err := r.Run(t, test.block)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestRunEndsWhatRunsInTheBackground(t *testing.T) {
	dir := t.TempDir()
	r := Runner{Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")}, Limit: 10 * time.Second}
	if err := r.Run(t, Block{Language: "bash", Text: "sleep 600 &\necho $! > pid"}); err != nil {
		t.Fatal(err)
	}
	e2e.Poll(t, 10*time.Second, "the end of the background job", func() error {
		status, err := os.ReadFile("/proc/" + strings.TrimSpace(read(dir+"/pid")) + "/status")
		if err == nil && !strings.Contains(string(status), "State:\tZ") {
			return errors.New("it runs")
		}
		return nil
	})
}

func TestRunRefusesATakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := Runner{Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}, Limit: time.Second}
	err = r.Run(t, Block{Language: "bash", Text: "true", Serves: l.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "something else does already") {
		t.Errorf("got %v, want a taken port", err)
	}
}

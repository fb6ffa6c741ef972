package main

import (
	"strings"
	"testing"
)

func TestLiveLines(t *testing.T) {
	long := "running: " + strings.Repeat("x", 100)
	var log, screen strings.Builder
	for _, l := range []*liveLines{{w: &log}, {w: &screen, live: true}} {
		for _, line := range []string{"accepted: d-1", "running: pull", long, "succeeded: done"} {
			l.say(line)
		}
		l.end()
	}
	if got, want := log.String(), "accepted: d-1\nrunning: pull\n"+long+"\nsucceeded: done\n"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
	if got, want := screen.String(), "accepted: d-1\nrunning: pull\r\x1b[K"+long[:terminalWidth-1]+"…\r\x1b[Ksucceeded: done\n"; got != want {
		t.Errorf("terminal: got %q, want %q", got, want)
	}
}

// A flag that is given the token by mistake does not print it.
func TestFlagErrorHasNoToken(t *testing.T) {
	const secret = `tok-9f3b"1c77-never-to-be-seen-at-all`
	t.Setenv("CLOUD_TOKEN", secret)
	for _, args := range [][]string{{"--timeout", secret}, {"--start-within", secret}, {secret}} {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"deploy", "--api", "http://127.0.0.1:1"}, args...), nil, &out, &errs)
		if code != 2 || !strings.Contains(errs.String(), "***") || strings.Contains(out.String()+errs.String(), "9f3b") {
			t.Errorf("%s: got %d and %q", args[0][:3], code, strings.ReplaceAll(errs.String(), "9f3b", "<TOKEN>"))
		}
	}
}

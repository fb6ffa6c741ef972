package nginx

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"ml-service/rollout"
)

func shipped(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inHTTP puts a block where it belongs, with a resolver.
func inHTTP(block string) string {
	return "events {}\nhttp {\n    resolver 127.0.0.11;\n" + block + "\n    server { listen 8080; location / { proxy_pass http://ml_backend; } }\n}\n"
}

var edits = []struct {
	name   string
	before string
	split  rollout.Split
	after  string // without the padding
}{
	{"verbatim split to green alone",
		"upstream ml_backend { server ml-service-blue:8080 weight=9; server ml-service-green:8080 weight=1; }", rollout.All("green"),
		"upstream ml_backend { zone ml_backend 64k; server ml-service-green:8080 max_fails=1 fail_timeout=2s resolve; }"},
	{"verbatim one side to the other",
		"upstream ml_backend { server ml-service-green:8080; }", rollout.All("blue"),
		"upstream ml_backend { zone ml_backend 64k; server ml-service-blue:8080 max_fails=1 fail_timeout=2s resolve; }"},
	{"verbatim one side to a canary",
		"upstream ml_backend { server ml-service-blue:8080; }", rollout.Between("green", 10, "blue"),
		"upstream ml_backend { zone ml_backend 64k; random; server ml-service-blue:8080 weight=9 max_fails=1 fail_timeout=2s resolve; server ml-service-green:8080 weight=1 max_fails=1 fail_timeout=2s resolve; }"},
	{"lines, comments and foreign directives stay",
		"upstream ml_backend {\n    # who gets what\n    keepalive 32; # kept\n    server ml-service-blue:8080 weight=1 max_conns=7; # the old one\n    server ml-service-green:8080 weight=1;\n    keepalive_time 1h;\n}", rollout.All("blue"),
		"upstream ml_backend {\n    # who gets what\n    zone ml_backend 64k;\n    keepalive 32; # kept\n    server ml-service-blue:8080 max_conns=7 resolve; # the old one\n    keepalive_time 1h;\n}"},
	{"a server behind a line with a comment",
		"upstream ml_backend {\n    zone z 64k;\n    server ml-service-blue:8080; # the old one\n    keepalive 32;\n}", rollout.Between("green", 2.5, "blue"),
		"upstream ml_backend {\n    random;\n    zone z 64k;\n    server ml-service-blue:8080 weight=39 max_fails=1 fail_timeout=2s resolve; # the old one\n    server ml-service-green:8080 weight=1 max_fails=1 fail_timeout=2s resolve;\n    keepalive 32;\n}"},
	{"random goes at the end of a canary",
		"upstream ml_backend {\n    zone z 64k;\n    random;\n    server ml-service-blue:8080 weight=9;\n    server ml-service-green:8080 weight=1;\n}", rollout.All("green"),
		"upstream ml_backend {\n    zone z 64k;\n    server ml-service-green:8080 max_fails=1 fail_timeout=2s resolve;\n}"},
	{"random is the first and the servers the other way round",
		"upstream ml_backend {\n    random;\n    server ml-service-green:8080;\n    server ml-service-blue:8080;\n}", rollout.All("blue"),
		"upstream ml_backend {\n    zone ml_backend 64k;\n    server ml-service-blue:8080 max_fails=1 fail_timeout=2s resolve;\n}"},
	{"another method stays alone",
		"upstream ml_backend {\n    least_conn;\n    server ml-service-blue:8080;\n}", rollout.Between("green", 50, "blue"),
		"upstream ml_backend {\n    zone ml_backend 64k;\n    least_conn;\n    server ml-service-blue:8080 weight=1 max_fails=1 fail_timeout=2s resolve;\n    server ml-service-green:8080 weight=1 max_fails=1 fail_timeout=2s resolve;\n}"},
	{"down and backup are taken off",
		"upstream ml_backend {\n    server ml-service-blue:8080;\n    server ml-service-green:8080 weight=3 down;\n}", rollout.Between("green", 20, "blue"),
		"upstream ml_backend {\n    zone ml_backend 64k;\n    random;\n    server ml-service-blue:8080 weight=4 max_fails=1 fail_timeout=2s resolve;\n    server ml-service-green:8080 weight=1 max_fails=1 fail_timeout=2s resolve;\n}"},
	{"a side twice",
		"upstream ml_backend {\n    server ml-service-blue:8080;\n    server ml-service-blue:8080 weight=2;\n    server ml-service-green:8080;\n}", rollout.All("blue"),
		"upstream ml_backend {\n    zone ml_backend 64k;\n    server ml-service-blue:8080 max_fails=1 fail_timeout=2s resolve;\n}"},
	{"quotes and backslashes stay as they are written",
		`upstream ml_backend { server ml-service-blue:8080 "route=a b" 'slow_start=1s' weig\t=9; server "ml-service-green:8080"; }`, rollout.All("blue"),
		`upstream ml_backend { zone ml_backend 64k; server ml-service-blue:8080 "route=a b" 'slow_start=1s' weig\t=9 resolve; }`},
	{"CRLF",
		"upstream ml_backend {\r\n    server ml-service-blue:8080;\r\n}", rollout.Between("green", 50, "blue"),
		"upstream ml_backend {\r\n    zone ml_backend 64k;\r\n    random;\r\n    server ml-service-blue:8080 weight=1 max_fails=1 fail_timeout=2s resolve;\r\n    server ml-service-green:8080 weight=1 max_fails=1 fail_timeout=2s resolve;\r\n}"},
	{"no space at all",
		"upstream ml_backend{server ml-service-blue:8080;}", rollout.All("green"),
		"upstream ml_backend{zone ml_backend 64k; server ml-service-green:8080 max_fails=1 fail_timeout=2s resolve;}"},
	{"no server", "upstream ml_backend {\n}", rollout.All("green"),
		"upstream ml_backend { zone ml_backend 64k; server ml-service-green:8080 max_fails=1 fail_timeout=2s resolve;\n}"},
	{"quotes and a name in a comment before it",
		"# upstream ml_backend { server nobody:1; }\nupstream \"ml_backend\" {\n    server 'ml-service-blue:8080';\n}", rollout.All("green"),
		"# upstream ml_backend { server nobody:1; }\nupstream \"ml_backend\" {\n    zone ml_backend 64k;\n    server ml-service-green:8080 max_fails=1 fail_timeout=2s resolve;\n}"},
}

func TestEdit(t *testing.T) {
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			c, err := readConf(inHTTP(e.before))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.with(e.split)
			if err != nil {
				t.Fatal(err)
			}
			if want := inHTTP(e.after); unpadded(got) != unpadded(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			checkEdit(t, inHTTP(e.before), got, e.split)
		})
	}
}

// unpadded takes away what pad adds, and the space of a one-line block's end.
func unpadded(text string) string {
	return padding.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", "") })
}

var padding = regexp.MustCompile(` +\r?\n|; +\}`)

// checkEdit holds an edited file to what every edit promises.
func checkEdit(t *testing.T, before, after string, split rollout.Split) {
	t.Helper()
	c, err := readConf(after)
	if err != nil {
		t.Fatalf("the edited file cannot be read: %v\n%s", err, after)
	}
	got, err := c.split()
	if err != nil || !got.Same(split) {
		t.Errorf("the edited file says %s (%v), want %s\n%s", got, err, split, after)
	}
	if len(after) < len(before) {
		t.Errorf("the file shrank from %d to %d bytes", len(before), len(after))
	}
	again, err := c.with(split)
	if err != nil || again != after {
		t.Errorf("the same split again changes the file (%v):\n%s\n%s", err, after, again)
	}
}

func TestLengthIsKept(t *testing.T) {
	text := shipped(t)
	splits := []rollout.Split{rollout.Between("green", 0.01, "blue"), rollout.All("green"), rollout.All("blue"), rollout.Between("green", 33.33, "blue"), rollout.Between("green", 50, "blue"), rollout.All("blue")}
	first := ""
	for _, split := range splits {
		c, err := readConf(text)
		if err != nil {
			t.Fatal(err)
		}
		after, err := c.with(split)
		if err != nil {
			t.Fatal(err)
		}
		checkEdit(t, text, after, split)
		text = after
		if first == "" {
			first = after
		}
		if len(after) != len(first) {
			t.Errorf("%s: %d bytes, want %d", split, len(after), len(first))
		}
	}
}

func TestSplitOfServers(t *testing.T) {
	for _, c := range []struct {
		block, split string
		err          string
	}{
		{"server ml-service-blue:8080; server ml-service-green:8080;", "blue 50 %, green 50 %", ""},
		{"server ml-service-blue:8080 weight=9; server ml-service-green:8080 weight=1;", "blue 90 %, green 10 %", ""},
		{"server ml-service-blue:8080 weight=9; server ml-service-green:8080 down;", "blue 100 %", ""},
		{"server ml-service-blue:8080; server ml-service-green:8080 backup;", "blue 100 %", ""},
		{"server ml-service-blue:8080 down;", "", "sends traffic to nobody"},
		{"server ml-service-bleu:8080;", "", "line 4: server ml-service-bleu:8080 is neither"},
		{"server ml-service-blue;", "", "line 4: server ml-service-blue is neither"},
		{"server 10.0.0.1:8080;", "", "line 4: server 10.0.0.1:8080 is neither"},
		{"server unix:/tmp/x;", "", "is neither"},
		{"server ml-service-blue:8080 weight=0;", "", "weight=0: want a whole number from 1"},
		{"server ml-service-blue:8080 weight=;", "", "want a whole number from 1"},
		{"server;", "", "a server without an address"},
	} {
		conf, err := readConf(inHTTP("    upstream ml_backend { " + c.block + " }"))
		var got rollout.Split
		if err == nil {
			got, err = conf.split()
		}
		if err != nil || c.err != "" {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got error %v, want %q", c.block, err, c.err)
			}
			continue
		}
		if got.String() != c.split {
			t.Errorf("%s: got %s, want %s", c.block, got, c.split)
		}
	}
}

func TestNoUpstream(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"http { include conf.d/*.conf; }", "no `upstream ml_backend` block; it includes conf.d/*.conf"},
		{"http {\n  # upstream ml_backend { server ml-service-blue:8080; }\n}", "no `upstream ml_backend` block (one is commented out)"},
		{"", "no `upstream ml_backend` block"},
	} {
		_, err := readConf(c.text)
		var missing *noUpstream
		if !errors.As(err, &missing) || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
	_, err := readConf("upstream ml_backend { server ml-service-blue:8080; }\nupstream ml_backend { }")
	if err == nil || !strings.Contains(err.Error(), "line 2: `upstream ml_backend` stands there a second time") {
		t.Errorf("two blocks: got %v", err)
	}
}

func TestSyntax(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a b c; d { e; }", ""},
		{`log_format x '{"a":"$b",' "}" ;`, ""},
		{"map $a $b { ~^[!-~]{1,128}$ x; }", "ends inside a block"}, // as in Nginx: braces in a word want quotes
		{`map $a $b { "~^[!-~]{1,128}$" x; }`, ""},
		{"return 200 ${a}b;", ""},
		{`a \;b;`, ""},
		{"a # ; }\n b;", ""},
		{"a#b c;", ""},
		{"a {", `line 1: the file ends inside a block`},
		{"a;\n}", `line 2: "}" closes no block`},
		{"a b", "a directive ends with the file"},
		{"a \"b", "a quote is not closed"},
		{"a \"b\"c;", "directly after a quote"},
		{";", "without a directive before it"},
		{"a { b }", `"}" in a directive`},
		{strings.Repeat("a{", 200), "more than 100 blocks"},
	} {
		_, err := parse(c.text)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := parse(shipped(t)); err != nil {
		t.Errorf("the shipped nginx.conf: %v", err)
	}
}

// FuzzEdit edits whatever can be read: the result must say what was asked for and be stable.
func FuzzEdit(f *testing.F) {
	f.Add(shipped(f), uint16(1000))
	for _, e := range edits {
		f.Add(inHTTP(e.before), uint16(500))
	}
	f.Add("upstream ml_backend { server ml-service-blue:8080 weight=9;server ml-service-green:8080;}", uint16(0))
	f.Fuzz(func(t *testing.T, text string, hundredths uint16) {
		c, err := readConf(text)
		if err != nil {
			return
		}
		split := rollout.Between("green", float64(hundredths%10001)/100, "blue")
		after, err := c.with(split)
		if err != nil {
			return // named, not written
		}
		checkEdit(t, text, after, split)
		if !strings.HasPrefix(after, text[:c.block.open]) || !strings.HasSuffix(after, text[c.block.end-1:]) {
			t.Errorf("something outside the block was changed:\n%s\n%s", text, after)
		}
	})
}

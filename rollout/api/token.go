package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"ml-service/rollout"
)

// The scopes of a token.
const (
	ScopeDeploy = "deploy" // all: order a deployment, end it, look at it
	ScopeRead   = "read"   // look
	ScopeUI     = "ui"     // look, and end a deployment by promote or rollback; order none
)

// shortestToken is the fewest characters of a token of the server: with fewer it could be guessed.
const shortestToken = 32

// Identity is who a token stands for.
type Identity struct {
	Name   string
	Scopes []string
}

// May says whether the identity has one of the scopes.
func (i Identity) May(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(i.Scopes, s) })
}

// Tokens are the tokens that a server takes. Of each it keeps the SHA-256 alone.
type Tokens struct {
	single []secret
	file   string

	mu    sync.Mutex
	read  []secret
	stamp stamp
	fault error
}

type secret struct {
	sum      [sha256.Size]byte
	identity Identity
}

// stamp changes where a file was written or replaced.
type stamp struct {
	size int64
	at   time.Time
	id   any // of the file, as os.SameFile takes it
}

// OpenTokens takes one token with the scope deploy, a file of tokens, or both: one of them must be there. In the file each
// line is a name, its scopes and its token, as "ci deploy 9f3b…"; several scopes are joined by commas, and # begins a
// remark. The file is read again when it has changed. The error is rollout.ErrUsage and does not repeat a token.
func OpenTokens(single, file string) (*Tokens, error) {
	t := &Tokens{file: file}
	if single == "" && file == "" {
		return nil, refused("no token: want one of at least %d characters in CLOUD_TOKEN, or a file of them in CLOUD_TOKENS_FILE", shortestToken)
	}
	if single != "" {
		if err := checkSecret(single); err != nil {
			return nil, refused("CLOUD_TOKEN: %w", err)
		}
		t.single = []secret{{sha256.Sum256([]byte(single)), Identity{"CLOUD_TOKEN", []string{ScopeDeploy}}}}
	}
	if t.refresh(); t.fault != nil {
		return nil, refused("CLOUD_TOKENS_FILE: %w", t.fault)
	}
	return t, nil
}

func refused(format string, a ...any) error {
	return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf(format, a...)}
}

func checkSecret(s string) error {
	if len(s) < shortestToken {
		return fmt.Errorf("want a token of at least %d characters, got %d; openssl rand -hex 32 makes one", shortestToken, len(s))
	}
	return CheckToken(s)
}

// Check says whose token this is. It compares with every token there is, in constant time each.
func (t *Tokens) Check(token string) (Identity, bool) {
	t.mu.Lock()
	t.refresh()
	read := t.read
	t.mu.Unlock()
	sum := sha256.Sum256([]byte(token))
	var found Identity
	match := 0
	for _, all := range [][]secret{t.single, read} {
		for _, one := range all {
			if subtle.ConstantTimeCompare(sum[:], one.sum[:]) == 1 {
				found, match = one.identity, 1
			}
		}
	}
	return found, match == 1
}

// Fault says why the file of tokens lets nobody in, if it does not: somebody may have taken a token out of a file that can
// no longer be read, so the tokens from before are not valid either.
func (t *Tokens) Fault() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fault
}

// refresh reads the file where it has changed; the caller holds the lock.
func (t *Tokens) refresh() {
	if t.file == "" {
		return
	}
	info, err := os.Stat(t.file)
	if err == nil {
		now := stamp{info.Size(), info.ModTime(), info}
		before, _ := t.stamp.id.(os.FileInfo)
		// A file that was written within the clock's step of the last look may have changed without a trace.
		settled := time.Since(t.stamp.at) > 2*time.Second
		if before != nil && os.SameFile(before, info) && now.size == t.stamp.size && now.at.Equal(t.stamp.at) && settled && t.fault == nil {
			return
		}
		t.stamp = now
		t.read, err = readTokens(t.file, info.Mode())
	}
	if t.fault = err; err != nil {
		t.read = nil
		var path *fs.PathError
		if errors.As(err, &path) {
			t.fault = fmt.Errorf("%s: %w", t.file, path.Err)
		}
	}
}

// readTokens reads a file of tokens. Its errors name lines, not what is in them.
func readTokens(file string, mode fs.FileMode) ([]secret, error) {
	if mode.Perm()&0o007 != 0 {
		return nil, fmt.Errorf("%s: every user of this machine may read or write it (mode %04o): chmod 600", file, mode.Perm())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []secret
	names := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: line %d: want a name, its scopes and its token, as: ci deploy <token>; got %d words", file, n, len(fields))
		}
		scopes := strings.Split(fields[1], ",")
		for _, s := range scopes {
			if s != ScopeDeploy && s != ScopeRead && s != ScopeUI {
				return nil, fmt.Errorf("%s: line %d: want the scopes deploy, read or ui", file, n)
			}
		}
		if !versionForm.MatchString(fields[0]) || names[fields[0]] {
			return nil, fmt.Errorf("%s: line %d: want a name of letters, digits, dots, dashes and underscores, that no other line has", file, n)
		}
		if err := checkSecret(fields[2]); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", file, n, err)
		}
		names[fields[0]] = true
		all = append(all, secret{sha256.Sum256([]byte(fields[2])), Identity{fields[0], scopes}})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no token in it", file)
	}
	return all, nil
}

package main

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// peer is the connection of a caller. It says whether a caller who stopped sending has left, and puts into our own form
// what net/http itself answers.
type peer struct {
	net.Conn
	refuse refuser
	leave  func()
	quiet  atomic.Int64 // since which turn it waits for a request; 0: it has one
	gave   bool         // way after the last answer
	said   int          // bytes of the next answer's status line that were sent already
}

// Close is net.Conn's.
func (p *peer) Close() error {
	p.leave()
	return p.Conn.Close()
}

// CloseWrite is net.TCPConn's: net/http ends with it a connection whose caller may still be sending.
func (p *peer) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// A refuser is what a request that is not valid HTTP is answered, header and all, instead of the text of net/http.
type refuser func(status int, reason string) []byte

// plainError stands in what net/http answers by itself, and in nothing that a handler writes.
var plainError = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

const (
	statusLine  = "HTTP/1.1 "
	longestLine = 128 // of a status line that net/http writes
)

// Write is net.Conn's.
func (p *peer) Write(b []byte) (int, error) {
	if own := p.own(b); own != nil {
		_, err := p.Conn.Write(own)
		return len(b), err
	}
	skip := min(p.said, len(b))
	p.said -= skip
	n, err := p.Conn.Write(b[skip:])
	return skip + n, err
}

// own is what is sent instead of an answer by net/http itself; nil: b is not one.
func (p *peer) own(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte(statusLine)) || len(b) < len(statusLine)+3 || b[len(statusLine)] < '4' {
		return nil
	}
	status, err := strconv.Atoi(string(b[len(statusLine) : len(statusLine)+3]))
	at := bytes.Index(b[:min(len(b), longestLine+len(plainError))], plainError)
	if err != nil || at < 0 && status != 417 { // 417 is an empty answer to an unknown Expect
		return nil
	}
	_, reason, _ := bytes.Cut(b[:max(at, 0)], []byte(": "))
	return p.refuse(status, string(reason))
}

type peerKey struct{}

// withPeer is http.Server's ConnContext.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, conn)
}

// firstLook is how long after a byte was sent the first look is whether it was refused; each further one waits twice as long.
const firstLook = 5 * time.Millisecond

// left finds out whether a caller who stopped sending is gone, as most are, or only half-closed its connection and waits
// for the answer, which looks the same until something is sent: a caller that is gone answers that with a reset. So the
// first bytes of the status line, which are the same in every answer, are sent one at a time, until ready is closed.
func left(ctx context.Context, ready <-chan struct{}) bool {
	p, ok := ctx.Value(peerKey{}).(*peer)
	if !ok {
		return true
	}
	const same = "HTTP/1."                // to a caller of HTTP/1.0 too
	defer p.SetWriteDeadline(time.Time{}) //nolint:errcheck // a connection that is closed has none
	for pause := firstLook; p.said < len(same); pause *= 2 {
		_ = p.SetWriteDeadline(time.Now().Add(pause)) // the caller may not read what it got before
		if _, err := p.Conn.Write([]byte(same[p.said : p.said+1])); err != nil {
			return true
		}
		p.said++
		select {
		case <-ready:
			return false
		case <-time.After(pause):
		}
	}
	return false
}

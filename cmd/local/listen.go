package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"ml-service/handler"
)

// socketBuffer bounds what the kernel holds of a connection in either direction, which counts as the container's memory;
// Linux takes twice the value. Unbounded, one caller who does not read would hold 4 MB.
const socketBuffer = 64 << 10

// listen opens the port of cfg. A host that cannot be one of this machine's is a usageError.
func listen(ctx context.Context, cfg config) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return raw.Control(boundBuffers) }}
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(cfg.host, cfg.port))
	var name *net.DNSError
	var address *net.AddrError
	if errors.As(err, &name) || errors.As(err, &address) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, handler.Usage(err)
	}
	return l, err
}

// acceptor accepts so many connections at once. Who comes on top waits in the backlog, where it costs no memory of ours.
type acceptor struct {
	net.Listener
	log    *slog.Logger
	places chan struct{}
	closed chan struct{}
	once   sync.Once
	refuse refuser
	said   time.Time // when a failure to accept was last logged

	turn     atomic.Int64 // grows while callers wait for a place
	saidRoom time.Time    // when it was last logged that unused connections were closed
	mu       sync.Mutex
	open     map[*peer]struct{}
}

// reportEvery is how often a failure to accept is logged at most.
const reportEvery = time.Minute

func newAcceptor(l net.Listener, most int, log *slog.Logger, refuse refuser) *acceptor {
	return &acceptor{Listener: l, log: log, places: make(chan struct{}, most), closed: make(chan struct{}), refuse: refuse,
		open: make(map[*peer]struct{})}
}

// Accept is net.Listener's.
func (a *acceptor) Accept() (net.Conn, error) {
	if err := a.place(); err != nil {
		return nil, err
	}
	conn, err := a.Listener.Accept()
	if err != nil {
		<-a.places
		if now := time.Now(); !errors.Is(err, net.ErrClosed) && now.Sub(a.said) >= reportEvery {
			a.said = now
			a.log.Warn("no connection can be accepted", "error", err.Error(), "open", len(a.places))
		}
		return nil, err // what passes, as too many open files, net/http tries again
	}
	p := &peer{Conn: lazily(conn), refuse: a.refuse}
	p.quiet.Store(a.turn.Load() + 1)
	p.leave = sync.OnceFunc(func() {
		a.mu.Lock()
		delete(a.open, p)
		a.mu.Unlock()
		<-a.places
	})
	a.mu.Lock()
	a.open[p] = struct{}{}
	a.mu.Unlock()
	return p, nil
}

// Close is net.Listener's.
func (a *acceptor) Close() error {
	a.once.Do(func() { close(a.closed) })
	return a.Listener.Close()
}

package main

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"time"
)

const (
	// unusedFor is how long a caller waits in the backlog before connections that nobody uses are closed for it, and how long they were
	// not used at least: who sends one request after the other keeps its connection.
	unusedFor = time.Second
	// roomShare is what part of all connections is closed at once.
	roomShare = 8
)

// state is http.Server's ConnState. It notes which connections are used.
func (a *acceptor) state(conn net.Conn, state http.ConnState) {
	p, ok := conn.(*peer)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		p.quiet.Store(0)
	case http.StateIdle:
		p.quiet.Store(a.turn.Load() + 1)
		a.giveWay(p)
	case http.StateNew, http.StateClosed, http.StateHijacked:
	}
}

// place waits for a place. Where all are taken, connections that wait for a request longer than unusedFor make room, as in Nginx:
// otherwise callers who hold them would keep all others out until the idle time-out.
func (a *acceptor) place() error {
	select {
	case a.places <- struct{}{}:
		return nil
	default:
	}
	for {
		before := a.turn.Add(1)
		select {
		case a.places <- struct{}{}:
			return nil
		case <-a.closed:
			return net.ErrClosed
		case <-time.After(unusedFor):
			a.makeRoom(before)
		}
	}
}

// makeRoom closes connections that were quiet at a turn, those first that have been for longest.
func (a *acceptor) makeRoom(before int64) {
	type unused struct {
		*peer
		since int64
	}
	var all []unused
	a.mu.Lock()
	for p := range a.open {
		if since := p.quiet.Load(); since > 0 && since <= before {
			all = append(all, unused{p, since})
		}
	}
	a.mu.Unlock()
	slices.SortFunc(all, func(p, q unused) int { return cmp.Compare(p.since, q.since) })
	all = all[:min(len(all), max(cap(a.places)/roomShare, 1))]
	for _, p := range all {
		_ = p.Close() // its own goroutine sees it
	}
	if now := time.Now(); len(all) > 0 && now.Sub(a.saidRoom) >= reportEvery {
		a.saidRoom = now
		a.log.Warn("unused connections were closed for new ones", "closed", len(all), "most", cap(a.places))
	}
}

package main

import "runtime"

// few is up to how many connections giving way pays. With more of them the next request is not there yet by the next turn, and
// the last ones wait longer.
const few = 32

// giveWay is told of a connection that was answered: after every other answer it lets other connections go first. When its turn comes
// the next request is mostly there, and is read at once instead of waited for. It is not done every time: the poller is asked only
// once nothing else can run, and those that wait there must not wait for long. Without it everything is the same, but slower.
func (a *acceptor) giveWay(p *peer) {
	if p.gave = !p.gave && len(a.places) <= few; p.gave {
		runtime.Gosched()
	}
}

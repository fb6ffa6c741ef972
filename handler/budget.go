package handler

import (
	"errors"
	"fmt"
	"net/http"

	"ml-service/onnx"
)

// slotBytes is what each slot has for its request beside the budget, so that small requests never wait for memory.
const slotBytes = 256 << 10

// budget is the memory of large requests, in bytes: bodies as far as they have come, and what decoding, running and
// answering takes. Bodies have half of it at most, so that those which are whole always find room to run. A gate's lock
// guards it.
type budget struct {
	total        int64 // 0: no limit
	bodies, work int64 // held now
}

// fits says whether a request that needs so many bytes may run.
func (b *budget) fits(need int64) bool {
	return b.total == 0 || need == 0 || b.bodies+b.work+need <= b.total
}

// fitsBody says whether bodies may hold so many bytes more.
func (b *budget) fitsBody(n int64) bool {
	return b.total == 0 || b.bodies+n <= b.total/2 && b.bodies+b.work+n <= b.total
}

// most is the largest need that can ever be met; 0: any.
func (b *budget) most() int64 { return b.total / 2 }

// share is what the graph of a request may hold where that is not known before it runs; 0: any. Every slot has one such share, and
// one is left over for the rows beside it.
func (g *gate) share() int64 { return g.most() / (g.limit + 1) }

// errMemory is the answer to a body for which there is no room now.
var errMemory = &refusal{
	status:     http.StatusServiceUnavailable,
	message:    "overloaded: there is no memory for a body of this size now; try again later",
	retryAfter: retryAfter,
}

// errTooMany is a batch that could never run.
func errTooMany(need, most int64) error {
	return &refusal{status: http.StatusRequestEntityTooLarge,
		message: fmt.Sprintf("the batch is too large: it would take %d bytes of memory, want at most %d; send fewer rows at once", need, most)}
}

// refusedMemory says to the caller that a batch took its share; any other error stays what it is.
func refusedMemory(err error) error {
	var e *onnx.MemoryError
	if !errors.As(err, &e) {
		return err
	}
	return &refusal{status: http.StatusRequestEntityTooLarge,
		message: fmt.Sprintf("the batch is too large: the model would take more than %d bytes of memory for it, by the number of rows or by their values; send fewer rows at once, or smaller values", e.Limit)}
}

// hold takes n bytes for a body.
func (g *gate) hold(n int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.fitsBody(n) {
		return errMemory
	}
	g.bodies += n
	return nil
}

// fitsNow says whether a body of n bytes could be taken now. It takes nothing.
func (g *gate) fitsNow(n int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fitsBody(n)
}

// drop gives back bytes of a body.
func (g *gate) drop(n int64) { g.giveBack(&g.bodies, n) }

// free gives back bytes that enter or more gave.
func (g *gate) free(n int64) { g.giveBack(&g.work, n) }

func (g *gate) giveBack(held *int64, n int64) {
	if n == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	*held -= n
	g.call()
}

package handler

import (
	"sync"
	"time"
)

// counts is what the model's requests took since the start, by whichever route they came. Its form is that of the statistics
// of Triton.
type counts struct {
	mu sync.Mutex

	success, fail        total // of requests
	input, infer, output total // decoding, the model, encoding; of those that were answered
	rows                 int64
	last                 time.Duration // when the last was answered, by clock
	batches              []batchCounts // at most mostBatches, in the order in which their sizes came first
}

// mostBatches bounds the sizes that are told apart.
const mostBatches = 64

// batchCounts is what batches of one size took.
type batchCounts struct {
	Rows   int64 `json:"batch_size"`
	Input  total `json:"compute_input"`
	Infer  total `json:"compute_infer"`
	Output total `json:"compute_output"`
}

// total is how often something happened and how long it took in all.
type total struct {
	Count int64 `json:"count"`
	NS    int64 `json:"ns"`
}

func (t *total) add(took time.Duration) {
	t.Count++
	t.NS += int64(took)
}

// add notes a request that is settled. Of an answer in pieces the first counts: the others wait for the caller.
func (n *counts) add(x *claim) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !x.answered {
		n.fail.add(x.left - x.entered)
		return
	}
	n.success.add(x.left - x.entered)
	n.input.add(x.ran - x.entered)
	n.infer.add(x.took)
	n.output.add(x.left - x.ran - x.took)
	n.rows += int64(x.rows)
	n.last = x.left
	if b := n.batch(int64(x.rows)); b != nil {
		b.Input.add(x.ran - x.entered)
		b.Infer.add(x.took)
		b.Output.add(x.left - x.ran - x.took)
	}
}

// batch is what batches of so many rows took; nil: there are too many sizes already.
func (n *counts) batch(rows int64) *batchCounts {
	for i := range n.batches {
		if n.batches[i].Rows == rows {
			return &n.batches[i]
		}
	}
	if len(n.batches) == mostBatches {
		return nil
	}
	n.batches = append(n.batches, batchCounts{Rows: rows})
	return &n.batches[len(n.batches)-1]
}

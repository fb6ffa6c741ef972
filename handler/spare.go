package handler

import "sync"

const (
	spares     = 4       // so many buffers are kept for large bodies
	spareBytes = 6 << 20 // of them together
)

// spare is the memory that large bodies left, for the next ones.
type spare struct {
	mu    sync.Mutex
	kept  [][]byte
	bytes int // of kept
}

// take gives a buffer of at least n bytes; nil: there is none. It is the smallest that holds expected bytes as well, or else
// the largest, so that a body is not copied from one to the next as it comes.
func (s *spare) take(n, expected int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, most := -1, 0
	for i := range s.kept {
		c := cap(s.kept[i])
		better := c > most
		if min(c, most) >= expected {
			better = c < most
		}
		if c >= n && better {
			best, most = i, c
		}
	}
	if best < 0 {
		return nil
	}
	return s.remove(best)
}

// give keeps a buffer, unless those that are kept already are larger.
func (s *spare) give(buf []byte) {
	if cap(buf) <= mostKept || cap(buf) > spareBytes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.bytes = append(s.kept, buf), s.bytes+cap(buf)
	for len(s.kept) > spares || s.bytes > spareBytes {
		least := 0
		for i := range s.kept {
			if cap(s.kept[i]) < cap(s.kept[least]) {
				least = i
			}
		}
		s.remove(least)
	}
}

func (s *spare) remove(i int) []byte {
	buf, last := s.kept[i], len(s.kept)-1
	s.kept[i], s.kept[last] = s.kept[last], nil
	s.kept, s.bytes = s.kept[:last], s.bytes-cap(buf)
	return buf
}

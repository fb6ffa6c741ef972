package model

// Limit bounds, in bytes, what a request holds of those values in the graph whose sizes the inputs do not tell, as x times its own
// transpose or a size computed from a value; 0: no limit. A run that would hold more fails with an *onnx.MemoryError. Need does
// not count it, and a batch runs on one core. Of a model whose inputs tell, nothing is limited. It is to be called before the model is
// used.
func (m *Model) Limit(bytes int64) {
	if !m.unbounded {
		return
	}
	if m.beyond, m.limit = bytes, bytes; m.rowWise {
		m.limit /= 2 // one half for a block, one for what is kept of all
	}
}

// Beyond is how many bytes a request may take beyond Need, as Limit said; 0: none, or nobody knows.
func (m *Model) Beyond() int64 { return m.beyond }

// counting is a session that knows what it holds.
type counting interface {
	Limit(bytes int64)
	Held() int64
}

func (m *Model) limitSession(s session) {
	if !m.unbounded {
		return
	}
	if c, ok := s.(counting); ok {
		c.Limit(m.limit)
	}
}

// holdsTooMuch says whether what a session holds, which its rows do not tell, is too much to be kept for the next.
func (m *Model) holdsTooMuch(s session) bool {
	if !m.unbounded {
		return false
	}
	c, ok := s.(counting)
	return ok && c.Held() > mostKept
}

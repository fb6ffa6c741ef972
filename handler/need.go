package handler

// need is how many bytes a request takes beside its body, of a text that holds at most so many values.
func (s *Service) need(elements int64) int64 { return 64 * elements }

package page

// move is something that a visitor may do.
type move struct {
	Verb    string // promote, pause, rollback
	Button  string
	Says    string // what will happen
	Release string
	From    string // the split that it was offered at
}

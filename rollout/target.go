package rollout

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// Target is where traffic is split. More that some targets can do is in the interfaces below; ask by type assertion.
type Target interface {
	// Read gives the split as it is, with its revision.
	Read(ctx context.Context) (Split, error)

	// Write brings about want and returns once it has been seen to hold; what it returns is the split with its new
	// revision. want.Revision is the one that was read: where it is no longer current nothing is changed and the error
	// is ErrDrifted. After any other error the split from before is back, and the error says which step failed and
	// whether putting it back failed too. want.Mark is kept where the target can.
	Write(ctx context.Context, want Split) (Split, error)
}

// Inspector is a target that knows how its sides are. A side that is gone is reported with State "gone", not left out.
type Inspector interface {
	Sides(ctx context.Context) ([]SideState, error)
}

// SideState is how one side is.
type SideState struct {
	Side     Side      `json:"side"`
	State    string    `json:"state"`              // healthy, starting, unhealthy, stopped, hanging, gone
	Version  string    `json:"version,omitempty"`  // as the side itself says
	SHA256   string    `json:"sha256,omitempty"`   // of the model file, as the side itself says
	Artifact string    `json:"artifact,omitempty"` // image, or code digest of a function version
	Instance string    `json:"instance,omitempty"` // changes where the process was replaced: container id, function version
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since,omitzero"`    // its process runs
	Remarks  []string  `json:"remarks,omitempty"` // what a person should know, a sentence each
}

// Usable says whether the side may be given traffic.
func (s SideState) Usable() bool { return s.State == "healthy" }

// Asker is a target whose sides can be asked directly, whatever the split.
type Asker interface {
	Ask(ctx context.Context, side Side, req Request) (Answer, error)
}

// Request is one HTTP request to a side.
type Request struct {
	Method string // GET where it is empty
	Path   string // with its query
	Header http.Header
	Body   []byte
}

// Answer is what a side answered.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte
	Seconds float64 // from the request to the end of the answer, without what it took to find the side
}

// Counter is a target that counts what its sides have answered since they started.
type Counter interface {
	Count(ctx context.Context, side Side) (Counts, error)
}

// Counts is one scrape of one side. Errors are the side's own 5xx plus the tries at it that failed before it answered.
type Counts struct {
	At          time.Time `json:"at"`
	Instance    string    `json:"instance"` // counts of two instances have nothing to do with each other
	Restarts    int       `json:"restarts"`
	Requests    uint64    `json:"requests"`
	Errors      uint64    `json:"errors"`
	FailedTries uint64    `json:"failed_tries"`      // part of Errors
	Refused     uint64    `json:"refused"`           // 4xx that another model might not have answered
	Latency     []Bucket  `json:"latency,omitempty"` // of predictions, without the first ones of a process where the side tells them apart

	Scores map[string]uint64 `json:"scores,omitempty"` // rows by predicted class and bucket of their confidence
}

// Bucket counts the requests that took at most Seconds; buckets ascend and include the ones before them.
type Bucket struct {
	Seconds float64 `json:"seconds"`
	Count   uint64  `json:"count"`
}

// Artifact is what a side is to run.
type Artifact struct {
	Image   string `json:"image,omitempty"`
	Model   string `json:"model,omitempty"` // folder of one model version; no image is built
	Version string `json:"version,omitempty"`
}

// String is the version, or what else is known of it.
func (a Artifact) String() string { return cmp.Or(a.Version, a.Image, a.Model, "something else") }

// Deployer is a target that can put another artifact on a side. It is called for a side without traffic alone, and returns
// when the side is started, before it was checked.
type Deployer interface {
	Deploy(ctx context.Context, side Side, what Artifact) error
}

// Undoer is a Deployer that can take the last deployment back.
type Undoer interface {
	Deployer

	// Forget lets go of earlier deployments, so that from here on Undo is about the next one.
	Forget() error

	// Undo has the side run what it ran before; false says that nothing had been begun.
	Undo(ctx context.Context, side Side) (undone bool, err error)
}

// Settler is a target in which a write that was killed can leave more than the old or the new split: Settle finishes
// it or takes it back, whichever is nearer, and gives the split that is there now.
type Settler interface {
	Settle(ctx context.Context, from, to Split) (Split, error)
}

// Planner is a target that can say what Write would do, for people.
type Planner interface {
	Plan(ctx context.Context, want Split) (string, error)
}

// Adviser is a target with something to say to a person after a write, as the template parameters that match it.
type Adviser interface {
	Advise(ctx context.Context, now Split) []string
}

// Namer is a target whose sides have other names beside their own, as an alias has that stands for a version. The empty
// name is the side that a release goes to.
type Namer interface {
	Side(ctx context.Context, name string) (Side, error)
}

// Doctor is a target that can look for what would go wrong.
type Doctor interface {
	Examine(ctx context.Context) ([]Finding, error)
}

// Finding is one thing that is wrong or will be.
type Finding struct {
	Level string `json:"level"` // error, warning
	What  string `json:"what"`
	Mend  string `json:"mend"` // a command, or what to do
}

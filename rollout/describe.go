package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Description is the model of a side in its own words.
type Description struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Kind    string            `json:"kind"`
	SHA256  string            `json:"sha256"` // of the model file
	Inputs  []Tensor          `json:"inputs"`
	Outputs []Tensor          `json:"outputs"`
	Classes []json.RawMessage `json:"classes"`
}

// Tensor is one input or output of a model.
type Tensor struct {
	Name     string   `json:"name"`
	Datatype string   `json:"datatype"`
	Shape    string   `json:"shape"`
	Features []string `json:"features"`
	Missing  bool     `json:"missing"`
}

// Describe asks a side what it serves.
func Describe(ctx context.Context, asker Asker, side Side) (Description, error) {
	answer, err := asker.Ask(ctx, side, Request{Path: "/openapi.json"})
	if err != nil {
		return Description{}, err
	}
	if answer.Status != http.StatusOK {
		return Description{}, fmt.Errorf("GET /openapi.json of %s: status %d", side, answer.Status)
	}
	var document struct {
		Model *Description `json:"x-model"`
	}
	if err := json.Unmarshal(answer.Body, &document); err != nil {
		return Description{}, fmt.Errorf("GET /openapi.json of %s: %w", side, err)
	}
	if document.Model == nil {
		return Description{}, fmt.Errorf("GET /openapi.json of %s: no x-model in the answer: is it an ml-service?", side)
	}
	d := *document.Model
	if header := answer.Header.Get("X-Model-Version"); header != d.Version {
		return d, fmt.Errorf("%s says version %q in its document and %q in X-Model-Version", side, d.Version, header)
	}
	return d, nil
}

// Difference is one way in which a new model's signature does not fit the old one's.
type Difference struct {
	Where string `json:"where"`
	Old   string `json:"old"`
	New   string `json:"new"`
	// V2Only says that callers of /predict notice nothing: the name of the only input, or of an output, which they neither
	// send nor read.
	V2Only bool `json:"v2_only,omitempty"`
}

// Breaks says whether callers of POST /predict notice one of the differences.
func Breaks(all []Difference) bool {
	return slices.ContainsFunc(all, func(d Difference) bool { return !d.V2Only })
}

// Differences compares two signatures: what callers of the old model send and read. None is a fit.
func Differences(old, fresh Description) []Difference {
	var all []Difference
	add := func(where, a, b string) {
		if a != b {
			all = append(all, Difference{Where: where, Old: a, New: b})
		}
	}
	add("kind", old.Kind, fresh.Kind)
	add("classes", join(old.Classes), join(fresh.Classes))
	tensors(&all, "input", old.Inputs, renamed(&all, "input", old.Inputs, fresh.Inputs, len(old.Inputs) == 1))
	tensors(&all, "output", old.Outputs, renamed(&all, "output", old.Outputs, fresh.Outputs, old.Kind != "raw"))
	return all
}

// renamed gives fresh the names of old by position, where callers of /predict do not know the names and none is missing, and
// says which are other ones.
func renamed(all *[]Difference, what string, old, fresh []Tensor, unknown bool) []Tensor {
	if !unknown || len(old) != len(fresh) {
		return fresh
	}
	named := slices.Clone(fresh)
	for i := range named {
		if old[i].Name == fresh[i].Name {
			continue
		}
		if slices.ContainsFunc(fresh, func(t Tensor) bool { return t.Name == old[i].Name }) { // in another order
			return fresh
		}
		named[i].Name = old[i].Name
		*all = append(*all, Difference{what + ", name", old[i].Name, fresh[i].Name, true})
	}
	return named
}

func tensors(all *[]Difference, what string, old, fresh []Tensor) {
	find := func(in []Tensor, name string) *Tensor {
		if i := slices.IndexFunc(in, func(t Tensor) bool { return t.Name == name }); i >= 0 {
			return &in[i]
		}
		return nil
	}
	for _, a := range old {
		where := what + " " + a.Name
		b := find(fresh, a.Name)
		if b == nil {
			*all = append(*all, Difference{Where: where, Old: a.Datatype + " " + a.Shape, New: "-"})
			continue
		}
		if a.Datatype != b.Datatype {
			*all = append(*all, Difference{Where: where + ", datatype", Old: a.Datatype, New: b.Datatype})
		}
		if a.Shape != b.Shape {
			*all = append(*all, Difference{Where: where + ", shape", Old: a.Shape, New: b.Shape})
		}
		if a.Missing && !b.Missing {
			*all = append(*all, Difference{Where: where + ", missing values", Old: "allowed", New: "refused"})
		}
		features(all, where, a.Features, b.Features)
	}
	for _, b := range fresh {
		if find(old, b.Name) == nil {
			*all = append(*all, Difference{Where: what + " " + b.Name, Old: "-", New: b.Datatype + " " + b.Shape})
		}
	}
}

// features compares names by position; where one of the two has no names there is nothing to compare.
func features(all *[]Difference, where string, old, fresh []string) {
	if len(old) == 0 || len(fresh) == 0 || slices.Equal(old, fresh) {
		return
	}
	added, dropped := missingFrom(old, fresh), missingFrom(fresh, old)
	for _, name := range dropped {
		*all = append(*all, Difference{Where: where + ", feature dropped", Old: name, New: "-"})
	}
	for _, name := range added {
		*all = append(*all, Difference{Where: where + ", feature added", Old: "-", New: name})
	}
	if len(added)+len(dropped) == 0 {
		*all = append(*all, Difference{Where: where + ", features reordered", Old: strings.Join(old, " "), New: strings.Join(fresh, " ")})
	}
}

// missingFrom are the names of b that a has not.
func missingFrom(a, b []string) []string {
	var all []string
	for _, name := range b {
		if !slices.Contains(a, name) {
			all = append(all, name)
		}
	}
	return all
}

func join(values []json.RawMessage) string {
	var words []string
	for _, v := range values {
		var compact bytes.Buffer
		if json.Compact(&compact, v) == nil {
			words = append(words, compact.String())
		}
	}
	return strings.Join(words, " ")
}

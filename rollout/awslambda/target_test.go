package awslambda

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"ml-service/rollout"
)

func read(t *testing.T, tg *Target) rollout.Split {
	t.Helper()
	s, err := tg.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, tg *Target, want rollout.Split) rollout.Split {
	t.Helper()
	want.Revision = read(t, tg).Revision
	got, err := tg.Write(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Same(want) || got.Revision == want.Revision {
		t.Errorf("wrote %s at %s, got %s at %s", want, want.Revision, got, got.Revision)
	}
	return got
}

// TestRelease goes through a release as the verbs do: shift, shift, promote, and back.
func TestRelease(t *testing.T) {
	f, tg := target(t)
	if got := read(t, tg); !got.Same(rollout.All("1")) || got.Revision != "r1" || got.Mark != (rollout.Mark{}) {
		t.Fatalf("at first: %+v", got)
	}
	mark := rollout.Mark{Release: "20261126-1200-abcd", Baseline: "1"}
	ten := rollout.Between("2", 10, "1")
	ten.Mark = mark
	if got := write(t, tg, ten); got.Mark != mark {
		t.Errorf("mark %+v, want %+v", got.Mark, mark)
	}
	live := f.aliases["live"]
	if live.FunctionVersion != "1" || !reflect.DeepEqual(live.Weights, map[string]float64{"2": 0.1}) || live.Description != "what users get [rollout 20261126-1200-abcd from 1]" {
		t.Errorf("after 10 %%: %+v", live)
	}
	// Past the half the baseline stays the alias's own version.
	most := rollout.Between("2", 99.9, "1")
	most.Mark = mark
	write(t, tg, most)
	if live.FunctionVersion != "1" || !reflect.DeepEqual(live.Weights, map[string]float64{"2": 0.999}) {
		t.Errorf("after 99.9 %%: %+v", live)
	}
	write(t, tg, rollout.All("2"))
	if live.FunctionVersion != "2" || len(live.Weights) != 0 || live.Description != "what users get [2, was 1]" {
		t.Errorf("promoted: %+v", live)
	}
	if last := f.updates[len(f.updates)-1]; !strings.Contains(last, `"AdditionalVersionWeights":{}`) {
		t.Errorf("the split is not cleared explicitly: %s", last)
	}
	back := rollout.All("1")
	back.Back = true
	write(t, tg, back)
	if live.FunctionVersion != "1" || len(live.Weights) != 0 || live.Description != "what users get [1, back from 2]" {
		t.Errorf("rolled back: %+v", live)
	}
}

func TestWritesRefused(t *testing.T) {
	split := func(shares map[rollout.Side]float64) rollout.Split {
		return rollout.Split{Shares: shares, Revision: "r1"}
	}
	stale := rollout.Between("2", 10, "1")
	stale.Revision = "r0"
	badMark := rollout.Between("2", 10, "1")
	badMark.Mark = rollout.Mark{Release: "with space", Baseline: "1"}
	for name, c := range map[string]struct {
		want rollout.Split
		text string
		kind error
	}{
		"$LATEST":        {split(map[rollout.Side]float64{"$LATEST": 10, "1": 90}), "name a published version", rollout.ErrUsage},
		"unknown":        {split(map[rollout.Side]float64{"7": 10, "1": 90}), `no version "7": want one of 1, 2, 3, 4, 5, 10`, rollout.ErrUsage},
		"an alias":       {split(map[rollout.Side]float64{"next": 100}), `no version "next"`, rollout.ErrUsage},
		"weight of 170":  {split(map[rollout.Side]float64{"2": 170, "1": -70}), "share of 1: want more than 0", rollout.ErrUsage},
		"three versions": {split(map[rollout.Side]float64{"1": 50, "2": 25, "10": 25}), "two versions at most", rollout.ErrUsage},
		"roles":          {split(map[rollout.Side]float64{"1": 90, "3": 10}), "different execution roles", rollout.ErrUsage},
		"queues":         {split(map[rollout.Side]float64{"1": 90, "4": 10}), "different dead-letter queues", rollout.ErrUsage},
		"failed version": {split(map[rollout.Side]float64{"1": 90, "5": 10}), "version 5 of " + function + " is Failed", nil},
		"stale revision": {stale, "changed by somebody else", rollout.ErrDrifted},
		"mark":           {badMark, "id without spaces", rollout.ErrUsage},
	} {
		t.Run(name, func(t *testing.T) {
			f, tg := target(t)
			_, err := tg.Write(t.Context(), c.want)
			if err == nil || !strings.Contains(err.Error(), c.text) || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("got %v, want %v: %q", err, c.kind, c.text)
			}
			if len(f.updates) > 0 {
				t.Errorf("something was sent: %s", f.updates)
			}
		})
	}
}

// TestAllAtOnce moves everything between versions that cannot share.
func TestAllAtOnce(t *testing.T) {
	_, tg := target(t)
	write(t, tg, rollout.All("3"))
	write(t, tg, rollout.All("4"))
}

// TestRace changes the alias between the check and the update.
func TestRace(t *testing.T) {
	f, tg := target(t)
	want := rollout.Between("2", 10, "1")
	update, err := tg.update(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	f.aliases["live"].RevisionID = "r9"
	if _, err := tg.API.UpdateAlias(t.Context(), update); err == nil || !strings.Contains(err.Error(), "PreconditionFailed") {
		t.Errorf("got %v, want a failed precondition", err)
	}
	want.Revision = "r1"
	if _, err := tg.Write(t.Context(), want); !errors.Is(err, rollout.ErrDrifted) {
		t.Errorf("got %v, want drift", err)
	}
}

// TestLostAnswer has the answer to an update lost that was made; where the SDK sends it again, it meets its own revision.
func TestLostAnswer(t *testing.T) {
	for _, attempts := range []int{1, 2} {
		f, settings := newFake(t)
		settings.RetryMaxAttempts = attempts
		tg, err := open(t.Context(), settings, Options{Function: function})
		if err != nil {
			t.Fatal(err)
		}
		f.losing = true
		want := rollout.Between("2", 10, "1")
		want.Mark = rollout.Mark{Release: "id-1", Baseline: "1"}
		if now, err := tg.Write(t.Context(), want); err != nil || !now.Same(want) || len(f.updates) != attempts {
			t.Errorf("%d attempts: got %s, %v after %d updates; want %s", attempts, now, err, len(f.updates), want)
		}
	}
}

func TestSide(t *testing.T) {
	_, tg := target(t)
	for name, want := range map[string]rollout.Side{"": "2", "next": "2", "live": "1", "7": "7"} {
		if got, err := tg.Side(t.Context(), name); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := tg.Side(t.Context(), "green"); err == nil || !strings.Contains(err.Error(), "green is no version's number") {
		t.Errorf("green: got %v, want an error that names it", err)
	}
}

func TestAdvise(t *testing.T) {
	_, tg := target(t)
	small := rollout.Between("2", 10, "10")
	late := rollout.Between("2", 90, "10")
	late.Mark.Baseline = "10"
	for want, split := range map[string]rollout.Split{
		"LiveVersion=2 NextVersion=none NextWeight=0": rollout.All("2"),
		"LiveVersion=10 NextVersion=2 NextWeight=0.1": small,
		"LiveVersion=10 NextVersion=2 NextWeight=0.9": late,
	} {
		if got := tg.Advise(t.Context(), split); len(got) != 1 || !strings.HasSuffix(got[0], want) {
			t.Errorf("%s: got %q, want %q", split, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	f, settings := newFake(t)
	f.stack = `<member><ResourceType>AWS::CodeDeploy::DeploymentGroup</ResourceType><PhysicalResourceId>ml-group</PhysicalResourceId></member>`
	tg, err := open(t.Context(), settings, Options{Stack: "ml"})
	if err != nil || tg.Function != function || tg.codeDeploy != "ml-group" {
		t.Fatalf("got %+v, %v", tg, err)
	}
	for text, o := range map[string]Options{"say --stack or --function": {}, "Stack with id other does not exist": {Stack: "other"}} {
		if _, err := open(t.Context(), settings, o); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: got %v, want %q", o, err, text)
		}
	}
}

func TestUnknownFunction(t *testing.T) {
	_, tg := target(t)
	tg.Function = "gone"
	if _, err := tg.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "read alias live of gone") {
		t.Errorf("got %v, want an error that says what was read", err)
	}
}

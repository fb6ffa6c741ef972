package awslambda

import (
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"ml-service/rollout"
)

// The description of an alias has three parts, each of which may be missing: what a person wrote, the past of the version that
// has all the traffic, and the mark of a release under way. As in
//
//	what users get [5, was 4] [rollout 20261126-1200-abcd from 5]
//
// deploy/aws/stack.sh reads and writes the same, so that lambda-back knows what rollout did.
var (
	markPattern = regexp.MustCompile(` ?\[rollout (\S+) from (\d+)\]$`)
	pastPattern = regexp.MustCompile(` ?\[(\d+), (was|back from) (\d+)\]$`)
	// oldPattern is a past that does not say of which version it is. It is replaced, and never believed.
	oldPattern = regexp.MustCompile(`^was \d+$`)
)

// mostDescription is the longest description that Lambda takes.
const mostDescription = 256

// past says that On got all the traffic and what had it before. An alias that is on another version than On was moved by
// somebody who does not write this.
type past struct {
	On, Before rollout.Side
	Back       bool // On is where a way back led, and Before what it left
}

func (p past) String() string {
	switch {
	case p == past{}:
		return ""
	case p.Back:
		return fmt.Sprintf("[%s, back from %s]", p.On, p.Before)
	}
	return fmt.Sprintf("[%s, was %s]", p.On, p.Before)
}

func markOf(description string) rollout.Mark {
	found := markPattern.FindStringSubmatch(description)
	if found == nil {
		return rollout.Mark{}
	}
	return rollout.Mark{Release: found[1], Baseline: rollout.Side(found[2])}
}

// pastOf reads the past, and what is left without it and without a mark.
func pastOf(description string) (past, string) {
	note := markPattern.ReplaceAllString(description, "")
	p := past{}
	if found := pastPattern.FindStringSubmatch(note); found != nil {
		p = past{On: rollout.Side(found[1]), Before: rollout.Side(found[3]), Back: found[2] != "was"}
		note = pastPattern.ReplaceAllString(note, "")
	}
	return p, oldPattern.ReplaceAllString(note, "")
}

// described is the description of an alias that gets the split want. The past changes where one version gets all the traffic
// that another had.
func described(a *lambda.GetAliasOutput, want rollout.Split) (string, error) {
	p, note := pastOf(aws.ToString(a.Description))
	if sole, ok := want.Sole(); ok {
		switch from := began(a); {
		case sole != from:
			p = past{On: sole, Before: from, Back: want.Back}
		case p.On != sole:
			p = past{}
		}
	}
	mark := ""
	if want.Mark != (rollout.Mark{}) {
		mark = fmt.Sprintf("[rollout %s from %s]", want.Mark.Release, want.Mark.Baseline)
		if markOf(mark) != want.Mark {
			return "", usage("mark %+v: want an id without spaces and a version's number", want.Mark)
		}
	}
	text := joined(note, p.String(), mark)
	if len(text) > mostDescription { // without a past lambda-back asks for a number; that is no reason to move nobody
		text = joined(note, mark)
	}
	if len(text) > mostDescription {
		return "", usage("the description of the alias leaves no room for rollout's mark: %d characters with it, at most %d; shorten it", len(text), mostDescription)
	}
	return text, nil
}

// began is the version that had all the traffic before weights took some of it.
func began(a *lambda.GetAliasOutput) rollout.Side {
	own := rollout.Side(aws.ToString(a.FunctionVersion))
	if a.RoutingConfig == nil {
		return own
	}
	baseline := markOf(aws.ToString(a.Description)).Baseline
	if _, ok := a.RoutingConfig.AdditionalVersionWeights[string(baseline)]; ok {
		return baseline
	}
	return own
}

// joined puts a space between what is there.
func joined(parts ...string) string {
	text := ""
	for _, part := range parts {
		if text != "" && part != "" {
			text += " "
		}
		text += part
	}
	return text
}

package awslambda

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"ml-service/rollout"
)

func TestDescribed(t *testing.T) {
	shift := func(to rollout.Side, percent float64, rest rollout.Side) rollout.Split {
		s := rollout.Between(to, percent, rest)
		s.Mark = rollout.Mark{Release: "id-1", Baseline: rest}
		return s
	}
	back := func(to rollout.Side) rollout.Split {
		s := rollout.All(to)
		s.Back = true
		return s
	}
	long := strings.Repeat("x", mostDescription-5)
	for _, c := range []struct {
		name          string
		on, beside    string // the alias's own version, and one that has a tenth beside it
		before, after string
		want          rollout.Split
	}{
		{"a release begins", "12", "", "a note", "a note [rollout id-1 from 12]", shift("13", 10, "12")},
		{"without a note", "12", "", "", "[rollout id-1 from 12]", shift("13", 10, "12")},
		{"a mark that was left", "12", "", "a note [rollout old from 3]", "a note [rollout id-1 from 12]", shift("13", 10, "12")},
		{"what looks like a mark", "12", "", "[rollout x from y] a note", "[rollout x from y] a note [rollout id-1 from 12]", shift("13", 10, "12")},
		{"a past stays during a release", "5", "", "a note [5, was 4]", "a note [5, was 4] [rollout id-1 from 5]", shift("7", 10, "5")},
		{"promoted", "5", "7", "a note [5, was 4] [rollout id-1 from 5]", "a note [7, was 5]", rollout.All("7")},
		{"promoted at once", "5", "", "", "[7, was 5]", rollout.All("7")},
		{"promoted after a rollback", "5", "", "[5, back from 6]", "[7, was 5]", rollout.All("7")},
		{"taken back before it was promoted", "5", "7", "a note [5, was 4] [rollout id-1 from 5]", "a note [5, was 4]", back("5")},
		{"taken back, and what was known was of another version", "5", "7", "[8, was 4] [rollout id-1 from 5]", "", back("5")},
		{"taken back after it was promoted", "7", "", "a note [7, was 5]", "a note [5, back from 7]", back("5")},
		{"all of it by a shift", "5", "7", "[rollout id-1 from 5]", "[7, was 5] [rollout id-1 from 5]", shift("7", 100, "5")},
		{"taken back after such a shift", "7", "", "[7, was 5] [rollout id-1 from 5]", "[5, back from 7]", back("5")},
		{"the baseline is beside the other", "7", "5", "[rollout id-1 from 5]", "[7, was 5]", rollout.All("7")},
		{"a past without its version", "5", "", "was 4", "[7, was 5]", rollout.All("7")},
		{"no room for the past", "5", "", long, long, rollout.All("7")},
	} {
		t.Run(c.name, func(t *testing.T) {
			alias := &lambda.GetAliasOutput{FunctionVersion: &c.on, Description: &c.before}
			if c.beside != "" {
				alias.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{c.beside: 0.1}}
			}
			got, err := described(alias, c.want)
			if err != nil || got != c.after || markOf(got) != c.want.Mark {
				t.Errorf("%q: got %q, %v, want %q", c.before, got, err, c.after)
			}
		})
	}
	on := "12"
	if _, err := described(&lambda.GetAliasOutput{FunctionVersion: &on, Description: &long}, shift("13", 10, "12")); err == nil {
		t.Error("a description without room for the mark: want an error")
	}
}

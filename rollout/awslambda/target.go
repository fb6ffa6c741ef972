// Package awslambda moves traffic between two versions of an AWS Lambda function that stand behind one alias. It alone
// knows the AWS SDK. A side is a version's number.
package awslambda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"ml-service/rollout"
)

// API is what of AWS Lambda is called.
type API interface {
	GetAlias(context.Context, *lambda.GetAliasInput, ...func(*lambda.Options)) (*lambda.GetAliasOutput, error)
	UpdateAlias(context.Context, *lambda.UpdateAliasInput, ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error)
	ListVersionsByFunction(context.Context, *lambda.ListVersionsByFunctionInput, ...func(*lambda.Options)) (*lambda.ListVersionsByFunctionOutput, error)
	ListProvisionedConcurrencyConfigs(context.Context, *lambda.ListProvisionedConcurrencyConfigsInput, ...func(*lambda.Options)) (*lambda.ListProvisionedConcurrencyConfigsOutput, error)
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Target is one alias of one function.
type Target struct {
	API       API
	Function  string
	Alias     string // that users reach
	NextAlias string // of the version published last
	Stack     string // of the function; empty: not known
	Within    time.Duration
	Metrics   Metrics
	Namespace string // of the service's own metrics

	mutex      sync.Mutex // of since and counted
	since      time.Time  // what is counted begins here
	counted    map[rollout.Side]rollout.Counts
	codeDeploy string // a deployment group of the stack; empty: none known
}

// Read gives the split that the alias has.
func (t *Target) Read(ctx context.Context) (rollout.Split, error) {
	alias, err := t.alias(ctx)
	if err != nil {
		return rollout.Split{}, err
	}
	return split(alias)
}

func (t *Target) alias(ctx context.Context) (*lambda.GetAliasOutput, error) {
	alias, err := t.API.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &t.Function, Name: &t.Alias})
	if err != nil {
		return nil, fmt.Errorf("read alias %s of %s: %w", t.Alias, t.Function, err)
	}
	return alias, nil
}

// split reads an alias: its own version has what the other leaves.
func split(a *lambda.GetAliasOutput) (rollout.Split, error) {
	s := rollout.Split{Revision: aws.ToString(a.RevisionId), Mark: markOf(aws.ToString(a.Description))}
	s.Shares = map[rollout.Side]float64{}
	left := 1.0
	if a.RoutingConfig != nil {
		for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
			if !(weight >= 0 && weight <= 1) {
				return s, fmt.Errorf("alias %s: version %s has the weight %g, want 0 to 1", aws.ToString(a.Name), version, weight)
			}
			left -= weight
			if weight > 0 {
				s.Shares[rollout.Side(version)] = percent(weight)
			}
		}
	}
	if left > 1e-9 {
		s.Shares[rollout.Side(aws.ToString(a.FunctionVersion))] += percent(left)
	}
	return s, nil
}

// percent is a weight of 0 to 1, without the noise of floating point.
func percent(weight float64) float64 { return math.Round(weight*1e8) / 1e6 }

// Write updates the alias against the revision that was read, and reads it back until it is so.
func (t *Target) Write(ctx context.Context, want rollout.Split) (rollout.Split, error) {
	update, err := t.update(ctx, want)
	if err != nil {
		return rollout.Split{}, err
	}
	if _, err := t.API.UpdateAlias(ctx, update); err != nil {
		// The answer may be lost to an update that was made, and the SDK's second try meets the revision that the first one made.
		if now, err := t.Read(ctx); err == nil && now.Same(want) && now.Mark == want.Mark {
			return now, nil
		}
		var changed *types.PreconditionFailedException
		if errors.As(err, &changed) {
			return rollout.Split{}, drifted("alias %s of %s was changed by somebody else since it was read; nothing was written", t.Alias, t.Function)
		}
		return rollout.Split{}, fmt.Errorf("update alias %s of %s: %w", t.Alias, t.Function, err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.Within)
	defer cancel()
	for {
		now, err := t.Read(ctx)
		if err == nil && now.Same(want) {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, errors.Join(fmt.Errorf("confirm: alias %s was updated and says %s, want %s", t.Alias, now, want), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// update checks everything that Lambda would refuse, and what it would take and users would suffer.
func (t *Target) update(ctx context.Context, want rollout.Split) (*lambda.UpdateAliasInput, error) {
	if err := want.Check(); err != nil {
		return nil, usage("%w", err)
	}
	sides := want.Sides()
	if len(sides) > 2 {
		return nil, usage("split %s: an alias has two versions at most", want)
	}
	alias, err := t.alias(ctx)
	if err != nil {
		return nil, err
	}
	if want.Revision != "" && want.Revision != aws.ToString(alias.RevisionId) {
		return nil, drifted("alias %s of %s was changed by somebody else since it was read; nothing was written", t.Alias, t.Function)
	}
	versions, err := t.versions(ctx)
	if err != nil {
		return nil, err
	}
	var of []types.FunctionConfiguration
	for _, side := range sides {
		v, err := t.published(versions, side)
		if err != nil {
			return nil, err
		}
		if v.State != "" && v.State != types.StateActive && v.State != types.StateInactive {
			return nil, fmt.Errorf("version %s of %s is %s (%s): it takes no traffic", side, t.Function, v.State, aws.ToString(v.StateReason))
		}
		of = append(of, v)
	}
	if len(of) == 2 {
		if a, b := aws.ToString(of[0].Role), aws.ToString(of[1].Role); a != b {
			return nil, usage("versions %s and %s have different execution roles (%s, %s): Lambda splits no traffic between them; shift all of it at once",
				sides[0], sides[1], a, b)
		}
		if a, b := queue(of[0]), queue(of[1]); a != b {
			return nil, usage("versions %s and %s have different dead-letter queues (%q, %q): Lambda splits no traffic between them; shift all of it at once",
				sides[0], sides[1], a, b)
		}
	}
	main := sides[0]
	if len(sides) == 2 {
		switch current := rollout.Side(aws.ToString(alias.FunctionVersion)); {
		case slices.Contains(sides, want.Mark.Baseline) && want.Mark.Baseline != "":
			main = want.Mark.Baseline
		case slices.Contains(sides, current):
			main = current
		}
	}
	weights := map[string]float64{} // an empty map clears the split; none would leave it as it was
	for _, side := range sides {
		if side != main {
			weights[string(side)] = math.Round(want.Shares[side]*1e6) / 1e8
		}
	}
	description, err := described(alias, want)
	if err != nil {
		return nil, err
	}
	return &lambda.UpdateAliasInput{FunctionName: &t.Function, Name: &t.Alias, FunctionVersion: aws.String(string(main)),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}, RevisionId: alias.RevisionId, Description: &description}, nil
}

func queue(c types.FunctionConfiguration) string {
	if c.DeadLetterConfig == nil {
		return ""
	}
	return aws.ToString(c.DeadLetterConfig.TargetArn)
}

// versions lists what was published, by number.
func (t *Target) versions(ctx context.Context) (map[rollout.Side]types.FunctionConfiguration, error) {
	all := map[rollout.Side]types.FunctionConfiguration{}
	in := &lambda.ListVersionsByFunctionInput{FunctionName: &t.Function}
	for {
		page, err := t.API.ListVersionsByFunction(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the versions of %s: %w", t.Function, err)
		}
		for _, v := range page.Versions {
			if version := aws.ToString(v.Version); version != unpublished {
				all[rollout.Side(version)] = v
			}
		}
		if aws.ToString(page.NextMarker) == "" {
			return all, nil
		}
		in.Marker = page.NextMarker
	}
}

const unpublished = "$LATEST"

func (t *Target) published(versions map[rollout.Side]types.FunctionConfiguration, side rollout.Side) (types.FunctionConfiguration, error) {
	if side == unpublished {
		return types.FunctionConfiguration{}, usage("%s changes with every upload and takes no share of an alias: name a published version", side)
	}
	if v, ok := versions[side]; ok {
		return v, nil
	}
	var numbers []int
	for v := range versions {
		if n, err := strconv.Atoi(string(v)); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return types.FunctionConfiguration{}, usage("%s has no version %q: want one of %s", t.Function, side, listed(numbers))
}

// listed names the last ten of what may be many.
func listed(numbers []int) string {
	if len(numbers) == 0 {
		return "none: nothing was published"
	}
	const most = 10
	text := ""
	if len(numbers) > most {
		numbers, text = numbers[len(numbers)-most:], "…, "
	}
	parts := make([]string, len(numbers))
	for k, n := range numbers {
		parts[k] = strconv.Itoa(n)
	}
	return text + strings.Join(parts, ", ")
}

// Side is the version that a name stands for: an alias, or a version itself. An empty name is the version published last.
func (t *Target) Side(ctx context.Context, name string) (rollout.Side, error) {
	if name == "" {
		name = t.NextAlias
	}
	if _, err := strconv.Atoi(name); err == nil || name == unpublished {
		return rollout.Side(name), nil
	}
	alias, err := t.API.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &t.Function, Name: &name})
	if err != nil {
		return "", fmt.Errorf("%s is no version's number, and read alias %s of %s: %w", name, name, t.Function, err)
	}
	return rollout.Side(aws.ToString(alias.FunctionVersion)), nil
}

// Advise gives the template parameters that match a split, so that a later deployment does not move users back.
func (t *Target) Advise(_ context.Context, now rollout.Split) []string {
	const why = "CloudFormation does not see this; give a deployment that passes any of the three: --parameter-overrides "
	if sole, ok := now.Sole(); ok {
		return []string{fmt.Sprintf("%sLiveVersion=%s NextVersion=none NextWeight=0", why, sole)}
	}
	sides := now.Sides()
	if len(sides) != 2 {
		return nil
	}
	main, other := sides[0], sides[1]
	if now.Mark.Baseline == other || now.Mark.Baseline == "" && now.Shares[other] > now.Shares[main] {
		main, other = other, main
	}
	return []string{fmt.Sprintf("%sLiveVersion=%s NextVersion=%s NextWeight=%s", why, main, other, strconv.FormatFloat(now.Shares[other]/100, 'f', -1, 64))}
}

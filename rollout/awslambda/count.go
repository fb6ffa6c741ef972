package awslambda

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ml-service/rollout"
)

// Metrics is what of CloudWatch is called.
type Metrics interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// period of the sums that are asked for.
const period = time.Minute

// own are the service's metrics of one version, and lambdas the ones of AWS Lambda, which counts crashes and time-outs: they
// write no line of ours. Its Errors does not count an answer of 500, and ours does.
var own, lambdas = []string{"Requests", "Errors4xx", "Errors5xx"}, []string{"Errors"}

// latency is the metric of answered predictions but an instance's first, and milliseconds are the limits that it is counted
// by: steps of about a quarter, which tell one and a half times slower from as fast.
const latency = "PredictionLatency"

var milliseconds = []float64{1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 4, 5, 6, 7.5, 9, 11, 14, 17, 21, 26, 33, 41, 51, 64, 80, 100, 125, 160, 200, 250, 320, 400, 500, 640, 800, 1000, 2000, 4000, 10000}

// before is how far back the first count reaches, so that the old version's 95th percentile is known at once.
const before = time.Hour

// Count is what CloudWatch knows of a version since an hour before the target's first count. Its figures come a minute or two late: the
// sum from the beginning is asked for each time, so that none is lost.
func (t *Target) Count(ctx context.Context, side rollout.Side) (rollout.Counts, error) {
	now := time.Now()
	t.mutex.Lock()
	if t.since.IsZero() {
		t.since = now.Add(-before).Truncate(period)
	}
	since := t.since
	t.mutex.Unlock()
	n := rollout.Counts{At: now, Instance: string(side)}
	dimensions := func(pairs ...string) []types.Dimension {
		var all []types.Dimension
		for k := 0; k < len(pairs); k += 2 {
			all = append(all, types.Dimension{Name: &pairs[k], Value: &pairs[k+1]})
		}
		return all
	}
	var queries []types.MetricDataQuery
	add := func(namespace, name, stat string, of []types.Dimension) {
		id := fmt.Sprintf("q%d", len(queries))
		queries = append(queries, types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: &namespace, MetricName: &name, Dimensions: of},
			Period: aws.Int32(int32(period.Seconds())), Stat: &stat}})
	}
	ofVersion := dimensions("FunctionName", t.Function, "FunctionVersion", string(side))
	for _, name := range own {
		add(t.Namespace, name, "Sum", ofVersion)
	}
	for _, name := range lambdas {
		add("AWS/Lambda", name, "Sum", dimensions("FunctionName", t.Function, "Resource", t.Function+":"+t.Alias, "ExecutedVersion", string(side)))
	}
	timed := len(queries)
	for _, ms := range milliseconds { // the trimmed count is that of the values up to a limit, the limit included
		add(t.Namespace, latency, fmt.Sprintf("TC(:%g)", ms), ofVersion)
	}
	add(t.Namespace, latency, "SampleCount", ofVersion)
	sums := map[string]float64{}
	in := &cloudwatch.GetMetricDataInput{MetricDataQueries: queries, StartTime: &since, EndTime: aws.Time(now.Add(period))}
	for {
		page, err := t.Metrics.GetMetricData(ctx, in)
		if err != nil {
			return n, fmt.Errorf("read the metrics of version %s of %s: %w", side, t.Function, err)
		}
		for _, result := range page.MetricDataResults {
			for _, v := range result.Values {
				sums[aws.ToString(result.Id)] += v
			}
		}
		if aws.ToString(page.NextToken) == "" {
			break
		}
		in.NextToken = page.NextToken
	}
	n.Requests, n.Refused, n.Errors, n.FailedTries = uint64(sums["q0"]), uint64(sums["q1"]), uint64(sums["q2"]), uint64(sums["q3"])
	n.Errors += n.FailedTries
	count := func(k int) uint64 { return uint64(math.Round(sums[fmt.Sprintf("q%d", timed+k)])) }
	for k, ms := range milliseconds {
		n.Latency = append(n.Latency, rollout.Bucket{Seconds: ms / 1000, Count: count(k)})
	}
	n.Latency = append(n.Latency, rollout.Bucket{Seconds: math.Inf(1), Count: count(len(milliseconds))})
	t.steady(side, &n)
	return n, nil
}

// steady keeps what is counted of a version from falling, since no version forgets: the figures of one answer are not of one
// moment, so that a request may be in the count of all and not yet in that of the quick ones, and look slow until the next answer.
func (t *Target) steady(side rollout.Side, n *rollout.Counts) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	all := &n.Latency[len(n.Latency)-1].Count
	last, known := t.counted[side]
	if known {
		n.Requests, n.Refused = max(n.Requests, last.Requests), max(n.Refused, last.Refused)
		n.Errors, n.FailedTries = max(n.Errors, last.Errors), max(n.FailedTries, last.FailedTries)
		*all = max(*all, last.Latency[len(n.Latency)-1].Count)
	}
	for k := range n.Latency {
		slow := uint64(0) // what the last answer had above this limit
		if known {
			slow = last.Latency[len(n.Latency)-1].Count - last.Latency[k].Count
		}
		n.Latency[k].Count = min(n.Latency[k].Count, *all-slow)
	}
	if t.counted == nil {
		t.counted = map[rollout.Side]rollout.Counts{}
	}
	kept := *n
	kept.Latency = slices.Clone(n.Latency)
	t.counted[side] = kept
}

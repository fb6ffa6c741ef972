package awslambda

import (
	"context"
	"fmt"
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

// Count is what CloudWatch knows of a version since the target's first count. Its figures come a minute or two late: the
// sum from the beginning is asked for each time, so that none is lost.
func (t *Target) Count(ctx context.Context, side rollout.Side) (rollout.Counts, error) {
	now := time.Now()
	if t.since.IsZero() {
		t.since = now.Truncate(period)
	}
	n := rollout.Counts{At: now, Instance: string(side)}
	dimensions := func(pairs ...string) []types.Dimension {
		var all []types.Dimension
		for k := 0; k < len(pairs); k += 2 {
			all = append(all, types.Dimension{Name: &pairs[k], Value: &pairs[k+1]})
		}
		return all
	}
	var queries []types.MetricDataQuery
	add := func(namespace string, names []string, of []types.Dimension) {
		for _, name := range names {
			id := fmt.Sprintf("q%d", len(queries))
			queries = append(queries, types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: &namespace, MetricName: &name, Dimensions: of},
				Period: aws.Int32(int32(period.Seconds())), Stat: aws.String("Sum")}})
		}
	}
	add(t.Namespace, own, dimensions("FunctionName", t.Function, "FunctionVersion", string(side)))
	add("AWS/Lambda", lambdas, dimensions("FunctionName", t.Function, "Resource", t.Function+":"+t.Alias, "ExecutedVersion", string(side)))
	sums := map[string]float64{}
	in := &cloudwatch.GetMetricDataInput{MetricDataQueries: queries, StartTime: &t.since, EndTime: aws.Time(now.Add(period))}
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
	return n, nil
}

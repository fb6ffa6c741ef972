package awslambda

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ml-service/rollout"
)

// watcher is CloudWatch: sums by metric and dimensions, two pages each.
type watcher struct {
	values map[string][]float64 // by namespace, name and dimensions
	asked  []string
	err    error
}

func (w *watcher) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if w.err != nil {
		return nil, w.err
	}
	out := &cloudwatch.GetMetricDataOutput{}
	if !in.StartTime.Before(*in.EndTime) || in.StartTime.Second() != 0 {
		return nil, errors.New("want whole minutes, from before to")
	}
	for _, q := range in.MetricDataQueries {
		m := q.MetricStat.Metric
		key := aws.ToString(m.Namespace) + " " + aws.ToString(m.MetricName)
		if stat := aws.ToString(q.MetricStat.Stat); stat != "Sum" {
			key += " " + stat
		}
		for _, d := range m.Dimensions {
			key += " " + aws.ToString(d.Name) + "=" + aws.ToString(d.Value)
		}
		w.asked = append(w.asked, key)
		values := w.values[key]
		half := len(values) / 2
		if in.NextToken == nil {
			values = values[:half]
		} else {
			values = values[half:]
		}
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{Id: q.Id, Values: values})
	}
	if in.NextToken == nil {
		out.NextToken = aws.String("more")
	}
	return out, nil
}

func TestCount(t *testing.T) {
	_, tg := target(t)
	const mine = " FunctionName=" + function + " FunctionVersion=2"
	w := &watcher{values: map[string][]float64{
		"ml Requests" + mine: {100, 20}, "ml Errors4xx" + mine: {3}, "ml Errors5xx" + mine: {1, 1},
		"ml PredictionLatency TC(:1)" + mine: {10, 5}, "ml PredictionLatency TC(:1.2)" + mine: {20, 15}, "ml PredictionLatency SampleCount" + mine: {60, 40},
		"AWS/Lambda Errors FunctionName=" + function + " Resource=" + function + ":live ExecutedVersion=2": {4},
	}}
	tg.Metrics, tg.Namespace = w, "ml"
	var counter rollout.Counter = tg
	n, err := counter.Count(t.Context(), "2")
	if err != nil || n.Requests != 120 || n.Refused != 3 || n.Errors != 6 || n.FailedTries != 4 || n.Instance != "2" {
		t.Errorf("got %+v, %v", n, err)
	}
	last := len(n.Latency) - 1
	if last != len(milliseconds) || n.Latency[0] != (rollout.Bucket{Seconds: 0.001, Count: 15}) || n.Latency[1] != (rollout.Bucket{Seconds: 0.0012, Count: 35}) ||
		!math.IsInf(n.Latency[last].Seconds, 1) || n.Latency[last].Count != 100 {
		t.Errorf("latency: got %v", n.Latency)
	}
	// The count of all of this answer is of a moment later than that of the quick ones: two look slow, and stay so.
	key := func(stat string) string { return "ml PredictionLatency " + stat + mine }
	slow := func(quick, all float64) uint64 {
		t.Helper()
		w.values[key("TC(:1.2)")], w.values[key("SampleCount")] = []float64{quick}, []float64{all}
		n, err := counter.Count(t.Context(), "2")
		if err != nil {
			t.Fatal(err)
		}
		return n.Latency[last].Count - n.Latency[1].Count
	}
	for _, c := range []struct {
		quick, all float64
		want       uint64
	}{{35, 100, 65}, {40, 107, 67}, {43, 107, 67}, {60, 120, 67}, {60, 129, 69}, {70, 128, 69}, {200, 190, 69}} {
		if got := slow(c.quick, c.all); got != c.want {
			t.Errorf("%g of %g were quick: got %d slow ones, want %d", c.quick, c.all, got, c.want)
		}
	}
	if n, err := counter.Count(t.Context(), "1"); err != nil || n.Requests != 0 {
		t.Errorf("a version without traffic: %+v, %v", n, err)
	}
	w.err = errors.New("access denied")
	if _, err := counter.Count(t.Context(), "2"); err == nil || !strings.Contains(err.Error(), "read the metrics of version 2") {
		t.Errorf("got %v, want an error that says what was read", err)
	}
}

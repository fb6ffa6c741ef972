package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// instance is what every line of the log and every metric says of where it comes from.
type instance struct {
	function  string // name
	version   string // of the function, as AWS numbers it; "" outside Lambda
	model     string // version of the model
	namespace string // of CloudWatch's metrics; "": none
	mapping   string // the path below a domain of one's own, without slashes, which API Gateway leaves in the event
}

// lines writes the log. Nobody writes an access log in front of a function, so the router's line for each request,
// which it writes at debug where all went well, is written at info, with the version of the function. With a namespace
// that line also is CloudWatch's embedded metric format, whatever the level: CloudWatch Logs makes metrics of it.
type lines struct {
	slog.Handler
	level slog.Level
	from  instance
	warm  *atomic.Bool // a request was answered before
}

func newLogger(w io.Writer, level slog.Level, from instance) *slog.Logger {
	return slog.New(&lines{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}), level, from, new(atomic.Bool)})
}

// Enabled is true, so that the router writes a line for each request.
func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes a line, as said above.
func (l *lines) Handle(ctx context.Context, r slog.Record) error {
	var status int64
	var seconds float64
	var method string
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == "status" && a.Value.Kind() == slog.KindInt64:
			status = a.Value.Int64()
		case a.Key == "method":
			method = a.Value.String()
		case a.Key == "seconds" && a.Value.Kind() == slog.KindFloat64:
			seconds = a.Value.Float64()
		}
		return true
	})
	isRequest := status != 0
	if size, ok := ctx.Value(sizeOf{}).(*answerSize); ok && isRequest && status < http.StatusBadRequest && size.over() {
		status = http.StatusRequestEntityTooLarge
		r = tooLarge(r, size)
	}
	if isRequest {
		r.Level = max(r.Level, slog.LevelInfo)
	}
	measured := isRequest && l.from.namespace != ""
	if r.Level < l.level && !measured {
		return nil
	}
	r.AddAttrs(slog.String("function_version", l.from.version))
	alias := aliasOf("")
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("aws_request_id", lc.AwsRequestID))
		alias = aliasOf(lc.InvokedFunctionArn)
	}
	if measured {
		o := observed{status: status, seconds: seconds, cold: !l.warm.Swap(true)}
		o.predicted = method == http.MethodPost && status < http.StatusMultipleChoices // what is posted is a prediction
		r.AddAttrs(l.from.metrics(alias, o)...)
	}
	return l.Handler.Handle(ctx, r)
}

// tooLarge is the line of a request whose answer was made and cannot pass.
func tooLarge(r slog.Record, size *answerSize) slog.Record {
	out := slog.NewRecord(r.Time, max(r.Level, slog.LevelInfo), "request failed", r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "status" {
			a = slog.Int("status", http.StatusRequestEntityTooLarge)
		}
		out.AddAttrs(a)
		return true
	})
	out.AddAttrs(slog.String("error", fmt.Sprintf("the answer would have %d bytes, and %d can pass", size.encoded(), size.limit)))
	return out
}

// adopt makes a line of ours of what libraries print by the standard log.
func adopt(logger *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(printed{logger})
}

// printed is where the standard log writes.
type printed struct{ logger *slog.Logger }

func (p printed) Write(line []byte) (int, error) {
	p.logger.LogAttrs(context.Background(), slog.LevelWarn, "printed by a library", slog.String("text", strings.TrimSpace(string(line))))
	return len(line), nil
}

// WithAttrs keeps the lines what they are.
func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lines{l.Handler.WithAttrs(attrs), l.level, l.from, l.warm}
}

// WithGroup keeps the lines what they are.
func (l *lines) WithGroup(name string) slog.Handler {
	return &lines{l.Handler.WithGroup(name), l.level, l.from, l.warm}
}

// aliasOf is the alias (or the version) that a caller named, the last part of arn:aws:lambda:region:account:function:name:alias;
// none if it named nothing.
func aliasOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) == 8 && parts[7] != "" {
		return parts[7]
	}
	return "none"
}

// directive says which members of the line are metrics, and by which dimensions:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct{ Name, Unit string }

// observed is what the metrics say of one request.
type observed struct {
	status    int64
	seconds   float64
	cold      bool // the instance's first
	predicted bool // it was a prediction, and was answered
}

// metrics are the members of a request's line that make it CloudWatch's: the count of requests, of errors by the class of their
// status and of cold starts, the latency of all, and that of answered predictions but an instance's first, which a judge
// compares; by version, and by the alias that the caller came through, as users come by live.
func (i instance) metrics(alias string, o observed) []slog.Attr {
	count := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	latency := math.Round(o.seconds*1e6) / 1e3
	names := []metric{{"Requests", "Count"}, {"Errors4xx", "Count"}, {"Errors5xx", "Count"}, {"ColdStarts", "Count"}, {"Latency", "Milliseconds"}}
	attrs := []slog.Attr{
		slog.String("FunctionName", i.function),
		slog.String("FunctionVersion", i.version),
		slog.String("Alias", alias),
		slog.String("ModelVersion", i.model),
		slog.Int("Requests", 1),
		slog.Int("Errors4xx", count(o.status/100 == 4)),
		slog.Int("Errors5xx", count(o.status/100 == 5)),
		slog.Int("ColdStarts", count(o.cold)),
		slog.Float64("Latency", latency),
	}
	if o.predicted && !o.cold {
		names = append(names, metric{"PredictionLatency", "Milliseconds"})
		attrs = append(attrs, slog.Float64("PredictionLatency", latency))
	}
	return append(attrs, slog.Any("_aws", map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []directive{{
			Namespace:  i.namespace,
			Dimensions: [][]string{{"FunctionName", "FunctionVersion"}, {"FunctionName", "Alias"}},
			Metrics:    names,
		}},
	}))
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	ginadapter "github.com/awslabs/aws-lambda-go-api-proxy/gin"
	"github.com/gin-gonic/gin"
)

// EventError is an event that is none of the four shapes, or claims one and does not decode as it.
// It ends the invocation as a function error of this type; the process goes on.
type EventError struct{ message string }

func (e *EventError) Error() string { return e.message }

// function answers events with the router. It is the lambda.Handler of this program.
type function struct {
	router  http.Handler
	rest    *ginadapter.GinLambda
	httpAPI *ginadapter.GinLambdaV2
	alb     *ginadapter.GinLambdaALB
	from    instance
	log     *slog.Logger
}

func newFunction(engine *gin.Engine, from instance, log *slog.Logger) *function {
	return &function{
		router:  engine,
		rest:    ginadapter.New(engine),
		httpAPI: ginadapter.NewV2(engine),
		alb:     ginadapter.NewALB(engine),
		from:    from,
		log:     log,
	}
}

// probe holds the members that tell the shapes apart.
type probe struct {
	Version        string `json:"version"`
	HTTPMethod     string `json:"httpMethod"`
	RequestContext struct {
		ELB  *struct{} `json:"elb"`
		HTTP *struct{} `json:"http"`
	} `json:"requestContext"`
}

// Invoke answers one event: API Gateway REST (payload 1.0), HTTP API or Function URL (payload 2.0), or an Application
// Load Balancer. Any other event is an *EventError.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var p probe
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, &EventError{fmt.Sprintf("the event is not a JSON object of a known shape: %v; %s", err, expected)}
	}
	var out any
	var err error
	switch {
	case p.RequestContext.ELB != nil:
		out, err = f.answerALB(ctx, payload)
	case p.Version == "2.0" || p.RequestContext.HTTP != nil:
		out, err = f.answerHTTPAPI(ctx, payload)
	case p.HTTPMethod != "":
		out, err = f.answerREST(ctx, payload, p.Version)
	default:
		err = &EventError{"unknown event: " + expected}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

const expected = `expected an API Gateway REST event ("httpMethod"), an HTTP API or Function URL event ("version":"2.0") or a load balancer event ("requestContext":{"elb":…})`

func decode(payload []byte, event any, shape string) error {
	if err := json.Unmarshal(payload, event); err != nil {
		return &EventError{fmt.Sprintf("decode %s event: %v", shape, err)}
	}
	return nil
}

func (f *function) answerREST(ctx context.Context, payload []byte, version string) (any, error) {
	var e events.APIGatewayProxyRequest
	if err := decode(payload, &e, "API Gateway REST"); err != nil {
		return nil, err
	}
	c := correctREST(&e, version)
	r, err := f.rest.EventToRequestWithContext(ctx, e)
	w, err := serve(ctx, f, core.NewProxyResponseWriter, r, c, err)
	if err != nil {
		return nil, err
	}
	out, err := w.GetProxyResponse()
	correctBody(r, w.Header(), &out.Body, &out.IsBase64Encoded)
	return out, err
}

func (f *function) answerHTTPAPI(ctx context.Context, payload []byte) (any, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := decode(payload, &e, "HTTP API"); err != nil {
		return nil, err
	}
	c := correctHTTPAPI(&e)
	r, err := f.httpAPI.EventToRequestWithContext(ctx, e)
	w, err := serve(ctx, f, core.NewProxyResponseWriterV2, r, c, err)
	if err != nil {
		return nil, err
	}
	out, err := w.GetProxyResponse()
	correctBody(r, w.Header(), &out.Body, &out.IsBase64Encoded)
	return out, err
}

func (f *function) answerALB(ctx context.Context, payload []byte) (any, error) {
	var e events.ALBTargetGroupRequest
	if err := decode(payload, &e, "load balancer"); err != nil {
		return nil, err
	}
	c := correctALB(&e)
	r, err := f.alb.EventToRequestWithContext(ctx, e)
	w, err := serve(ctx, f, core.NewProxyResponseWriterALB, r, c, err)
	if err != nil {
		return nil, err
	}
	out, err := w.GetProxyResponse()
	correctBody(r, w.Header(), &out.Body, &out.IsBase64Encoded)
	correctALBAnswer(&out, e.MultiValueHeaders != nil)
	return out, err
}

// serve lets the router answer the adapter's request, or returns why the adapter could not make one.
func serve[W http.ResponseWriter](ctx context.Context, f *function, writer func() W, r *http.Request, c correction, err error) (w W, _ error) {
	if err != nil {
		return w, &EventError{fmt.Sprintf("make a request of the event: %v", err)}
	}
	c.apply(r)
	w = writer()
	f.stamp(w)
	started := time.Now()
	if completes(f.router, flusher{w}, r) {
		return w, nil
	}
	id := w.Header().Get("X-Request-Id")
	w = writer() // without what was written of the answer
	f.stamp(w)
	w.Header().Set("X-Model-Version", f.from.model)
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, `{"error":"internal error"}`)
	f.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", http.StatusInternalServerError), slog.Float64("seconds", time.Since(started).Seconds()),
		slog.String("request_id", id), slog.String("version", f.from.model), slog.String("error", http.ErrAbortHandler.Error()))
	return w, nil
}

// stamp puts the version of the function into an answer.
func (f *function) stamp(w http.ResponseWriter) {
	if f.from.version != "" {
		w.Header().Set("X-Function-Version", f.from.version)
	}
}

// flusher lets a handler ask for a flush, which does nothing: Lambda sends an answer whole.
type flusher struct{ http.ResponseWriter }

func (flusher) Flush() {}

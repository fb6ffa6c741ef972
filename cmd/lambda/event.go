package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	ginadapter "github.com/awslabs/aws-lambda-go-api-proxy/gin"
	"github.com/gin-gonic/gin"
)

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

// Invoke answers one event: API Gateway REST (payload 1.0), HTTP API or Function URL (payload 2.0), an Application Load
// Balancer, or the body of a /predict by itself. Any other event is an *EventError.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	s, err := shapeOf(payload)
	if err != nil {
		return nil, err
	}
	var out any
	switch s {
	case loadBalancer:
		out, err = f.answerALB(ctx, payload)
	case httpAPI:
		out, err = f.answerHTTPAPI(ctx, payload)
	case restAPI, restAPIOfHTTPAPI:
		out, err = f.answerREST(ctx, payload, s)
	default:
		return f.answerDirect(ctx, payload)
	}
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // which would make six bytes of one
	err = encoder.Encode(out)
	return text.Bytes(), err
}

func decode(payload []byte, event any, shape string) error {
	if err := json.Unmarshal(payload, event); err != nil {
		return &EventError{fmt.Sprintf("decode %s event: %v", shape, err)}
	}
	return nil
}

func (f *function) answerREST(ctx context.Context, payload []byte, s shape) (any, error) {
	var e events.APIGatewayProxyRequest
	if err := decode(payload, &e, "API Gateway REST"); err != nil {
		return nil, err
	}
	c := correctREST(&e, s)
	e.Path = trimStage(e.Path, f.from.mapping)
	query := url.Values(e.MultiValueQueryStringParameters).Encode()
	r, err := convert(e.HTTPMethod, e.Path, query, func() (*http.Request, error) { return f.rest.EventToRequestWithContext(ctx, e) })
	if err != nil {
		return nil, err
	}
	header, out, err := serve(f, core.NewProxyResponseWriter, c.apply(r), &answerSize{limit: answerLimit})
	correctBody(r, header, &out.Body, &out.IsBase64Encoded)
	return out, err
}

func (f *function) answerHTTPAPI(ctx context.Context, payload []byte) (any, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := decode(payload, &e, "HTTP API"); err != nil {
		return nil, err
	}
	c := correctHTTPAPI(&e)
	e.RawPath = trimStage(e.RawPath, f.from.mapping)
	r, err := convert(e.RequestContext.HTTP.Method, e.RawPath, e.RawQueryString, func() (*http.Request, error) { return f.httpAPI.EventToRequestWithContext(ctx, e) })
	if err != nil {
		return nil, err
	}
	header, out, err := serve(f, core.NewProxyResponseWriterV2, c.apply(r), &answerSize{limit: answerLimit})
	correctBody(r, header, &out.Body, &out.IsBase64Encoded)
	return out, err
}

func (f *function) answerALB(ctx context.Context, payload []byte) (any, error) {
	var e events.ALBTargetGroupRequest
	if err := decode(payload, &e, "load balancer"); err != nil {
		return nil, err
	}
	c := correctALB(&e)
	r, err := convert(e.HTTPMethod, e.Path, "", func() (*http.Request, error) { return f.alb.EventToRequestWithContext(ctx, e) })
	if err != nil {
		return nil, err
	}
	header, out, err := serve(f, core.NewProxyResponseWriterALB, c.apply(r), &answerSize{limit: balancerLimit})
	correctBody(r, header, &out.Body, &out.IsBase64Encoded)
	correctALBAnswer(&out, e.MultiValueHeaders != nil)
	return out, err
}

// convert lets the adapter make a request of an event. What net/http would not take is found first, because the adapter
// prints lines of its own about it.
func convert(method, path, query string, adapt func() (*http.Request, error)) (*http.Request, error) {
	if query != "" {
		path += "?" + query
	}
	_, err := http.NewRequestWithContext(context.Background(), method, "http://host"+path, nil)
	var r *http.Request
	if err == nil {
		r, err = adapt()
	}
	if err != nil {
		return nil, &EventError{fmt.Sprintf("make a request of the event: %v", err)}
	}
	return r, nil
}

// proxyWriter collects an answer and makes the event's kind of it.
type proxyWriter[R any] interface {
	http.ResponseWriter
	GetProxyResponse() (R, error)
}

// serve lets the router answer a request. An answer that is too large for size is a 413 instead.
func serve[R any, W proxyWriter[R]](f *function, writer func() W, r *http.Request, size *answerSize) (http.Header, R, error) {
	w := writer()
	f.stamp(w)
	size.header = w.Header()
	r = r.WithContext(context.WithValue(r.Context(), sizeOf{}, size))
	started := time.Now()
	drop := func() http.ResponseWriter {
		w = writer()
		return w
	}
	whole := completes(f.router, &counted{w, size, drop}, r)
	if !whole {
		id := size.header.Get("X-Request-Id")
		w = writer() // without what was written of the answer
		f.stamp(w)
		w.Header().Set("X-Model-Version", f.from.model)
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error":"internal error"}`)
		f.log.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", http.StatusInternalServerError), slog.Float64("seconds", time.Since(started).Seconds()),
			slog.String("request_id", id), slog.String("version", f.from.model), slog.String("error", http.ErrAbortHandler.Error()))
	}
	if whole && size.over() {
		w = writer()
		size.refuse(w)
	}
	out, err := w.GetProxyResponse()
	return w.Header(), out, err
}

// stamp puts the version of the function into an answer.
func (f *function) stamp(w http.ResponseWriter) {
	if f.from.version != "" {
		w.Header().Set("X-Function-Version", f.from.version)
	}
}

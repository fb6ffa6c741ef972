// Package handler is the service over HTTP: routes, requests and answers, configuration, and the one map
// from error to status. The same router runs in cmd/local and cmd/lambda.
package handler

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"ml-service/handler/oip"
	"ml-service/handler/predict"
	"ml-service/handler/record"
	"ml-service/model"
)

// Options are what a Service is made of.
type Options struct {
	Model        *model.Model
	Example      []byte       // a body of POST /predict that Model answers, for the documentation; nil: one is tried out
	Name         string       // of the model, as clients of the open protocol call it
	Color        string       // blue or green; empty: no X-Color header
	MaxBodyBytes int64        // the longest body taken; 0: DefaultMaxBodyBytes
	BasePath     string       // under which every route is found as well, as /ml; empty: none
	HealthRoute  string       // one more address of GET /ping; empty: none
	PredictRoute string       // one more address of POST /invocations; empty: none
	Origins      []string     // of pages that may call from browsers, or "*" alone; nil: of this service's own
	Strict       bool         // tensors of the open protocol are not converted to the model's types
	Discreet     bool         // the log of a refused request has no value of it
	Logger       *slog.Logger // nil: no logs
	Observer     Observer     // nil: nobody counts
	Record       *record.Log  // of POST /predict; nil: none
	Metrics      http.Handler // answers GET /metrics; nil: no such route
	Dates        bool         // answers carry a Date, which net/http's server would make for each
	Concurrency  int          // the most requests in the model at once; 0: one a core
	Queue        int          // the most that wait for that; 0: 64 for each of Concurrency; below 0: none
	// Left is asked about a caller whose request's context has ended while it waits: whether it left for good, or only stopped
	// sending. It may take its time, until ready is closed. nil: it left.
	Left   func(ctx context.Context, ready <-chan struct{}) bool
	Memory int64 // bytes for large requests; 0: no limit
	Pace   Pace  // the least that is asked of callers; its zero value: nothing
}

// DefaultMaxBodyBytes is the longest body taken where nothing else is said: 1 MiB.
const DefaultMaxBodyBytes = 1 << 20

// Observer is told of every request and of every batch that ran. It is called by many goroutines at once and must not block.
type Observer interface {
	// Request is told of an answered request. route is the pattern it matched, empty where it matched none.
	Request(route string, status int, took time.Duration)
	// Inference is told of a batch after the model ran it; the batch must not be kept.
	Inference(b *model.Batch, took time.Duration)
}

// Service answers the HTTP requests for one model.
type Service struct {
	model                *model.Model
	name                 string
	maxBody              int64
	base                 string
	origins              []string
	strict               bool
	pace                 Pace
	log                  *slog.Logger
	observer             Observer
	debug                bool // all requests are logged
	discreet             bool // without their values
	draining             atomic.Bool
	inflight             atomic.Int64
	unobserved           atomic.Int64 // calls in which the observer panicked
	gate                 *gate
	needs                needs
	small                int         // a body of so many bytes needs no more than a slot has for each, whatever its rows
	sinks                chan []byte // nil until it is used first
	spare                spare
	dates                *dates       // nil: answers have none of ours
	needPerKB            atomic.Int64 // what bodies needed, for each KB of their length; moves by an eighth at a time
	metrics              http.Handler
	record               *record.Log
	engine               *gin.Engine
	document, document30 func() ([]byte, error) // OpenAPI 3.1 and 3.0
	codec                *predict.Codec
	platforms            *predict.Codec // of the managed platforms' bodies
	aip                  aipRoutes
	counts               counts
	example              []byte
	buffers              sync.Pool // of *exchange
	pieces               sync.Pool // of *[pieceRoom]byte

	signature  oip.Signature
	inferences sync.Pool // of *inference

	version, color   []string // header values
	ok, drainingBody []byte   // the bodies of GET /health
}

// New makes the service and its router.
func New(o Options) *Service {
	s := &Service{
		model: o.Model,
		codec: predict.New(o.Model),

		platforms: predict.NewForPlatforms(o.Model),
		aip:       aipRoutes{health: o.HealthRoute, predict: o.PredictRoute},

		example:  o.Example,
		name:     o.Name,
		maxBody:  o.MaxBodyBytes,
		base:     o.BasePath,
		origins:  o.Origins,
		strict:   o.Strict,
		pace:     o.Pace,
		log:      o.Logger,
		discreet: o.Discreet,
		observer: o.Observer,
		metrics:  o.Metrics,
		record:   o.Record,
		gate:     newGate(o),
		sinks:    make(chan []byte, sinks),
		version:  []string{o.Model.Version()},
	}
	for range sinks {
		s.sinks <- nil
	}
	if s.name == "" {
		s.name = defaultName
	}
	if o.Dates {
		s.dates = new(dates)
	}
	o.Model.Limit(s.gate.share())
	s.needs = needsOf(o.Model, s.gate.limit)
	s.small = sort.Search(firstRead, func(n int) bool { return s.needs.atMost(int64(n), s.codec, s.platforms) > slotBytes }) - 1
	if s.maxBody <= 0 {
		s.maxBody = DefaultMaxBodyBytes
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Color != "" {
		s.color = []string{o.Color}
	}
	s.debug = s.log.Enabled(context.Background(), slog.LevelDebug)
	s.ok = healthBody("ok", o.Model.Version())
	s.drainingBody = healthBody("draining", o.Model.Version())
	s.document = sync.OnceValues(func() ([]byte, error) { // when first asked for, so that it costs nothing at start
		return json.Marshal(openAPI{name: s.name, model: s.model, examples: s.examples()}.document())
	})
	s.document30 = sync.OnceValues(func() ([]byte, error) {
		return json.Marshal(openAPI30(openAPI{name: s.name, model: s.model, examples: s.examples()}.document()))
	})
	s.engine = s.router()
	return s
}

// Engine is the router, an http.Handler.
func (s *Service) Engine() *gin.Engine { return s.engine }

// Drain announces the end: /health answers 503 from now on and every answer closes its connection, while all
// other routes go on answering.
func (s *Service) Drain() { s.draining.Store(true) }

func (s *Service) health(c *gin.Context) {
	if s.draining.Load() {
		s.write(c, http.StatusServiceUnavailable, s.drainingBody)
		return
	}
	s.write(c, http.StatusOK, s.ok)
}

package main

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ml-service/handler"
	"ml-service/model"
)

// fewClasses is up to how many classes a classifier's predictions are counted by class.
const fewClasses = 20

// seconds are the bucket limits of durations by route. A small model answers within the first ones.
var seconds = []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// fineSeconds are the bucket limits of the time of predictions: two sides are compared by them, and a side that is half
// again as slow must show. From 0.1 ms to 1 s none is more than 1.25 times the one before.
var fineSeconds = finer()

func finer() []float64 {
	limits := []float64{50e-6, 75e-6}
	for _, decade := range []float64{1e4, 1e3, 1e2, 1e1} {
		for _, step := range []float64{1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 4, 5, 6, 7.5, 9} {
			limits = append(limits, step/decade) // a division: 1.2/1e4 prints as 0.00012
		}
	}
	return append(limits, 1, 1.5, 2.5, 5, 10)
}

// firstPredictions of a process are counted apart: they pay for its start.
const firstPredictions = 20

// scores are the bucket limits of confidences, finer where most are.
var scores = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1}

// metrics counts what the service does, for Prometheus. It is a handler.Observer.
type metrics struct {
	registry  *prometheus.Registry
	own       prometheus.Registerer    // of the registry, with the labels that all of ours carry
	requests  *prometheus.CounterVec   // route, code
	took      *prometheus.HistogramVec // route
	routes    atomic.Pointer[map[string]*routeMetrics]
	inference prometheus.Histogram
	predicted [2]prometheus.Observer // time of predictions: the process's first ones, and the others
	begun     atomic.Int64           // how many of the first ones there were
	rows      prometheus.Counter
	score     *tally
	classes   []prometheus.Counter // in the order of the model's classes; nil: too many, or none
	unknown   *unknownCategories
}

// routeMetrics are the children of one route, so that a request looks up no label.
type routeMetrics struct {
	took     prometheus.Observer
	predicts bool
	code     [600]atomic.Pointer[prometheus.Counter] // by status
}

// newMetrics makes the metrics of one model.
func newMetrics(m *model.Model, cfg handler.Config) *metrics {
	s := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ml_requests_total", Help: "Answered requests."}, []string{"route", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ml_request_duration_seconds",
			Help: "Time to answer a request.", Buckets: seconds}, []string{"route"}),
		inference: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "ml_inference_duration_seconds",
			Help: "Time of the model for one batch, without decoding and encoding.", Buckets: seconds}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{Name: "ml_rows_total", Help: "Rows the model answered."}),
	}
	s.routes.Store(&map[string]*routeMetrics{})
	s.own = prometheus.WrapRegistererWith(prometheus.Labels{"color": cfg.Color, "model_version": m.Version()}, s.registry)
	s.own.MustRegister(s.requests, s.took, s.inference, s.rows)

	predicted := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ml_prediction_duration_seconds",
		Help: "Time to answer a request with predictions, all routes together; start says whether it is one of the process's first 20.", Buckets: fineSeconds}, []string{"start"})
	s.predicted = [2]prometheus.Observer{predicted.WithLabelValues("true"), predicted.WithLabelValues("false")}
	s.own.MustRegister(predicted)

	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ml_model_info", Help: "The model that is served."}, []string{"name", "version", "kind", "sha256"})
	info.WithLabelValues(cfg.ModelName, m.Version(), m.Kind().String(), m.SHA256()).Set(1)
	s.own.MustRegister(info)
	_, source := handler.Stamped()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ml_build_info", Help: "The binary that serves it."}, []string{"revision"})
	build.WithLabelValues(source).Set(1)
	s.own.MustRegister(build)

	classes := m.Classes()
	if len(classes) > fewClasses {
		classes = nil
	}
	if m.ScoresOutput() >= 0 {
		s.score = newTally(scores, classes)
		s.own.MustRegister(s.score)
	}
	if len(classes) > 0 {
		predictions := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ml_predictions_total", Help: "Predictions by class."}, []string{"class"})
		for _, class := range classes {
			s.classes = append(s.classes, predictions.WithLabelValues(class))
		}
		s.own.MustRegister(predictions)
	}
	s.unknown = newUnknownCategories(m, s.own)
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// watch adds what the service says of its load.
func (s *metrics) watch(service *handler.Service) {
	for _, g := range []struct {
		name, help string
		read       func(handler.Load) int
	}{
		{"ml_inflight_requests", "Requests being answered.", func(l handler.Load) int { return l.Requests }},
		{"ml_inference_running", "Requests in the model.", func(l handler.Load) int { return l.Running }},
		{"ml_inference_waiting", "Requests that wait for the model.", func(l handler.Load) int { return l.Waiting }},
		{"ml_inference_concurrency_limit", "The most requests in the model at once.", func(l handler.Load) int { return l.Concurrency }},
		{"ml_inference_queue_limit", "The most requests that wait; past it they are refused with 503.", func(l handler.Load) int { return l.Queue }},
		{"ml_body_bytes", "Memory of bodies above 16 KiB each, as far as they have come.", func(l handler.Load) int { return int(l.Bodies) }},
		{"ml_work_bytes", "Memory set aside for large requests.", func(l handler.Load) int { return int(l.Work) }},
		{"ml_request_memory_limit_bytes", "The most of both; past it requests wait or are refused with 503; 0: no limit.", func(l handler.Load) int { return int(l.Budget) }},
	} {
		s.own.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help},
			func() float64 { return float64(g.read(service.Load())) }))
	}
	s.own.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "ml_observer_panics_total",
		Help: "Times that counting a request failed; the request was answered."}, func() float64 { return float64(service.Load().Unobserved) }))
}

// handler answers GET /metrics.
func (s *metrics) handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Request counts an answered request.
func (s *metrics) Request(route string, status int, took time.Duration) {
	if route == "" {
		route = "none" // a path that no route matched
	}
	r := s.route(route)
	r.took.Observe(took.Seconds())
	if r.predicts && status == http.StatusOK {
		later := 1
		if s.begun.Load() < firstPredictions && s.begun.Add(1) <= firstPredictions {
			later = 0
		}
		s.predicted[later].Observe(took.Seconds())
	}
	if status < 0 || status >= len(r.code) {
		return
	}
	counter := r.code[status].Load()
	if counter == nil {
		c := s.requests.WithLabelValues(route, strconv.Itoa(status))
		counter = &c
		r.code[status].Store(counter)
	}
	(*counter).Inc()
}

// route gives the children of a route. Routes are few and known after their first requests, so the map is copied to grow.
func (s *metrics) route(route string) *routeMetrics {
	for {
		known := s.routes.Load()
		if r := (*known)[route]; r != nil {
			return r
		}
		grown := map[string]*routeMetrics{route: {took: s.took.WithLabelValues(route), predicts: handler.Predicts(route)}}
		for k, v := range *known {
			grown[k] = v
		}
		s.routes.CompareAndSwap(known, &grown)
	}
}

// Inference counts a batch that ran.
func (s *metrics) Inference(b *model.Batch, took time.Duration) {
	rows := b.Rows()
	s.inference.Observe(took.Seconds())
	s.rows.Add(float64(rows))
	if found, count := b.Unknown(); count > 0 {
		s.unknown.add(found, count)
	}
	if s.score == nil && s.classes == nil {
		return
	}
	if rows == 1 {
		class := b.Class(0)
		if class.Column >= 0 && class.Column < len(s.classes) {
			s.classes[class.Column].Inc()
		}
		if class.Confidence >= 0 {
			s.score.one(class.Column, class.Confidence)
		}
		return
	}
	var counts [fewClasses]int
	var local scored
	for row := range rows {
		class := b.Class(row)
		if class.Column >= 0 && class.Column < len(s.classes) {
			counts[class.Column]++
		}
		if class.Confidence >= 0 {
			local.add(s.score, class.Column, class.Confidence)
		}
	}
	for k, counter := range s.classes {
		if counts[k] > 0 {
			counter.Add(float64(counts[k]))
		}
	}
	s.score.end(&local)
}

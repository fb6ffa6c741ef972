package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ml-service/handler"
	"ml-service/models"
)

// serve loads the model, listens, and serves until a signal or ctx ends it.
func serve(ctx context.Context, cfg config, stderr io.Writer) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	opened, err := handler.Open(cfg.Config, models.FS)
	if err != nil {
		return err
	}
	m := opened.Model
	logger := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	options := handler.Options{
		Model: m, Example: opened.Example, Name: cfg.ModelName, Color: cfg.Color, MaxBodyBytes: cfg.MaxBodyBytes, Logger: logger,
		Concurrency: cfg.MaxConcurrency, Queue: cfg.MaxQueue,
	}
	var counted *metrics
	if cfg.metrics {
		counted = newMetrics(m, cfg.Config)
		options.Observer, options.Metrics = counted, counted.handler()
	}
	service := handler.New(options)
	if counted != nil {
		counted.watch(service)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(cfg.host, cfg.port))
	if err != nil {
		return err
	}
	watch := newWatch(listener, served)
	defer watch.stop()
	server := &http.Server{ //nolint:gosec // the watch stands for the time-outs
		Handler:                      service.Engine(),
		ConnState:                    watch.state,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	_, source := handler.Stamped()
	logger.Info("listening", "address", listener.Addr().String(), "version", m.Version(), "color", cfg.Color,
		"kind", m.Kind().String(), "sha256", m.SHA256(), "revision", source)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(watch) }()
	select {
	case err := <-failed:
		return err
	case s := <-signals:
		return stop(server, service, cfg, logger, s == syscall.SIGTERM, signals)
	case <-ctx.Done():
		return stop(server, service, cfg, logger, false, signals)
	}
}

// stop ends the service. If graceful it goes on serving for the drain delay, while /health says so. Then the listener
// closes and the requests in flight finish. One more signal ends it at once.
func stop(server *http.Server, service *handler.Service, cfg config, logger *slog.Logger, graceful bool, signals <-chan os.Signal) error {
	errAtOnce := errors.New("stopped at once by a second signal")
	service.Drain()
	if graceful {
		logger.Info("draining", "delay", cfg.drainDelay.String())
		select {
		case <-time.After(cfg.drainDelay):
		case <-signals:
			_ = server.Close()
			return errAtOnce
		}
	}
	logger.Info("stopping", "timeout", cfg.shutdownTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), cfg.shutdownTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- server.Shutdown(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			_ = server.Close()
			return fmt.Errorf("requests in flight did not finish within %s", cfg.shutdownTimeout)
		}
	case <-signals:
		_ = server.Close()
		return errAtOnce
	}
	logger.Info("stopped")
	return nil
}

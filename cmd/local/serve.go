package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ml-service/handler"
	"ml-service/handler/record"
	"ml-service/models"
)

// serve loads the model, listens, and serves until a signal or ctx ends it.
func serve(ctx context.Context, cfg config, stderr io.Writer) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, os.Interrupt)
	defer signal.Stop(signals)

	opened, err := handler.Open(cfg.Config, models.FS)
	if err != nil {
		return err
	}
	m := opened.Model
	logger := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	memory := cfg.ShareMemory()
	connections := cfg.maxConnections
	if connections == 0 {
		connections = memory.Connections
	}
	options := cfg.Options(opened)
	options.Logger, options.Pace, options.Left, options.Memory, options.Dates = logger, cfg.pace, left, memory.Requests, true
	var counted *metrics
	if cfg.metrics {
		counted = newMetrics(m, cfg.Config)
		options.Observer, options.Metrics = counted, counted.handler()
	}
	if cfg.RecordDir != "" {
		files, err := record.NewFiles(cfg.RecordDir, cmp.Or(cfg.Color, "ml-service"))
		if err != nil {
			return handler.Usage(fmt.Errorf("RECORD_DIR: %w", err))
		}
		options.Record = cfg.Recorder(files, m, logger)
		defer func() {
			if err := options.Record.Close(); err != nil {
				logger.Error("close the record", "error", err.Error())
			}
		}()
		logger.Info("recording requests", "folder", cfg.RecordDir, "sample", cfg.RecordSample)
	}
	service := handler.New(options)
	if counted != nil {
		counted.watch(service)
	}
	listener, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	server := newServer(cfg, service.Engine(), logger)
	_, source := handler.Stamped()
	logger.Info("listening", "address", listener.Addr().String(), "version", m.Version(), "color", cfg.Color,
		"kind", m.Kind().String(), "sha256", m.SHA256(), "revision", source,
		"memory_limit", memory.Limit, "memory_requests", memory.Requests, "connections", connections)

	failed := make(chan error, 1)
	acceptor := newAcceptor(listener, connections, logger, refusing(service))
	server.ConnState = acceptor.state
	go func() { failed <- server.Serve(acceptor) }()
	select {
	case err := <-failed:
		return err
	case s := <-signals:
		return stop(server, service, cfg, logger, s != os.Interrupt, signals)
	case <-ctx.Done():
		return stop(server, service, cfg, logger, false, signals)
	}
}

// newServer is net/http's, with the time-outs of cfg.
func newServer(cfg config, h http.Handler, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:                      h,
		ConnContext:                  withPeer,
		ReadHeaderTimeout:            cfg.readHeaderTimeout,
		ReadTimeout:                  cfg.pace.Read, // the handler moves it while a large body comes
		IdleTimeout:                  cfg.idleTimeout,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	if s.IdleTimeout == 0 {
		s.IdleTimeout = -1 // none, where http.Server would take ReadTimeout for it
	}
	if s.ReadHeaderTimeout == 0 {
		s.ReadHeaderTimeout = -1
	}
	return s
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

// refusing puts a refusal of the service's into the form of HTTP.
func refusing(service *handler.Service) refuser {
	return func(status int, reason string) []byte {
		header, body := service.Refuse(status, reason)
		var out bytes.Buffer
		fmt.Fprintf(&out, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
		_ = header.Write(&out) // a buffer takes everything
		fmt.Fprintf(&out, "\r\n%s", body)
		return out.Bytes()
	}
}

package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	prom "github.com/VictoriaMetrics/metrics"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/request"
)

// metrics are what Prometheus is told. No label is about a person, and every label has few
// values: routes are patterns, outcomes the codes of docs/errors.md. docs/operations.md
// lists them.
type metrics struct {
	set     *prom.Set
	commits *prom.PrometheusHistogram
	groups  *prom.PrometheusHistogram
}

// requestBounds are the bounds of how long requests take, in seconds.
var requestBounds = []float64{.001, .005, .02, .1, .3, .5, 1, 3, 10}

func newMetrics() *metrics {
	prom.ExposeMetadata(true) // with the type of each
	set := prom.NewSet()
	return &metrics{
		set:     set,
		commits: set.NewPrometheusHistogramExt("postern_store_commit_seconds", []float64{.0003, .001, .003, .01, .03, .1, .3, 1, 3}),
		groups:  set.NewPrometheusHistogramExt("postern_store_commit_changes", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}),
	}
}

// count adds one to a counter; labels are names and values in turn.
func (m *metrics) count(name string, labels ...string) {
	m.set.GetOrCreateCounter(series(name, labels...)).Inc()
}

// series is the name of one series of a metric.
func series(name string, labels ...string) string {
	parts := make([]string, 0, len(labels)/2)
	for pair := range slices.Chunk(labels, 2) {
		parts = append(parts, pair[0]+"="+strconv.Quote(pair[1]))
	}
	return name + "{" + strings.Join(parts, ",") + "}"
}

// Begin implements store.Observer.
func (m *metrics) Begin() func(changes int) {
	began := time.Now()
	return func(changes int) {
		m.commits.UpdateDuration(began)
		m.groups.Update(float64(changes))
	}
}

// passEvents are the activities, and the reasons of those that all methods share, that say
// what happened to a pass.
var passEvents = map[string]string{
	audit.ReasonAdminRegisteredPass: "issued", audit.ReasonUserRegisteredPass: "issued", audit.RecoverAccess: "issued",
	audit.ReasonAdminDeletedPass: "deleted", audit.ReasonUserDeletedPass: "deleted",
	audit.PassExpired: "expired", audit.PassRemoved: "removed",
}

// Recorded implements store.Observer.
func (m *metrics) Recorded(e audit.Event) {
	if s := e.SignIn; s != nil {
		outcome, pass := "success", "used"
		if s.ErrorCode != 0 {
			outcome, pass = strconv.Itoa(s.ErrorCode), "failed"
		}
		m.count("postern_sign_ins_total", "kind", s.EventType, "outcome", outcome)
		if slices.ContainsFunc(s.Details, func(d audit.AuthenticationDetail) bool { return d.Method == audit.MethodPass }) {
			m.count("postern_passes_total", "event", pass)
		}
	}
	if c := e.Change; c != nil {
		if event := passEvents[cmp.Or(c.ResultReason, c.Activity)]; event != "" {
			m.count("postern_passes_total", "event", event)
		}
	}
}

// watched adds what is read from s when Prometheus asks.
func (m *metrics) watched(s *Server) {
	for name, read := range map[string]func() float64{
		"postern_gate_inside":  func() float64 { inside, _ := s.gate.Load(); return float64(inside) },
		"postern_gate_waiting": func() float64 { _, waiting := s.gate.Load(); return float64(waiting) },
		"postern_clock_wrong": func() float64 {
			if s.watch.clock.Verdict().Err != nil {
				return 1
			}
			return 0
		},
		"postern_clock_ahead_seconds": func() float64 { return s.watch.clock.Verdict().Ahead.Seconds() },
		"postern_disk_free_bytes":     func() float64 { return float64(s.watch.disk.left.Load()) },
	} {
		m.set.NewGauge(name, read)
	}
	m.set.RegisterMetricsWriter(func(w io.Writer) {
		prom.WriteCounterFloat64(w, "postern_throttle_refusals_total", float64(s.refusals.Total()))
		s.writeBacklog(w)
	})
}

// writeBacklog says what waits in the store. Without a database it is left out.
func (s *Server) writeBacklog(w io.Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), watchEvery)
	defer cancel()
	waiting, err := s.db.Backlog(ctx)
	if err != nil {
		return
	}
	lag := 0.0
	if !waiting.OldestUnsealed.IsZero() {
		lag = max(0, s.now().Sub(waiting.OldestUnsealed).Seconds())
	}
	prom.WriteGaugeFloat64(w, "postern_log_seal_lag_seconds", lag)
	prom.WriteGaugeFloat64(w, "postern_outbox_waiting", float64(waiting.WaitingMail))
	prom.WriteGaugeFloat64(w, "postern_outbox_given_up", float64(waiting.GivenUpMail))
}

// ServeHTTP writes all of them in Prometheus's text format.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m.set.WritePrometheus(w)
	prom.WriteProcessMetrics(w)
}

// measured counts and traces requests.
func (s *Server) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, end := beginSpan(r)
		r = r.WithContext(ctx)
		seen := &seenStatus{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			route := request.From(ctx).Route()
			if route == "" {
				route = r.Pattern
			}
			if route == "" {
				route = "none"
			}
			end(route, seen.status)
			s.metrics.count("postern_http_requests_total", "route", route, "status", strconv.Itoa(seen.status))
			s.metrics.set.GetOrCreatePrometheusHistogramExt(series("postern_http_request_duration_seconds", "route", route), requestBounds).UpdateDuration(began)
		}()
		next.ServeHTTP(seen, r)
	})
}

// seenStatus remembers the status of an answer.
type seenStatus struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *seenStatus) WriteHeader(status int) {
	if !w.wrote && status >= http.StatusOK { // 1xx come before the answer
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *seenStatus) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *seenStatus) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serveMetrics serves /metrics on address until ctx ends, and returns where it listens.
func (s *Server) serveMetrics(ctx context.Context, address string) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return "", ErrListen.With("metrics", fmt.Sprintf("%s can't be listened on for metrics: %v.", address, err))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	s.work.Go(func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.options.Log.Error("metrics are not served any more", "err", err)
		}
	})
	context.AfterFunc(ctx, func() { _ = web.Close() })
	return listener.Addr().String(), nil
}

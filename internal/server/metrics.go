package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/request"
)

// metrics are what Prometheus is told. No label is about a person, and every label has few
// values: routes are patterns, outcomes the codes of docs/errors.md. docs/operations.md
// lists them.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	signIns   *prometheus.CounterVec
	passes    *prometheus.CounterVec
	commits   prometheus.Histogram
	groups    prometheus.Histogram
	witnessed *prometheus.CounterVec
	failed    *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_http_requests_total", Help: "Requests by route and status.",
		}, []string{"route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "postern_http_request_duration_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.001, .005, .02, .1, .3, .5, 1, 3, 10},
		}, []string{"route"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_sign_ins_total", Help: "Sign-ins by kind and outcome: success, or the number of the error.",
		}, []string{"kind", "outcome"}),
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_passes_total", Help: "Temporary Access Passes by what happened to them.",
		}, []string{"event"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "postern_store_commit_seconds", Help: "How long commits took, with the changes in them.",
			Buckets: []float64{.0003, .001, .003, .01, .03, .1, .3, 1, 3},
		}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "postern_store_commit_changes", Help: "How many changes shared a commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
		witnessed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_witness_checkpoints_total", Help: "Checkpoints that a witness took, by kind of witness.",
		}, []string{"witness"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_witness_failures_total", Help: "Tries in which a witness did not take a checkpoint.",
		}, []string{"witness"}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.signIns, m.passes, m.commits, m.groups, m.witnessed, m.failed,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Begin implements store.Observer.
func (m *metrics) Begin() func(changes int) {
	began := time.Now()
	return func(changes int) {
		m.commits.Observe(time.Since(began).Seconds())
		m.groups.Observe(float64(changes))
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
		m.signIns.WithLabelValues(s.EventType, outcome).Inc()
		if slices.ContainsFunc(s.Details, func(d audit.AuthenticationDetail) bool { return d.Method == audit.MethodPass }) {
			m.passes.WithLabelValues(pass).Inc()
		}
	}
	if c := e.Change; c != nil {
		if event := passEvents[cmp.Or(c.ResultReason, c.Activity)]; event != "" {
			m.passes.WithLabelValues(event).Inc()
		}
	}
}

// watched adds what is read from s when Prometheus asks.
func (m *metrics) watched(s *Server) {
	gauge := func(name, help string, read func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
	gauge("postern_gate_inside", "Slow hashes that run.", func() float64 { inside, _ := s.gate.Load(); return float64(inside) })
	gauge("postern_gate_waiting", "Callers who wait for their slow hash.", func() float64 { _, waiting := s.gate.Load(); return float64(waiting) })
	gauge("postern_clock_wrong", "1 while the clock is wrong and nothing is served.", func() float64 {
		if s.watch.clock.Verdict().Err != nil {
			return 1
		}
		return 0
	})
	gauge("postern_clock_ahead_seconds", "How far the clock is ahead of a time mark that does not follow.", func() float64 {
		return s.watch.clock.Verdict().Ahead.Seconds()
	})
	gauge("postern_disk_free_bytes", "Free space of the data directory's disk.", func() float64 { return float64(s.watch.disk.left.Load()) })
	m.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "postern_throttle_refusals_total", Help: "Tries that a throttle refused.",
		}, func() float64 { return float64(s.refusals.Total()) }),
		&backlog{
			s, prometheus.NewDesc("postern_log_seal_lag_seconds", "Age of the oldest event that is not sealed.", nil, nil),
			prometheus.NewDesc("postern_outbox_waiting", "Mails that wait to be sent.", nil, nil),
			prometheus.NewDesc("postern_outbox_given_up", "Mails that were given up in the last 30 days.", nil, nil),
		},
	)
}

// backlog reads from the store what waits.
type backlog struct {
	server           *Server
	lag, mail, ended *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(c chan<- *prometheus.Desc) { c <- b.lag; c <- b.mail; c <- b.ended }

// Collect implements prometheus.Collector. Without a database they are left out.
func (b *backlog) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchEvery)
	defer cancel()
	waiting, err := b.server.db.Backlog(ctx)
	if err != nil {
		return
	}
	lag := 0.0
	if !waiting.OldestUnsealed.IsZero() {
		lag = max(0, b.server.now().Sub(waiting.OldestUnsealed).Seconds())
	}
	c <- prometheus.MustNewConstMetric(b.lag, prometheus.GaugeValue, lag)
	c <- prometheus.MustNewConstMetric(b.mail, prometheus.GaugeValue, float64(waiting.WaitingMail))
	c <- prometheus.MustNewConstMetric(b.ended, prometheus.GaugeValue, float64(waiting.GivenUpMail))
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
			s.metrics.requests.WithLabelValues(route, strconv.Itoa(seen.status)).Inc()
			s.metrics.durations.WithLabelValues(route).Observe(time.Since(began).Seconds())
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
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	s.work.Go(func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.options.Log.Error("metrics are not served any more", "err", err)
		}
	})
	context.AfterFunc(ctx, func() { _ = web.Close() })
	return listener.Addr().String(), nil
}

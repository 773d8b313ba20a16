package signed

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/request"
)

// Handler answers the calls that open opens with what serve returns.
func Handler[C any](s *Calls, open func(http.ResponseWriter, *http.Request) (C, error), serve func(C) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.Answer(w, r, func() (int, any, error) {
			c, err := open(w, r)
			if err != nil {
				return 0, nil, err
			}
			return serve(c)
		})
	}
}

// Answer answers r with what serve returns.
func (s *Calls) Answer(w http.ResponseWriter, r *http.Request, serve func() (int, any, error)) {
	status, out, err := serve()
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	writeJSON(w, status, out)
}

// Refuse answers with what went wrong. What is no fault is logged, and the caller gets its
// correlation id.
func (s *Calls) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	id := request.From(r.Context()).CorrelationID
	said := device.Error{Code: "generalException", Message: "Something went wrong on the server.", CorrelationID: id}
	status := http.StatusInternalServerError
	if f, ok := errors.AsType[*fault.Error](err); ok {
		said.Code, said.Message, said.Remedy = f.Code, f.Text, f.Remedy
		if known, ok := request.Status(f.Kind); ok {
			status = known
		}
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		level, what := slog.LevelInfo, s.Who+" refused"
		if errors.Is(err, dpop.ErrUseNonce) { // how every conversation begins
			level, what = slog.LevelDebug, s.Who+" got a nonce"
		}
		s.Log.Log(r.Context(), level, what, "path", r.URL.Path, "correlation_id", id, "code", f.Code)
	} else {
		level := slog.LevelError
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil { // the caller has gone, and nothing is wrong
			level = slog.LevelDebug
		}
		s.Log.Log(r.Context(), level, s.Who+" call failed", "path", r.URL.Path, "correlation_id", id, "err", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", s.challenge(err))
	}
	writeJSON(w, status, device.ErrorAnswer{Error: said})
}

// challenge is what a 401 asks for (RFC 9449 section 7.1).
func (s *Calls) challenge(err error) string {
	switch {
	case errors.Is(err, dpop.ErrUseNonce):
		return `DPoP error="use_dpop_nonce"`
	case s.Proved(err):
		return `DPoP`
	}
	return `DPoP error="invalid_dpop_proof"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone, or reads it
}

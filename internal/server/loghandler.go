package server

import (
	"context"
	"log/slog"

	"github.com/postern-id/postern/internal/request"
)

// LogHandler returns a handler that adds the correlation id of the request, where there is
// one, to every record that does not name it already.
func LogHandler(next slog.Handler) slog.Handler { return correlated{next} }

type correlated struct{ slog.Handler }

const correlationID = "correlation_id"

// Handle implements slog.Handler.
func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	id := request.From(ctx).CorrelationID
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == correlationID {
			id = ""
		}
		return id != ""
	})
	if id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String(correlationID, id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h correlated) WithGroup(name string) slog.Handler { return correlated{h.Handler.WithGroup(name)} }

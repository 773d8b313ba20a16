package odata

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/request"
)

// IDs are what one request is called, in answers and in logs.
type IDs struct {
	Request string    // a random UUID
	Client  string    // the caller's own id, or Request when it sent none that can be echoed
	At      time.Time // UTC; when the request arrived
}

type idsKey struct{}

// IDsFrom returns the ids that [Tag] gave to the request of ctx; without Tag they are empty.
func IDsFrom(ctx context.Context) IDs {
	ids, _ := ctx.Value(idsKey{}).(IDs)
	return ids
}

// Tag gives every request its ids before next sees it, and writes the headers that each
// Graph answer carries: request-id, client-request-id, Date and Cache-Control: no-store.
// The ids are those of package request where the context has them, so that logs, events and
// answers call the request the same; else they are made here.
// Random is rand.Reader, except in tests. When it fails the answer is an empty 500.
func Tag(next http.Handler, random io.Reader, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := uuid.NewRandomFromReader(random)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		ids := IDs{Request: id.String(), Client: id.String(), At: now().UTC()}
		if c := r.Header.Get("client-request-id"); echoable(c) {
			ids.Client = c
		}
		if f := request.From(r.Context()); f.RequestID != "" {
			ids.Request, ids.Client = f.RequestID, f.CorrelationID
		}
		h := w.Header()
		h.Set("request-id", ids.Request)
		h.Set("client-request-id", ids.Client)
		h.Set("Date", ids.At.Format(http.TimeFormat))
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), idsKey{}, ids)))
	})
}

// echoable reports whether id may be repeated in headers, answers and logs: a GUID, or
// anything as harmless, of 64 characters at most.
func echoable(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !isAlnum(c) && c != '-' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

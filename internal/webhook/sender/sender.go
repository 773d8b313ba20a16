// Package sender makes the signed calls of package webhook over HTTP.
package sender

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/outbound"
	"github.com/postern-id/postern/internal/webhook"
)

// Limit bounds one call.
const Limit = 20 * time.Second

// mostAnswer is what is read of an answer so that its connection serves the next call.
const mostAnswer = 4096

// Sender implements webhook.Sender. The client is one of package outbound: it calls public addresses
// only, and follows no redirect.
type Sender struct {
	Client *http.Client
	Now    func() time.Time
	Log    *slog.Logger // has why a call failed
}

// Send implements webhook.Sender. An error has fixed words, since tenants read it. What is logged does not quote
// the address, whose query may hold what is nobody's business in a log.
func (s Sender) Send(ctx context.Context, r webhook.Request) (int, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return 0, errors.New("the address is no address")
	}
	stamp := webhook.Stamp(s.Now())
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "Postern")
	q.Header.Set(webhook.HeaderID, r.ID)
	q.Header.Set(webhook.HeaderTimestamp, stamp)
	q.Header.Set(webhook.HeaderSignature, webhook.Sign(r.ID, stamp, r.Body, r.Keys...))
	answer, err := s.Client.Do(q)
	if err != nil {
		s.Log.WarnContext(ctx, "a signed call failed", "id", r.ID, "err", outbound.Cause(err))
		return 0, outbound.Told(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswer)
	return answer.StatusCode, nil
}

package webhook

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
)

// A log keeps one delivery; the receiver, and who opens the secret, do not matter here.
type log struct {
	Queue
	d Delivery
}

func (l *log) DeliveryOf(context.Context, directory.TenantID, string) (Delivery, Webhook, error) {
	return l.d, Webhook{ID: "w", URL: "https://siem.example", Enabled: true}, nil
}

func (l *log) KeepTry(_ context.Context, d Delivery, _ time.Time) error {
	l.d = d
	return nil
}

type noSecrets struct{}

func (noSecrets) Open(context.Context, string, string, ...string) ([]byte, error) {
	return []byte("key"), nil
}

type failing struct{ why string }

func (f failing) Send(context.Context, Request) (int, error) { return 0, errors.New(f.why) }

// A receiver that answers nonsense is quoted in why it failed: as much of it as it likes.
func TestAReceiverDoesNotFillTheLogOfDeliveries(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, why := range map[string]string{
		"short":                         "connection refused",
		"long":                          "malformed status " + strings.Repeat("x", 60<<10),
		"cut in the middle of a letter": strings.Repeat("x", mostWhy-1) + "\u00e9 and more",
		"no text":                       "malformed \xff\xfe",
	} {
		l := &log{d: Delivery{ID: "d", State: Waiting}}
		c := Courier{Queue: l, Sender: failing{why}, Secrets: noSecrets{}, Now: func() time.Time { return now }}
		j, err := l.d.Job(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Kind().Do(t.Context(), j); err == nil {
			t.Errorf("%s: it arrived", name)
		}
		if kept := l.d.Last().Error; kept == "" || len(kept) > mostWhy || !utf8.ValidString(kept) || !strings.HasPrefix(why, kept) {
			t.Errorf("%s: %d bytes are kept: %q", name, len(kept), kept)
		}
	}
}

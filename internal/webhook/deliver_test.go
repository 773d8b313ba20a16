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

// A log keeps one delivery to one webhook.
type log struct {
	Queue
	d Delivery
	w Webhook
}

func (l *log) DeliveryOf(context.Context, directory.TenantID, string) (Delivery, Webhook, error) {
	return l.d, l.w, nil
}

func (l *log) KeepTry(_ context.Context, d Delivery, _ time.Time) error {
	l.d = d
	return nil
}

// Opened are secrets that are sealed as nothing but themselves.
type opened struct{}

func (opened) Open(_ context.Context, _, sealed string, _ ...string) ([]byte, error) {
	return []byte(sealed), nil
}

// A line sends nothing: it answers, or fails, and keeps what it was asked to send.
type line struct {
	code int
	why  string
	sent []Request
}

func (l *line) Send(_ context.Context, r Request) (int, error) {
	l.sent = append(l.sent, r)
	if l.why != "" {
		return 0, errors.New(l.why)
	}
	return l.code, nil
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// deliver does the job of the delivery of l, as it was for round, at nine.
func deliver(t *testing.T, l *log, out *line, round int) error {
	t.Helper()
	asked := l.d
	asked.Round = round
	j, err := asked.Job(nine)
	if err != nil {
		t.Fatal(err)
	}
	c := Courier{Queue: l, Sender: out, Secrets: opened{}, Now: func() time.Time { return nine }}
	return c.Kind().Do(t.Context(), j)
}

func TestOnlyWhatWaitsForAReceiverThatIsOnGoesOut(t *testing.T) {
	on := Webhook{ID: "w", URL: "https://siem.example", Enabled: true, Secret: "new", Previous: "old"}
	off, left, over := on, on, on
	off.Enabled = false
	left.PausedUntil = nine.Add(time.Nanosecond)
	over.PausedUntil, over.PreviousUntil = nine, nine
	both := on
	both.PreviousUntil = nine.Add(time.Nanosecond)
	for name, x := range map[string]struct {
		w      Webhook
		state  State
		round  int // for which the job is, of a delivery in its first
		keys   int // that it is signed with; 0 when it does not go out
		failed bool
	}{
		"signed with one secret":         {on, Waiting, 0, 1, false},
		"and with the one of before":     {both, Waiting, 0, 2, false},
		"until its time is over":         {over, Waiting, 0, 1, false},
		"that is off":                    {off, Waiting, 0, 0, true},
		"that is left alone for a while": {left, Waiting, 0, 0, true},
		"that has it":                    {on, Delivered, 0, 0, false},
		"that was given up":              {on, Failed, 0, 0, false},
		"by the job of another round":    {on, Waiting, 1, 0, false},
	} {
		l, out := &log{d: Delivery{ID: "d", State: x.state}, w: x.w}, &line{code: 204}
		if err := deliver(t, l, out, x.round); (err != nil) != x.failed {
			t.Errorf("%s: %v", name, err)
		}
		if got := len(out.sent); got != min(x.keys, 1) || got == 1 && len(out.sent[0].Keys) != x.keys {
			t.Errorf("%s: %v goes out", name, out.sent)
		}
	}
}

func TestADeliveryKeepsItsLastTries(t *testing.T) {
	l, out := &log{d: Delivery{ID: "d", State: Waiting}, w: Webhook{Enabled: true}}, &line{}
	for out.code = 300; out.code < 300+mostTries+5; out.code++ {
		if err := deliver(t, l, out, 0); err == nil {
			t.Errorf("%d is taken for an arrival", out.code)
		}
	}
	if n := len(l.d.Tries); n != mostTries || l.d.Attempts != mostTries+5 || l.d.Last().Code != out.code-1 || l.d.Tries[0].Code != 305 {
		t.Errorf("%d tries of %d are kept: %v", n, l.d.Attempts, l.d.Tries)
	}
}

// A receiver that answers nonsense is quoted in why it failed: as much of it as it likes.
func TestAReceiverDoesNotFillTheLogOfDeliveries(t *testing.T) {
	for name, why := range map[string]string{
		"short":                         "connection refused",
		"long":                          "malformed status " + strings.Repeat("x", 60<<10),
		"cut in the middle of a letter": strings.Repeat("x", mostWhy-1) + "\u00e9 and more",
		"no text":                       "malformed \xff\xfe",
	} {
		l := &log{d: Delivery{ID: "d", State: Waiting}, w: Webhook{Enabled: true}}
		if err := deliver(t, l, &line{why: why}, 0); err == nil {
			t.Errorf("%s: it arrived", name)
		}
		if kept := l.d.Last().Error; kept == "" || len(kept) > mostWhy || !utf8.ValidString(kept) || !strings.HasPrefix(why, kept) {
			t.Errorf("%s: %d bytes are kept: %q", name, len(kept), kept)
		}
	}
}

package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// memory is an outbox.Store with one tenant; the stores of the product have a suite.
type memory struct{ items []outbox.Item }

func (*memory) Tenants(context.Context) ([]directory.TenantID, error) {
	return []directory.TenantID{"tenant"}, nil
}

func (m *memory) LeaseMail(_ context.Context, _ directory.TenantID, now, until time.Time) (outbox.Item, error) {
	for n, i := range m.items {
		if i.State == outbox.Waiting && !i.DueAt.After(now) && !i.LeaseUntil.After(now) {
			m.items[n].LeaseUntil, m.items[n].Attempts = until, i.Attempts+1
			return m.items[n], nil
		}
	}
	return outbox.Item{}, outbox.ErrNoMail
}

func (m *memory) SettleMail(ctx context.Context, i outbox.Item) error {
	for n, old := range m.items {
		if old.ID == i.ID && old.Attempts == i.Attempts {
			m.items[n] = i
			return ctx.Err()
		}
	}
	return outbox.ErrLeaseLost
}

func (*memory) RemoveMail(context.Context, directory.TenantID, time.Time, int) (int64, error) {
	return 0, nil
}

// sender is an outbox.Sender.
type sender func(ctx context.Context, id string, m outbox.Mail) error

func (s sender) Send(ctx context.Context, id string, _ time.Time, m outbox.Mail) error {
	return s(ctx, id, m)
}

// courier returns one with a mail to send, and its log.
func courier(t *testing.T, send sender) (*outbox.Courier, *memory, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c := &outbox.Courier{
		Box: outbox.Box{Seals: plainly{}, Now: time.Now}, Sender: send, Now: time.Now,
		Chance: func() float64 { return 0.5 }, Log: slog.New(slog.NewJSONHandler(&log, nil)),
	}
	i, err := c.Box.Pack(t.Context(), "tenant", "k", mira)
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{items: []outbox.Item{i}}
	c.Store = m
	return c, m, &log
}

func TestACourierGoesOnUntilTheServerIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		c, m, log := courier(t, func(_ context.Context, id string, got outbox.Mail) error {
			if got != mira {
				t.Errorf("sent is %+v", got)
			}
			if ids = append(ids, id); len(ids) < 4 {
				return errors.New("the server is down")
			}
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.Run(ctx); close(ended) }()
		time.Sleep(10 * time.Minute) // of the bubble's clock
		stop()
		<-ended
		if len(ids) != 4 || ids[0] != ids[3] || m.items[0].State != outbox.Sent {
			t.Errorf("tries %q, state %s", ids, m.items[0].State)
		}
		if strings.Count(log.String(), "mail not sent yet") != 3 || strings.Count(log.String(), "mail sent") != 1 {
			t.Errorf("the log says\n%s", log)
		}
		if strings.Contains(log.String(), mira.To.Address) {
			t.Error("the log says whom the mail is for")
		}
	})
}

func TestACourierGivesUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		tries func(int) bool
	}{
		{"at once when the server refuses for good", fmt.Errorf("%w: 550", outbox.ErrRefused), func(n int) bool { return n == 1 }},
		{"after four days when nothing helps", errors.New("the server is down"), func(n int) bool { return n > 90 && n < 120 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				courier, m, _ := courier(t, func(context.Context, string, outbox.Mail) error { tries++; return c.err })
				for end := time.Now().Add(10 * 24 * time.Hour); m.items[0].State == outbox.Waiting && time.Now().Before(end); {
					time.Sleep(time.Until(m.items[0].DueAt)) // of the bubble's clock
					if err := courier.Deliver(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if !c.tries(tries) || m.items[0].State != outbox.Dead || m.items[0].Sealed != "" {
					t.Errorf("%d tries, %+v", tries, m.items[0])
				}
			})
		})
	}
}

func TestATryEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m, _ := courier(t, func(ctx context.Context, _ string, _ outbox.Mail) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if err := c.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.items[0].State != outbox.Waiting || m.items[0].DueAt.IsZero() {
			t.Errorf("%+v", m.items[0])
		}
	})
}

func TestAMailThatTheEndInterruptedIsDueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		c, m, _ := courier(t, func(ctx context.Context, _ string, _ outbox.Mail) error {
			stop()
			<-ctx.Done()
			return ctx.Err()
		})
		c.Run(ctx)
		if i := m.items[0]; i.State != outbox.Waiting || !i.LeaseUntil.IsZero() || i.DueAt.After(time.Now()) {
			t.Errorf("%+v", i)
		}
	})
}

// TestAMailThatKillsItsSenderEnds leases a mail again and again without anybody settling it,
// as when sending crashes the program.
func TestAMailThatKillsItsSenderEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m, _ := courier(t, func(context.Context, string, outbox.Mail) error {
			t.Error("it was tried once more")
			return nil
		})
		m.items[0].Attempts = 200
		if err := c.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.items[0].State != outbox.Dead {
			t.Errorf("%+v", m.items[0])
		}
	})
}

func TestContentIsKeptOnlyWhereItIsWanted(t *testing.T) {
	for _, keep := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c, m, _ := courier(t, func(context.Context, string, outbox.Mail) error { return nil })
			c.Keep = keep
			if err := c.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			if kept := m.items[0].Sealed != ""; kept != keep || m.items[0].State != outbox.Sent {
				t.Errorf("keep %t: %+v", keep, m.items[0])
			}
		})
	}
}

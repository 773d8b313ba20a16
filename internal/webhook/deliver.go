package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/jobs"
)

// JobKind is the kind of job that makes a delivery.
const JobKind = "webhook"

// task is the body of that job.
type task struct {
	Delivery string `json:"delivery"`
}

// A Request is one signed call.
type Request struct {
	ID, URL, Body string
	Keys          [][]byte // it is signed with each
}

// Sender makes signed calls; package sender is one. It returns the status of the answer, or why
// there is none.
type Sender interface {
	Send(ctx context.Context, r Request) (code int, err error)
}

// Secrets opens what is sealed for a webhook.
type Secrets interface {
	Open(ctx context.Context, tenant, sealed string, where ...string) ([]byte, error)
}

// SealPlace is where a secret of the webhook with that id is sealed for.
func SealPlace(id string) []string { return []string{"webhook", "secret", id} }

// Courier delivers. Every field is required.
type Courier struct {
	Queue   Queue
	Sender  Sender
	Secrets Secrets
	Now     func() time.Time // UTC
}

const (
	// pause is how long a receiver that did not take a message is left alone.
	pause = 30 * time.Second
	// mostFailures is how many deliveries in a row are given up before a webhook is turned off.
	mostFailures = 5
	gone         = 410 // a receiver that says so wants nothing more
)

// Kind is how the jobs are done: for three days, from ten seconds to an hour apart.
func (c *Courier) Kind() jobs.Kind {
	return jobs.Kind{
		Name: JobKind, Do: c.do, Last: c.last,
		Backoff: jobs.Backoff{First: 10 * time.Second, Most: time.Hour, GiveUp: 72 * time.Hour, MostAttempts: 200},
	}
}

// find returns what j delivers; ok is false when nobody waits for it any more.
func (c *Courier) find(ctx context.Context, j jobs.Job) (d Delivery, w Webhook, ok bool, err error) {
	var t task
	if err := j.Read(&t); err != nil {
		return d, w, false, fmt.Errorf("%w: %w", jobs.ErrRefused, err)
	}
	d, w, err = c.Queue.DeliveryOf(ctx, j.Tenant, t.Delivery)
	if errors.Is(err, ErrDeliveryUnknown) {
		return d, w, false, nil
	}
	return d, w, err == nil && d.State == Waiting && d.JobKey() == j.Key, err
}

func (c *Courier) do(ctx context.Context, j jobs.Job) error {
	d, w, ok, err := c.find(ctx, j)
	if err != nil || !ok {
		return err
	}
	if !w.Enabled {
		return fmt.Errorf("%w: the webhook is turned off", jobs.ErrRefused)
	}
	now := c.Now()
	if now.Before(w.PausedUntil) {
		return errors.New("the receiver did not take another message a moment ago")
	}
	keys, err := w.Keys(ctx, c.Secrets, now)
	if err != nil {
		return err
	}
	code, sendErr := c.Sender.Send(ctx, Request{ID: d.ID, URL: w.URL, Body: d.Body, Keys: keys})
	try := Try{At: now, Took: c.Now().Sub(now), Code: code}
	if sendErr != nil {
		try.Error = brief(sendErr.Error())
	}
	d = d.Tried(try)
	until := time.Time{}
	if d.State != Delivered {
		until = c.Now().Add(pause)
	}
	if err := c.Queue.KeepTry(context.WithoutCancel(ctx), d, until); err != nil {
		return err
	}
	switch {
	case d.State == Delivered:
		return nil
	case code == gone:
		return fmt.Errorf("%w: it answered 410, which means never again", jobs.ErrRefused)
	case sendErr != nil:
		return sendErr
	default:
		return fmt.Errorf("it answered %d", code)
	}
}

// Keys are what messages to w, and its answers, are signed with at now.
func (w Webhook) Keys(ctx context.Context, secrets Secrets, now time.Time) ([][]byte, error) {
	sealed := []string{w.Secret}
	if w.Previous != "" && now.Before(w.PreviousUntil) {
		sealed = append(sealed, w.Previous)
	}
	var keys [][]byte
	for _, one := range sealed {
		key, err := secrets.Open(ctx, string(w.Tenant), one, SealPlace(w.ID)...)
		if err != nil {
			return nil, fmt.Errorf("open the secret of webhook %s: %w", w.ID, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// last says in the log of deliveries that one was given up.
func (c *Courier) last(ctx context.Context, j jobs.Job, _ string) error {
	d, _, ok, err := c.find(ctx, j)
	if err != nil || !ok {
		if errors.Is(err, jobs.ErrRefused) {
			return nil // the job can't be read, and never will be
		}
		return err
	}
	d.State, d.EndedAt = Failed, c.Now()
	most := mostFailures
	if d.Last().Code == gone {
		most = 1
	}
	return c.Queue.GiveUp(ctx, d, most, func(w Webhook) audit.Event { return c.turnedOff(w, d) })
}

func (c *Courier) turnedOff(w Webhook, d Delivery) audit.Event {
	return audit.Event{
		Tenant: string(w.Tenant), ID: uuid.NewString(), At: c.Now(), CorrelationID: d.ID,
		Change: &audit.Change{
			Activity: audit.TurnOffWebhook, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
			Result: audit.Success, ResultReason: "Its receiver took no message for days, or said that it wants none.",
			By:      audit.Actor{App: &audit.AppActor{DisplayName: "Postern webhooks"}},
			Targets: []audit.Target{{ID: w.ID, Type: audit.TargetOther, DisplayName: w.DisplayName}},
		},
	}
}

// mostWhy bounds what is kept of why there was no answer, in bytes: a receiver can put into it what it likes.
const mostWhy = 256

func brief(s string) string { return strings.ToValidUTF8(s[:min(len(s), mostWhy)], "") }

// Package webhooktest tests what webhook.Webhooks and webhook.Queue promise.
package webhooktest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/webhook"
)

// Fixture is a store, and what the test needs beside.
type Fixture interface {
	webhook.Webhooks
	webhook.Queue
	jobs.Store
	Record(ctx context.Context, events ...audit.Event) error
	AddTenant(t testing.TB, id directory.TenantID, domain string)
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"a webhook is kept as it was put, and changed by who saw it last", keeps},
		{"a tenant has no more than twenty", bounded},
		{"an event is queued for who subscribed to it, and for nobody else", queues},
		{"a try is kept, and one of an earlier round is not", tries},
		{"what failed is sent again in a round of its own", again},
		{"a webhook of which too many were given up is turned off", givesUp},
		{"deliveries are listed page by page, the newest first", lists},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bench{Fixture: open(t), t: t, tenant: directory.TenantID(uuid.NewString())}
			b.AddTenant(t, b.tenant, "contoso.example")
			test.run(t, b)
		})
	}
}

type bench struct {
	Fixture
	t      *testing.T
	tenant directory.TenantID
}

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) event(activity string) audit.Event {
	return audit.Event{Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(), Change: &audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate, Result: audit.Success,
	}}
}

func (b *bench) webhook(events ...webhook.EventType) webhook.Webhook {
	b.t.Helper()
	w := webhook.Webhook{
		Tenant: b.tenant, ID: uuid.NewString(), DisplayName: "SIEM", URL: "https://siem.example", Events: events, Enabled: true,
		CreatedAt: nine, ModifiedAt: nine, Secret: "sealed",
	}
	b.check(b.PutWebhook(b.t.Context(), w, b.event(audit.AddWebhook)))
	w.Stamp = 1
	return w
}

func (b *bench) deliveries(w webhook.Webhook) []webhook.Delivery {
	b.t.Helper()
	all, _, err := b.Deliveries(b.t.Context(), b.tenant, w.ID, "", nil, 100)
	b.check(err)
	return all
}

// one returns a delivery to w.
func (b *bench) one(w webhook.Webhook) webhook.Delivery {
	b.t.Helper()
	b.check(b.Record(b.t.Context(), b.event(audit.CaseOpened)))
	all := b.deliveries(w)
	if len(all) == 0 {
		b.t.Fatal("nothing was queued")
	}
	return all[0]
}

func keeps(t *testing.T, b *bench) {
	w := b.webhook("case.opened", "pass.used")
	w.Previous, w.PreviousUntil = "sealed before", nine.Add(time.Hour)
	b.check(b.PutWebhook(t.Context(), w, b.event(audit.RotateWebhook)))
	if err := b.PutWebhook(t.Context(), w, b.event(audit.UpdateWebhook)); !errors.Is(err, directory.ErrChanged) {
		t.Errorf("an old stamp: %v", err)
	}
	w.Stamp = 2
	got, err := b.Webhook(t.Context(), b.tenant, w.ID)
	b.check(err)
	if !slices.Equal(got.Events, w.Events) || got.Secret != "sealed" || got.Previous != "sealed before" || !got.PreviousUntil.Equal(w.PreviousUntil) || got.Stamp != 2 || !got.Enabled {
		t.Errorf("got %+v", got)
	}
	if _, err := b.Webhook(t.Context(), directory.TenantID(uuid.NewString()), w.ID); !errors.Is(err, webhook.ErrUnknown) {
		t.Errorf("to another tenant: %v", err)
	}
	b.one(w)
	b.check(b.DeleteWebhook(t.Context(), w, b.event(audit.DeleteWebhook)))
	if all := b.deliveries(w); len(all) != 0 {
		t.Errorf("%d deliveries are left", len(all))
	}
}

func bounded(t *testing.T, b *bench) {
	for range webhook.MostWebhooks {
		b.webhook("case.opened")
	}
	w := webhook.Webhook{Tenant: b.tenant, ID: uuid.NewString(), DisplayName: "One more", CreatedAt: nine}
	if err := b.PutWebhook(t.Context(), w, b.event(audit.AddWebhook)); !errors.Is(err, webhook.ErrMany) {
		t.Errorf("one more: %v", err)
	}
}

func queues(t *testing.T, b *bench) {
	opened, used, off := b.webhook("case.opened"), b.webhook("pass.used"), b.webhook("case.opened")
	off.Enabled = false
	b.check(b.PutWebhook(t.Context(), off, b.event(audit.UpdateWebhook)))
	other := directory.TenantID(uuid.NewString())
	b.AddTenant(t, other, "fabrikam.example")
	foreign := b.event(audit.PassRedeemed)
	foreign.Tenant = string(other)
	b.check(b.Record(t.Context(), b.event(audit.CaseOpened), b.event(audit.UpdateUser), foreign))
	if n := len(b.deliveries(opened)); n != 1 {
		t.Errorf("%d deliveries of one event", n)
	}
	if n := len(b.deliveries(used)) + len(b.deliveries(off)); n != 0 {
		t.Errorf("%d deliveries to who did not ask", n)
	}
	d := b.deliveries(opened)[0]
	j, err := b.LeaseJob(t.Context(), b.tenant, []string{webhook.JobKind}, nine, nine.Add(time.Minute))
	b.check(err)
	if j.Key != d.JobKey() {
		t.Errorf("the job is for %s, not %s", j.Key, d.ID)
	}
}

func tries(t *testing.T, b *bench) {
	w := b.webhook("case.opened")
	d := b.one(w).Tried(webhook.Try{At: nine, Took: time.Second, Code: 503, Error: "busy"})
	b.check(b.KeepTry(t.Context(), d, nine.Add(time.Minute)))
	got, of, err := b.DeliveryOf(t.Context(), b.tenant, d.ID)
	b.check(err)
	if got.Attempts != 1 || got.Last() != d.Last() || got.State != webhook.Waiting || !of.PausedUntil.Equal(nine.Add(time.Minute)) {
		t.Errorf("got %+v of %+v", got, of)
	}
	late := d
	late.Round++
	b.check(b.KeepTry(t.Context(), late.Tried(webhook.Try{At: nine, Code: 200}), time.Time{}))
	if got, of, err = b.DeliveryOf(t.Context(), b.tenant, d.ID); err != nil || got.State != webhook.Waiting {
		t.Errorf("a try of another round: %+v %v", got, err)
	}
	if !of.PausedUntil.IsZero() {
		t.Errorf("it is paused until %s", of.PausedUntil)
	}
	b.check(b.KeepTry(t.Context(), got.Tried(webhook.Try{At: nine, Code: 204}), time.Time{}))
	if got, _, err = b.DeliveryOf(t.Context(), b.tenant, d.ID); err != nil || got.State != webhook.Delivered || got.Attempts != 2 {
		t.Errorf("delivered: %+v %v", got, err)
	}
}

func again(t *testing.T, b *bench) {
	w := b.webhook("case.opened")
	d := b.one(w)
	b.check(b.SendAgain(t.Context(), d, nine.Add(-time.Hour), b.event(audit.ResendWebhook))) // it waits: now, and not later
	j, err := b.LeaseJob(t.Context(), b.tenant, []string{webhook.JobKind}, nine.Add(-time.Hour), nine)
	b.check(err)
	b.check(b.SettleJob(t.Context(), j, j.After(nil, jobs.Usual, nine, 0)))
	b.check(b.KeepTry(t.Context(), d.Tried(webhook.Try{At: nine, Code: 200}), time.Time{}))
	d, err = b.Delivery(t.Context(), b.tenant, w.ID, d.ID)
	b.check(err)
	b.check(b.SendAgain(t.Context(), d, nine, b.event(audit.ResendWebhook)))
	if err := b.SendAgain(t.Context(), d, nine, b.event(audit.ResendWebhook)); !errors.Is(err, webhook.ErrDeliveryUnknown) {
		t.Errorf("twice at once: %v", err)
	}
	j, err = b.LeaseJob(t.Context(), b.tenant, []string{webhook.JobKind}, nine, nine.Add(time.Minute))
	b.check(err)
	if got, _, err := b.DeliveryOf(t.Context(), b.tenant, d.ID); err != nil || got.State != webhook.Waiting || got.Round != 1 || got.JobKey() != j.Key {
		t.Errorf("got %+v for job %s: %v", got, j.Key, err)
	}
}

func givesUp(t *testing.T, b *bench) {
	w := b.webhook("case.opened")
	for i := range 2 {
		d := b.one(w)
		d.State, d.EndedAt = webhook.Failed, nine
		b.check(b.GiveUp(t.Context(), d, 2, func(webhook.Webhook) audit.Event { return b.event(audit.TurnOffWebhook) }))
		got, err := b.Webhook(t.Context(), b.tenant, w.ID)
		b.check(err)
		if got.Failures != i+1 || got.Enabled != (i == 0) {
			t.Errorf("after %d: %+v", i+1, got)
		}
	}
	got, err := b.Webhook(t.Context(), b.tenant, w.ID)
	b.check(err)
	got.Enabled = true
	b.check(b.PutWebhook(t.Context(), got, b.event(audit.UpdateWebhook)))
	if got, err = b.Webhook(t.Context(), b.tenant, w.ID); err != nil || got.Failures != 0 {
		t.Errorf("turned on again: %+v %v", got, err)
	}
}

func lists(t *testing.T, b *bench) {
	w := b.webhook("case.opened")
	for i := range 5 {
		e := b.event(audit.CaseOpened)
		e.At = nine.Add(time.Duration(i/2) * time.Minute)
		b.check(b.Record(t.Context(), e))
	}
	first := b.one(w)
	first.State = webhook.Failed
	b.check(b.KeepTry(t.Context(), first, time.Time{}))
	var ids []string
	var position []any
	for {
		page, next, err := b.Deliveries(t.Context(), b.tenant, w.ID, "", position, 2)
		b.check(err)
		for _, d := range page {
			ids = append(ids, d.ID)
		}
		if next == nil {
			break
		}
		position = next
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 6 {
		t.Errorf("%d of 6 were listed", n)
	}
	failed, _, err := b.Deliveries(t.Context(), b.tenant, w.ID, webhook.Failed, nil, 10)
	b.check(err)
	if len(failed) != 1 || failed[0].ID != first.ID {
		t.Errorf("failed are %+v", failed)
	}
}

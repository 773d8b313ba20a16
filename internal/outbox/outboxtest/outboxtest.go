// Package outboxtest tests what stores of mail promise: [outbox.Store] and [outbox.Shelf].
package outboxtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// Fixture is a store, empty at first, and what the suite needs beside it.
type Fixture interface {
	outbox.Store
	outbox.Shelf
	AddTenant(t testing.TB, tenant directory.TenantID, domain string)
	// Queue queues mails in one change that fails if fail is set.
	Queue(ctx context.Context, fail error, mails ...outbox.Item) error
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// until is how long leases last here.
const until = 5 * time.Minute

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"a queued mail is leased as it was queued", leases},
		{"a change that fails queues nothing", queuesNothing},
		{"a mail with the same key is queued once", once},
		{"mail is leased when it is due, the longest due first", inOrder},
		{"of many replicas one gets each mail", race},
		{"a lease that ran out goes to somebody else, and the first can't settle", lost},
		{"a mail that failed waits for its time", fails},
		{"a mail that was sent or died is never leased again", ends},
		{"another tenant's mail is another tenant's", tenants},
		{"mail that waits or was given up is listed, what was sent is not", unsent},
		{"old mail goes away, but not what waits", removes},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.AddTenant(t, b.tenant, "contoso.example")
			test.run(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant directory.TenantID
}

func unsent(t *testing.T, b *bench) {
	waits, sent, dead := b.mail(nine.Add(time.Hour)), b.mail(nine), b.mail(nine)
	waits.Kind, waits.User, waits.CreatedAt = "passIssued", "someone", nine.Add(time.Minute)
	b.queue(t, waits, sent)
	i := b.lease(t, nine)
	if err := b.SettleMail(t.Context(), i.After(nil, nine, 0)); err != nil {
		t.Fatal(err)
	}
	b.queue(t, dead)
	i = b.lease(t, nine)
	if err := b.SettleMail(t.Context(), i.After(outbox.ErrRefused, nine, 0)); err != nil {
		t.Fatal(err)
	}
	all, err := b.UnsentMail(t.Context(), b.tenant, 10)
	if err != nil || len(all) != 2 || all[0].ID != waits.ID || all[0].Kind != "passIssued" || all[0].User != "someone" ||
		all[1].ID != dead.ID || all[1].State != outbox.Dead || all[1].LastError == "" {
		t.Errorf("UnsentMail = %+v, %v", all, err)
	}
	if all, err := b.UnsentMail(t.Context(), b.tenant, 1); err != nil || len(all) != 1 {
		t.Errorf("UnsentMail of one = %+v, %v", all, err)
	}
	if all, err := b.UnsentMail(t.Context(), directory.TenantID(uuid.NewString()), 10); err != nil || len(all) != 0 {
		t.Errorf("UnsentMail of another tenant = %+v, %v", all, err)
	}
}

// mail returns an item that is due at at.
func (b *bench) mail(at time.Time) outbox.Item {
	id := uuid.NewString()
	return outbox.Item{
		Tenant: b.tenant, ID: id, Key: "key of " + id, State: outbox.Waiting, CreatedAt: nine, DueAt: at, Sealed: "sealed " + id,
	}
}

func (b *bench) queue(t *testing.T, mails ...outbox.Item) {
	t.Helper()
	if err := b.Queue(t.Context(), nil, mails...); err != nil {
		t.Fatalf("queue: %v", err)
	}
}

func (b *bench) lease(t *testing.T, now time.Time) outbox.Item {
	t.Helper()
	i, err := b.LeaseMail(t.Context(), b.tenant, now, now.Add(until))
	if err != nil {
		t.Fatalf("LeaseMail: %v", err)
	}
	return i
}

func (b *bench) wantNone(t *testing.T, now time.Time) {
	t.Helper()
	if i, err := b.LeaseMail(t.Context(), b.tenant, now, now.Add(until)); !errors.Is(err, outbox.ErrNoMail) {
		t.Errorf("LeaseMail at %v = %s, %v; want ErrNoMail", now, i.ID, err)
	}
}

func (b *bench) settle(t *testing.T, i outbox.Item) {
	t.Helper()
	if err := b.SettleMail(t.Context(), i); err != nil {
		t.Fatalf("SettleMail: %v", err)
	}
}

func leases(t *testing.T, b *bench) {
	want := b.mail(nine)
	b.queue(t, want)
	want.LeaseUntil, want.Attempts = nine.Add(until), 1
	if got := b.lease(t, nine); got != want {
		t.Errorf("LeaseMail = %+v\nwant %+v", got, want)
	}
	all, err := b.Mails(t.Context(), b.tenant, 10)
	if err != nil || !slices.Equal(all, []outbox.Item{want}) {
		t.Errorf("Mails = %+v, %v\nwant %+v", all, err, want)
	}
}

func queuesNothing(t *testing.T, b *bench) {
	broken := errors.New("broken")
	if err := b.Queue(t.Context(), broken, b.mail(nine)); !errors.Is(err, broken) {
		t.Errorf("the change: %v", err)
	}
	b.wantNone(t, nine)
}

func once(t *testing.T, b *bench) {
	first, second := b.mail(nine), b.mail(nine.Add(-time.Hour))
	second.Key = first.Key
	b.queue(t, first)
	b.queue(t, second)
	if got := b.lease(t, nine); got.ID != first.ID {
		t.Errorf("%s is leased, want the first", got.ID)
	}
	b.wantNone(t, nine)
}

func inOrder(t *testing.T, b *bench) {
	third, first, second := b.mail(nine.Add(time.Second)), b.mail(nine.Add(-time.Hour)), b.mail(nine)
	b.queue(t, third, first, second)
	for _, want := range []outbox.Item{first, second} {
		if got := b.lease(t, nine); got.ID != want.ID {
			t.Errorf("%v is leased, want %v", got.DueAt, want.DueAt)
		}
	}
	b.wantNone(t, nine.Add(time.Second-time.Microsecond))
	if got := b.lease(t, nine.Add(time.Second)); got.ID != third.ID {
		t.Errorf("%v is leased, want %v", got.DueAt, third.DueAt)
	}
}

func race(t *testing.T, b *bench) {
	const mails, replicas = 12, 8
	for range mails {
		b.queue(t, b.mail(nine))
	}
	got := make(chan string, mails*replicas)
	var all sync.WaitGroup
	for range replicas {
		all.Go(func() {
			for {
				i, err := b.LeaseMail(t.Context(), b.tenant, nine, nine.Add(until))
				if errors.Is(err, outbox.ErrNoMail) {
					return
				}
				if err != nil {
					t.Errorf("LeaseMail: %v", err)
					return
				}
				got <- i.ID
			}
		})
	}
	all.Wait()
	close(got)
	leased := map[string]int{}
	for id := range got {
		leased[id]++
	}
	if len(leased) != mails {
		t.Errorf("%d mails were leased, want %d", len(leased), mails)
	}
	for id, n := range leased {
		if n != 1 {
			t.Errorf("%s was leased %d times", id, n)
		}
	}
}

func lost(t *testing.T, b *bench) {
	b.queue(t, b.mail(nine))
	first := b.lease(t, nine)
	b.wantNone(t, nine.Add(until-time.Microsecond))
	second := b.lease(t, nine.Add(until))
	if second.ID != first.ID || second.Attempts != 2 {
		t.Errorf("%+v is leased, want %s for the second time", second, first.ID)
	}
	if err := b.SettleMail(t.Context(), first.After(nil, nine, 0)); !errors.Is(err, outbox.ErrLeaseLost) {
		t.Errorf("SettleMail by who lost the lease: %v", err)
	}
	b.settle(t, second.After(nil, nine, 0))
}

func fails(t *testing.T, b *bench) {
	b.queue(t, b.mail(nine))
	after := b.lease(t, nine).After(errors.New("no route"), nine, 0)
	b.settle(t, after)
	b.wantNone(t, after.DueAt.Add(-time.Microsecond))
	got := b.lease(t, after.DueAt)
	if got.Attempts != 2 || got.LastError != "no route" || got.Sealed != after.Sealed {
		t.Errorf("the second try begins with %+v", got)
	}
}

func ends(t *testing.T, b *bench) {
	b.queue(t, b.mail(nine), b.mail(nine))
	sent, dead := b.lease(t, nine).After(nil, nine, 0), b.lease(t, nine).After(outbox.ErrRefused, nine, 0)
	b.settle(t, sent)
	b.settle(t, dead)
	b.wantNone(t, nine.Add(1000*time.Hour))
	for _, i := range []outbox.Item{sent, dead} {
		if err := b.SettleMail(t.Context(), i); !errors.Is(err, outbox.ErrLeaseLost) {
			t.Errorf("SettleMail of a mail that is %s: %v", i.State, err)
		}
	}
	all, err := b.Mails(t.Context(), b.tenant, 10)
	if err != nil || len(all) != 2 || all[0].Sealed != "" || all[1].Sealed != "" {
		t.Errorf("Mails = %+v, %v; want two without content", all, err)
	}
}

func tenants(t *testing.T, b *bench) {
	b.queue(t, b.mail(nine))
	other := directory.TenantID(uuid.NewString())
	b.AddTenant(t, other, "fabrikam.example")
	if _, err := b.LeaseMail(t.Context(), other, nine, nine.Add(until)); !errors.Is(err, outbox.ErrNoMail) {
		t.Errorf("another tenant leases: %v", err)
	}
	mine := b.lease(t, nine)
	theirs := mine.After(nil, nine, 0)
	theirs.Tenant = other
	if err := b.SettleMail(t.Context(), theirs); !errors.Is(err, outbox.ErrLeaseLost) {
		t.Errorf("another tenant settles: %v", err)
	}
	if all, err := b.Mails(t.Context(), other, 10); err != nil || len(all) != 0 {
		t.Errorf("another tenant reads %v, %v", all, err)
	}
	all, err := b.Tenants(t.Context())
	if err != nil || !slices.Contains(all, b.tenant) || !slices.Contains(all, other) {
		t.Errorf("Tenants = %v, %v", all, err)
	}
}

func removes(t *testing.T, b *bench) {
	b.queue(t, b.mail(nine), b.mail(nine), b.mail(nine), b.mail(nine))
	for range 3 {
		b.settle(t, b.lease(t, nine).After(nil, nine, 0))
	}
	remove := func(before time.Time, limit int, want int64) {
		t.Helper()
		if n, err := b.RemoveMail(t.Context(), b.tenant, before, limit); err != nil || n != want {
			t.Errorf("RemoveMail before %v = %d, %v; want %d", before, n, err, want)
		}
	}
	remove(nine, 10, 0)
	remove(nine.Add(time.Microsecond), 2, 2)
	remove(nine.Add(time.Microsecond), 2, 1)
	remove(nine.Add(1000*time.Hour), 2, 0)
	b.lease(t, nine)
}

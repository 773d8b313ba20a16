// Package authenticatortest tests what stores promise about requests to phones:
// [authenticator.Store].
package authenticatortest

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	authenticator.Store
	// Place stores an enabled user of the tenant, who has a living session.
	Place(t testing.TB, tenant directory.TenantID) (user directory.UserID, session string)
	// EndSession ends a session.
	EndSession(t testing.TB, tenant directory.TenantID, user directory.UserID, session string)
	// Events returns how many events the tenant has.
	Events(t testing.TB, tenant directory.TenantID) int
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a request comes back as it was asked, and waits until it ends", asks},
		{"a person has one request, and its report outlives it", replaces},
		{"of many concurrent answers one counts, with one event", answersOnce},
		{"a phone that was removed or frozen answers nothing", needsThePhone},
		{"an answer whose event can't be recorded is none", together},
		{"nobody sees or answers another tenant's request", tenants},
		{"of many phones with one code one is added", enrolsOnce},
		{"codes end, are replaced, and go with their session", codesEnd},
		{"messages go to phones that are there", subscriptions},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.user, b.session = b.Place(t, b.tenant)
			c.test(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant  directory.TenantID
	user    directory.UserID
	session string
}

func (b *bench) event() audit.Event {
	return audit.Event{Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, Change: &audit.Change{Activity: audit.PhoneRefused}}
}

func (b *bench) phone(t *testing.T) method.Credential {
	t.Helper()
	c := method.Credential{
		Tenant: b.tenant, ID: uuid.NewString(), User: b.user, Kind: authenticator.MethodID, Lookup: uuid.NewString(), CreatedAt: nine, Name: "Pixel 9", Data: []byte(`{}`),
	}
	if err := b.AddCredential(t.Context(), c, method.Addition{Most: 10, Event: b.event()}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) request() authenticator.Request {
	return authenticator.Request{
		Tenant: b.tenant, User: b.user, ID: uuid.NewString(), Transaction: uuid.NewString(), CreatedAt: nine, EndsAt: nine.Add(time.Minute),
		Number: "47", Application: "Mail", Address: "192.0.2.7", Device: "Firefox, Linux",
	}
}

func (b *bench) ask(t *testing.T, r authenticator.Request) {
	t.Helper()
	if err := b.Ask(t.Context(), r, r.CreatedAt); err != nil {
		t.Fatal(err)
	}
}

func silent(authenticator.Request) *audit.Event { return nil }

func asks(t *testing.T, b *bench) {
	if got, err := b.Request(t.Context(), b.tenant, b.user); err != nil || got != (authenticator.Request{}) {
		t.Errorf("before there is one: %+v, %v", got, err)
	}
	r := b.request()
	b.ask(t, r)
	if got, err := b.Request(t.Context(), b.tenant, b.user); err != nil || got != r {
		t.Errorf("got %+v, %v; want %+v", got, err, r)
	}
	for at, want := range map[time.Time]int{nine: 1, r.EndsAt.Add(-time.Microsecond): 1, r.EndsAt: 0} {
		if all, err := b.WaitingRequests(t.Context(), b.tenant, at); err != nil || len(all) != want || want == 1 && all[b.user] != r.ID {
			t.Errorf("at %v %v wait, %v", at, all, err)
		}
	}
}

func replaces(t *testing.T, b *bench) {
	p, r := b.phone(t), b.request()
	b.ask(t, r)
	if err := b.Ask(t.Context(), b.request(), nine); !errors.Is(err, authenticator.ErrOpen) {
		t.Errorf("a second one: %v", err)
	}
	say := authenticator.Answer{Request: r.ID, Say: authenticator.Report, Phone: p.ID}
	if _, err := b.Answer(t.Context(), b.tenant, b.user, say, nine, silent); err != nil {
		t.Fatal(err)
	}
	next := b.request()
	if err := b.Ask(t.Context(), next, nine.Add(time.Hour)); !errors.Is(err, authenticator.ErrQuiet) {
		t.Errorf("after the report: %v", err)
	}
	next.Familiar = true
	b.ask(t, next)
	got, err := b.Request(t.Context(), b.tenant, b.user)
	if err != nil || got.ID != next.ID || !got.QuietUntil.Equal(nine.Add(authenticator.QuietFor)) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func answersOnce(t *testing.T, b *bench) {
	p, r := b.phone(t), b.request()
	b.ask(t, r)
	before := b.Events(t, b.tenant)
	var all sync.WaitGroup
	results := make(chan error, 20)
	for i := range 20 {
		say := authenticator.Answer{Request: r.ID, Say: authenticator.Approve, Number: "47", Phone: p.ID}
		if i%2 == 0 {
			say.Say = authenticator.Deny
		}
		all.Go(func() {
			_, err := b.Answer(t.Context(), b.tenant, b.user, say, nine, func(authenticator.Request) *audit.Event { e := b.event(); return &e })
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, authenticator.ErrAnswered) {
			t.Errorf("an answer too many: %v", err)
		}
	}
	if events := b.Events(t, b.tenant) - before; won != 1 || events != 1 {
		t.Errorf("%d answers counted, with %d events", won, events)
	}
	if got, err := b.Request(t.Context(), b.tenant, b.user); err != nil || got.Outcome == authenticator.Open || got.Phone != p.ID {
		t.Errorf("got %+v, %v", got, err)
	}
}

func needsThePhone(t *testing.T, b *bench) {
	frozen, removed, r := b.phone(t), b.phone(t), b.request()
	b.ask(t, r)
	frozen.FrozenAt = nine
	if err := b.FreezeCredential(t.Context(), frozen, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveCredential(t.Context(), removed, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{"frozen": frozen.ID, "removed": removed.ID, "none": ""} {
		say := authenticator.Answer{Request: r.ID, Say: authenticator.Approve, Number: "47", Phone: id}
		if _, err := b.Answer(t.Context(), b.tenant, b.user, say, nine, silent); !errors.Is(err, authenticator.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func together(t *testing.T, b *bench) {
	p, r := b.phone(t), b.request()
	b.ask(t, r)
	say := authenticator.Answer{Request: r.ID, Say: authenticator.Deny, Phone: p.ID}
	if _, err := b.Answer(t.Context(), b.tenant, b.user, say, nine, func(authenticator.Request) *audit.Event { return &audit.Event{} }); err == nil {
		t.Fatal("an event that is none was recorded")
	}
	if got, err := b.Request(t.Context(), b.tenant, b.user); err != nil || got.Outcome != authenticator.Open {
		t.Errorf("got %+v, %v", got, err)
	}
}

func tenants(t *testing.T, b *bench) {
	p, r := b.phone(t), b.request()
	b.ask(t, r)
	there := directory.TenantID(uuid.NewString())
	if got, err := b.Request(t.Context(), there, b.user); err != nil || got.ID != "" {
		t.Errorf("it is seen: %+v, %v", got, err)
	}
	if all, err := b.WaitingRequests(t.Context(), there, nine); err != nil || len(all) > 0 {
		t.Errorf("it waits: %v, %v", all, err)
	}
	say := authenticator.Answer{Request: r.ID, Say: authenticator.Approve, Number: "47", Phone: p.ID}
	if _, err := b.Answer(t.Context(), there, b.user, say, nine, silent); !errors.Is(err, authenticator.ErrUnknown) {
		t.Errorf("it is answered: %v", err)
	}
}

func (b *bench) enrolment() authenticator.Enrolment {
	return authenticator.Enrolment{
		Tenant: b.tenant, ID: uuid.NewString(), User: b.user, CodeHash: uuid.NewString(), CreatedAt: nine, EndsAt: nine.Add(10 * time.Minute),
		Origin: method.Origin{Session: b.session, Pass: uuid.NewString(), Proof: "accesspass", Address: "192.0.2.7"},
	}
}

func (b *bench) put(t *testing.T) authenticator.Enrolment {
	t.Helper()
	e := b.enrolment()
	if err := b.PutEnrolment(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func enrolsOnce(t *testing.T, b *bench) {
	e := b.put(t)
	var all sync.WaitGroup
	results := make(chan error, 20)
	for range 20 {
		all.Go(func() {
			got, err := b.UseEnrolment(t.Context(), b.tenant, e.CodeHash, nine)
			if err == nil && (got.User != b.user || !reflect.DeepEqual(got.Origin, e.Origin)) {
				t.Errorf("got %+v, want %+v", got, e)
			}
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, authenticator.ErrCode) {
			t.Errorf("a phone too many: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d phones were added", won)
	}
}

func codesEnd(t *testing.T, b *bench) {
	refused := func(name string, tenant directory.TenantID, hash string, at time.Time) {
		t.Helper()
		if _, err := b.UseEnrolment(t.Context(), tenant, hash, at); !errors.Is(err, authenticator.ErrCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	former, e := b.put(t), b.put(t)
	refused("the one before", b.tenant, former.CodeHash, nine)
	refused("at its end", b.tenant, e.CodeHash, e.EndsAt)
	refused("in another tenant", directory.TenantID(uuid.NewString()), e.CodeHash, nine)
	refused("unknown", b.tenant, uuid.NewString(), nine)
	b.EndSession(t, b.tenant, b.user, b.session)
	refused("without its session", b.tenant, e.CodeHash, nine)
}

func subscriptions(t *testing.T, b *bench) {
	p := b.phone(t)
	to := authenticator.Subscription{Endpoint: "https://push.example/1", Keys: authenticator.SubscriptionKeys{P256DH: "a", Auth: "b"}}
	want := func(n int) {
		t.Helper()
		if all, err := b.Subscriptions(t.Context(), b.tenant, b.user); err != nil || len(all) != n || n == 1 && all[p.ID] != to {
			t.Errorf("%v, %v; want %d", all, err, n)
		}
	}
	put := func(s authenticator.Subscription) {
		t.Helper()
		if err := b.PutSubscription(t.Context(), b.tenant, b.user, p.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	put(authenticator.Subscription{Endpoint: "https://push.example/0"})
	put(to)
	want(1)
	put(authenticator.Subscription{})
	want(0)
	put(to)
	if err := b.RemoveCredential(t.Context(), p, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	want(0)
	if err := b.PutSubscription(t.Context(), b.tenant, b.user, p.ID, to); !errors.Is(err, authenticator.ErrUnknown) {
		t.Errorf("of a phone that is gone: %v", err)
	}
}

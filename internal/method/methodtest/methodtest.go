// Package methodtest tests what stores promise about registered methods: [method.Store],
// [method.Policies], and what [signin.Store] promises about the credentials of proofs.
package methodtest

import (
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// Fixture is a store under test, with what the suite needs beside its contracts.
type Fixture interface {
	method.Store
	method.Policies
	signin.Store
	// AddTenant stores a tenant with that verified domain, made a year before nine.
	AddTenant(t testing.TB, tenant directory.TenantID, domain string)
	// AddUser stores u.
	AddUser(t testing.TB, u directory.User)
	// SetEnabled enables or disables the user's account and does nothing else.
	SetEnabled(t testing.TB, tenant directory.TenantID, user directory.UserID, enabled bool)
	// Delete and Purge delete the user and remove them for good.
	Delete(t testing.TB, tenant directory.TenantID, user directory.UserID)
	Purge(t testing.TB, tenant directory.TenantID, user directory.UserID)
	// MakeAdministrator gives the user the role Global Administrator.
	MakeAdministrator(t testing.TB, tenant directory.TenantID, user directory.UserID)
	// AddBootstrap stores a bootstrap pass of the user.
	AddBootstrap(t testing.TB, tenant directory.TenantID, user directory.UserID, created time.Time, once, used bool)
	// Passes returns how many passes the user has.
	Passes(t testing.TB, tenant directory.TenantID, user directory.UserID) int
	// AddFamily stores a token family of the session.
	AddFamily(t testing.TB, tenant directory.TenantID, user directory.UserID, session string)
	// LivingFamilies returns how many token families of the user have not ended.
	LivingFamilies(t testing.TB, tenant directory.TenantID, user directory.UserID) int
	// Bindings returns how many sessions are noted to end with a credential.
	Bindings(t testing.TB, tenant directory.TenantID, credential string) int
	// RemoveExpired removes what means nothing any more at at.
	RemoveExpired(t testing.TB, tenant directory.TenantID, at time.Time)
	// AllEvents returns how many events of any kind the tenant has.
	AllEvents(t testing.TB, tenant directory.TenantID) int
}

// nine is when the suite's people come to work.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a credential comes back as it was added", comesBack},
		{"credentials are listed oldest first, also those of one pass", listed},
		{"another tenant's credential can't be seen, changed, frozen or removed", tenants},
		{"a lookup is there once in its tenant and kind", lookups},
		{"of many concurrent additions with one lookup one wins", lookupRace},
		{"nobody has more of a kind than allowed, whoever adds at once", mostOfAKind},
		{"nothing is added for who is gone or switched off", nobody},
		{"nothing is added from a session that has ended", endedSession},
		{"a strong method of a Global Administrator ends the bootstrap passes that are needed no more", bootstrap},
		{"a weak method ends no bootstrap pass", weak},
		{"a changed credential keeps what the server counts", changes},
		{"a change whose event can't be recorded is not made", together},

		{"a counter only grows", counterGrows},
		{"of many concurrent proofs with one counter one is accepted", counterRace},
		{"a key that doesn't count is accepted every time, until it counts", uncounted},
		{"a proof with a credential that is frozen, gone or another's is refused", refused},
		{"a session ends with its credential, with its tokens", endsWithRemoval},
		{"a session ends when its credential is frozen, and thawing lets sign in again", endsWithFreeze},
		{"a session ends with each of its two credentials", endsWithEither},
		{"a credential that is removed between proof and session gives none", removedBetween},
		{"a credential that is frozen between proof and session gives none", frozenBetween},
		{"of a removal and a session at the same moment no session outlives", removalRace},
		{"a person's credentials go when they are removed for good, and not before", purge},
		{"what is noted of sessions goes with them", expires},

		{"a credential takes the place of another, whose sessions end but for one", replaces},
		{"a replacement that is refused leaves everything as it was", replacesNothing},
		{"of many concurrent replacements one wins", replaceRace},
		{"of a replacement and a session at the same moment no session of the old one is left", replaceMeetsSignIn},

		{"a policy comes back over its defaults", policies},
		{"of many concurrent changes of a policy one wins", policyRace},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, newBench(t, open(t)))
		})
	}
}

// bench is a store with a tenant and two users.
type bench struct {
	Fixture
	tenant      directory.TenantID
	user, other directory.User
}

func newBench(t *testing.T, f Fixture) *bench {
	t.Helper()
	b := &bench{Fixture: f, tenant: directory.TenantID(uuid.NewString())}
	f.AddTenant(t, b.tenant, "d"+string(b.tenant)+".example")
	b.user, b.other = b.addUser(t, "Sam"), b.addUser(t, "Kim")
	return b
}

func (b *bench) addUser(t *testing.T, name string) directory.User {
	t.Helper()
	u := directory.User{
		Tenant: b.tenant, ID: directory.UserID(uuid.NewString()), AccountEnabled: true, DisplayName: name, MailNickname: name,
		UserPrincipalName: name + "@d" + string(b.tenant) + ".example", UserType: "Member",
	}
	b.AddUser(t, u)
	return u
}

func (b *bench) event() audit.Event {
	return audit.Event{
		Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		Change: &audit.Change{
			Activity: audit.UserRegisteredSecurityInfo, Category: audit.CategoryUserManagement,
			Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationAdd, Result: audit.Success,
		},
	}
}

// broken returns an event that no store can record.
func (b *bench) broken() audit.Event {
	e := b.event()
	e.ID = "no UUID"
	return e
}

func (b *bench) addition() method.Addition {
	return method.Addition{Most: method.MostOfAKind, Event: b.event(), Ended: func(directory.UserID, string) audit.Event { return b.event() }}
}

// credential is one of b's user that is not stored yet.
func (b *bench) credential() method.Credential {
	return method.Credential{
		Tenant: b.tenant, ID: uuid.NewString(), User: b.user.ID, Kind: "passkey", CreatedAt: nine, Name: "Key <blue>",
		Data: json.RawMessage(`{"key":"AQID"}`),
	}
}

// add stores c, the first one being b.credential() with the changes of change.
func (b *bench) add(t *testing.T, change func(*method.Credential)) method.Credential {
	t.Helper()
	c := b.credential()
	if change != nil {
		change(&c)
	}
	if err := b.AddCredential(t.Context(), c, b.addition()); err != nil {
		t.Fatalf("AddCredential: %v", err)
	}
	return c
}

func (b *bench) stored(t *testing.T, id string) method.Credential {
	t.Helper()
	c, err := b.Credential(t.Context(), b.tenant, id)
	if err != nil {
		t.Fatalf("Credential: %v", err)
	}
	return c
}

func (b *bench) wantCount(t *testing.T, user directory.UserID, want int) {
	t.Helper()
	all, err := b.Credentials(t.Context(), b.tenant, user)
	if err != nil || len(all) != want {
		t.Errorf("%d credentials, %v; want %d", len(all), err, want)
	}
}

func (b *bench) wantEvents(t *testing.T, want int) {
	t.Helper()
	if got := b.AllEvents(t, b.tenant); got != want {
		t.Errorf("%d events, want %d", got, want)
	}
}

func wantIs(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// atOnce runs all n calls at the same time and returns their errors.
func atOnce(n int, call func(i int) error) []error {
	results := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			results[i] = call(i)
		})
	}
	close(begin)
	all.Wait()
	return results
}

// wantOne expects that of all one is nil and the others are lost.
func wantOne(t *testing.T, all []error, lost error) {
	t.Helper()
	won := 0
	for _, err := range all {
		if err == nil {
			won++
			continue
		}
		wantIs(t, "a loser", err, lost)
	}
	if won != 1 {
		t.Errorf("%d of %d won, want 1", won, len(all))
	}
}

func comesBack(t *testing.T, b *bench) {
	c := b.add(t, func(c *method.Credential) {
		c.Lookup, c.Counter = "lookup", 7
		c.Origin = method.Origin{Pass: uuid.NewString(), Proof: "accesspass", By: "admin", Address: "192.0.2.7", Browser: "Firefox, Linux"}
	})
	if got := b.stored(t, c.ID); !reflect.DeepEqual(got, c) {
		t.Errorf("Credential = %+v\nwant %+v", got, c)
	}
	got, err := b.CredentialBy(t.Context(), b.tenant, c.Kind, c.Lookup)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("CredentialBy = %+v, %v\nwant %+v", got, err, c)
	}
	for kind, lookup := range map[signin.MethodID]string{"passkey": "other", "authenticator": "lookup", "": ""} {
		_, err := b.CredentialBy(t.Context(), b.tenant, kind, lookup)
		wantIs(t, "CredentialBy", err, method.ErrNone)
	}
	_, err = b.Credential(t.Context(), b.tenant, uuid.NewString())
	wantIs(t, "Credential", err, method.ErrNone)
	b.wantEvents(t, 1)
}

func listed(t *testing.T, b *bench) {
	pass := uuid.NewString()
	second := b.add(t, func(c *method.Credential) { c.CreatedAt, c.Origin.Pass = nine.Add(time.Minute), pass })
	first := b.add(t, func(c *method.Credential) { c.Kind = "otc" })
	b.add(t, func(c *method.Credential) { c.User = b.other.ID })
	all, err := b.Credentials(t.Context(), b.tenant, b.user.ID)
	if err != nil || len(all) != 2 || all[0].ID != first.ID || all[1].ID != second.ID {
		t.Errorf("Credentials = %+v, %v", all, err)
	}
	from, err := b.CredentialsFrom(t.Context(), b.tenant, pass)
	if err != nil || len(from) != 1 || from[0].ID != second.ID {
		t.Errorf("CredentialsFrom = %+v, %v", from, err)
	}
	if none, err := b.CredentialsFrom(t.Context(), b.tenant, ""); err != nil || len(none) != 0 {
		t.Errorf("CredentialsFrom no pass = %+v, %v", none, err)
	}
}

func tenants(t *testing.T, b *bench) {
	c := b.add(t, func(c *method.Credential) { c.Lookup, c.Origin.Pass = "lookup", "pass" })
	away := c
	away.Tenant, away.Name = directory.TenantID(uuid.NewString()), "stolen"
	b.AddTenant(t, away.Tenant, "d"+string(away.Tenant)+".example")
	_, err := b.Credential(t.Context(), away.Tenant, c.ID)
	wantIs(t, "Credential", err, method.ErrNone)
	_, err = b.CredentialBy(t.Context(), away.Tenant, c.Kind, c.Lookup)
	wantIs(t, "CredentialBy", err, method.ErrNone)
	if all, err := b.Credentials(t.Context(), away.Tenant, c.User); err != nil || len(all) != 0 {
		t.Errorf("Credentials = %+v, %v", all, err)
	}
	if all, err := b.CredentialsFrom(t.Context(), away.Tenant, "pass"); err != nil || len(all) != 0 {
		t.Errorf("CredentialsFrom = %+v, %v", all, err)
	}
	e := b.event()
	e.Tenant = string(away.Tenant)
	wantIs(t, "ChangeCredential", b.ChangeCredential(t.Context(), away, e), method.ErrNone)
	wantIs(t, "RenameCredential", b.RenameCredential(t.Context(), away, e), method.ErrNone)
	wantIs(t, "FreezeCredential", b.FreezeCredential(t.Context(), away, nine, e), method.ErrNone)
	wantIs(t, "RemoveCredential", b.RemoveCredential(t.Context(), away, nine, e), method.ErrNone)
	of := c
	of.User = b.other.ID
	wantIs(t, "RemoveCredential of somebody else's", b.RemoveCredential(t.Context(), of, nine, b.event()), method.ErrNone)
	if got := b.stored(t, c.ID); !reflect.DeepEqual(got, c) {
		t.Errorf("it is %+v afterwards, want %+v", got, c)
	}
}

func lookups(t *testing.T, b *bench) {
	b.add(t, func(c *method.Credential) { c.Lookup = "lookup" })
	again := b.credential()
	again.User, again.Lookup = b.other.ID, "lookup"
	wantIs(t, "AddCredential", b.AddCredential(t.Context(), again, b.addition()), method.ErrKnown)
	b.wantCount(t, b.other.ID, 0)
	b.wantEvents(t, 1)
	b.add(t, func(c *method.Credential) { c.Kind, c.Lookup = "authenticator", "lookup" })
	b.add(t, nil)
	b.add(t, nil) // without a lookup they are as many as allowed
	away := newBench(t, b.Fixture)
	away.add(t, func(c *method.Credential) { c.Lookup = "lookup" })
}

func lookupRace(t *testing.T, b *bench) {
	wantOne(t, atOnce(8, func(i int) error {
		c := b.credential()
		c.Lookup = "lookup"
		if i%2 == 1 {
			c.User = b.other.ID
		}
		return b.AddCredential(t.Context(), c, b.addition())
	}), method.ErrKnown)
	b.wantEvents(t, 1)
}

func mostOfAKind(t *testing.T, b *bench) {
	a := b.addition()
	a.Most = 2
	won := 0
	for _, err := range atOnce(8, func(int) error {
		mine := a
		mine.Event = b.event()
		return b.AddCredential(t.Context(), b.credential(), mine)
	}) {
		if err == nil {
			won++
			continue
		}
		wantIs(t, "AddCredential", err, method.ErrTooMany)
	}
	if won != 2 {
		t.Errorf("%d were added, want 2", won)
	}
	b.wantCount(t, b.user.ID, 2)
	b.wantEvents(t, 2)
	b.add(t, func(c *method.Credential) { c.Kind = "otc" })
}

func nobody(t *testing.T, b *bench) {
	b.SetEnabled(t, b.tenant, b.user.ID, false)
	wantIs(t, "AddCredential for who is switched off", b.AddCredential(t.Context(), b.credential(), b.addition()), directory.ErrUserUnknown)
	c := b.credential()
	c.User = directory.UserID(uuid.NewString())
	wantIs(t, "AddCredential for nobody", b.AddCredential(t.Context(), c, b.addition()), directory.ErrUserUnknown)
	b.wantEvents(t, 0)
}

func endedSession(t *testing.T, b *bench) {
	s := b.signIn(t, b.user)
	from := func(session string) error {
		c := b.credential()
		c.Origin.Session = session
		return b.AddCredential(t.Context(), c, b.addition())
	}
	if err := from(s.ID); err != nil {
		t.Errorf("AddCredential from a living session: %v", err)
	}
	wantIs(t, "AddCredential from no session", from(uuid.NewString()), method.ErrProof)
	wantIs(t, "AddCredential from another person's", from(b.signIn(t, b.other).ID), method.ErrProof)
	if err := b.EndSessions(t.Context(), b.tenant, b.user.ID, s.ID, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	wantIs(t, "AddCredential from an ended session", from(s.ID), method.ErrProof)
	old := b.signIn(t, b.user)
	late := b.credential()
	late.Origin.Session, late.CreatedAt = old.ID, old.ExpiresAt
	wantIs(t, "AddCredential from an expired session", b.AddCredential(t.Context(), late, b.addition()), method.ErrProof)
	if err := b.EndSessions(t.Context(), b.tenant, b.user.ID, "", nine.Add(time.Second), b.event()); err != nil {
		t.Fatal(err)
	}
	wantIs(t, "AddCredential from a session before all were ended", from(old.ID), method.ErrProof)
	b.wantCount(t, b.user.ID, 1)
}

func bootstrap(t *testing.T, b *bench) {
	made := nine.AddDate(-1, 0, 0)
	first, recovered := b.addUser(t, "First"), b.addUser(t, "Recovered")
	b.AddBootstrap(t, b.tenant, first.ID, made, true, false)
	b.AddBootstrap(t, b.tenant, recovered.ID, nine, true, false)
	b.AddBootstrap(t, b.tenant, b.user.ID, nine, true, false)
	want := func(who string, user directory.UserID, n int) {
		t.Helper()
		if got := b.Passes(t, b.tenant, user); got != n {
			t.Errorf("%s has %d passes, want %d", who, got, n)
		}
	}
	strong := func() {
		t.Helper()
		a := b.addition()
		a.Strong = true
		if err := b.AddCredential(t.Context(), b.credential(), a); err != nil {
			t.Fatal(err)
		}
	}
	strong() // of somebody without the role
	want("the first administrator", first.ID, 1)
	want("who registers", b.user.ID, 1)
	b.MakeAdministrator(t, b.tenant, b.user.ID)
	before := b.AllEvents(t, b.tenant)
	strong()
	want("the first administrator", first.ID, 0)
	want("who registers", b.user.ID, 0)
	want("who was recovered lately", recovered.ID, 1)
	b.wantEvents(t, before+3)
}

func weak(t *testing.T, b *bench) {
	b.MakeAdministrator(t, b.tenant, b.user.ID)
	b.AddBootstrap(t, b.tenant, b.user.ID, nine.AddDate(-1, 0, 0), true, false)
	b.add(t, func(c *method.Credential) { c.Kind = "otc" })
	if got := b.Passes(t, b.tenant, b.user.ID); got != 1 {
		t.Errorf("%d passes, want 1", got)
	}
}

func changes(t *testing.T, b *bench) {
	c := b.add(t, func(c *method.Credential) { c.Lookup, c.Counter = "lookup", 3 })
	c.Name, c.Data = "Key, green", json.RawMessage(`{"key":"BAUG"}`)
	moved := c
	moved.Counter, moved.Lookup, moved.User, moved.FrozenAt = 1, "another", b.other.ID, nine
	renamed := moved // by somebody who read it before its data changed, and the other way round
	moved.Name, renamed.Data = "Key, before", nil
	if err := errors.Join(b.ChangeCredential(t.Context(), moved, b.event()), b.RenameCredential(t.Context(), renamed, b.event())); err != nil {
		t.Fatal(err)
	}
	if got := b.stored(t, c.ID); !reflect.DeepEqual(got, c) {
		t.Errorf("it is %+v afterwards, want %+v", got, c)
	}
	gone := b.credential()
	wantIs(t, "ChangeCredential of none", b.ChangeCredential(t.Context(), gone, b.event()), method.ErrNone)
	b.wantEvents(t, 3)
}

func together(t *testing.T, b *bench) {
	a := b.addition()
	a.Event = b.broken()
	if b.AddCredential(t.Context(), b.credential(), a) == nil {
		t.Error("AddCredential without an event")
	}
	b.wantCount(t, b.user.ID, 0)
	c := b.add(t, nil)
	changed := c
	changed.Name, changed.FrozenAt = "another", nine
	if b.ChangeCredential(t.Context(), changed, b.broken()) == nil || b.RenameCredential(t.Context(), changed, b.broken()) == nil || b.FreezeCredential(t.Context(), changed, nine, b.broken()) == nil ||
		b.RemoveCredential(t.Context(), c, nine, b.broken()) == nil {
		t.Error("a change without an event")
	}
	if got := b.stored(t, c.ID); !reflect.DeepEqual(got, c) {
		t.Errorf("it is %+v afterwards, want %+v", got, c)
	}
	if b.SaveMethodPolicy(t.Context(), b.tenant, "X", method.Revision{ModifiedAt: nine}, 1, b.broken()) == nil {
		t.Error("SaveMethodPolicy without an event")
	}
	b.wantEvents(t, 1)
}

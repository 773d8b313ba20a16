// Package signintest tests what stores of sign-ins promise: [signin.Store].
package signintest

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	signin.Store
	// Reopen closes the store and opens it again with the same data.
	Reopen(t testing.TB)
	// AddTenant stores a tenant with that verified domain.
	AddTenant(t testing.TB, tenant directory.TenantID, domain string)
	// AddUser stores u.
	AddUser(t testing.TB, u directory.User)
	// SetEnabled enables or disables the user's account and does nothing else.
	SetEnabled(t testing.TB, tenant directory.TenantID, user directory.UserID, enabled bool)
	// RemoveUser removes the user's row and nothing else.
	RemoveUser(t testing.TB, tenant directory.TenantID, user directory.UserID)
	// AddPass stores a pass of the user that works from start to pass.End.
	AddPass(t testing.TB, tenant directory.TenantID, user directory.UserID, pass signin.PassUsed, start time.Time)
	// DeletePass deletes a pass as an administrator does.
	DeletePass(t testing.TB, tenant directory.TenantID, user directory.UserID, id string)
	// AddFamily stores a token family of the session; an empty one is none.
	AddFamily(t testing.TB, tenant directory.TenantID, user directory.UserID, session string)
	// LivingFamilies returns how many token families of the user have not ended.
	LivingFamilies(t testing.TB, tenant directory.TenantID, user directory.UserID) int
	// Events returns how many sign-in events the tenant has.
	Events(t testing.TB, tenant directory.TenantID) int
}

// nine is when the suite's sign-ins happen.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a verified domain leads to its tenant", domains},
		{"a user is found by name in any case", names},
		{"a transaction comes back as it was stored", transactionComesBack},
		{"a transaction is saved once per version", staleTransaction},
		{"of many concurrent savers of a transaction one wins", transactionRace},

		{"a budget is spent try by try", chargesBudget},
		{"no bucket is charged when one refuses", chargesAllOrNone},
		{"a right try gives back itself and not the wrong ones", refundsOne},
		{"concurrent tries never exceed the budget", chargeRace},
		{"counters survive a restart", countersSurvive},
		{"buckets of tenants are apart", bucketsApart},

		{"an accepted proof is saved, holds the pass and gives back the try", accepts},
		{"a proof that is refused leaves everything as it was", acceptsNothing},
		{"a stale transaction accepts nothing", acceptsStale},
		{"of many concurrent sign-ins one holds a one-time pass", acceptRace},
		{"what a rule stops lets go of its pass and is recorded", bars},

		{"a completed sign-in leaves a session, a spent pass and an event", completes},
		{"a completed sign-in is the same session when it is repeated", completesAgain},
		{"of many concurrent repeats all get the one session", completeRace},
		{"of many concurrent sign-ins with a one-time pass one gets a session", passRace},
		{"repeats at the same moment without a one-time pass get one session", completeRaceManyUses},
		{"a disabled user gets no session", completesDisabled},
		{"a user who is gone gets no session", completesGone},
		{"a pass that was deleted meanwhile gives no session", completesDeleted},
		{"a pass that ended meanwhile gives no session", completesEnded},
		{"proofs from before all sessions were ended give none", completesAfterAllEnded},
		{"a stale transaction gives no session", completesStale},
		{"a session whose event can't be recorded is not there", completesWithEvent},
		{"a transaction that is gone gives no session", completesNothing},

		{"a raised session keeps its id and its tokens, and gets another secret", raises},
		{"a session is raised by who has its secret, while it lives, and only then", raisesNot},
		{"of many concurrent sign-ins that raise one session one wins", raiseRace},
		{"a note is kept with its event, once", notes},

		{"a place is familiar to the one who signed in there", familiar},
		{"a session without a known place makes none familiar", unfamiliar},
		{"the last sighting of a person is kept, and no earlier one comes after it", sees},

		{"a session lives for who has its secret until it expires", sessionLives},
		{"a session of a user who is disabled or gone is gone", sessionOfDisabled},
		{"a session ends with its pass", sessionEndsWithPass},
		{"a session from before all were ended is gone", sessionFromBefore},
		{"living sessions are listed newest first", sessionsListed},
		{"one session ends with its tokens", endsOne},
		{"all sessions end with all tokens", endsAll},
		{"nobody ends another person's session", endsOther},
		{"sessions don't end without the event", endsWithEvent},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newBench(t, open(t))) })
	}
}

// bench is a store with a tenant and a user of its own.
type bench struct {
	Fixture
	tenant directory.TenantID
	domain string
	user   directory.User
}

func newBench(t *testing.T, f Fixture) *bench {
	t.Helper()
	b := &bench{Fixture: f, tenant: directory.TenantID(uuid.NewString())}
	b.domain = "d" + string(b.tenant) + ".example"
	f.AddTenant(t, b.tenant, b.domain)
	b.user = b.addUser(t, "Sam")
	return b
}

func (b *bench) addUser(t *testing.T, name string) directory.User {
	t.Helper()
	u := directory.User{
		Tenant: b.tenant, ID: directory.UserID(uuid.NewString()), AccountEnabled: true,
		UserPrincipalName: name + "@" + b.domain, DisplayName: name, MailNickname: name, UserType: "Member",
	}
	b.AddUser(t, u)
	return u
}

// begin stores a transaction of b's user.
func (b *bench) begin(t *testing.T) signin.Transaction {
	t.Helper()
	stay := true
	tr := signin.Transaction{
		Tenant: b.tenant, ID: uuid.NewString(), CreatedAt: nine, ExpiresAt: nine.Add(signin.TransactionLifetime),
		CorrelationID: uuid.NewString(), Application: signin.App{ID: directory.AppID(uuid.NewString()), DisplayName: "Zoë <App>"},
		Continue: "/authorize", Request: []byte{0, 1, 255}, Home: b.tenant, User: b.user.ID,
		Username: b.user.UserPrincipalName, NameHash: "hash", DisplayName: "Sam", Stay: &stay,
	}
	if err := b.CreateTransaction(t.Context(), tr, "secret"); err != nil {
		t.Fatalf("CreateTransaction: %v", err)
	}
	return tr
}

// addPass stores a pass of b's user that works from nine for an hour.
func (b *bench) addPass(t *testing.T, once bool) *signin.PassUsed {
	t.Helper()
	pass := signin.PassUsed{ID: uuid.NewString(), End: nine.Add(time.Hour), SingleUse: once}
	b.AddPass(t, b.tenant, b.user.ID, pass, nine)
	return &pass
}

// proved returns tr with a proof by pass, which may be nil.
func proved(tr signin.Transaction, pass *signin.PassUsed) signin.Transaction {
	tr.Proofs = []signin.Proof{{Method: "accesspass", Factors: signin.Knowledge | signin.Possession, At: nine, AMR: []string{"otp", "mfa"}, Pass: pass}}
	return tr
}

// accepted begins a sign-in and has its proof by pass accepted.
func (b *bench) accepted(t *testing.T, pass *signin.PassUsed) signin.Transaction {
	t.Helper()
	tr := proved(b.begin(t), pass)
	if err := b.accept(t, tr); err != nil {
		t.Fatalf("Accept: %v", err)
	}
	tr.Version++
	return tr
}

func (b *bench) accept(t *testing.T, tr signin.Transaction, buckets ...signin.Bucket) error {
	t.Helper()
	return b.Accept(t.Context(), tr, buckets, nine, nine.Add(10*time.Minute))
}

// completion returns the end of tr at nine, in a session with the secret hash "secret".
func (b *bench) completion(tr signin.Transaction) signin.Completion {
	s := signin.Session{
		Tenant: b.tenant, ID: uuid.NewString(), User: tr.User, CreatedAt: nine, SeenAt: nine,
		ExpiresAt: nine.Add(signin.SessionLifetime), Proofs: tr.Proofs, Persistent: true,
		Purpose: "recovery", Address: "192.0.2.7", UserAgent: "agent",
	}
	if pass := tr.Pass(); pass != nil {
		s.PassID = pass.ID
	}
	return signin.Completion{
		Transaction: tr, Session: s, SecretHash: "secret", PlaceHash: "place", At: nine, Event: b.event(),
	}
}

// signIn completes a sign-in without a pass at at.
func (b *bench) signIn(t *testing.T, at time.Time) signin.Session {
	t.Helper()
	c := b.completion(b.accepted(t, nil))
	c.At, c.Session.CreatedAt, c.Session.ExpiresAt = at, at, at.Add(signin.SessionLifetime)
	c.Transaction.Proofs[0].At = at
	s, err := b.Complete(t.Context(), c)
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	return s
}

// event returns an event of b's tenant.
func (b *bench) event() audit.Event {
	return audit.Event{
		Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		SignIn: &audit.SignIn{UserID: string(b.user.ID), Interactive: true, EventType: audit.InteractiveUser},
	}
}

// broken returns an event that no store can record.
func (b *bench) broken() audit.Event {
	e := b.event()
	e.ID = "no UUID"
	return e
}

func (b *bench) wantEvents(t *testing.T, want int) {
	t.Helper()
	if got := b.Events(t, b.tenant); got != want {
		t.Errorf("%d events, want %d", got, want)
	}
}

// wantTransaction expects that want is stored, field by field.
func (b *bench) wantTransaction(t *testing.T, want signin.Transaction) {
	t.Helper()
	got, hash, err := b.Transaction(t.Context(), want.Tenant, want.ID)
	if err != nil || hash != "secret" || !reflect.DeepEqual(got, want) {
		t.Errorf("Transaction = %+v, %q, %v\nwant %+v", got, hash, err, want)
	}
}

func (b *bench) wantSessions(t *testing.T, want int) {
	t.Helper()
	all, err := b.Sessions(t.Context(), b.tenant, b.user.ID, nine)
	if err != nil || len(all) != want {
		t.Errorf("%d sessions, %v; want %d", len(all), err, want)
	}
}

// wantGone expects that no session is to be had with the id at at.
func (b *bench) wantGone(t *testing.T, id, secret string, at time.Time) {
	t.Helper()
	if s, _, err := b.Session(t.Context(), b.tenant, id, secret, at); !errors.Is(err, signin.ErrGone) {
		t.Errorf("Session = %+v, %v; want ErrGone", s, err)
	}
}

func (b *bench) wantAlive(t *testing.T, id string, at time.Time) {
	t.Helper()
	if _, _, err := b.Session(t.Context(), b.tenant, id, "secret", at); err != nil {
		t.Errorf("Session: %v", err)
	}
}

// wantCode expects a fault with the code. The suite can't name the faults of methods.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Errorf("got %v, want the fault %s", err, code)
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

func domains(t *testing.T, b *bench) {
	if got, err := b.TenantOf(t.Context(), b.domain); got != b.tenant || err != nil {
		t.Errorf("TenantOf = %s, %v; want %s", got, err, b.tenant)
	}
	if _, err := b.TenantOf(t.Context(), "other.example"); !errors.Is(err, directory.ErrTenantUnknown) {
		t.Errorf("TenantOf another domain: %v, want ErrTenantUnknown", err)
	}
}

func names(t *testing.T, b *bench) {
	for _, name := range []string{"Sam@" + b.domain, "sam@" + b.domain, "SAM@" + b.domain} {
		if u, err := b.UserByName(t.Context(), b.tenant, name); u.ID != b.user.ID || err != nil {
			t.Errorf("UserByName(%s) = %s, %v; want %s", name, u.ID, err, b.user.ID)
		}
	}
	for tenant, name := range map[directory.TenantID]string{
		b.tenant: "sa%@" + b.domain, directory.TenantID(uuid.NewString()): b.user.UserPrincipalName,
	} {
		if u, err := b.UserByName(t.Context(), tenant, name); !errors.Is(err, directory.ErrUserUnknown) {
			t.Errorf("UserByName(%s, %s) = %s, %v; want ErrUserUnknown", tenant, name, u.ID, err)
		}
	}
}

func transactionComesBack(t *testing.T, b *bench) {
	tr := b.begin(t)
	b.wantTransaction(t, tr)
	for tenant, id := range map[directory.TenantID]string{b.tenant: uuid.NewString(), directory.NoTenant: tr.ID} {
		if _, _, err := b.Transaction(t.Context(), tenant, id); !errors.Is(err, signin.ErrGone) {
			t.Errorf("Transaction(%s, %s): %v, want ErrGone", tenant, id, err)
		}
	}
	common := tr
	common.Tenant, common.ID = directory.NoTenant, uuid.NewString()
	if err := b.CreateTransaction(t.Context(), common, "secret"); err != nil {
		t.Fatalf("CreateTransaction: %v", err)
	}
	b.wantTransaction(t, common)
}

func staleTransaction(t *testing.T, b *bench) {
	tr := b.begin(t)
	fresh := tr
	fresh.Chosen = "accesspass"
	if err := b.SaveTransaction(t.Context(), fresh); err != nil {
		t.Fatalf("SaveTransaction: %v", err)
	}
	fresh.Version++
	b.wantTransaction(t, fresh)
	tr.Chosen = "other"
	if err := b.SaveTransaction(t.Context(), tr); !errors.Is(err, signin.ErrChanged) {
		t.Errorf("SaveTransaction of an old version: %v, want ErrChanged", err)
	}
	b.wantTransaction(t, fresh)
	gone := fresh
	gone.ID = uuid.NewString()
	if err := b.SaveTransaction(t.Context(), gone); !errors.Is(err, signin.ErrChanged) {
		t.Errorf("SaveTransaction of one that is not there: %v, want ErrChanged", err)
	}
}

func transactionRace(t *testing.T, b *bench) {
	tr, won := b.begin(t), 0
	for _, err := range atOnce(20, func(int) error { return b.SaveTransaction(t.Context(), tr) }) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, signin.ErrChanged):
			t.Errorf("SaveTransaction: %v, want ErrChanged", err)
		}
	}
	if won != 1 {
		t.Errorf("%d savers won, want 1", won)
	}
}

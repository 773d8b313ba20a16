package methodtest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// begin stores a transaction of u.
func (b *bench) begin(t *testing.T, u directory.User) signin.Transaction {
	t.Helper()
	tr := signin.Transaction{
		Tenant: b.tenant, ID: uuid.NewString(), CreatedAt: nine, ExpiresAt: nine.Add(signin.TransactionLifetime),
		CorrelationID: uuid.NewString(), Continue: "/", Home: b.tenant, User: u.ID, Username: u.UserPrincipalName, NameHash: "hash",
	}
	if err := b.CreateTransaction(t.Context(), tr, "secret"); err != nil {
		t.Fatal(err)
	}
	return tr
}

// proved is tr with a proof by a credential that counted so far.
func proved(tr signin.Transaction, id string, counter int64) signin.Transaction {
	tr.Proofs = append(tr.Proofs, signin.Proof{
		Method: "passkey", At: nine, Factors: signin.Possession | signin.Inherence, AMR: []string{"fido", "mfa"},
		Credential: &signin.CredentialUsed{ID: id, Counter: counter},
	})
	return tr
}

func (b *bench) accept(t *testing.T, tr signin.Transaction) error {
	t.Helper()
	return b.Accept(t.Context(), tr, nil, nine, nine.Add(time.Minute))
}

// accepted begins a sign-in of b's user and has proofs by the credentials accepted.
func (b *bench) accepted(t *testing.T, counter int64, ids ...string) signin.Transaction {
	t.Helper()
	tr := b.begin(t, b.user)
	for _, id := range ids {
		tr = proved(tr, id, counter)
		if err := b.accept(t, tr); err != nil {
			t.Fatalf("Accept: %v", err)
		}
		tr.Version++
	}
	return tr
}

func (b *bench) completion(tr signin.Transaction) signin.Completion {
	return signin.Completion{
		Transaction: tr, SecretHash: "secret", At: nine,
		Session: signin.Session{
			Tenant: b.tenant, ID: uuid.NewString(), User: tr.User, CreatedAt: nine, SeenAt: nine, ExpiresAt: nine.Add(time.Hour), Proofs: tr.Proofs,
		},
		Event: audit.Event{
			Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: tr.CorrelationID,
			SignIn: &audit.SignIn{UserID: string(tr.User), EventType: audit.InteractiveUser},
		},
	}
}

// complete ends tr in a session with one token family.
func (b *bench) complete(t *testing.T, tr signin.Transaction) signin.Session {
	t.Helper()
	s, err := b.Complete(t.Context(), b.completion(tr))
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	b.AddFamily(t, b.tenant, tr.User, s.ID)
	return s
}

// signIn signs u in without a credential.
func (b *bench) signIn(t *testing.T, u directory.User) signin.Session {
	t.Helper()
	return b.complete(t, b.begin(t, u))
}

func (b *bench) wantLiving(t *testing.T, user directory.UserID, want int) {
	t.Helper()
	sessions, err := b.Sessions(t.Context(), b.tenant, user, nine)
	if err != nil || len(sessions) != want {
		t.Errorf("%d sessions live, %v; want %d", len(sessions), err, want)
	}
	if got := b.LivingFamilies(t, b.tenant, user); got != want {
		t.Errorf("%d token families live, want %d", got, want)
	}
}

func counterGrows(t *testing.T, b *bench) {
	c := b.add(t, func(c *method.Credential) { c.Counter = 5 })
	for _, step := range []struct {
		counter int64
		want    error
	}{{5, method.ErrCounter}, {4, method.ErrCounter}, {0, method.ErrCounter}, {6, nil}, {6, method.ErrCounter}, {100, nil}, {99, method.ErrCounter}} {
		err := b.accept(t, proved(b.begin(t, b.user), c.ID, step.counter))
		if !errors.Is(err, step.want) {
			t.Errorf("Accept with %d: %v, want %v", step.counter, err, step.want)
		}
	}
	got := b.stored(t, c.ID)
	if got.Counter != 100 || !got.UsedAt.Equal(nine) {
		t.Errorf("it counts %d, used at %s", got.Counter, got.UsedAt)
	}
}

func counterRace(t *testing.T, b *bench) {
	c := b.add(t, nil)
	all := make([]signin.Transaction, 12)
	for i := range all {
		all[i] = proved(b.begin(t, b.user), c.ID, 1)
	}
	wantOne(t, atOnce(len(all), func(i int) error { return b.accept(t, all[i]) }), method.ErrCounter)
}

func uncounted(t *testing.T, b *bench) {
	c := b.add(t, nil)
	b.accepted(t, 0, c.ID)
	b.accepted(t, 0, c.ID)
	b.accepted(t, 1, c.ID)
	wantIs(t, "Accept of a copy that doesn't count", b.accept(t, proved(b.begin(t, b.user), c.ID, 0)), method.ErrCounter)
}

func refused(t *testing.T, b *bench) {
	c := b.add(t, nil)
	theirs := b.add(t, func(c *method.Credential) { c.User = b.other.ID })
	wantIs(t, "Accept with another person's", b.accept(t, proved(b.begin(t, b.user), theirs.ID, 0)), method.ErrNone)
	wantIs(t, "Accept with none", b.accept(t, proved(b.begin(t, b.user), uuid.NewString(), 0)), method.ErrNone)
	frozen := c
	frozen.FrozenAt = nine
	if err := b.FreezeCredential(t.Context(), frozen, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	tr := b.begin(t, b.user)
	wantIs(t, "Accept with a frozen one", b.accept(t, proved(tr, c.ID, 9)), method.ErrFrozen)
	if stored, _, err := b.Transaction(t.Context(), b.tenant, tr.ID); err != nil || len(stored.Proofs) != 0 {
		t.Errorf("the refused proof is kept: %+v, %v", stored.Proofs, err)
	}
	if got := b.stored(t, c.ID); got.Counter != 0 || !got.UsedAt.IsZero() || !got.Frozen() {
		t.Errorf("it was used: %+v", got)
	}
	away := newBench(t, b.Fixture)
	wantIs(t, "Accept in another tenant", away.accept(t, proved(away.begin(t, away.user), c.ID, 0)), method.ErrNone)
}

func endsWithRemoval(t *testing.T, b *bench) {
	c, kept := b.add(t, nil), b.add(t, nil)
	b.complete(t, b.accepted(t, 0, c.ID))
	b.complete(t, b.accepted(t, 0, c.ID))
	stays := b.complete(t, b.accepted(t, 0, kept.ID))
	b.wantLiving(t, b.user.ID, 3)
	if err := b.RemoveCredential(t.Context(), c, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantLiving(t, b.user.ID, 1)
	if _, _, err := b.Session(t.Context(), b.tenant, stays.ID, "secret", nine); err != nil {
		t.Errorf("the session of another credential: %v", err)
	}
	_, err := b.Credential(t.Context(), b.tenant, c.ID)
	wantIs(t, "Credential", err, method.ErrNone)
	wantIs(t, "removing it again", b.RemoveCredential(t.Context(), c, nine, b.event()), method.ErrNone)
	if n := b.Bindings(t, b.tenant, c.ID); n != 0 {
		t.Errorf("%d sessions are still noted", n)
	}
}

func endsWithFreeze(t *testing.T, b *bench) {
	c := b.add(t, nil)
	b.complete(t, b.accepted(t, 0, c.ID))
	frozen := c
	frozen.FrozenAt = nine.Add(time.Minute)
	if err := b.FreezeCredential(t.Context(), frozen, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantLiving(t, b.user.ID, 0)
	if got := b.stored(t, c.ID); !got.FrozenAt.Equal(frozen.FrozenAt) {
		t.Errorf("frozen at %s, want %s", got.FrozenAt, frozen.FrozenAt)
	}
	if err := b.FreezeCredential(t.Context(), c, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	b.complete(t, b.accepted(t, 0, c.ID))
	wantIs(t, "freezing none", b.FreezeCredential(t.Context(), b.credential(), nine, b.event()), method.ErrNone)
}

func endsWithEither(t *testing.T, b *bench) {
	one, two := b.add(t, nil), b.add(t, func(c *method.Credential) { c.Kind = "otc" })
	b.complete(t, b.accepted(t, 0, one.ID, two.ID))
	b.wantLiving(t, b.user.ID, 1)
	if err := b.RemoveCredential(t.Context(), one, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantLiving(t, b.user.ID, 0)
	if err := b.RemoveCredential(t.Context(), two, nine, b.event()); err != nil {
		t.Fatal(err)
	}
}

func removedBetween(t *testing.T, b *bench) {
	c := b.add(t, nil)
	tr := b.accepted(t, 0, c.ID)
	if err := b.RemoveCredential(t.Context(), c, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	_, err := b.Complete(t.Context(), b.completion(tr))
	wantIs(t, "Complete", err, method.ErrNone)
	b.wantLiving(t, b.user.ID, 0)
}

func frozenBetween(t *testing.T, b *bench) {
	c := b.add(t, nil)
	second := b.add(t, func(c *method.Credential) { c.Kind = "otc" })
	tr := b.accepted(t, 0, c.ID, second.ID)
	c.FrozenAt = nine
	if err := b.FreezeCredential(t.Context(), c, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	_, err := b.Complete(t.Context(), b.completion(tr))
	wantIs(t, "Complete", err, method.ErrFrozen)
	b.wantLiving(t, b.user.ID, 0)
	if n := b.Bindings(t, b.tenant, second.ID); n != 0 {
		t.Errorf("%d sessions are noted for the other credential", n)
	}
}

// removalRace lets removals and ends of sign-ins meet: whoever comes first, no session is left.
func removalRace(t *testing.T, b *bench) {
	for range 4 {
		c := b.add(t, nil)
		all := make([]signin.Transaction, 4)
		for i := range all {
			all[i] = b.accepted(t, 0, c.ID)
		}
		for i, err := range atOnce(len(all)+1, func(i int) error {
			if i == len(all) {
				return b.RemoveCredential(t.Context(), c, nine, b.event())
			}
			_, err := b.Complete(t.Context(), b.completion(all[i]))
			return err
		}) {
			if i == len(all) && err != nil || err != nil && !errors.Is(err, method.ErrNone) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		b.wantLiving(t, b.user.ID, 0)
	}
}

func purge(t *testing.T, b *bench) {
	c := b.add(t, nil)
	kept := b.add(t, func(c *method.Credential) { c.User = b.other.ID })
	b.Delete(t, b.tenant, b.user.ID)
	b.stored(t, c.ID)
	b.Purge(t, b.tenant, b.user.ID)
	_, err := b.Credential(t.Context(), b.tenant, c.ID)
	wantIs(t, "Credential", err, method.ErrNone)
	b.stored(t, kept.ID)
}

func expires(t *testing.T, b *bench) {
	c := b.add(t, nil)
	s := b.complete(t, b.accepted(t, 0, c.ID))
	b.RemoveExpired(t, b.tenant, s.ExpiresAt)
	if n := b.Bindings(t, b.tenant, c.ID); n != 1 {
		t.Errorf("%d sessions are noted, want 1", n)
	}
	b.RemoveExpired(t, b.tenant, s.ExpiresAt.Add(25*time.Hour))
	if n := b.Bindings(t, b.tenant, c.ID); n != 0 {
		t.Errorf("%d sessions are noted, want none", n)
	}
}

type policyBody struct {
	State string `json:"state"`
	Most  int    `json:"most"`
}

func policies(t *testing.T, b *bench) {
	p := policyBody{"disabled", 7}
	from, err := b.MethodPolicy(t.Context(), b.tenant, "Fido2", &p)
	if err != nil || from != (method.Revision{}) || p != (policyBody{"disabled", 7}) {
		t.Fatalf("MethodPolicy = %+v, %+v, %v", from, p, err)
	}
	from.ModifiedAt = nine
	if err := b.SaveMethodPolicy(t.Context(), b.tenant, "Fido2", from, map[string]string{"state": "enabled"}, b.event()); err != nil {
		t.Fatal(err)
	}
	read, err := b.MethodPolicy(t.Context(), b.tenant, "Fido2", &p)
	if err != nil || read != (method.Revision{Version: 1, ModifiedAt: nine}) || p != (policyBody{"enabled", 7}) {
		t.Errorf("MethodPolicy = %+v, %+v, %v", read, p, err)
	}
	wantIs(t, "saving over what nobody read", b.SaveMethodPolicy(t.Context(), b.tenant, "Fido2", from, p, b.event()), method.ErrPolicyChanged)
	read.ModifiedAt = nine.Add(time.Minute)
	if err := b.SaveMethodPolicy(t.Context(), b.tenant, "Fido2", read, p, b.event()); err != nil {
		t.Errorf("SaveMethodPolicy: %v", err)
	}
	other := policyBody{"unset", 1}
	if r, err := b.MethodPolicy(t.Context(), directory.TenantID(uuid.NewString()), "Fido2", &other); err != nil || r.Version != 0 || other.State != "unset" {
		t.Errorf("another tenant's policy = %+v, %+v, %v", r, other, err)
	}
	b.wantEvents(t, 2)
}

func policyRace(t *testing.T, b *bench) {
	for _, from := range []method.Revision{{ModifiedAt: nine}, {Version: 1, ModifiedAt: nine}} {
		wantOne(t, atOnce(8, func(i int) error {
			return b.SaveMethodPolicy(t.Context(), b.tenant, "Fido2", from, policyBody{Most: i}, b.event())
		}), method.ErrPolicyChanged)
	}
}

package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

// A caseBench is a person with a pass of a recovery case, a session from it, a key registered in
// that session, a session by the key, and a method of their own.
type caseBench struct {
	*credentials
	tenant      directory.TenantID
	user        directory.UserID
	pass        tap.Pass
	session     signin.Session
	key, second method.Credential
	own         method.Credential
}

const aCase = "3f1c5a52-6a6f-4d0b-9a86-0d0b1e2f6a01"

func newCaseBench(t *testing.T, c store.Config) *caseBench {
	t.Helper()
	db := fixture{open(t, c), c}
	b := &caseBench{credentials: &credentials{signIns{db}, devicePINs{passes{db}}}, tenant: directory.TenantID(uuid.NewString()), user: directory.UserID(uuid.NewString())}
	b.AddTenant(t, b.tenant, "contoso.example")
	b.AddUser(t, directory.User{Tenant: b.tenant, ID: b.user, UserPrincipalName: "ada@contoso.example", AccountEnabled: true})
	b.pass = tap.Pass{
		Tenant: b.tenant, User: b.user, ID: uuid.NewString(), CreatedAt: nine, Start: nine, Lifetime: time.Hour, Case: aCase, Incarnation: b.Incarnation,
	}
	if err := b.PutPass(t.Context(), b.pass, change(b.tenant)); err != nil {
		t.Fatal(err)
	}
	proof := signin.Proof{Method: tap.MethodID, At: nine, Pass: &signin.PassUsed{ID: b.pass.ID, End: b.pass.End(), Case: aCase}}
	b.session = b.signIn(t, proof)
	b.key = b.add(t, method.Origin{Session: b.session.ID, Pass: b.pass.ID, Case: aCase})
	byKey := b.signIn(t, signin.Proof{Method: "passkey", At: nine, Credential: &signin.CredentialUsed{ID: b.key.ID}})
	b.second = b.add(t, method.Origin{Session: byKey.ID, Methods: []string{b.key.ID}})
	b.own = b.add(t, method.Origin{})
	b.signIn(t, signin.Proof{Method: "passkey", At: nine, Credential: &signin.CredentialUsed{ID: b.own.ID}})
	return b
}

// signIn ends a sign-in with p in a session that has a token family.
func (b *caseBench) signIn(t *testing.T, p signin.Proof) signin.Session {
	t.Helper()
	s := signin.Session{
		Tenant: b.tenant, ID: uuid.NewString(), User: b.user, CreatedAt: nine, SeenAt: nine, ExpiresAt: nine.Add(time.Hour), Proofs: []signin.Proof{p},
	}
	if p.Pass != nil {
		s.PassID, s.Case = p.Pass.ID, p.Pass.Case
	}
	tr := signin.Transaction{
		Tenant: b.tenant, ID: uuid.NewString(), CreatedAt: nine, ExpiresAt: nine.Add(time.Hour), CorrelationID: uuid.NewString(),
		Continue: "/", Home: b.tenant, User: b.user, NameHash: "hash",
	}
	if err := b.CreateTransaction(t.Context(), tr, "secret"); err != nil {
		t.Fatal(err)
	}
	tr.Proofs = []signin.Proof{p}
	if err := b.Accept(t.Context(), tr, nil, nine, nine.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	tr.Version++
	s, err := b.Complete(t.Context(), signin.Completion{Transaction: tr, SecretHash: "secret", At: nine, Session: s, Event: audit.Event{
		Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: tr.CorrelationID,
		SignIn: &audit.SignIn{UserID: string(b.user), EventType: audit.InteractiveUser},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.addFamily(t, b.tenant, b.user, s.ID, s.PassID)
	return s
}

func (b *caseBench) credential(o method.Origin) method.Credential {
	return method.Credential{Tenant: b.tenant, ID: uuid.NewString(), User: b.user, Kind: "passkey", Name: "Key", CreatedAt: nine, Origin: o}
}

func (b *caseBench) add(t *testing.T, o method.Origin) method.Credential {
	t.Helper()
	c := b.credential(o)
	if err := b.AddCredential(t.Context(), c, method.Addition{Most: 9, Event: change(b.tenant)}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *caseBench) quarantine() method.Quarantine {
	return method.Quarantine{
		Tenant: b.tenant, User: b.user, Case: aCase, Pass: b.pass.ID, At: nine.Add(time.Minute),
		Tell: func(method.Estate, bool) ([]audit.Event, []outbox.Item, error) {
			return []audit.Event{change(b.tenant)}, nil, nil
		},
	}
}

func (b *caseBench) release(t *testing.T, frozenAt time.Time) []method.Credential {
	t.Helper()
	all, err := b.Release(t.Context(), method.Release{
		Tenant: b.tenant, User: b.user, Case: aCase, Pass: b.pass.ID, FrozenAt: frozenAt,
		Tell: func(method.Estate) ([]audit.Event, []outbox.Item, error) {
			return []audit.Event{change(b.tenant)}, nil, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.Credentials
}

// frozen returns how many of the person's methods are frozen, and how many there are.
func (b *caseBench) frozen(t *testing.T) (frozen, all int) {
	t.Helper()
	e, err := b.Estate(t.Context(), b.tenant, b.user, nine)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range e.Credentials {
		if c.Frozen() {
			frozen++
		}
	}
	return frozen, len(e.Credentials)
}

func TestAQuarantineEndsAndFreezesWhatCameFromACaseAndNothingElse(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			b := newCaseBench(t, d.place(t))
			if got, err := b.Credential(t.Context(), b.tenant, b.key.ID); err != nil || got.Origin.Case != aCase {
				t.Errorf("the key says case %q, %v", got.Origin.Case, err)
			}
			if s, _, err := b.SessionByID(t.Context(), b.tenant, b.session.ID, nine); err != nil || s.Case != aCase {
				t.Errorf("the session says case %q, %v", s.Case, err)
			}
			q := b.quarantine()
			q.Tell = func(method.Estate, bool) ([]audit.Event, []outbox.Item, error) {
				return nil, nil, errors.New("no words")
			}
			if _, err := b.Quarantine(t.Context(), q); err == nil {
				t.Fatal("without its events it was done")
			}
			if n, _ := b.frozen(t); n != 0 || b.LivingFamilies(t, b.tenant, b.user) != 3 {
				t.Errorf("half of it was done: %d frozen, %d families", n, b.LivingFamilies(t, b.tenant, b.user))
			}

			if e, err := b.Quarantine(t.Context(), b.quarantine()); err != nil || len(e.Credentials) != 2 || len(e.Sessions) != 2 {
				t.Fatalf("Quarantine = %+v, %v", e, err)
			}
			if _, err := b.Pass(t.Context(), b.tenant, b.user); !errors.Is(err, tap.ErrNone) {
				t.Errorf("the pass: %v", err)
			}
			if n, _ := b.frozen(t); n != 2 {
				t.Errorf("%d methods are frozen, want the key and what it registered", n)
			}
			if all, err := b.Sessions(t.Context(), b.tenant, b.user, nine); err != nil || len(all) != 1 || b.LivingFamilies(t, b.tenant, b.user) != 1 {
				t.Errorf("%d sessions and %d families live, %v; want the person's own", len(all), b.LivingFamilies(t, b.tenant, b.user), err)
			}

			if all := b.release(t, nine); len(all) != 0 {
				t.Errorf("what was frozen at another time was thawed: %+v", all)
			}
			if all := b.release(t, b.quarantine().At); len(all) != 2 {
				t.Errorf("Release = %+v", all)
			}
			if n, _ := b.frozen(t); n != 0 {
				t.Errorf("%d methods are still frozen", n)
			}
		})
	}
}

func TestADevicePINThatWasResetInACaseGoesWithIt(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			b := newCaseBench(t, d.place(t))
			joined := b.pins.AddDevice(t, b.tenant, b.user)
			c := hello.Container{Tenant: b.tenant, ID: uuid.NewString(), Device: joined, User: b.user, CreatedAt: nine}
			if err := b.BeginContainer(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			c.Method, c.RegisteredAt, c.Key = uuid.NewString(), nine, []byte("key")
			if _, err := b.RegisterKey(t.Context(), c, change(b.tenant), nil); err != nil {
				t.Fatal(err)
			}
			if e, err := b.Estate(t.Context(), b.tenant, b.user, nine); err != nil || len(e.From(method.Seed{Case: aCase}).PINs) != 0 {
				t.Errorf("the person's own PIN is of the case: %v", err)
			}
			if err := b.NoteReset(t.Context(), c, nil, method.RenewalIn(b.session, nine), change(b.tenant)); err != nil {
				t.Fatal(err)
			}
			if e, err := b.Quarantine(t.Context(), b.quarantine()); err != nil || len(e.PINs) != 1 || e.PINs[0].ID != c.Method {
				t.Errorf("Quarantine = %+v, %v", e.PINs, err)
			}
			if _, err := b.ContainerOf(t.Context(), b.tenant, c.Method); !errors.Is(err, hello.ErrNone) {
				t.Errorf("the PIN that the impostor chose: %v", err)
			}
		})
	}
}

func TestARevertedCaseTakesItsMethodsWithIt(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			b := newCaseBench(t, d.place(t))
			if _, err := b.Quarantine(t.Context(), b.quarantine()); err != nil {
				t.Fatal(err)
			}
			r := method.Reversal{Tenant: b.tenant, User: b.user, Pass: b.pass.ID, At: nine, Tell: b.quarantine().Tell}
			if _, err := b.Revert(t.Context(), r); !errors.Is(err, method.ErrLineageChanged) {
				t.Errorf("a pass without a tag: %v", err)
			}
			r.Case = aCase
			if e, err := b.Revert(t.Context(), r); err != nil || len(e.Credentials) != 2 {
				t.Errorf("Revert = %+v, %v", e, err)
			}
			if _, n := b.frozen(t); n != 1 {
				t.Errorf("%d methods are left, want the person's own", n)
			}
		})
	}
}

// Whoever comes first: what is registered while a case goes into quarantine is frozen or refused.
func TestNothingIsRegisteredPastAQuarantine(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			b := newCaseBench(t, d.place(t))
			var all sync.WaitGroup
			for range 4 {
				c := b.credential(method.Origin{Session: b.session.ID, Pass: b.pass.ID, Case: aCase})
				e := change(b.tenant)
				all.Go(func() {
					if err := b.AddCredential(t.Context(), c, method.Addition{Most: 9, Event: e}); err != nil && !errors.Is(err, method.ErrProof) {
						t.Errorf("AddCredential: %v", err)
					}
				})
			}
			all.Go(func() {
				if _, err := b.Quarantine(t.Context(), b.quarantine()); err != nil {
					t.Errorf("Quarantine: %v", err)
				}
			})
			all.Wait()
			if frozen, n := b.frozen(t); frozen != n-1 {
				t.Errorf("%d of %d methods are frozen; only the person's own may work", frozen, n)
			}
		})
	}
}

package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/signin"
)

// pin sets a device PIN up in s.
func (b *caseBench) pin(t *testing.T, s signin.Session) hello.Container {
	t.Helper()
	c := hello.Container{Tenant: b.tenant, ID: uuid.NewString(), Device: b.pins.AddDevice(t, b.tenant, b.user), User: b.user, CreatedAt: nine}
	if err := b.BeginContainer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o := method.OriginOf(s, signin.Place{})
	c.Session, c.Proved = o.Session, o.Methods
	c.Method, c.RegisteredAt, c.Key = uuid.NewString(), nine, []byte("key")
	if _, err := b.RegisterKey(t.Context(), c, change(b.tenant), nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *caseBench) remove(t *testing.T, c method.Credential) {
	t.Helper()
	if err := b.RemoveCredential(t.Context(), c, nine, change(b.tenant)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCameFromAMethodIsFoundWhenThatIsGone(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.name, func(t *testing.T) {
			b := newCaseBench(t, dialect.place(t))
			by := func(c method.Credential) signin.Session {
				return b.signIn(t, signin.Proof{Method: "passkey", At: nine, Credential: &signin.CredentialUsed{ID: c.ID}})
			}
			byOwn, byKey, bySecond := by(b.own), by(b.key), by(b.second)
			join := func(s signin.Session) string {
				d, err := b.join(t, s)
				if err != nil {
					t.Fatal(err)
				}
				return string(d.ID)
			}
			ownPIN, ownDevice := b.pin(t, byOwn), join(byOwn)
			pin, reset, device, third := b.pin(t, byKey), b.pin(t, byOwn), join(byKey), b.add(t, method.OriginOf(bySecond, signin.Place{}))
			if err := b.NoteReset(t.Context(), reset, nil, method.RenewalIn(byKey, nine), change(b.tenant)); err != nil {
				t.Fatal(err)
			}
			former := b.add(t, method.OriginOf(bySecond, signin.Place{}))
			byFormer := by(former)
			instead := b.credential(method.OriginOf(byFormer, signin.Place{}))
			if err := b.ReplaceCredential(t.Context(), instead, method.Replacement{Old: former.ID, Keep: byFormer.ID}, change(b.tenant)); err != nil {
				t.Fatal(err)
			}
			b.remove(t, b.key)
			b.remove(t, b.second)
			late := b.credential(method.Origin{Methods: []string{b.second.ID}})
			if err := b.AddCredential(t.Context(), late, method.Addition{Most: 9, Event: change(b.tenant)}); !errors.Is(err, method.ErrProof) {
				t.Errorf("added by a method that is gone: %v", err)
			}

			e, err := b.Estate(t.Context(), b.tenant, b.user, nine)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{pin.Method, reset.Method, device, third.ID, instead.ID, b.session.ID, byFormer.ID}
			slices.Sort(want)
			for name, seed := range map[string]method.Seed{"the case": {Case: aCase}, "the pass": {Pass: b.pass.ID}, "the session": {Sessions: []string{b.session.ID}}} {
				if got := idsOf(e.From(seed)); !slices.Equal(got, want) {
					t.Errorf("from %s came %q, want %q", name, got, want)
				}
			}
			// A link in a mail disputes the change that added the key, which is gone.
			if got := idsOf(e.From(method.Dispute{Credential: b.key.ID}.Seed())); len(got) != len(want)-1 {
				t.Errorf("from the key came %q", got)
			}
			if got := idsOf(e.From(method.Seed{Credentials: []string{b.own.ID}})); !slices.Contains(got, ownPIN.Method) || !slices.Contains(got, ownDevice) || slices.Contains(got, third.ID) {
				t.Errorf("from their own came %q", got)
			}
		})
	}
}

func idsOf(e method.Estate) (all []string) {
	for _, c := range e.Credentials {
		all = append(all, c.ID)
	}
	for _, p := range e.PINs {
		all = append(all, p.ID)
	}
	for _, s := range e.Sessions {
		all = append(all, s.ID)
	}
	for _, d := range e.Devices {
		all = append(all, string(d.ID))
	}
	slices.Sort(all)
	return all
}

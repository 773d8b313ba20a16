package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
)

func TestWhatIsDisputedOrPostponedIsDecidedByTheDatabase(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			c := d.place(t)
			db := fixture{open(t, c), c}
			f := &credentials{signIns{db}, devicePINs{passes{db}}}
			tenant, user := directory.TenantID(uuid.NewString()), directory.UserID(uuid.NewString())
			f.AddTenant(t, tenant, "contoso.example")
			f.AddUser(t, directory.User{Tenant: tenant, ID: user, UserPrincipalName: "ada@contoso.example", AccountEnabled: true})
			event := func() audit.Event { return change(tenant) }

			// Later counts once for each sign-in.
			for _, at := range []time.Time{nine, nine.Add(time.Minute), nine.Add(time.Hour)} {
				since := nine
				if at.After(nine.Add(time.Minute)) {
					since = at.Add(-time.Second)
				}
				if err := f.Snooze(t.Context(), tenant, user, since, at, event()); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := f.Snoozes(t.Context(), tenant, user); err != nil || got.Count != 2 || !got.Last.Equal(nine.Add(time.Hour)) {
				t.Errorf("Snoozes = %+v, %v", got, err)
			}

			key := method.Credential{Tenant: tenant, ID: uuid.NewString(), User: user, Kind: "passkey", Name: "Key", CreatedAt: nine, Origin: method.Origin{Pass: "p"}}
			if err := f.AddCredential(t.Context(), key, method.Addition{Most: 9, Event: event()}); err != nil {
				t.Fatal(err)
			}
			frost := method.Frost{
				Dispute: method.Dispute{Tenant: tenant, User: user, Credential: key.ID, Event: uuid.NewString(), EndsAt: nine.Add(method.DisputeWithin)}, At: nine,
				Change: func(method.Credential) (audit.Event, []outbox.Item, error) { return event(), nil, nil },
				PIN:    func(method.PIN) audit.Event { return event() }, Event: event(),
			}
			if err := f.Dispute(t.Context(), frost); err != nil {
				t.Fatal(err)
			}
			frost.Event = event()
			if err := f.Dispute(t.Context(), frost); !errors.Is(err, method.ErrDispute) {
				t.Errorf("a second dispute: %v", err)
			}
			all, err := f.Estate(t.Context(), tenant, user, nine)
			if err != nil || len(all.Credentials) != 1 || !all.Credentials[0].Frozen() {
				t.Fatalf("Estate = %+v, %v", all, err)
			}
			r := method.Reversal{
				Tenant: tenant, User: user, Pass: "p", Tag: "another", At: nine, Devices: true,
				Tell: func(method.Estate, bool) ([]audit.Event, []outbox.Item, error) {
					return []audit.Event{event()}, nil, nil
				},
			}
			if _, err := f.Revert(t.Context(), r); !errors.Is(err, method.ErrLineageChanged) {
				t.Errorf("with another tag: %v", err)
			}
			r.Tag = all.From(method.Seed{Pass: "p"}).Tag()
			if gone, err := f.Revert(t.Context(), r); err != nil || len(gone.Credentials) != 1 {
				t.Errorf("Revert = %+v, %v", gone, err)
			}
			if _, err := f.Credential(t.Context(), tenant, key.ID); !errors.Is(err, method.ErrNone) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

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
	"github.com/postern-id/postern/internal/signin"
)

func (b *caseBench) join(t *testing.T, in signin.Session) (directory.Device, error) {
	t.Helper()
	return b.JoinDevice(t.Context(), directory.Device{
		Tenant: b.tenant, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), DisplayName: "LT-0451", AccountEnabled: true,
		OperatingSystem: "Linux", TrustType: directory.TrustJoined, KeyThumbprint: uuid.NewString(), KeyStorage: "tpm", Owner: b.user, RegisteredAt: nine, SeenAt: nine,
		JoinedIn: in.ID, JoinedWith: in.PassID,
	}, 50, func(directory.Device) audit.Event { return change(b.tenant) })
}

// A device that an impostor joined shows what its owner signs in with, and is let in by rules that want one.
func TestDevicesThatJoinedInACaseAreOffWhileItIsDisputedAndStayOffOnceItIsReverted(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			b := newCaseBench(t, d.place(t))
			byKey := func(c method.Credential) signin.Session {
				return b.signIn(t, signin.Proof{Method: "passkey", At: nine, Credential: &signin.CredentialUsed{ID: c.ID}})
			}
			var all []directory.DeviceObjectID
			over := byKey(b.second) // whoever joined the device signed out, and it is no less theirs
			for _, in := range []signin.Session{b.session, over, byKey(b.own)} {
				one, err := b.join(t, in)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, one.ID)
			}
			b.exec(t, `UPDATE session SET ended_at = 1 WHERE tenant_id = $1 AND id = $2`, b.tenant, over.ID)
			on := func() (on [3]bool) {
				t.Helper()
				for i, id := range all {
					one, err := b.Device(t.Context(), b.tenant, id)
					if err != nil {
						t.Fatal(err)
					}
					on[i] = one.AccountEnabled
				}
				return on
			}
			dispute := func(at time.Time) {
				t.Helper()
				q := b.quarantine()
				q.Devices, q.At = true, at
				if e, err := b.Quarantine(t.Context(), q); err != nil || len(e.Devices) != 2 {
					t.Fatalf("Quarantine = %+v, %v", e.Devices, err)
				}
				if got := on(); got != [3]bool{false, false, true} {
					t.Errorf("disputed, they are on: %v", got)
				}
			}
			first, second := nine.Add(time.Minute), nine.Add(time.Hour)
			dispute(first)
			if _, err := b.join(t, b.session); !errors.Is(err, signin.ErrGone) {
				t.Errorf("another joins in a session that has ended: %v", err)
			}
			b.release(t, second)
			if got := on(); got != [3]bool{false, false, true} {
				t.Errorf("released by another dispute, they are on: %v", got)
			}
			b.release(t, first)
			if got := on(); got != [3]bool{true, true, true} {
				t.Errorf("released, they are on: %v", got)
			}
			// What an administrator said meanwhile stands.
			dispute(second)
			lost, err := b.Device(t.Context(), b.tenant, all[0])
			if err == nil {
				err = b.UpdateDevice(t.Context(), lost.Decided(), second, change(b.tenant))
			}
			if err != nil {
				t.Fatal(err)
			}
			b.release(t, second)
			if got := on(); got != [3]bool{false, true, true} {
				t.Errorf("after an administrator had switched one off, they are on: %v", got)
			}
			if _, err := b.Revert(t.Context(), method.Reversal{
				Tenant: b.tenant, User: b.user, Case: aCase, Pass: b.pass.ID, Devices: true, At: second.Add(time.Hour),
				Tell: func(method.Estate, bool) ([]audit.Event, []outbox.Item, error) {
					return []audit.Event{change(b.tenant)}, nil, nil
				},
			}); err != nil {
				t.Fatal(err)
			}
			if got := on(); got != [3]bool{false, false, true} {
				t.Errorf("reverted, they are on: %v", got)
			}
		})
	}
}

package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

// A prepared is a device that theo joined for whoever of a group signs in first.
type prepared struct {
	signIns
	tenant          directory.TenantID
	theo, mira, ada directory.UserID
	d               directory.Device
}

func newPrepared(t *testing.T, c store.Config) *prepared {
	t.Helper()
	p := &prepared{
		signIns: signIns{fixture{open(t, c), c}}, tenant: directory.TenantID(uuid.NewString()),
		theo: directory.UserID(uuid.NewString()), mira: directory.UserID(uuid.NewString()), ada: directory.UserID(uuid.NewString()),
	}
	p.AddTenant(t, p.tenant, "contoso.example")
	g := directory.Group{
		Tenant: p.tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "Field", MailNickname: "field", SecurityEnabled: true, CreatedDateTime: nine,
	}
	var members []directory.Ref
	for _, u := range []directory.UserID{p.theo, p.mira, p.ada} {
		p.addUser(t, member(p.tenant, u))
		members = append(members, directory.Ref{Kind: directory.KindUser, ID: string(u)})
	}
	if err := p.CreateGroup(t.Context(), g, members, nil, change(p.tenant)); err != nil {
		t.Fatal(err)
	}
	session := p.addSession(t, p.tenant, p.theo, "")
	family := uuid.NewString()
	p.exec(t, `
		INSERT INTO token_family (tenant_id, id, user_id, session_id, app_id, pass_id, created_at, expires_at, body)
		VALUES ($1, $2, $3, '', '', '', 0, 0, '{}')`, p.tenant, family, p.theo)
	p.d = p.join(t, p.theo, session, family)
	d, err := p.d.Prepared(directory.Preparation{By: p.theo, Group: g.ID, At: nine})
	if err == nil {
		err = p.UpdateDevice(t.Context(), d, nine, change(p.tenant))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *prepared) joining(t *testing.T, by directory.UserID, session, family string) (directory.Device, error) {
	return p.JoinDevice(t.Context(), directory.Device{
		Tenant: p.tenant, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), DisplayName: "LT-1", AccountEnabled: true,
		OperatingSystem: "Linux", TrustType: directory.TrustJoined, KeyThumbprint: "key", KeyStorage: "software", Owner: by,
		RegisteredAt: nine, SeenAt: nine, JoinedIn: session, JoinedBy: family,
	}, 5, func(directory.Device) audit.Event { return change(p.tenant) })
}

func (p *prepared) join(t *testing.T, by directory.UserID, session, family string) directory.Device {
	t.Helper()
	d, err := p.joining(t, by, session, family)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// signIn ends a sign-in of user at the device.
func (p *prepared) signIn(t *testing.T, user directory.UserID) error {
	t.Helper()
	proof := signin.Proof{Method: "password", At: nine}
	tr := signin.Transaction{
		Tenant: p.tenant, ID: uuid.NewString(), CreatedAt: nine, ExpiresAt: nine.Add(time.Hour), CorrelationID: uuid.NewString(), Continue: "/",
		Home: p.tenant, User: user, NameHash: "hash", Device: signin.DeviceOf(p.d), Proofs: []signin.Proof{proof},
	}
	err := p.CreateTransaction(t.Context(), tr, "secret")
	if err != nil {
		return err
	}
	_, err = p.Complete(t.Context(), signin.Completion{
		Transaction: tr, SecretHash: "secret", At: nine, Method: proof.Method,
		Session: signin.Session{
			Tenant: p.tenant, ID: uuid.NewString(), User: user, CreatedAt: nine, SeenAt: nine, ExpiresAt: nine.Add(time.Hour),
			Proofs: tr.Proofs, Device: tr.Device,
		},
		Event: audit.Event{
			Tenant: string(p.tenant), ID: uuid.NewString(), At: nine, CorrelationID: tr.CorrelationID,
			SignIn: &audit.SignIn{UserID: string(user), EventType: audit.InteractiveUser},
		},
	})
	return err
}

func (p *prepared) living(t *testing.T, user directory.UserID) int {
	return number(t, p.DB, `SELECT COUNT(*) FROM session WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0`, p.tenant, user) +
		number(t, p.DB, `SELECT COUNT(*) FROM token_family WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0`, p.tenant, user)
}

func TestAPreparedDeviceIsHandedOverToOne(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		p := newPrepared(t, c)
		if err := p.signIn(t, p.theo); err != nil {
			t.Fatalf("who prepares it: %v", err)
		}
		if d, err := p.Device(t.Context(), p.tenant, p.d.ID); err != nil || d.HandedOver() {
			t.Fatalf("who prepared it, and is in the group, took it: %v", err)
		}
		if n := p.living(t, p.theo); n != 3 {
			t.Fatalf("theo has %d sessions and token families", n)
		}

		results := make(chan error)
		for _, user := range []directory.UserID{p.mira, p.ada} {
			go func() { results <- p.signIn(t, user) }()
		}
		one, other := <-results, <-results
		if one != nil {
			one, other = other, one
		}
		if one != nil || !errors.Is(other, directory.ErrDevicePrepared) {
			t.Fatalf("of two, one gets it: %v, %v", one, other)
		}
		d, err := p.Device(t.Context(), p.tenant, p.d.ID)
		if err != nil || !d.HandedOver() || d.Owner != p.mira && d.Owner != p.ada || p.living(t, d.Owner) != 1 {
			t.Fatalf("it is %+v, %v", d, err)
		}
		if n := p.living(t, p.theo); n != 0 {
			t.Errorf("theo still has %d sessions and token families", n)
		}
		if last, here, err := p.SignedInOn(t.Context(), p.tenant, p.d.ID, p.theo); err != nil || !here || last == "" { // who was at it can't issue a pass for it, ever
			t.Errorf("who prepared it was not at it: %q %v, %v", last, here, err)
		}
		if n := number(t, p.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1 AND activity = $2`, p.tenant, audit.HandOverDevice); n != 1 {
			t.Errorf("%d events tell of it", n)
		}

		if err := p.signIn(t, p.theo); !errors.Is(err, directory.ErrDevicePrepared) {
			t.Errorf("who prepared it comes back: %v", err)
		}
		if _, err := p.joining(t, p.theo, "", ""); !errors.Is(err, directory.ErrDevicePrepared) {
			t.Errorf("who prepared it joins it again: %v", err)
		}
		session := p.addSession(t, p.tenant, p.theo, "")
		family := oauth.Family{
			Tenant: p.tenant, ID: uuid.NewString(), User: p.theo, Session: session, Device: signin.DeviceOf(d), CreatedAt: nine, ExpiresAt: nine.Add(time.Hour),
		}
		if err := p.Authorize(t.Context(), family, oauth.Grant{}, "hash", change(p.tenant)); !errors.Is(err, directory.ErrDevicePrepared) {
			t.Errorf("a session from elsewhere: %v", err)
		}
		if err := p.signIn(t, d.Owner); err != nil {
			t.Errorf("its owner once more: %v", err)
		}
		if n := number(t, p.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1 AND activity = $2`, p.tenant, audit.HandOverDevice); n != 1 {
			t.Errorf("%d hand-overs", n)
		}
	})
}

// A member who joins it again has it at their first sign-in there, as any other.
func TestAMemberWhoJoinsAPreparedDeviceAgainGetsTheHandOver(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		p := newPrepared(t, c)
		session := p.addSession(t, p.tenant, p.mira, "")
		d := p.join(t, p.mira, session, "")
		if d.ID != p.d.ID || d.Owner != p.theo || d.Preparation == nil || !d.Preparation.Waiting() {
			t.Fatalf("joined again it is %+v", d)
		}
		if err := p.signIn(t, p.mira); err != nil {
			t.Fatal(err)
		}
		d, err := p.Device(t.Context(), p.tenant, p.d.ID)
		if err != nil || !d.HandedOver() || d.Owner != p.mira {
			t.Errorf("after her sign-in it is %+v, %v", d, err)
		}
		if n := p.living(t, p.theo); n != 0 {
			t.Errorf("theo still has %d sessions and token families", n)
		}
		if _, err := p.joining(t, p.ada, "", ""); !errors.Is(err, directory.ErrDevicePrepared) {
			t.Errorf("the next one of the group joins it: %v", err)
		}
	})
}

// An administrator is named, by somebody who reaches them, and a guest gets no device.
func TestAGroupThatADeviceWaitsForIsOfPeopleWithoutARole(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		p := newPrepared(t, c)
		if err := p.AssignRole(t.Context(), directory.RoleAssignment{
			Tenant: p.tenant, ID: uuid.NewString(), Role: directory.GlobalReader, Scope: directory.RootScope, CreatedAt: nine,
			Principal: directory.Ref{Kind: directory.KindUser, ID: string(p.mira)},
		}, change(p.tenant)); err != nil {
			t.Fatal(err)
		}
		ada, err := p.User(t.Context(), p.tenant, p.ada)
		if err != nil {
			t.Fatal(err)
		}
		ada.UserType = "Guest"
		p.exec(t, `UPDATE directory_user SET body = $1 WHERE tenant_id = $2 AND id = $3`, asJSON(t, ada), p.tenant, p.ada)
		for what, user := range map[string]directory.UserID{"somebody with a role": p.mira, "a guest": p.ada} {
			if err := p.signIn(t, user); !errors.Is(err, directory.ErrDevicePrepared) {
				t.Errorf("%s signs in: %v", what, err)
			}
			if _, err := p.joining(t, user, "", ""); !errors.Is(err, directory.ErrDevicePrepared) {
				t.Errorf("%s joins it again: %v", what, err)
			}
		}
		if d, err := p.Device(t.Context(), p.tenant, p.d.ID); err != nil || !d.Preparation.Waiting() {
			t.Errorf("it does not wait any more: %+v, %v", d, err)
		}
	})
}

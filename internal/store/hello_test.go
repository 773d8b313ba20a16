package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/hello/hellotest"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

func TestStoresKeepTheContractOfDevicePINs(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			hellotest.Store(t, func(t testing.TB) hellotest.Fixture {
				c := d.place(t)
				return &devicePINs{passes{fixture{open(t, c), c}}}
			})
		})
	}
}

// devicePINs is the fixture of hellotest.
type devicePINs struct{ passes }

func (f *devicePINs) Place(t testing.TB, tenant directory.TenantID) (directory.UserID, directory.DeviceObjectID) {
	if _, err := f.Tenant(context.Background(), tenant); err != nil {
		name := string(tenant) + ".example"
		if err := f.CreateTenant(context.Background(), store.Seed{Tenant: directory.Tenant{
			ID: tenant, DisplayName: name, CreatedAt: nine.AddDate(-1, 0, 0), Domains: []directory.Domain{{Name: name, IsDefault: true, CreatedAt: nine}},
		}}); err != nil {
			t.Fatalf("create a tenant: %v", err)
		}
		f.exec(t, `DELETE FROM event WHERE tenant_id = $1`, tenant)
	}
	// One administrator more, so that nobody here is the last one.
	spare := directory.UserID(uuid.NewString())
	f.addUser(t, member(tenant, spare))
	f.MakeAdministrator(t, tenant, spare)
	user := directory.UserID(uuid.NewString())
	f.addUser(t, member(tenant, user))
	return user, f.AddDevice(t, tenant, user)
}

func (f *devicePINs) AddDevice(t testing.TB, tenant directory.TenantID, user directory.UserID) directory.DeviceObjectID {
	d, err := f.JoinDevice(context.Background(), directory.Device{
		Tenant: tenant, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), DisplayName: "LT-0451", AccountEnabled: true,
		OperatingSystem: "Linux", TrustType: directory.TrustJoined, KeyThumbprint: uuid.NewString(), KeyStorage: "tpm", Owner: user, RegisteredAt: nine, SeenAt: nine,
	}, 50, func(directory.Device) audit.Event { return change(tenant) })
	if err != nil {
		t.Fatal(err)
	}
	f.exec(t, `DELETE FROM event WHERE tenant_id = $1`, tenant)
	return d.ID
}

func (f *devicePINs) MakeAdministrator(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	e := change(tenant)
	if err := f.AssignRole(context.Background(), directory.RoleAssignment{
		Tenant: tenant, ID: uuid.NewString(), Principal: directory.Ref{Kind: directory.KindUser, ID: string(user)}, Role: directory.GlobalAdministrator, Scope: "/",
	}, e); err != nil {
		t.Fatal(err)
	}
	f.exec(t, `DELETE FROM event WHERE tenant_id = $1 AND id = $2`, tenant, e.ID)
}

func (f *devicePINs) AddBootstrap(t testing.TB, tenant directory.TenantID, user directory.UserID, created time.Time, once, used bool) {
	p := tap.Pass{
		Tenant: tenant, User: user, ID: uuid.NewString(), CreatedAt: created, Start: created, Lifetime: tap.BootstrapLifetime,
		SingleUse: once, Bootstrap: true, Incarnation: f.Incarnation(),
	}
	if used {
		p.UsedAt = created
	}
	if err := f.PutPass(context.Background(), p, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f *devicePINs) Passes(t testing.TB, tenant directory.TenantID, user directory.UserID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM tap WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
}

func (f *devicePINs) SignIn(t testing.TB, c hello.Container, nonce string) error {
	at := nine.Add(time.Hour)
	session := signin.Session{
		Tenant: c.Tenant, ID: uuid.NewString(), User: c.User, CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(time.Hour), Method: c.Method,
		Device: &signin.Device{ID: c.Device, DeviceID: c.DeviceID}, Proofs: []signin.Proof{c.Proof(at)},
	}
	e := change(c.Tenant)
	e.Change, e.SignIn = nil, &audit.SignIn{UserID: string(c.User), EventType: audit.InteractiveUser}
	return f.SignInWithPIN(context.Background(), oauth.PINSignIn{
		Container: c, Once: []oauth.Once{{Kind: "pinNonce", ID: nonce, Until: at.Add(time.Hour)}}, Session: session, At: at, Event: e,
		Family: oauth.Family{
			Tenant: c.Tenant, ID: uuid.NewString(), User: c.User, Session: session.ID, Device: session.Device, Method: c.Method,
			CreatedAt: at, ExpiresAt: at.Add(time.Hour),
		},
	})
}

func (f *devicePINs) Disable(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	u, err := f.User(context.Background(), tenant, user)
	if err != nil {
		t.Fatal(err)
	}
	u.AccountEnabled = false
	if err := f.UpdateUser(context.Background(), u, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f *devicePINs) Delete(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	u, err := f.User(context.Background(), tenant, user)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteUser(context.Background(), u, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f *devicePINs) DisableDevice(t testing.TB, tenant directory.TenantID, device directory.DeviceObjectID) {
	d, err := f.Device(context.Background(), tenant, device)
	if err != nil {
		t.Fatal(err)
	}
	d.AccountEnabled = false
	if err := f.UpdateDevice(context.Background(), d, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f *devicePINs) RemoveDevice(t testing.TB, tenant directory.TenantID, device directory.DeviceObjectID) {
	if err := f.DB.RemoveDevice(context.Background(), tenant, device, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

// A restore brings an older count of wrong tries back; see KeepTries.
func TestKeptTriesAreNeverFewer(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			c := d.place(t)
			f := &devicePINs{passes{fixture{open(t, c), c}}}
			tenant := directory.TenantID(uuid.NewString())
			user, device := f.Place(t, tenant)
			var methods []string
			for _, wrong := range []int{1, 4} {
				box := hello.Container{Tenant: tenant, ID: uuid.NewString(), Device: device, DeviceID: "device", User: user, CreatedAt: nine}
				if err := f.BeginContainer(t.Context(), box); err != nil {
					t.Fatal(err)
				}
				box.Method, box.Key, box.RegisteredAt, box.Software = uuid.NewString(), []byte("key"), nine, &hello.Software{Wrong: wrong}
				if _, err := f.RegisterKey(t.Context(), box, change(tenant), nil); err != nil {
					t.Fatal(err)
				}
				methods = append(methods, box.Method)
				device = f.AddDevice(t, tenant, user)
			}
			want := func(when string, all ...int) {
				t.Helper()
				for i, method := range methods {
					if got, err := f.ContainerOf(t.Context(), tenant, method); err != nil || got.Software.Wrong != all[i] {
						t.Errorf("%s, container %d has %d wrong tries: %v", when, i, got.Software.Wrong, err)
					}
				}
			}
			if err := f.KeepTries(t.Context(), tenant, "", 3); err != nil {
				t.Fatal(err)
			}
			want("three for all", 3, 4)
			if err := f.KeepTries(t.Context(), tenant, methods[0], hello.MostWrong, change(tenant)); err != nil {
				t.Fatal(err)
			}
			want("all for one", hello.MostWrong, 4)
			if err := f.KeepTries(t.Context(), tenant, uuid.NewString(), 1); !errors.Is(err, hello.ErrNone) {
				t.Errorf("of one that is not there: %v", err)
			}
			if err := f.KeepTries(t.Context(), directory.TenantID(uuid.NewString()), "", hello.MostWrong); err != nil {
				t.Error(err)
			}
			want("in another tenant", hello.MostWrong, 4)
		})
	}
}

// Package hellotest tests what stores promise about device PINs: [hello.Store] and
// [oauth.PINs].
package hellotest

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
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	hello.Store
	// Place stores an enabled user and a device that they joined.
	Place(t testing.TB, tenant directory.TenantID) (directory.UserID, directory.DeviceObjectID)
	// AddDevice stores one more device of the user.
	AddDevice(t testing.TB, tenant directory.TenantID, user directory.UserID) directory.DeviceObjectID
	// MakeAdministrator gives the user the role Global Administrator.
	MakeAdministrator(t testing.TB, tenant directory.TenantID, user directory.UserID)
	// AddBootstrap stores a bootstrap pass of the user.
	AddBootstrap(t testing.TB, tenant directory.TenantID, user directory.UserID, created time.Time, once, used bool)
	// Passes returns how many passes the user has.
	Passes(t testing.TB, tenant directory.TenantID, user directory.UserID) int
	// SignIn signs in with the PIN of c by a nonce, with a session and a family.
	SignIn(t testing.TB, c hello.Container, nonce string) error
	// Living returns how many sessions and token families of the user have not ended.
	Living(t testing.TB, tenant directory.TenantID, user directory.UserID) (sessions, families int)
	// Disable and Delete switch the user off and delete them; DisableDevice and RemoveDevice a
	// device.
	Disable(t testing.TB, tenant directory.TenantID, user directory.UserID)
	Delete(t testing.TB, tenant directory.TenantID, user directory.UserID)
	DisableDevice(t testing.TB, tenant directory.TenantID, device directory.DeviceObjectID)
	RemoveDevice(t testing.TB, tenant directory.TenantID, device directory.DeviceObjectID)
	// Events returns how many events the tenant has.
	Events(t testing.TB, tenant directory.TenantID) int
}

// nine is when the suite's people come to work; their tenant was made a year before.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a container comes back as it was begun, and is no method yet", begins},
		{"beginning again forgets what was not finished", beginsAgain},
		{"a registered key is found by its method and its person", registers},
		{"a repeat with the same key changes nothing, another key is refused", repeats},
		{"a new PIN replaces the former one on that device and ends what came from it", replaces},
		{"of many concurrent registrations one device keeps one PIN", registersOnce},
		{"nothing begins or is registered for who is gone or switched off", nobody},
		{"a removed PIN signs nobody in, and what came from it ends", removes},
		{"another tenant's PIN can't be seen or removed", tenants},
		{"a nonce is used once, of many concurrent uses one wins", nonces},
		{"a PIN ends with its device and its person", ends},
		{"five resets an hour are noted, whoever asks at once", resets},
		{"tries without a TPM all count, whoever tries at once, and stop at five", tries},
		{"a rotation that is under way is begun once, until it is too old or the root is another", beginsRotation},
		{"a key gives way to its successor with all that came from the PIN, once", rotates},
		{"of many concurrent successors one takes the key's place", rotatesOnce},
		{"a Global Administrator's PIN ends the bootstrap passes that are needed no more", bootstrap},
		{"a change whose event can't be recorded is not made", together},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.user, b.device = b.Place(t, b.tenant)
			c.test(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant directory.TenantID
	user   directory.UserID
	device directory.DeviceObjectID
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

func (b *bench) broken() audit.Event {
	e := b.event()
	e.ID = "no UUID"
	return e
}

func (b *bench) ended(directory.UserID, string) audit.Event { return b.event() }

func (b *bench) container() hello.Container {
	return hello.Container{
		Tenant: b.tenant, ID: uuid.NewString(), Device: b.device, DeviceID: "device", User: b.user, CreatedAt: nine,
		Challenge: []byte("challenge"), Root: "root", Version: 2,
	}
}

func (b *bench) begin(t *testing.T) hello.Container {
	t.Helper()
	c := b.container()
	if err := b.BeginContainer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// keyed is c with a key that is not registered yet.
func keyed(c hello.Container, key string) hello.Container {
	c.Method, c.Key, c.Attested, c.RegisteredAt = uuid.NewString(), []byte(key), true, nine.Add(time.Minute)
	return c
}

func (b *bench) register(t *testing.T) hello.Container {
	t.Helper()
	c, err := b.RegisterKey(t.Context(), keyed(b.begin(t), "key"), b.event(), b.ended)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) signIn(t *testing.T, c hello.Container, want error) {
	t.Helper()
	if err := b.SignIn(t, c, uuid.NewString()); !errors.Is(err, want) {
		t.Errorf("SignIn = %v, want %v", err, want)
	}
}

func (b *bench) wantLiving(t *testing.T, sessions, families int) {
	t.Helper()
	if s, f := b.Living(t, b.tenant, b.user); s != sessions || f != families {
		t.Errorf("%d sessions and %d families live, want %d and %d", s, f, sessions, families)
	}
}

func (b *bench) wantMethods(t *testing.T, want ...hello.Container) {
	t.Helper()
	got, err := b.ContainersOf(t.Context(), b.tenant, b.user)
	if err != nil || len(got) != len(want) {
		t.Fatalf("ContainersOf = %v, %v; want %d", got, err, len(want))
	}
	for _, c := range want {
		found, err := b.ContainerOf(t.Context(), b.tenant, c.Method)
		if err != nil || found.ID != c.ID {
			t.Errorf("ContainerOf = %v, %v", found, err)
		}
	}
}

func begins(t *testing.T, b *bench) {
	c := b.begin(t)
	got, err := b.Container(t.Context(), b.tenant, c.ID)
	if err != nil || got.Registered() || got.IDs() != c.IDs() || string(got.Challenge) != "challenge" || got.Root != "root" || got.Version != 2 ||
		got.Device != c.Device || !got.CreatedAt.Equal(nine) {
		t.Errorf("Container = %+v, %v", got, err)
	}
	b.wantMethods(t)
	for _, method := range []string{"", c.ID} {
		if _, err := b.ContainerOf(t.Context(), b.tenant, method); !errors.Is(err, hello.ErrNone) {
			t.Errorf("ContainerOf(%q) = %v", method, err)
		}
	}
}

func beginsAgain(t *testing.T, b *bench) {
	first := b.begin(t)
	second := b.begin(t)
	if _, err := b.Container(t.Context(), b.tenant, first.ID); !errors.Is(err, hello.ErrNone) {
		t.Errorf("the first is still there: %v", err)
	}
	if _, err := b.RegisterKey(t.Context(), keyed(first, "key"), b.event(), b.ended); !errors.Is(err, hello.ErrNone) {
		t.Errorf("RegisterKey = %v", err)
	}
	if _, err := b.Container(t.Context(), b.tenant, second.ID); err != nil {
		t.Error(err)
	}
}

func registers(t *testing.T, b *bench) {
	c := b.register(t)
	b.wantMethods(t, c)
	got, err := b.ContainerOf(t.Context(), b.tenant, c.Method)
	if err != nil || string(got.Key) != "key" || !got.Attested || !got.RegisteredAt.Equal(nine.Add(time.Minute)) || got.User != b.user {
		t.Errorf("ContainerOf = %+v, %v", got, err)
	}
	if n := b.Events(t, b.tenant); n != 1 {
		t.Errorf("%d events", n)
	}
	b.signIn(t, c, nil)
	b.wantLiving(t, 1, 1)
}

func repeats(t *testing.T, b *bench) {
	c := b.register(t)
	b.signIn(t, c, nil)
	again, err := b.RegisterKey(t.Context(), keyed(c, "key"), b.event(), b.ended)
	if err != nil || again.Method != c.Method {
		t.Errorf("RegisterKey = %v, %v; want %s", again.Method, err, c.Method)
	}
	if _, err := b.RegisterKey(t.Context(), keyed(c, "another"), b.event(), b.ended); !errors.Is(err, hello.ErrRegistered) {
		t.Errorf("another key: %v", err)
	}
	b.wantLiving(t, 1, 1)
	if n := b.Events(t, b.tenant); n != 2 { // the registration and the sign-in
		t.Errorf("%d events", n)
	}
}

func replaces(t *testing.T, b *bench) {
	elsewhere := b.device
	b.device = b.AddDevice(t, b.tenant, b.user)
	kept := b.register(t)
	b.signIn(t, kept, nil)
	b.device = elsewhere
	old := b.register(t)
	b.signIn(t, old, nil)
	b.wantLiving(t, 2, 2)
	fresh := b.register(t)
	b.wantLiving(t, 1, 1)
	b.wantMethods(t, kept, fresh)
	b.signIn(t, old, hello.ErrNone)
	b.signIn(t, fresh, nil)
}

func registersOnce(t *testing.T, b *bench) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c := b.container()
			if err := b.BeginContainer(t.Context(), c); err != nil {
				t.Error(err)
			}
			if _, err := b.RegisterKey(t.Context(), keyed(c, "key"), b.event(), b.ended); err != nil && !errors.Is(err, hello.ErrNone) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := b.ContainersOf(t.Context(), b.tenant, b.user)
	if err != nil || len(got) > 1 {
		t.Errorf("%d PINs, %v", len(got), err)
	}
}

func nobody(t *testing.T, b *bench) {
	begun := b.begin(t)
	for _, change := range []struct {
		name string
		to   func(*hello.Container)
		want error
	}{
		{"no such person", func(c *hello.Container) { c.User = directory.UserID(uuid.NewString()) }, directory.ErrUserUnknown},
		{"no such device", func(c *hello.Container) { c.Device = directory.DeviceObjectID(uuid.NewString()) }, directory.ErrDeviceUnknown},
	} {
		c := b.container()
		change.to(&c)
		if err := b.BeginContainer(t.Context(), c); !errors.Is(err, change.want) {
			t.Errorf("%s: %v", change.name, err)
		}
	}
	b.DisableDevice(t, b.tenant, b.device)
	if err := b.BeginContainer(t.Context(), b.container()); !errors.Is(err, directory.ErrDeviceDisabled) {
		t.Errorf("a device that is off: %v", err)
	}
	if _, err := b.RegisterKey(t.Context(), keyed(begun, "key"), b.event(), b.ended); !errors.Is(err, directory.ErrDeviceDisabled) {
		t.Errorf("a key for a device that is off: %v", err)
	}
	b.device = b.AddDevice(t, b.tenant, b.user)
	b.Disable(t, b.tenant, b.user)
	if err := b.BeginContainer(t.Context(), b.container()); !errors.Is(err, directory.ErrUserUnknown) {
		t.Errorf("a person who is off: %v", err)
	}
	b.wantMethods(t)
}

func removes(t *testing.T, b *bench) {
	c := b.register(t)
	b.signIn(t, c, nil)
	before := b.Events(t, b.tenant)
	if err := b.RemoveContainer(t.Context(), c, nine.Add(time.Hour), b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantLiving(t, 0, 0)
	b.wantMethods(t)
	b.signIn(t, c, hello.ErrNone)
	if err := b.RemoveContainer(t.Context(), c, nine.Add(time.Hour), b.event()); !errors.Is(err, hello.ErrNone) {
		t.Errorf("a second removal: %v", err)
	}
	begun := b.begin(t)
	if err := b.RemoveContainer(t.Context(), begun, nine.Add(time.Hour), b.event()); err != nil {
		t.Fatal(err)
	}
	if n := b.Events(t, b.tenant) - before; n != 1 {
		t.Errorf("%d events", n)
	}
}

func tenants(t *testing.T, b *bench) {
	c := b.register(t)
	foreign := c
	foreign.Tenant = directory.TenantID(uuid.NewString())
	b.Place(t, foreign.Tenant)
	if _, err := b.ContainerOf(t.Context(), foreign.Tenant, c.Method); !errors.Is(err, hello.ErrNone) {
		t.Errorf("ContainerOf = %v", err)
	}
	if err := b.RemoveContainer(t.Context(), foreign, nine, b.event()); !errors.Is(err, hello.ErrNone) {
		t.Errorf("RemoveContainer = %v", err)
	}
	if err := b.SignIn(t, foreign, "nonce"); err == nil {
		t.Error("a sign-in in another tenant")
	}
	b.wantMethods(t, c)
}

func nonces(t *testing.T, b *bench) {
	c := b.register(t)
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() { results <- b.SignIn(t, c, "nonce") })
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, hello.ErrAssertion) {
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d sign-ins by one nonce", won)
	}
	b.wantLiving(t, 1, 1)
}

func ends(t *testing.T, b *bench) {
	c := b.register(t)
	b.signIn(t, c, nil)
	b.DisableDevice(t, b.tenant, b.device)
	b.wantLiving(t, 0, 0)
	b.signIn(t, c, directory.ErrDeviceDisabled)
	b.RemoveDevice(t, b.tenant, b.device)
	b.wantMethods(t)

	b.device = b.AddDevice(t, b.tenant, b.user)
	c = b.register(t)
	b.signIn(t, c, nil)
	b.Disable(t, b.tenant, b.user)
	b.wantLiving(t, 0, 0)
	b.signIn(t, c, directory.ErrUserUnknown)
	b.Delete(t, b.tenant, b.user)
	b.wantMethods(t)
}

func bootstrap(t *testing.T, b *bench) {
	made := nine.AddDate(-1, 0, 0)
	first, _ := b.Place(t, b.tenant)
	recovered, _ := b.Place(t, b.tenant)
	many, _ := b.Place(t, b.tenant)
	used, _ := b.Place(t, b.tenant)
	b.AddBootstrap(t, b.tenant, first, made, true, false)
	b.AddBootstrap(t, b.tenant, used, made, true, true)
	b.AddBootstrap(t, b.tenant, many, made, false, false)
	b.AddBootstrap(t, b.tenant, recovered, nine, true, false)
	b.AddBootstrap(t, b.tenant, b.user, nine, true, false)
	want := func(who string, user directory.UserID, n int) {
		t.Helper()
		if got := b.Passes(t, b.tenant, user); got != n {
			t.Errorf("%s has %d passes, want %d", who, got, n)
		}
	}
	b.register(t) // of somebody without the role
	want("the first administrator", first, 1)
	want("who registers", b.user, 1)
	b.MakeAdministrator(t, b.tenant, b.user)
	b.register(t)
	want("the first administrator", first, 0)
	want("who registers", b.user, 0)
	want("who was recovered lately", recovered, 1)
	want("who asked for many uses", many, 1)
	want("who used it", used, 1)
}

func together(t *testing.T, b *bench) {
	begun := b.begin(t)
	if _, err := b.RegisterKey(t.Context(), keyed(begun, "key"), b.broken(), b.ended); err == nil {
		t.Error("RegisterKey without an event")
	}
	b.wantMethods(t)
	c := b.register(t)
	if err := b.RemoveContainer(t.Context(), c, nine, b.broken()); err == nil {
		t.Error("RemoveContainer without an event")
	}
	b.wantMethods(t, c)
	for range 2 * hello.MostResets {
		if err := b.NoteReset(t.Context(), c, nil, method.Renewal{At: nine}, b.broken()); err == nil {
			t.Error("NoteReset without an event")
		}
	}
	if err := b.NoteReset(t.Context(), c, nil, method.Renewal{At: nine}, b.event()); err != nil {
		t.Errorf("what was not recorded counts: %v", err)
	}
}

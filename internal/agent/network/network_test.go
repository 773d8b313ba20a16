//go:build linux

package network

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/postern-id/postern/internal/agent/lockscreen"
)

// A bus is a private D-Bus, with NetworkManager's place taken by the template of python3-dbusmock:
// real access points need a radio.
type bus struct {
	t       *testing.T
	address string
	conn    *dbus.Conn
}

const mock = "org.freedesktop.DBus.Mock"

func need(t *testing.T, packages string, command ...string) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), command[0], command[1:]...).Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("install the packages %s: %v", packages, err)
		}
		t.Skipf("install the packages %s: %v", packages, err)
	}
}

func newBus(t *testing.T) *bus {
	t.Helper()
	need(t, "dbus-daemon", "dbus-daemon", "--version")
	dir, err := os.MkdirTemp("", "bus") //nolint:usetesting // the path of a socket has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &bus{t: t}
	out := b.start("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address", "--address=unix:path="+filepath.Join(dir, "bus"))
	b.address = strings.TrimSpace(<-out)
	b.conn = b.connect()
	return b
}

// start runs a program until the test ends, and returns its lines.
func (b *bus) start(name string, arguments ...string) <-chan string {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), name, arguments...)
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+b.address, "PYTHONUNBUFFERED=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	lines := make(chan string, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			default:
			}
		}
	}()
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return lines
}

func (b *bus) connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// mocked starts the template, with one wireless device.
func mocked(t *testing.T) (*bus, *Manager) {
	t.Helper()
	need(t, "python3-dbusmock", "/usr/bin/python3", "-c", "import dbusmock")
	b := newBus(t)
	owners := make(chan *dbus.Signal, 16)
	if err := b.conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, service)); err != nil {
		t.Fatal(err)
	}
	b.conn.Signal(owners)
	b.start("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "networkmanager")
	select {
	case <-owners:
	case <-time.After(30 * time.Second):
		t.Fatal("the template does not start")
	}
	b.do("AddWiFiDevice", "radio", "wlan0", int32(30))
	m, err := open(t.Context(), b.connect())
	if err != nil {
		t.Fatal(err)
	}
	return b, m
}

// do calls one of the template's functions.
func (b *bus) do(method string, arguments ...any) {
	b.t.Helper()
	if err := b.conn.Object(service, "/org/freedesktop").Call(mock+"."+method, 0, arguments...).Err; err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

const radio = "/org/freedesktop/NetworkManager/Devices/radio"

func (b *bus) hears(name, ssid string, strength byte, security uint32) {
	b.t.Helper()
	b.do("AddAccessPoint", radio, name, ssid, "00:11:22:33:44:55", uint32(2), uint32(2412), uint32(54000), strength, security)
}

// behaves changes what a method of NetworkManager does.
func (b *bus) behaves(method, in, out, code string) {
	b.t.Helper()
	o := b.conn.Object(service, root)
	if err := o.Call(mock+".AddMethod", 0, service, method, in, out, code).Err; err != nil {
		b.t.Fatal(err)
	}
}

// said returns the first argument of each call of a method.
func (b *bus) said(method string) []any {
	b.t.Helper()
	var calls []struct {
		At        uint64
		Arguments []dbus.Variant
	}
	if err := b.conn.Object(service, root).Call(mock+".GetMethodCalls", 0, method).Store(&calls); err != nil {
		b.t.Fatal(err)
	}
	var all []any
	for _, c := range calls {
		all = append(all, c.Arguments[0].Value())
	}
	return all
}

func TestWithoutNetworkManagerThereIsNoChoice(t *testing.T) {
	b := newBus(t)
	if _, err := open(t.Context(), b.connect()); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsWithinReach(t *testing.T) {
	b, m := mocked(t)
	b.hears("far", "Contoso", 30, keyPSK)
	b.hears("near", "Contoso", 80, keyPSK)
	b.hears("cafe", "Café \u202egnp", 50, 0)
	b.hears("home", "Home", 60, keyPSK)
	b.hears("work", "Work", 90, keyEnterprise)
	b.hears("hidden", "", 99, keyPSK)
	b.do("AddWiFiConnection", radio, "known", "Home", "wpa-psk")
	list, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].ID = ""
	}
	want := []lockscreen.AccessPoint{
		{Name: "Contoso", Strength: 80, Secured: true},
		{Name: "Home", Strength: 60, Secured: true, Known: true},
		{Name: "Café gnp", Strength: 50},
	}
	if !slices.Equal(list, want) {
		t.Errorf("%+v\nwant %+v", list, want)
	}
}

func TestTheStateOfTheNetwork(t *testing.T) {
	b, m := mocked(t)
	b.hears("home", "Home", 60, keyPSK)
	b.do("AddWiFiConnection", radio, "known", "Home", "wpa-psk")
	check := func(name string, want lockscreen.NetworkState) {
		t.Helper()
		if got, err := m.State(t.Context()); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	check("by a cable", lockscreen.NetworkState{Connected: true})
	b.do("AddActiveConnection", []string{radio}, "/org/freedesktop/NetworkManager/Settings/known",
		"/org/freedesktop/NetworkManager/AccessPoint/home", "one", uint32(2))
	check("by radio", lockscreen.NetworkState{Connected: true, Name: "Home"})
	b.do("SetConnectivity", uint32(portal))
	check("behind a captive portal", lockscreen.NetworkState{Connected: true, Name: "Home", Portal: true})
	b.do("SetGlobalConnectionState", uint32(20))
	check("without", lockscreen.NetworkState{Portal: true})
}

// find returns the id of a network.
func find(t *testing.T, m *Manager, name string) lockscreen.AccessPoint {
	t.Helper()
	list, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(list, func(one lockscreen.AccessPoint) bool { return one.Name == name })
	if at < 0 {
		t.Fatalf("%s is not within reach: %+v", name, list)
	}
	return list[at]
}

func TestJoiningANetwork(t *testing.T) {
	b, m := mocked(t)
	b.hears("home", "Home", 60, keyPSK)
	b.hears("cafe", "Cafe", 50, 0)
	home := find(t, m, "Home").ID
	for name, secret := range map[string]string{"none": "", "too short": "1234567", "too long": strings.Repeat("1", 65), "no text": "12345678\x00"} {
		if err := m.Connect(t.Context(), home, secret); !errors.Is(err, lockscreen.ErrNetworkSecret) {
			t.Errorf("a passphrase that is %s: %v", name, err)
		}
	}
	if err := m.Connect(t.Context(), "another.wpa-psk", "12345678"); !errors.Is(err, lockscreen.ErrNetwork) {
		t.Errorf("one that is not there: %v", err)
	}
	if err := m.Connect(t.Context(), home, "correct horse"); err != nil {
		t.Fatal(err)
	}
	profile, ok := b.said("AddAndActivateConnection")[0].(map[string]map[string]dbus.Variant)
	if !ok || profile["802-11-wireless-security"]["psk"].Value() != "correct horse" || profile["802-11-wireless-security"]["key-mgmt"].Value() != "wpa-psk" {
		t.Errorf("the profile is %v", profile)
	}
	if one := find(t, m, "Home"); !one.Active || !one.Known {
		t.Errorf("afterwards: %+v", one)
	}
	if s, err := m.State(t.Context()); err != nil || s.Name != "Home" {
		t.Errorf("afterwards: %+v %v", s, err)
	}
	if err := m.Connect(t.Context(), find(t, m, "Cafe").ID, ""); err != nil {
		t.Errorf("an open one: %v", err)
	}
	if err := m.Connect(t.Context(), home, ""); err != nil {
		t.Errorf("a known one: %v", err)
	}
}

// failing has NetworkManager begin and then say that the device gave up for a reason.
const failing = `
import dbus
conn, act = self.add_and_activate_connection(self, args[0], args[1], args[2])
import dbusmock
o = dbusmock.get_object(act)
o.Set('org.freedesktop.NetworkManager.Connection.Active', 'State', dbus.UInt32(4))
d = dbusmock.get_object(args[1])
d.Set('org.freedesktop.NetworkManager.Device', 'StateReason', (dbus.UInt32(120), dbus.UInt32(REASON)))
ret = (conn, act)`

func TestAPassphraseThatIsRefusedIsNotRemembered(t *testing.T) {
	b, m := mocked(t)
	b.hears("home", "Home", 60, keyPSK)
	home := find(t, m, "Home").ID
	for reason, want := range map[string]error{"7": lockscreen.ErrNetworkSecret, "9": lockscreen.ErrNetworkSecret, "53": lockscreen.ErrNetwork} {
		b.behaves("AddAndActivateConnection", "a{sa{sv}}oo", "oo", strings.Replace(failing, "REASON", reason, 1))
		if err := m.Connect(t.Context(), home, "correct horse"); !errors.Is(err, want) {
			t.Errorf("reason %s: %v, want %v", reason, err, want)
		}
		if one := find(t, m, "Home"); one.Known {
			t.Errorf("reason %s: the passphrase stays", reason)
		}
	}
}

func TestJoiningTakesItsTime(t *testing.T) {
	b, m := mocked(t)
	b.hears("home", "Home", 60, keyPSK)
	home := find(t, m, "Home").ID
	b.behaves("AddAndActivateConnection", "a{sa{sv}}oo", "oo", strings.Replace(strings.Replace(failing, "UInt32(4)", "UInt32(1)", 1), "REASON", "0", 1))
	joined := make(chan error, 1)
	go func() { joined <- m.Connect(t.Context(), home, "correct horse") }()
	for len(b.said("AddAndActivateConnection")) == 0 {
		<-time.After(time.Millisecond)
	}
	select {
	case err := <-joined:
		t.Fatalf("before it is connected: %v", err)
	default:
	}
	b.do("SetProperty", "/org/freedesktop/NetworkManager/ActiveConnection/0", active, "State", dbus.MakeVariant(uint32(stateActivated)))
	if err := <-joined; err != nil {
		t.Error(err)
	}
}

func TestJoiningEndsWithItsContext(t *testing.T) {
	b, m := mocked(t)
	b.hears("home", "Home", 60, keyPSK)
	home := find(t, m, "Home").ID
	b.behaves("AddAndActivateConnection", "a{sa{sv}}oo", "oo",
		strings.Replace(strings.Replace(failing, "UInt32(4)", "UInt32(1)", 1), "REASON", "0", 1))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := m.Connect(ctx, home, "correct horse"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

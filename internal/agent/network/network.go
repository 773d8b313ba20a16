// Package network lets people choose a network at the lock screen, over the D-Bus of
// NetworkManager. It is there for laptops that come to a place where they have not been: web
// sign-in needs the server. A machine without NetworkManager has no choice to offer, see
// [Open]. Names and numbers are those of its documentation, "D-Bus API Reference".
package network

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/postern-id/postern/internal/agent/lockscreen"
)

// Names on the bus.
const (
	service    = "org.freedesktop.NetworkManager"
	root       = dbus.ObjectPath("/org/freedesktop/NetworkManager")
	settings   = dbus.ObjectPath("/org/freedesktop/NetworkManager/Settings")
	device     = service + ".Device"
	wireless   = service + ".Device.Wireless"
	point      = service + ".AccessPoint"
	active     = service + ".Connection.Active"
	connection = service + ".Settings.Connection"
)

// Numbers of NetworkManager.
const (
	connectedLocal     = 50 // NM_STATE_CONNECTED_LOCAL
	portal             = 2  // NM_CONNECTIVITY_PORTAL
	typeWireless       = 2  // NM_DEVICE_TYPE_WIFI
	stateActivated     = 2  // NM_ACTIVE_CONNECTION_STATE_ACTIVATED
	stateDeactivated   = 4
	kindWireless       = "802-11-wireless"
	noObject           = dbus.ObjectPath("/")
	flagPrivacy        = 0x1   // NM_802_11_AP_FLAGS_PRIVACY
	keyPSK             = 0x100 // NM_802_11_AP_SEC_KEY_MGMT_PSK
	keyEnterprise      = 0x200 // …_802_1X
	keySAE             = 0x400 // …_SAE
	keyEnterprise192   = 0x2000
	reasonNoSecrets    = 7 // NM_DEVICE_STATE_REASON_NO_SECRETS
	reasonSupplicant   = 8 // …_SUPPLICANT_DISCONNECT, and up to …_SUPPLICANT_TIMEOUT
	reasonSupplicantTo = 11
)

// ErrAbsent says that this machine has no NetworkManager that runs.
var ErrAbsent = errors.New("NetworkManager does not run on this machine")

// A Manager is NetworkManager as the lock screen sees it. It is safe for concurrent use.
// Close it.
type Manager struct {
	bus *dbus.Conn

	mu    sync.Mutex
	wrong map[string]bool // networks whose kept passphrase was refused: it is asked for again
}

var _ lockscreen.Network = (*Manager)(nil)

// Open connects to the system's bus, or is ErrAbsent.
func Open(ctx context.Context) (*Manager, error) {
	bus, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrAbsent, err)
	}
	return open(ctx, bus)
}

func open(ctx context.Context, bus *dbus.Conn) (*Manager, error) {
	var owned bool
	err := bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, service).Store(&owned)
	if err != nil || !owned {
		return nil, errors.Join(ErrAbsent, err, bus.Close())
	}
	return &Manager{bus: bus, wrong: map[string]bool{}}, nil
}

// Close lets the bus go.
func (m *Manager) Close() error { return m.bus.Close() }

// call calls a method and stores its answer.
func (m *Manager) call(ctx context.Context, path dbus.ObjectPath, method string, args []any, out ...any) error {
	c := m.bus.Object(service, path).CallWithContext(ctx, method, 0, args...)
	if c.Err != nil {
		return fmt.Errorf("NetworkManager: %s: %w", method[strings.LastIndexByte(method, '.')+1:], c.Err)
	}
	return c.Store(out...)
}

// get reads the properties of an object's interface.
func (m *Manager) get(ctx context.Context, path dbus.ObjectPath, face string) (properties, error) {
	var p properties
	err := m.call(ctx, path, "org.freedesktop.DBus.Properties.GetAll", []any{face}, &p)
	return p, err
}

// properties are of one interface. What is missing, or of another type, is the zero value.
type properties map[string]dbus.Variant

func value[T any](p properties, name string) T {
	v, _ := p[name].Value().(T)
	return v
}

// State tells what the machine is connected to.
func (m *Manager) State(ctx context.Context) (lockscreen.NetworkState, error) {
	p, err := m.get(ctx, root, service)
	if err != nil {
		return lockscreen.NetworkState{}, err
	}
	s := lockscreen.NetworkState{
		Connected: value[uint32](p, "State") >= connectedLocal,
		Portal:    value[uint32](p, "Connectivity") == portal,
	}
	if !s.Connected {
		return s, nil
	}
	path, err := m.activePoint(ctx, value[[]dbus.ObjectPath](p, "ActiveConnections"))
	if err != nil || path == noObject {
		return s, err
	}
	ap, err := m.get(ctx, path, point)
	s.Name = string(value[[]byte](ap, "Ssid"))
	return s, err
}

// activePoint returns the access point that is used now, or noObject.
func (m *Manager) activePoint(ctx context.Context, all []dbus.ObjectPath) (dbus.ObjectPath, error) {
	for _, path := range all {
		p, err := m.get(ctx, path, active)
		if err != nil {
			continue // it ended meanwhile
		}
		if value[string](p, "Type") == kindWireless && value[uint32](p, "State") == stateActivated {
			return value[dbus.ObjectPath](p, "SpecificObject"), nil
		}
	}
	return noObject, nil
}

// A choice is an access point with what joining it takes.
type choice struct {
	lockscreen.AccessPoint
	ssid     []byte
	key      string // key-mgmt of the profile; empty without a passphrase
	device   dbus.ObjectPath
	point    dbus.ObjectPath
	profiles []dbus.ObjectPath // that this machine has for it
}

// List returns the wireless networks within reach, the strongest first, each once. Those that
// take more than a passphrase are in it only where this machine has a profile for them.
func (m *Manager) List(ctx context.Context) ([]lockscreen.AccessPoint, error) {
	all, err := m.choices(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]lockscreen.AccessPoint, 0, len(all))
	for _, one := range all {
		list = append(list, one.AccessPoint)
	}
	return list, nil
}

func (m *Manager) choices(ctx context.Context) ([]choice, error) {
	var devices []dbus.ObjectPath
	if err := m.call(ctx, root, service+".GetDevices", nil, &devices); err != nil {
		return nil, err
	}
	known, err := m.profiles(ctx)
	if err != nil {
		return nil, err
	}
	now, err := m.get(ctx, root, service)
	if err != nil {
		return nil, err
	}
	used, err := m.activePoint(ctx, value[[]dbus.ObjectPath](now, "ActiveConnections"))
	if err != nil {
		return nil, err
	}
	best := map[string]choice{}
	for _, path := range devices {
		for _, one := range m.within(ctx, path) {
			one.profiles = known[string(one.ssid)]
			m.mu.Lock()
			one.Known = len(one.profiles) > 0 && !m.wrong[one.ID]
			m.mu.Unlock()
			one.Active = one.point == used
			former, seen := best[one.ID]
			if one.key == enterprise && !one.Known || seen && !stronger(one, former) {
				continue
			}
			best[one.ID] = one
		}
	}
	all := make([]choice, 0, len(best))
	for _, one := range best {
		all = append(all, one)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if a.Active != b.Active || a.Strength != b.Strength {
			return stronger(a, b)
		}
		return a.ID < b.ID
	})
	return all, nil
}

// stronger puts what is used first.
func stronger(a, b choice) bool {
	if a.Active != b.Active {
		return a.Active
	}
	return a.Strength > b.Strength
}

// within returns what a device hears. One that is no wireless device, or just went, hears
// nothing.
func (m *Manager) within(ctx context.Context, path dbus.ObjectPath) []choice {
	p, err := m.get(ctx, path, device)
	if err != nil || value[uint32](p, "DeviceType") != typeWireless {
		return nil
	}
	radio, err := m.get(ctx, path, wireless)
	if err != nil {
		return nil
	}
	var all []choice
	for _, one := range value[[]dbus.ObjectPath](radio, "AccessPoints") {
		ap, err := m.get(ctx, one, point)
		ssid := value[[]byte](ap, "Ssid")
		if err != nil || len(ssid) == 0 { // gone, or hidden
			continue
		}
		key := keyOf(value[uint32](ap, "Flags"), value[uint32](ap, "WpaFlags")|value[uint32](ap, "RsnFlags"))
		all = append(all, choice{
			AccessPoint: lockscreen.AccessPoint{
				ID: hex.EncodeToString(ssid) + "." + key, Name: readable(ssid),
				Strength: int(value[byte](ap, "Strength")), Secured: key != "",
			},
			ssid: ssid, key: key, device: path, point: one,
		})
	}
	return all
}

// enterprise is the key of a network that takes more than a passphrase.
const enterprise = "enterprise"

// keyOf returns what a profile has as key-mgmt. WEP, which protects nothing, counts as
// enterprise: a passphrase does not do.
func keyOf(flags, security uint32) string {
	switch {
	case security&keyPSK != 0: // of those that take both, what all know
		return "wpa-psk"
	case security&keySAE != 0:
		return "sae"
	case security&(keyEnterprise|keyEnterprise192) != 0, security == 0 && flags&flagPrivacy != 0:
		return enterprise
	}
	return ""
}

// readable is a network's name for a page. Anybody may name theirs: what is no text, or
// would turn the line around, is left out.
func readable(ssid []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(ssid), ""))
}

// profiles returns what this machine knows of wireless networks, by name.
func (m *Manager) profiles(ctx context.Context) (map[string][]dbus.ObjectPath, error) {
	var paths []dbus.ObjectPath
	if err := m.call(ctx, settings, service+".Settings.ListConnections", nil, &paths); err != nil {
		return nil, err
	}
	all := map[string][]dbus.ObjectPath{}
	for _, path := range paths {
		var one map[string]properties
		if err := m.call(ctx, path, connection+".GetSettings", nil, &one); err != nil {
			continue // removed meanwhile, or not for us to see
		}
		if ssid := value[[]byte](one[kindWireless], "ssid"); len(ssid) > 0 {
			all[string(ssid)] = append(all[string(ssid)], path)
		}
	}
	return all, nil
}

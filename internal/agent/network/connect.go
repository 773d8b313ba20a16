package network

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/postern-id/postern/internal/agent/lockscreen"
)

// Connect implements lockscreen.Network. A new profile is kept only if it works, so that a
// passphrase with a slip is not remembered.
func (m *Manager) Connect(ctx context.Context, id, secret string) error {
	all, err := m.choices(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(c choice) bool { return c.ID == id })
	if at < 0 {
		return lockscreen.ErrNetwork
	}
	c := all[at]
	if c.Active && secret == "" {
		return nil
	}
	if secret == "" && (c.Known || !c.Secured) && len(c.profiles) > 0 {
		return m.activate(ctx, c, c.profiles[0])
	}
	if c.key == enterprise {
		return lockscreen.ErrNetwork
	}
	if c.Secured && !passphrase.MatchString(secret) {
		return lockscreen.ErrNetworkSecret
	}
	return m.add(ctx, c, secret)
}

// passphrase is what WPA takes: 8 to 63 characters, or a key as 64 digits.
var passphrase = regexp.MustCompile(`^([\x20-\x7e]{8,63}|[0-9A-Fa-f]{64})$`)

// activate uses a profile that this machine has.
func (m *Manager) activate(ctx context.Context, c choice, profile dbus.ObjectPath) error {
	w, err := m.watch(c)
	if err != nil {
		return err
	}
	defer w.close()
	var path dbus.ObjectPath
	if err := m.call(ctx, root, service+".ActivateConnection", []any{profile, c.device, c.point}, &path); err != nil {
		return refused(err)
	}
	err = w.wait(ctx, path)
	m.noteSecret(c, err)
	return err
}

// add makes a profile and uses it. The former ones of that network end when it works.
func (m *Manager) add(ctx context.Context, c choice, secret string) error {
	profile := map[string]map[string]dbus.Variant{
		"connection": {"id": dbus.MakeVariant(c.Name), "type": dbus.MakeVariant(kindWireless)},
		kindWireless: {"ssid": dbus.MakeVariant(c.ssid)},
	}
	if c.Secured {
		profile["802-11-wireless-security"] = map[string]dbus.Variant{"key-mgmt": dbus.MakeVariant(c.key), "psk": dbus.MakeVariant(secret)}
	}
	w, err := m.watch(c)
	if err != nil {
		return err
	}
	defer w.close()
	var made, path dbus.ObjectPath
	if err := m.call(ctx, root, service+".AddAndActivateConnection", []any{profile, c.device, c.point}, &made, &path); err != nil {
		return refused(err)
	}
	err = w.wait(ctx, path)
	m.noteSecret(c, err)
	gone := c.profiles
	if err != nil {
		gone = []dbus.ObjectPath{made}
	}
	for _, one := range gone {
		if one != made || err != nil {
			_ = m.call(context.WithoutCancel(ctx), one, connection+".Delete", nil) // one that stays does no harm
		}
	}
	return err
}

// noteSecret has the page ask for the passphrase of a known network that was refused.
func (m *Manager) noteSecret(c choice, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		delete(m.wrong, c.ID)
	} else if errors.Is(err, lockscreen.ErrNetworkSecret) {
		m.wrong[c.ID] = true
	}
}

// refused says what NetworkManager would not even begin.
func refused(err error) error { return fmt.Errorf("%w (%w)", lockscreen.ErrNetwork, err) }

// A watch hears what becomes of connections.
type watch struct {
	m       *Manager
	device  dbus.ObjectPath
	secured bool
	signals chan *dbus.Signal
	rules   []dbus.MatchOption
}

// watch begins before anything is asked for, so that nothing is missed.
func (m *Manager) watch(c choice) (*watch, error) {
	w := &watch{m: m, device: c.device, secured: c.Secured, signals: make(chan *dbus.Signal, 64), rules: []dbus.MatchOption{
		dbus.WithMatchSender(service), dbus.WithMatchPathNamespace(root),
	}}
	if err := m.bus.AddMatchSignal(w.rules...); err != nil {
		return nil, err
	}
	m.bus.Signal(w.signals)
	return w, nil
}

func (w *watch) close() {
	w.m.bus.RemoveSignal(w.signals)
	_ = w.m.bus.RemoveMatchSignal(w.rules...) // goes with the bus at the latest
}

// wait returns when the active connection at path works, or why it does not. Each signal is
// a reason to look, and no more: what counts is what NetworkManager says then.
func (w *watch) wait(ctx context.Context, path dbus.ObjectPath) error {
	var reason uint32
	for {
		p, err := w.m.get(ctx, path, active)
		state := value[uint32](p, "State")
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && state == stateActivated:
			return nil
		case err != nil || state == stateDeactivated: // it ended, or is gone
			return w.why(ctx, reason)
		}
		select {
		case s, open := <-w.signals:
			if !open {
				return lockscreen.ErrNetwork
			}
			if s.Path == w.device && s.Name == device+".StateChanged" && len(s.Body) == 3 {
				if r, ok := s.Body[2].(uint32); ok && secretReason(r) {
					reason = r
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// why tells a wrong passphrase from other trouble, by what the device said last.
func (w *watch) why(ctx context.Context, reason uint32) error {
	p, err := w.m.get(ctx, w.device, device)
	if err == nil && reason == 0 {
		if pair := value[[]any](p, "StateReason"); len(pair) == 2 {
			if r, ok := pair[1].(uint32); ok && secretReason(r) {
				reason = r
			}
		}
	}
	if reason != 0 && w.secured {
		return lockscreen.ErrNetworkSecret
	}
	return lockscreen.ErrNetwork
}

func secretReason(r uint32) bool {
	return r == reasonNoSecrets || r >= reasonSupplicant && r <= reasonSupplicantTo
}

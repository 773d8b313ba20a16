package agent

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/pin"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
)

// Faults of people at a device.
var (
	ErrNoWebSignIn = &fault.Error{
		Kind: fault.Forbidden, Code: "webSignInOff",
		Text: "Web sign-in is switched off on this device.", Remedy: "Sign in with your PIN, or ask the helpdesk.",
	}
	ErrNoPIN = &fault.Error{
		Kind: fault.Forbidden, Code: "pinNotOffered",
		Text: "Device PINs are switched off here.", Remedy: "Use web sign-in.",
	}
	ErrNoReset = &fault.Error{
		Kind: fault.Forbidden, Code: "pinResetNotOffered",
		Text: "A forgotten PIN can't be replaced on this device.", Remedy: "Use web sign-in; the helpdesk can delete the PIN.",
	}
	ErrPINAge = &fault.Error{
		Kind: fault.Forbidden, Code: "pinExpired",
		Text: "This PIN has expired.", Remedy: "Choose a new one.",
	}
	ErrNotFresh = &fault.Error{
		Kind: fault.Unauthorized, Code: "signInNotFresh",
		Text: "Setting a PIN needs a sign-in that is no older than ten minutes.", Remedy: "Sign in once more.",
	}
	ErrDisabled = &fault.Error{
		Kind: fault.Forbidden, Code: "personDisabled",
		Text: "This account is switched off.", Remedy: "Ask the helpdesk.",
	}
)

// FreshFor is how long after a strong sign-in a PIN can be set up (the 10-minute rule of
// docs/device-pin.md). The server counts for itself.
const FreshFor = 10 * time.Minute

// usable returns the device if people may use it.
func (a *Agent) usable() (*Device, error) {
	d, err := a.Device()
	if err != nil {
		return nil, err
	}
	if code := d.Identity().Ended; code != "" {
		return nil, ended(code)
	}
	return d, nil
}

// Usable reports why nobody may use the device now, or nil.
func (a *Agent) Usable() error {
	_, err := a.usable()
	return err
}

// Lookup returns a person by user name, UPN, number or object id: from memory, else from the
// server. It lets nobody in, and keeps who may have an account here.
func (a *Agent) Lookup(ctx context.Context, name string) (device.Account, error) {
	d, err := a.usable()
	if err != nil {
		return device.Account{}, err
	}
	if one, err := d.Accounts.Find(name); err == nil {
		return one, nil
	}
	account, err := d.Link.Account(ctx, name)
	if err != nil {
		return device.Account{}, err
	}
	if _, err := d.Accounts.Put(account); err != nil {
		return device.Account{}, err
	}
	return d.Accounts.Find(account.ID)
}

// StartWeb begins a web sign-in that comes back to redirect, an address on this machine.
func (a *Agent) StartWeb(ctx context.Context, redirect, hint string) (*websignin.Request, error) {
	if err := a.mayStartWeb(); err != nil {
		return nil, err
	}
	d, err := a.usable()
	if err != nil {
		return nil, err
	}
	return websignin.Start(ctx, d.Link, d.Identity().Tenant, redirect, websignin.Hint{
		Name: hint, Domain: d.Settings("")[devicepolicy.PreferredTenantDomain].Value.Text(),
	}, d.Identity().DeviceID)
}

// Redeem turns what came back to a web sign-in into the person. A practice pass ends in a [Practised].
func (a *Agent) Redeem(ctx context.Context, r *websignin.Request, answer url.Values) (websignin.Person, error) {
	p, err := r.Redeem(ctx, answer)
	return p, a.practised(ctx, err)
}

// mayStartWeb reports why nobody signs in at the server from here, or nil.
func (a *Agent) mayStartWeb() error {
	d, err := a.usable()
	if err == nil && !d.Settings("").On(devicepolicy.EnableWebSignIn) {
		err = ErrNoWebSignIn
	}
	return err
}

// StartCode begins a sign-in on another device, where policy lets remote sessions have it.
func (a *Agent) StartCode(ctx context.Context) (*websignin.Code, error) {
	d, err := a.usable()
	if err != nil {
		return nil, err
	}
	return websignin.StartCode(ctx, d.Link, d.Identity().Tenant)
}

// Welcome makes room on this machine for somebody who has signed in at the server, and
// returns their account: the one way in that ends every sign-in but the PIN's.
func (a *Agent) Welcome(ctx context.Context, p websignin.Person) (device.Account, error) {
	d, err := a.usable()
	if err != nil {
		return device.Account{}, err
	}
	if p.DeviceID != "" && p.DeviceID != d.Identity().DeviceID { // a code for another device names none
		return device.Account{}, websignin.ErrDevice
	}
	if !p.MayEnter() && !p.MaySetPIN() {
		return device.Account{}, websignin.ErrPurpose
	}
	account, err := a.present(ctx, d, p.ID)
	if websignin.Lost(err) {
		a.unfinished.again(p.ID)
	} else {
		a.unfinished.done(p.ID)
	}
	if err != nil {
		return device.Account{}, err
	}
	if account.ID != p.ID {
		return device.Account{}, websignin.ErrAnswer
	}
	if !account.Enabled {
		return device.Account{}, ErrDisabled
	}
	changed, err := d.Accounts.Put(account)
	if err != nil {
		return device.Account{}, err
	}
	short, cancel := context.WithTimeout(ctx, welcomeTime)
	defer cancel()
	if _, err := a.readPersonPolicy(short, d, p.ID); err != nil {
		a.options.Log.WarnContext(ctx, "no policy for a person", "account", p.ID, "err", err)
	}
	if changed {
		a.watch.tell(AccountChanged)
	}
	return d.Accounts.Find(p.ID)
}

// welcomeTime is how long somebody who has signed in waits for news of what is known of them.
const welcomeTime = 2 * time.Second

// present reads the account of somebody whom the server has just let in. When the link breaks
// at this moment, what is known of them will do: nobody's pass is spent for nothing.
func (a *Agent) present(ctx context.Context, d *Device, id string) (device.Account, error) {
	known, unknown := d.Accounts.Find(id)
	if unknown != nil || !known.Enabled {
		return d.Link.Account(ctx, id)
	}
	short, cancel := context.WithTimeout(ctx, welcomeTime)
	defer cancel()
	account, err := d.Link.Account(short, id)
	if websignin.Lost(err) && ctx.Err() == nil {
		return known, nil
	}
	return account, err
}

// PINOffered says whether a person may have a PIN here, or why not.
func (d *Device) PINOffered(user string) error {
	settings := d.Settings(user)
	if !settings.On(devicepolicy.UsePassportForWork) {
		return ErrNoPIN
	}
	if d.chip == nil && settings.On(devicepolicy.RequireSecurityDevice) {
		return hello.ErrNeedsTPM
	}
	return nil
}

// pinned returns the device if user may have a PIN here.
func (a *Agent) pinned(user string) (*Device, error) {
	d, err := a.usable()
	if err == nil {
		err = d.PINOffered(user)
	}
	return d, err
}

// CheckPIN reports what is wrong with a PIN that a person chose, as a container.ErrPIN.
func (a *Agent) CheckPIN(user, chosen string) error {
	d, err := a.pinned(user)
	if err != nil {
		return err
	}
	return d.rules(user).Check(chosen)
}

// rules are the rules for a person's PIN.
func (d *Device) rules(user string) container.Rules {
	return container.RulesFrom(d.Settings(user).Effective())
}

// PINEnds returns when a person has to change their PIN; the zero time is never.
func (d *Device) PINEnds(user string) time.Time {
	c, err := d.PINs.Containers.Find(user)
	if err != nil {
		return time.Time{}
	}
	return d.rules(user).Ends(c.SetAt)
}

// Unlock signs a person in by their PIN, after the wait that earlier wrong ones brought. user
// is their object id. Remote sessions never get here (rule 18 of docs/threat-model.md).
// ErrPINAge says that the PIN was right, and has expired: it opens nothing but ChangePIN.
func (a *Agent) Unlock(ctx context.Context, user, typed string) (pin.Unlocked, error) {
	d, err := a.pinned(user)
	if err != nil {
		return pin.Unlocked{}, err
	}
	account, err := d.Accounts.Find(user)
	if err != nil {
		return pin.Unlocked{}, err
	}
	if !account.Enabled {
		return pin.Unlocked{}, ErrDisabled
	}
	if err := a.hold(ctx, d, user); err != nil {
		return pin.Unlocked{}, err
	}
	short, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	ends := d.PINEnds(user)
	if left := ends.Sub(a.options.Now()); !ends.IsZero() && left <= 0 {
		err := d.PINs.Check(short, user, typed)
		a.tried(user, err)
		if err != nil {
			return pin.Unlocked{}, err
		}
		return pin.Unlocked{}, ErrPINAge
	}
	out, err := d.PINs.Unlock(short, user, typed)
	a.tried(user, err)
	if !ends.IsZero() && ends.Sub(a.options.Now()) <= container.WarnFor {
		out.Ends = ends
	}
	if err == nil && !out.Offline {
		if _, err := a.Welcome(ctx, out.Person); err != nil && reachable(err) {
			return pin.Unlocked{}, err
		}
		a.rotatePIN(ctx, d, out.Person, typed)
	}
	switch {
	case refusedDevice(err):
		err = errors.Join(err, a.end(ctx, d, err))
	case errors.Is(err, pin.ErrRefused): // the organisation deleted it: it opens nothing here, either
		err = errors.Join(err, d.PINs.Forget(ctx, user))
		a.watch.tell(PINChanged)
	}
	return out, err
}

// rotatePIN gives a PIN that was typed right a new key, where the server asks for one. It is
// signed in all the same when that has to wait for the next time.
func (a *Agent) rotatePIN(ctx context.Context, d *Device, p websignin.Person, typed string) {
	if !p.PINKeyDue {
		return
	}
	short, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	if err := d.PINs.Rotate(short, p, typed); err != nil {
		a.options.Log.WarnContext(ctx, "a PIN keeps its former key for now", "account", p.ID, "err", err)
		return
	}
	a.options.Log.InfoContext(ctx, "a PIN has a new key", "account", p.ID)
}

// unlockTime is how long an unlock waits for the server before it counts as away.
const unlockTime = 5 * time.Second

// SetPIN sets a PIN up for somebody who signed in just now.
func (a *Agent) SetPIN(ctx context.Context, p websignin.Person, chosen string) error {
	d, err := a.pinned(p.ID)
	if err != nil {
		return err
	}
	if err := a.CheckPIN(p.ID, chosen); err != nil {
		return err
	}
	if a.FreshLeft(p) <= 0 {
		return ErrNotFresh
	}
	if err := d.PINs.Create(ctx, p, chosen); err != nil {
		return err
	}
	a.watch.tell(PINChanged)
	return nil
}

// FreshLeft is how long the person may still set a PIN up.
func (a *Agent) FreshLeft(p websignin.Person) time.Duration {
	if !p.Fresh() {
		return 0
	}
	return FreshFor - a.options.Now().Sub(p.At)
}

// ChangePIN changes a PIN by the former one, expired or not. The chosen one may not be one of
// those that the policy's history names.
func (a *Agent) ChangePIN(ctx context.Context, user, former, chosen string) error {
	d, err := a.pinned(user)
	if err != nil {
		return err
	}
	if err := a.CheckPIN(user, chosen); err != nil {
		return err
	}
	if err := a.hold(ctx, d, user); err != nil {
		return err
	}
	err = d.PINs.Change(ctx, user, former, chosen, d.rules(user).Past)
	a.tried(user, err)
	return err
}

// ResetPIN gives a forgotten PIN a new one, for somebody who signed in just now. The key, and
// what hangs on it, stays.
func (a *Agent) ResetPIN(ctx context.Context, p websignin.Person, chosen string) error {
	d, err := a.pinned(p.ID)
	if err != nil {
		return err
	}
	if !d.Settings(p.ID).On(devicepolicy.EnablePINRecovery) {
		return ErrNoReset
	}
	if err := a.CheckPIN(p.ID, chosen); err != nil {
		return err
	}
	if err := d.PINs.Reset(ctx, p, chosen); err != nil {
		return err
	}
	a.watch.tell(PINChanged)
	return nil
}

// RemovePIN takes a PIN away, here and at the server. What its key opened is lost: the caller
// has told the person so.
func (a *Agent) RemovePIN(ctx context.Context, user string) error {
	d, err := a.Device()
	if err != nil {
		return err
	}
	if err := d.PINs.Remove(ctx, user); err != nil {
		return err
	}
	a.watch.tell(PINChanged)
	return nil
}

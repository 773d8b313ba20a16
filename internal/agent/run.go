package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// Pauses of the agent.
const (
	firstPause = time.Second
	mostPause  = time.Minute
	poll       = 30 * time.Second // where the server has no stream
	always     = time.Hour        // everything is read again at least so often
	refused    = 5 * time.Minute  // between tries of a device that the server refuses
)

// Run keeps the device in touch with its server until ctx ends: policy, accounts,
// certificate. A device that has not joined waits until it has.
func (a *Agent) Run(ctx context.Context) error {
	pause := firstPause
	for {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to end
		}
		d, err := a.Device()
		if err != nil {
			if !errors.Is(err, identity.ErrNotJoined) && !errors.Is(err, ErrYielded) {
				a.options.Log.ErrorContext(ctx, "the device can't be used; run postern-agent repair", "err", err)
			}
			select {
			case <-ctx.Done():
			case <-a.changed:
			}
			continue
		}
		err = a.follow(ctx, d)
		if d.Link.Heard().After(a.options.Now().Add(-pause)) {
			pause = firstPause
		}
		wait := pause + rand.N(pause) //nolint:gosec // so that many devices do not come at once
		switch {
		case refusedDevice(err):
			wait = refused
		case err != nil && ctx.Err() == nil:
			a.options.Log.InfoContext(ctx, "no contact", "err", err, "again", wait.Round(time.Second).String())
		}
		pause = min(2*pause, mostPause)
		if !a.wait(ctx, wait) {
			pause = firstPause
		}
	}
}

// wait waits, and reports false when the device changed meanwhile.
func (a *Agent) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-a.changed:
		return false
	case <-timer.C:
		return true
	}
}

// refusedDevice reports whether the server knows the device no more, or has switched it off.
func refusedDevice(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && slices.Contains(refusals, f.Code)
}

// refusals are the codes with which the server refuses a device (docs/device-protocol.md).
var refusals = []string{
	directory.ErrDeviceUnknown.Code, directory.ErrDeviceDisabled.Code, directory.ErrDevicePending.Code, directory.ErrDeviceRefused.Code,
	"deviceDeleted", "deviceRevoked",
}

// Contact brings the device up to date: policy, people, certificate, status.
func (a *Agent) Contact(ctx context.Context) error {
	a.work.Lock()
	defer a.work.Unlock()
	d, err := a.Device()
	if err != nil {
		return err
	}
	return a.update(ctx, d)
}

// update reads everything, and notes whether the server takes the device.
func (a *Agent) update(ctx context.Context, d *Device) error {
	if err := a.contact(ctx, d); err != nil {
		if refusedDevice(err) {
			return errors.Join(err, a.end(ctx, d, err))
		}
		return err
	}
	if d.Identity().Ended == "" {
		return nil
	}
	a.options.Log.InfoContext(ctx, "the server takes the device", "was", d.Identity().Ended)
	if err := d.change(func(i *identity.Identity) { i.Ended = "" }); err != nil {
		return err
	}
	a.watch.tell(DeviceChanged)
	a.quietly(ctx, "status not told", func(ctx context.Context) error { return a.tell(ctx, d) }) // what was wrong is no more
	return nil
}

// readAbout keeps what may change about a tenant: what it is called, its domains and whom
// people call. What trust rests on stays as it was at the join.
func (d *Device) readAbout(ctx context.Context) error {
	was := d.Identity().Tenant
	about, err := link.Discover(ctx, d.Link.HTTP, d.Link.Base, was.TenantID)
	if err != nil {
		return err
	}
	next := was
	next.DisplayName, next.Domains, next.DefaultDomain = about.DisplayName, about.Domains, about.DefaultDomain
	next.Helpdesk, next.TimeZone = about.Helpdesk, about.TimeZone
	if reflect.DeepEqual(next, was) {
		return nil
	}
	return d.change(func(i *identity.Identity) { i.Tenant = next })
}

func (a *Agent) contact(ctx context.Context, d *Device) error {
	if err := a.readPolicy(ctx, d); err != nil {
		return err
	}
	for _, one := range d.Accounts.All() {
		if err := a.readAccount(ctx, d, one.ID); err != nil {
			return err
		}
	}
	if err := a.readPINs(ctx, d); err != nil {
		return err
	}
	a.quietly(ctx, "the tenant's names were not read", d.readAbout)
	if err := a.renew(ctx, d); err != nil {
		return err
	}
	d.ReadLocal()
	a.quietly(ctx, "elevations not told", func(ctx context.Context) error { return a.tellElevations(ctx, d) })
	a.quietly(ctx, "status not told", func(ctx context.Context) error { return a.tell(ctx, d) })
	return nil
}

// readPolicy reads the device's policy, and that of each person who has been here.
func (a *Agent) readPolicy(ctx context.Context, d *Device) error {
	answer, err := d.Link.Policy(ctx, "")
	if err != nil {
		return err
	}
	changed, err := d.Policy.Take(answer, "")
	if err != nil && !errors.Is(err, policy.ErrOlder) {
		return err
	}
	d.mu.Lock()
	d.policyTrouble = nil
	d.mu.Unlock()
	if err := d.note(d.Policy.SignedAt()); err != nil {
		return err
	}
	if string(d.Identity().PolicyKeys) != string(d.Policy.Keys()) {
		if err := d.change(func(i *identity.Identity) { i.PolicyKeys = d.Policy.Keys() }); err != nil {
			return err
		}
	}
	for _, one := range d.Accounts.All() {
		theirs, err := a.readPersonPolicy(ctx, d, one.ID)
		if err != nil {
			return err
		}
		changed = changed || theirs
	}
	if d.soft != nil {
		if err := d.soft.Sweep(); err != nil {
			return err
		}
	}
	if changed {
		a.options.Log.InfoContext(ctx, "policy", "version", d.Policy.Version())
		a.watch.tell(PolicyChanged)
	}
	return nil
}

func (a *Agent) readPersonPolicy(ctx context.Context, d *Device, user string) (bool, error) {
	answer, err := d.Link.Policy(ctx, user)
	if errors.Is(err, directory.ErrUserUnknown) {
		return false, nil // their account tells
	}
	if err != nil {
		return false, err
	}
	changed, err := d.Policy.Take(answer, user)
	if errors.Is(err, policy.ErrOlder) {
		return false, nil
	}
	return changed, err
}

// readAccount reads a person again. One who was deleted is forgotten, with their PIN.
func (a *Agent) readAccount(ctx context.Context, d *Device, id string) error {
	account, err := d.Link.Account(ctx, id)
	if errors.Is(err, directory.ErrUserUnknown) {
		a.options.Log.InfoContext(ctx, "person is gone", "account", id)
		if err := d.PINs.Forget(ctx, id); err != nil {
			return err
		}
		err = d.Accounts.Remove(id)
		a.watch.tell(AccountChanged)
		return err
	}
	if err != nil {
		return err
	}
	changed, err := d.Accounts.Put(account)
	if errors.Is(err, names.ErrPinned) {
		a.options.Log.WarnContext(ctx, "account refused", "account", id, "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	if changed {
		a.watch.tell(AccountChanged)
	}
	return nil
}

// readPINs takes away the PINs that the organisation deleted while the device was not
// connected. Where the server can't say, they stay: it refuses them when they are typed.
func (a *Agent) readPINs(ctx context.Context, d *Device) error {
	users, err := d.PINs.Containers.Users()
	if err != nil {
		return err
	}
	for _, user := range users {
		c, err := d.PINs.Containers.Find(user)
		if err != nil {
			continue // repair tells
		}
		if c.Next == nil {
			_, err = d.Link.Container(ctx, c.IDs.ID)
		} else { // it asks the same
			err = d.PINs.Settle(ctx, user)
		}
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != pinUnknown {
			if err != nil && !noStream(err) && !errors.Is(err, container.ErrBroken) {
				return err
			}
			continue
		}
		if err := a.endPIN(ctx, d, c.IDs.ID); err != nil {
			return err
		}
	}
	return nil
}

// pinUnknown is the code with which the server says that it does not know a container.
const pinUnknown = "pinUnknown"

// renew renews the certificate when it is time.
func (a *Agent) renew(ctx context.Context, d *Device) error {
	i := d.Identity()
	if a.options.Now().Add(d.Link.Offset()).Before(i.RenewAt) {
		return nil
	}
	answer, err := d.Link.Renew(ctx)
	if err != nil {
		return err
	}
	if err := certifies(answer.Certificate, i, d.chip); err != nil {
		return err
	}
	a.options.Log.InfoContext(ctx, "certificate renewed")
	return d.change(func(i *identity.Identity) { i.Certificate, i.RenewAt = answer.Certificate, answer.RenewAt })
}

// end notes that the server refuses the device: its policy is forgotten, and who watches ends
// the sessions.
func (a *Agent) end(ctx context.Context, d *Device, why error) error {
	f, ok := errors.AsType[*fault.Error](why)
	if !ok || d.Identity().Ended == f.Code {
		return nil
	}
	a.options.Log.ErrorContext(ctx, "the server does not let this device take part", "code", f.Code)
	if err := d.change(func(i *identity.Identity) { i.Ended = f.Code }); err != nil {
		return err
	}
	if errors.Is(ended(f.Code), directory.ErrDeviceUnknown) {
		if err := d.Policy.Forget(); err != nil {
			return err
		}
	}
	a.watch.tell(DeviceEnded)
	return nil
}

// ended is the fault behind a code that the identity keeps.
func ended(code string) *fault.Error {
	for _, one := range []*fault.Error{directory.ErrDeviceDisabled, directory.ErrDevicePending, directory.ErrDeviceRefused} {
		if code == one.Code {
			return one
		}
	}
	return directory.ErrDeviceUnknown
}

// follow reads everything as soon as the server's stream is open, and then what the stream
// says has changed, until it ends. Where the server has no stream, it waits a while instead.
func (a *Agent) follow(ctx context.Context, d *Device) error {
	ctx, cancel := context.WithTimeout(ctx, always)
	defer cancel()
	go func() {
		select {
		case <-d.closed: // joined anew, mended or left
			cancel()
		case <-ctx.Done():
		}
	}()
	var failed error
	defer a.connected.Store(false)
	// All is read once the stream is open, so that it needs no place to go on from.
	_, err := d.Link.Stream(ctx, "", func(e link.Event) {
		defer a.connected.Store(true)
		// One that waits for approval goes on listening: the stream tells when it has it.
		if err := a.take(ctx, d, e); err != nil && !errors.Is(err, directory.ErrDevicePending) {
			failed = err
			cancel()
		}
	})
	switch {
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return nil // everything is read again
	case noStream(err):
		if err := a.Contact(ctx); err != nil {
			return err
		}
		a.wait(ctx, poll)
		return nil
	case refusedDevice(err):
		a.work.Lock()
		defer a.work.Unlock()
		return errors.Join(err, a.end(ctx, d, err))
	}
	return err
}

// noStream reports whether the server has no stream: it is of an earlier version.
func noStream(err error) bool {
	f, ok := errors.AsType[*link.Refused](err)
	return ok && (f.Status == 404 || f.Status == 400) && !refusedDevice(err)
}

// Connected reports whether the server tells of changes as they happen.
func (a *Agent) Connected() bool { return a.connected.Load() }

// take does what one event asks for.
func (a *Agent) take(ctx context.Context, d *Device, e link.Event) error {
	if e == (link.Event{}) {
		return a.Contact(ctx)
	}
	a.work.Lock()
	defer a.work.Unlock()
	var err error
	switch e.Change {
	case device.PolicyChanged:
		err = a.readPolicy(ctx, d)
	case device.AccountChanged:
		if id := id(e.Data); id != "" {
			if _, known := d.Accounts.Find(id); known == nil {
				err = a.readAccount(ctx, d, id)
			}
		} else {
			err = a.contact(ctx, d)
		}
	case device.PINChanged:
		err = a.endPIN(ctx, d, id(e.Data))
	case device.DeviceChanged:
		return a.update(ctx, d)
	}
	if refusedDevice(err) {
		err = errors.Join(err, a.end(ctx, d, err))
	}
	return err
}

// id reads the id in an event's data: alone, or the one string of a JSON object.
func id(data string) string {
	return strings.Trim(data, "\" {}")
}

// endPIN takes a PIN away here that was deleted at the server: by its container or method id,
// or all whose key the server does not name, when nothing is named.
func (a *Agent) endPIN(ctx context.Context, d *Device, gone string) error {
	if gone == "" {
		return nil
	}
	users, err := d.PINs.Containers.Users()
	if err != nil {
		return err
	}
	for _, user := range users {
		c, err := d.PINs.Containers.Find(user)
		if errors.Is(err, container.ErrBroken) {
			continue
		}
		if err != nil {
			return err
		}
		if c.IDs.ID != gone && c.Method != gone && user != gone {
			continue
		}
		a.options.Log.InfoContext(ctx, "PIN deleted by the organisation", "account", user)
		if err := d.PINs.Forget(ctx, user); err != nil {
			return err
		}
		a.watch.tell(PINChanged)
	}
	return nil
}

// tell tells the server how the device is. A server without a place for that is not asked
// again.
func (a *Agent) tell(ctx context.Context, d *Device) error {
	err := d.Link.Status(ctx, a.report(d))
	if noStream(err) {
		return nil
	}
	return err
}

// Change is what watchers are told of.
type Change string

// The changes.
const (
	PolicyChanged  Change = "policy"
	AccountChanged Change = "account"
	PINChanged     Change = "pin"
	DeviceChanged  Change = "device" // joined, left or mended
	DeviceEnded    Change = "ended"  // the server refuses the device: sessions end
)

// watchers are who wants to know of changes.
type watchers struct {
	mu  sync.Mutex
	all map[int]func(Change)
	n   int
}

// Watch calls f, which must not block, after each change, until stop is called.
func (a *Agent) Watch(f func(Change)) (stop func()) {
	w := &a.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[int]func(Change){}
	}
	w.n++
	me := w.n
	w.all[me] = f
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, me)
	}
}

func (w *watchers) tell(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.all {
		f(c)
	}
}

// reachable reports whether err is no outage.
func reachable(err error) bool {
	return err == nil || !errors.Is(err, graphclient.ErrUnreachable) && !errors.Is(err, graphclient.ErrCertificate)
}

// say is an error as a person may read it.
func say(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fmt.Sprintf("%s (%s)", f.Error(), f.Code)
	}
	return err.Error()
}

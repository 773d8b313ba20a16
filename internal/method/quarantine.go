package method

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// A Quarantine freezes a recovery case that somebody disputes: until it is decided whose it was,
// nothing that came from it signs anybody in.
//
//	registered ──Quarantine──▶ frozen ──Release──▶ registered
//	                              └─────Revert───▶ removed
//
// So it is with devices that joined, which are switched off meanwhile, and stay off. Its pass, sessions,
// tokens and device PINs are gone for good: they can be had again, and a key in a device can't be kept
// from its device.
type Quarantine struct {
	Tenant  directory.TenantID
	User    directory.UserID
	Case    string // id
	Pass    string // of the case; it may be gone
	Devices bool   // switch off what joined with it
	At      time.Time
	// Tell makes the events and mails. Of e, what was frozen before is left out; pass says that
	// the pass was still there.
	Tell func(e Estate, pass bool) ([]audit.Event, []outbox.Item, error)
}

// A Release ends a quarantine: the case was genuine.
type Release struct {
	Tenant   directory.TenantID
	User     directory.UserID
	Case     string
	Pass     string
	FrozenAt time.Time // Quarantine.At
	Tell     func(thawed Estate) ([]audit.Event, []outbox.Item, error)
}

// Quarantining is the quarantine of a case of user now, for whoever stores more with it.
func (r Registry) Quarantining(ctx context.Context, user directory.User, caseID, pass string, devices bool, by Actor) Quarantine {
	return Quarantine{
		Tenant: user.Tenant, User: user.ID, Case: caseID, Pass: pass, Devices: devices, At: r.Now(),
		Tell: func(e Estate, there bool) ([]audit.Event, []outbox.Item, error) {
			events := []audit.Event{r.event(user, by, audit.Change{
				Activity: audit.CaseQuarantined, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
				Details: append([]audit.KeyValue{{Key: audit.DetailCase, Value: caseID}}, e.counts(pass, devices)...),
			})}
			return r.tellEnded(ctx, user, caseID, pass, e, there, devices, Frozen, by, events)
		},
	}
}

// Releasing is the end of that quarantine, which froze at frozenAt.
func (r Registry) Releasing(ctx context.Context, user directory.User, caseID, pass string, frozenAt time.Time, by Actor) Release {
	return Release{
		Tenant: user.Tenant, User: user.ID, Case: caseID, Pass: pass, FrozenAt: frozenAt,
		Tell: func(thawed Estate) ([]audit.Event, []outbox.Item, error) {
			events := []audit.Event{r.event(user, by, audit.Change{
				Activity: audit.CaseReleased, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
				Details: []audit.KeyValue{
					{Key: audit.DetailCase, Value: caseID},
					{Key: DetailPass, Value: pass},
					{Key: "Methods", Value: fmt.Sprint(len(thawed.Credentials))},
					{Key: "Devices switched on", Value: fmt.Sprint(len(thawed.Devices))},
				},
			})}
			for _, d := range thawed.Devices {
				events = append(events, r.deviceSwitched(user, d, caseID, true, by))
			}
			var mails []outbox.Item
			for _, c := range thawed.Credentials {
				e, more, err := r.tell(ctx, Thawed, c, user, by)
				if err != nil {
					return nil, nil, err
				}
				events, mails = append(events, e), append(mails, more...)
			}
			return events, mails, nil
		},
	}
}

// Reverting removes what came from a case of user, whether it is in quarantine or not.
func (r Registry) Reverting(ctx context.Context, user directory.User, caseID, pass string, devices bool, by Actor) Reversal {
	return Reversal{
		Tenant: user.Tenant, User: user.ID, Case: caseID, Pass: pass, Devices: devices, At: r.Now(),
		Tell: func(e Estate, there bool) ([]audit.Event, []outbox.Item, error) {
			return r.tellReverted(ctx, user, caseID, pass, e, there, devices, by)
		},
	}
}

// Quarantine does what [Registry.Quarantining] says and tells the person where mail does not reach.
func (r Registry) Quarantine(ctx context.Context, user directory.User, caseID, pass string, devices bool, by Actor) (Estate, error) {
	e, err := r.Store.Quarantine(ctx, r.Quarantining(ctx, user, caseID, pass, devices, by))
	if err == nil {
		r.Ended(ctx, Frozen, e, user, by)
	}
	return e, err
}

// Release does what [Registry.Releasing] says and tells the person where mail does not reach.
func (r Registry) Release(ctx context.Context, user directory.User, caseID, pass string, frozenAt time.Time, by Actor) (Estate, error) {
	all, err := r.Store.Release(ctx, r.Releasing(ctx, user, caseID, pass, frozenAt, by))
	if err == nil {
		r.Ended(ctx, Thawed, all, user, by)
	}
	return all, err
}

// RevertCase does what [Registry.Reverting] says and tells the person where mail does not reach.
func (r Registry) RevertCase(ctx context.Context, user directory.User, caseID, pass string, devices bool, by Actor) (Estate, error) {
	e, err := r.Store.Revert(ctx, r.Reverting(ctx, user, caseID, pass, devices, by))
	if err == nil {
		r.Ended(ctx, Removed, e, user, by)
	}
	return e, err
}

// Ended tells the person, where mail does not reach, that the methods of e were frozen, thawed
// or removed, and that its device PINs are gone.
func (r Registry) Ended(ctx context.Context, what string, e Estate, user directory.User, by Actor) {
	for _, c := range e.Credentials {
		_ = r.notify(ctx, nil, what, c, user, by)
	}
	for _, p := range e.PINs {
		_ = r.notify(ctx, nil, Removed, p.credential(user), user, by)
	}
}

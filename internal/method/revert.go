package method

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// Preview returns what came from a pass of user, which may be gone.
func (r Registry) Preview(ctx context.Context, user directory.User, pass string) (Estate, error) {
	all, err := r.Store.Estate(ctx, user.Tenant, user.ID, r.Now())
	return all.From(Seed{Pass: pass}), err
}

// Revert undoes what came from a pass of user, if it still is what tag names. With devices,
// those that joined with it are switched off, too.
func (r Registry) Revert(ctx context.Context, user directory.User, pass, tag string, devices bool, by Actor) (Estate, error) {
	e, err := r.Store.Revert(ctx, Reversal{
		Tenant: user.Tenant, User: user.ID, Pass: pass, Tag: tag, Devices: devices, At: r.Now(),
		Tell: func(e Estate, there bool) ([]audit.Event, []outbox.Item, error) {
			return r.tellReverted(ctx, user, "", pass, e, there, devices, by)
		},
	})
	if err == nil {
		r.Ended(ctx, Removed, e, user, by)
	}
	return e, err
}

// kindPIN is package hello's, which this one doesn't know.
const kindPIN signin.MethodID = "hello"

// credential is p as changes name it.
func (p PIN) credential(user directory.User) Credential {
	return Credential{Tenant: user.Tenant, ID: p.ID, User: user.ID, Kind: kindPIN}
}

// counts are what is ended, for the log.
func (e Estate) counts(pass string, devices bool) []audit.KeyValue {
	return []audit.KeyValue{
		{Key: DetailPass, Value: pass},
		{Key: "Methods", Value: fmt.Sprint(len(e.Credentials))},
		{Key: "Device PINs", Value: fmt.Sprint(len(e.PINs))},
		{Key: "Sessions", Value: fmt.Sprint(len(e.Sessions))},
		{Key: "Devices", Value: fmt.Sprint(len(e.Devices))},
		{Key: "Devices switched off", Value: fmt.Sprint(devices)},
	}
}

// tellReverted makes one event for the whole, which counts, and one for each thing that is
// removed, so that whoever follows a method or a device finds it.
func (r Registry) tellReverted(ctx context.Context, user directory.User, caseID, pass string, e Estate, there, devices bool, by Actor) ([]audit.Event, []outbox.Item, error) {
	details := e.counts(pass, devices)
	if caseID != "" {
		details = append(details, audit.KeyValue{Key: audit.DetailCase, Value: caseID})
	}
	events := []audit.Event{r.event(user, by, audit.Change{
		Activity: audit.PassReverted, Service: audit.ServicePostern, Operation: audit.OperationDelete, Details: details,
	})}
	return r.tellEnded(ctx, user, caseID, pass, e, there, devices, Removed, by, events)
}

// tellEnded adds the events of a pass that ends, of methods that are removed or frozen, and of
// device PINs and devices.
func (r Registry) tellEnded(ctx context.Context, user directory.User, caseID, pass string, e Estate, there, devices bool, what string, by Actor, events []audit.Event) ([]audit.Event, []outbox.Item, error) {
	var mails []outbox.Item
	activity, reason := audit.AdminDeletedSecurityInfo, audit.ReasonAdminDeletedPass
	pin := audit.ReasonAdminDeletedHello
	if by.Self {
		activity, reason, pin = audit.UserDeletedSecurityInfo, audit.ReasonUserDeletedPass, audit.ReasonUserDeletedHello
	}
	if there {
		events = append(events, r.event(user, by, audit.Change{
			Activity: activity, Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
			ResultReason: reason, Details: []audit.KeyValue{{Key: DetailPass, Value: pass}},
		}))
	}
	for _, c := range e.Credentials {
		event, more, err := r.tell(ctx, what, c, user, by)
		if err != nil {
			return nil, nil, err
		}
		events, mails = append(events, event), append(mails, more...)
	}
	for _, p := range e.PINs {
		events = append(events, r.pinRemoved(user, p, activity, pin, by))
	}
	if devices {
		for _, d := range e.Devices {
			if d.AccountEnabled {
				events = append(events, r.deviceSwitched(user, d, caseID, false, by))
			}
		}
	}
	return events, mails, nil
}

// deviceSwitched is the event of a device of a lineage that is switched off, or on again.
func (r Registry) deviceSwitched(user directory.User, d directory.Device, caseID string, on bool, by Actor) audit.Event {
	reason := "It joined with a pass that is disputed"
	if on {
		reason = "The dispute was lifted"
	}
	e := r.event(user, by, audit.Change{
		Activity: audit.UpdateDevice, Service: audit.ServiceCoreDirectory, Operation: audit.OperationUpdate, ResultReason: reason,
	})
	e.Change.Category = audit.CategoryDevice
	e.Change.Targets = []audit.Target{{
		ID: string(d.ID), Type: audit.TargetDevice, DisplayName: d.DisplayName,
		Modified: []audit.ModifiedProperty{{DisplayName: "AccountEnabled", OldValue: fmt.Sprintf("[%t]", !on), NewValue: fmt.Sprintf("[%t]", on)}},
	}}
	if caseID != "" { // it is in the case's timeline
		e.Change.Details = []audit.KeyValue{{Key: audit.DetailCase, Value: caseID}}
		e.Change.Targets = append(e.Change.Targets, audit.Target{ID: caseID, Type: audit.TargetOther})
	}
	return e
}

// Keys under which the events of device PINs name method, container and device; package hello
// has them, too.
const (
	detailPIN       = "windowsHelloForBusinessMethodId"
	detailContainer = "Container"
	detailDevice    = "Device Id"
)

func (r Registry) pinRemoved(user directory.User, p PIN, activity, reason string, by Actor) audit.Event {
	e := r.event(user, by, audit.Change{
		Activity: activity, Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete, ResultReason: reason,
		Details: []audit.KeyValue{{Key: detailPIN, Value: p.ID}, {Key: detailContainer, Value: p.Container}, {Key: detailDevice, Value: p.DeviceID}},
	})
	e.Change.Targets = append(e.Change.Targets, audit.Target{ID: string(p.Device), Type: audit.TargetDevice})
	return e
}

// event is an event about user.
func (r Registry) event(user directory.User, by Actor, c audit.Change) audit.Event {
	c.Category, c.Result, c.By = audit.CategoryUserManagement, audit.Success, by.By
	c.Targets = []audit.Target{{ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName}}
	return audit.Event{Tenant: string(user.Tenant), ID: uuid.NewString(), At: r.Now(), CorrelationID: by.CorrelationID, Change: &c}
}

// Dispute does what d says: it freezes what was added, and ends what came from it. The actor is
// the person, or whoever holds the link: the event says which.
func (r Registry) Dispute(ctx context.Context, d Dispute, user directory.User, correlationID string) error {
	by := Actor{Self: true, CorrelationID: correlationID, By: audit.Actor{User: &audit.UserActor{
		ID: string(user.ID), DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName,
	}}}
	where := "By the link in a mail"
	if d.SignedIn {
		where = "On the person's own page"
	}
	f := Frost{Dispute: d, At: r.Now(), Event: r.event(user, by, audit.Change{
		Activity: audit.ChangeDisputed, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		ResultReason: where,
		Details:      []audit.KeyValue{{Key: DetailMethod, Value: d.Credential}, {Key: "Event", Value: d.Event}},
	})}
	changed := map[string]Change{} // by the id of the method: a transaction may run again
	note := func(what string, c Credential) {
		changed[c.ID] = Change{What: what, Credential: c, User: user, Actor: by, At: f.At}
	}
	f.Change = func(c Credential) (audit.Event, []outbox.Item, error) {
		note(Frozen, c)
		return r.tell(ctx, Frozen, c, user, by)
	}
	f.PIN = func(p PIN) audit.Event {
		note(Removed, p.credential(user))
		return r.pinRemoved(user, p, audit.UserDeletedSecurityInfo, audit.ReasonUserDeletedHello, by)
	}
	err := r.Store.Dispute(ctx, f)
	if err == nil && r.Notify != nil {
		for _, c := range changed {
			r.Notify(ctx, c)
		}
	}
	return err
}

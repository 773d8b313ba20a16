package recovery

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
)

// Keys of an event beside audit.DetailCase. The id of the case is among the targets, too.
const (
	detailNumber = "Case"
	detailFault  = "Refused with"
	// DetailHand is how a pass reaches its person.
	DetailHand = "Handed over by"
)

// event is a step of c, as the log keeps it.
func (c Case) event(activity string, u directory.User, by Actor, at time.Time, details ...audit.KeyValue) audit.Event {
	if u.ID == "" {
		u.ID = c.User
	}
	correlation := by.CorrelationID
	if correlation == "" {
		correlation = c.ID
	}
	e := audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern,
		Operation: audit.OperationUpdate, Result: audit.Success, By: by.By,
		Targets: []audit.Target{{ID: string(u.ID), Type: audit.TargetUser, DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName}},
		Details: details,
	}
	if activity == audit.CaseOpened {
		e.Operation = audit.OperationAdd
	}
	if c.ID != "" {
		e.Targets = append(e.Targets, audit.Target{ID: c.ID, Type: audit.TargetOther, DisplayName: c.Number})
		e.Details = append([]audit.KeyValue{{Key: audit.DetailCase, Value: c.ID}, {Key: detailNumber, Value: c.Number}}, details...)
	}
	if c.Pass != nil {
		e.Details = append(e.Details, audit.KeyValue{Key: audit.DetailPass, Value: c.Pass.ID})
	}
	return audit.Event{Tenant: string(c.Tenant), ID: uuid.NewString(), At: at, CorrelationID: correlation, Change: &e}
}

// refusal is a step that was refused.
func (c Case) refusal(activity string, u directory.User, by Actor, at time.Time, why *fault.Error) audit.Event {
	e := c.event(activity, u, by, at, audit.KeyValue{Key: detailFault, Value: why.Code})
	e.Change.Result, e.Change.ResultReason = audit.Failure, why.Text
	return e
}

// Noted are the events of what a store notes by itself.
func (c Case) Noted(activity string, at time.Time, details ...audit.KeyValue) audit.Event {
	return c.event(activity, directory.User{}, Actor{}, at, details...)
}

func registeredDetails(r Registered) []audit.KeyValue {
	return []audit.KeyValue{{Key: method.DetailMethod, Value: r.ID}, {Key: "Method", Value: r.Kind}}
}

// EventOf is the event of something that was registered with the pass of c.
func (c Case) EventOf(r Registered) audit.Event {
	return c.Noted(audit.CaseRegistered, r.At, registeredDetails(r)...)
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }

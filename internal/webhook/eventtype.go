package webhook

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// EventType is what a message is about.
type EventType string

// The types that are not an activity of the log.
const (
	// ReadinessLost says that people have no way back in any more.
	ReadinessLost EventType = "readiness.lost"
	// ProofAsked asks an identity-proofing service who somebody is. Who subscribes to it may answer.
	ProofAsked EventType = "proof.asked"
	// Test is sent when somebody asks for it; nobody subscribes to it.
	Test EventType = "webhook.test"
)

// ofActivity are the types by the activity of the log that they tell of.
var ofActivity = map[string]EventType{
	audit.CaseOpened: "case.opened", audit.CaseProven: "case.proven", audit.CaseApproved: "case.approved",
	audit.CaseIssued: "case.issued", audit.CaseUsed: "case.used", audit.CaseRegistered: "case.registered",
	audit.CaseClosed: "case.closed", audit.CaseCancelled: "case.cancelled", audit.CaseRefused: "case.refused",
	audit.CaseExpired: "case.expired", audit.CaseDisputed: "case.disputed", audit.CaseLifted: "case.released",
	audit.CaseReverted: "case.reverted",
	audit.PassRedeemed: "pass.used", audit.PassRemoved: "pass.removed", audit.PassesRefused: "pass.refused",
	audit.ChangeDisputed: "change.disputed", audit.WorkflowTaskFailed: "workflow.taskFailed",
}

const passIssued EventType = "pass.issued"

// Types are all that may be subscribed to, sorted.
func Types() []EventType {
	all := slices.AppendSeq([]EventType{passIssued, ReadinessLost, ProofAsked}, maps.Values(ofActivity))
	slices.Sort(all)
	return all
}

func typeNames() []string {
	var all []string
	for _, t := range Types() {
		all = append(all, string(t))
	}
	return all
}

// A Message is what a receiver is told.
type Message struct {
	Type EventType `json:"type"`
	At   time.Time `json:"timestamp"` // of what happened
	Data any       `json:"data"`
}

// Body is m as it is sent.
func (m Message) Body() (string, error) {
	raw, err := json.Marshal(m)
	return string(raw), err
}

// Happened is the data of a message about an event of the log.
type Happened struct {
	Tenant      string `json:"tenantId"`
	Event       string `json:"eventId"` // in the audit log
	Correlation string `json:"correlationId,omitempty"`
	Activity    string `json:"activity"`
	User        string `json:"userId,omitempty"` // whom it is about
	ByUser      string `json:"byUserId,omitempty"`
	ByApp       string `json:"byAppId,omitempty"`
	Case        string `json:"caseId,omitempty"`
	Pass        string `json:"passId,omitempty"`
}

// Lost is the data of readiness.lost: how many people came to have no way back, and the ids of the
// first of them.
type Lost struct {
	Tenant string   `json:"tenantId"`
	Count  int      `json:"count"`
	Users  []string `json:"userIds"`
}

// MostLost bounds the ids in one message.
const MostLost = 100

// TypeOf says which type tells of e; none when nobody can subscribe to it. A step that was refused
// did not happen.
func TypeOf(e audit.Event) EventType {
	if e.Change == nil || e.Change.Result != audit.Success && e.Change.Activity != audit.WorkflowTaskFailed {
		return ""
	}
	if e.Change.ResultReason == audit.ReasonAdminRegisteredPass || e.Change.ResultReason == audit.ReasonUserRegisteredPass {
		return passIssued
	}
	return ofActivity[e.Change.Activity]
}

// Tell returns the message about e, of type t.
func Tell(t EventType, e audit.Event) Message {
	h := Happened{Tenant: e.Tenant, Event: e.ID, Correlation: e.CorrelationID, Activity: e.Change.Activity}
	for _, target := range e.Change.Targets {
		if target.Type == audit.TargetUser && h.User == "" {
			h.User = target.ID
		}
	}
	if u := e.Change.By.User; u != nil {
		h.ByUser = u.ID
	}
	if a := e.Change.By.App; a != nil {
		h.ByApp = a.AppID
	}
	for _, d := range e.Change.Details {
		switch d.Key {
		case audit.DetailCase:
			h.Case = d.Value
		case audit.DetailPass:
			h.Pass = d.Value
		}
	}
	return Message{Type: t, At: e.At, Data: h}
}

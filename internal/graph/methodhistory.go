package graph

import (
	"encoding/json"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

// historyPage is the usual size of a page of a policy's history, and the largest.
const historyPage = 50

// A chronicle is a policy whose changes are told.
type chronicle struct {
	id string // of the target in the log
	// version makes what the log says the policy was, into what Graph shows of it today: what the log does not
	// say was as it is by default.
	version func(text string) (any, error)
}

// chronicles are those of policies that are no configuration of a method, by what they are called in addresses.
var chronicles = map[string]chronicle{
	signInPolicyName: {signin.PolicyID, func(text string) (any, error) {
		p := signin.DefaultPolicy()
		err := json.Unmarshal([]byte(text), &p)
		return signInPolicyResource(p, method.Revision{}), err
	}},
	campaignMember: {method.CampaignID, func(text string) (any, error) {
		p := campaignPolicy{method.DefaultCampaign()}
		err := json.Unmarshal([]byte(text), &p)
		return p.resource()[0].Value, err
	}},
}

var joinChronicle = chronicle{joinPolicyID, func(text string) (any, error) {
	p := directory.DefaultJoinPolicy()
	err := json.Unmarshal([]byte(text), &p)
	return joinPolicyResource(p), err
}}

var recoveryChronicle = chronicle{recoveryPolicyID, func(text string) (any, error) {
	p := recovery.DefaultPolicy()
	p.Rules = nil // a slice keeps of its elements what the text leaves out
	err := json.Unmarshal([]byte(text), &p)
	return recoveryPolicyResource(p)[1:], err // without the tag
}}

func (k kept) chronicle() chronicle {
	return chronicle{k.id, func(text string) (any, error) {
		p := k.fresh()
		return p, json.Unmarshal([]byte(text), p)
	}}
}

// policyHistory serves GET /postern/policies/methods/{method}/history: who changed the policy, when
// and what, newest first. Before and after are the whole policy, so that a PATCH with one of them puts
// it back. It is what the log has: changes older than the log are not there.
func (a *API) policyHistory(c *call) error {
	if one, ok := chronicles[c.r.PathValue("method")]; ok {
		return a.tell(c, one)
	}
	k, err := a.namedPolicy(c)
	if err != nil {
		return err
	}
	return a.tell(c, k.chronicle())
}

// joinPolicyHistory serves GET /postern/policies/deviceRegistrationPolicy/history, in the same way.
func (a *API) joinPolicyHistory(c *call) error { return a.tell(c, joinChronicle) }

// recoveryPolicyHistory serves GET /postern/recovery/policy/history, in the same way.
func (a *API) recoveryPolicyHistory(c *call) error { return a.tell(c, recoveryChronicle) }

func (a *API) tell(c *call, told chronicle) error {
	var err error
	var w wish
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{DefaultTop: historyPage, MaxTop: historyPage}); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	found, position, err := a.Store.EventsAbout(c.ctx(), c.tenant.ID, told.id, w.after, w.options.Top)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/policies/methods/history", nil), Value: []odata.Entity{}}
	for _, e := range found {
		one, err := told.changeResource(e)
		if err != nil {
			return err
		}
		page.Value = append(page.Value, one)
	}
	if page.NextLink, err = a.next(c, w, position); err != nil {
		return err
	}
	return odata.WritePage(c.w, page)
}

// changeResource is a change of the policy.
func (c chronicle) changeResource(e audit.Event) (odata.Entity, error) {
	before, after, err := c.versions(e)
	if err != nil {
		return nil, err
	}
	changes, err := differences(before, after)
	if err != nil {
		return nil, err
	}
	return odata.Entity{
		{Name: "id", Value: e.ID},
		{Name: "activityDateTime", Value: odata.Time(e.At)},
		{Name: "activityDisplayName", Value: e.Change.Activity},
		{Name: "correlationId", Value: e.CorrelationID},
		{Name: "initiatedBy", Value: actorResource(e.Change.By)},
		{Name: "changes", Value: changes},
		{Name: "before", Value: orNull(before)},
		{Name: "after", Value: orNull(after)},
	}, nil
}

// versions returns the policy before and after a change, each with all that it has today.
func (c chronicle) versions(e audit.Event) (before, after []byte, err error) {
	if e.Change == nil {
		return nil, nil, nil
	}
	for _, t := range e.Change.Targets {
		for _, m := range t.Modified {
			if t.ID != c.id || m.DisplayName != "Policy" {
				continue
			}
			if before, err = c.whole(m.OldValue); err == nil {
				after, err = c.whole(m.NewValue)
			}
			return before, after, err
		}
	}
	return nil, nil, nil
}

// whole is nothing where the log has forgotten what the policy was.
func (c chronicle) whole(text string) ([]byte, error) {
	if !json.Valid([]byte(text)) {
		return nil, nil
	}
	shown, err := c.version(text)
	if err != nil {
		return nil, err
	}
	return json.Marshal(shown)
}

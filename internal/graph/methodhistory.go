package graph

import (
	"encoding/json"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/graph/odata"
)

// historyPage is the usual size of a page of a policy's history, and the largest.
const historyPage = 50

// policyHistory serves GET /postern/policies/methods/{method}/history: who changed the policy, when
// and what, newest first. Before and after are the whole policy, so that a PATCH with one of them puts
// it back. It is what the log has: changes older than the log are not there.
func (a *API) policyHistory(c *call) error {
	k, err := a.namedPolicy(c)
	if err != nil {
		return err
	}
	var w wish
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{DefaultTop: historyPage, MaxTop: historyPage}); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	found, position, err := a.Store.EventsAbout(c.ctx(), c.tenant.ID, k.id, w.after, w.options.Top)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/policies/methods/history", nil), Value: []odata.Entity{}}
	for _, e := range found {
		one, err := k.changeResource(e)
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
func (k kept) changeResource(e audit.Event) (odata.Entity, error) {
	before, after, err := k.versions(e)
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

// versions returns the policy before and after a change, each with all that it has today: what the
// event does not say was as it is by default.
func (k kept) versions(e audit.Event) (before, after []byte, err error) {
	if e.Change == nil {
		return nil, nil, nil
	}
	for _, t := range e.Change.Targets {
		for _, m := range t.Modified {
			if t.ID != k.id || m.DisplayName != "Policy" {
				continue
			}
			if before, err = k.whole(m.OldValue); err == nil {
				after, err = k.whole(m.NewValue)
			}
			return before, after, err
		}
	}
	return nil, nil, nil
}

// whole is nothing where the log has forgotten what the policy was.
func (k kept) whole(text string) ([]byte, error) {
	if !json.Valid([]byte(text)) {
		return nil, nil
	}
	p := k.fresh()
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

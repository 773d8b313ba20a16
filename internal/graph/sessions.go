package graph

import (
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/signin"
)

// ErrSessionUnknown says that there is no such session of the person, any more or ever.
var ErrSessionUnknown = &fault.Error{
	Kind: fault.NotFound, Code: "sessionUnknown",
	Text: "There is no such session.", Remedy: "It may have ended. Reload the list.",
}

// listSessions serves GET /postern/users/{id}/sessions: where a person is signed in, newest first.
func (a *API) listSessions(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	all, err := a.Store.Sessions(c.ctx(), c.tenant.ID, c.user.ID, a.Now())
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/users/sessions", nil), Value: []odata.Entity{}}
	for _, s := range all {
		page.Value = append(page.Value, sessionResource(s))
	}
	return odata.WritePage(c.w, page)
}

// endSession serves DELETE /postern/users/{id}/sessions/{session}: it ends, with all tokens that
// came from it.
func (a *API) endSession(c *call) error {
	id, err := objectID(c, "session", ErrSessionUnknown)
	if err != nil {
		return err
	}
	at := a.Now()
	all, err := a.Store.Sessions(c.ctx(), c.tenant.ID, c.user.ID, at)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID != id {
			continue
		}
		e := a.userEvent(c, audit.SessionEnded, audit.OperationUpdate, c.user, nil)
		e.Change.Details = []audit.KeyValue{{Key: "Session Id", Value: id}, {Key: "Signed in on", Value: s.Where()}}
		if err := a.Store.EndSessions(c.ctx(), c.tenant.ID, c.user.ID, id, at, e); err != nil {
			return err
		}
		odata.WriteNothing(c.w)
		return nil
	}
	return ErrSessionUnknown
}

func sessionResource(s signin.Session) odata.Entity {
	with := []signin.MethodID{}
	for _, p := range s.Proofs {
		with = append(with, p.Method)
	}
	return odata.Entity{
		{Name: "id", Value: s.ID},
		{Name: "createdDateTime", Value: odata.Time(s.CreatedAt)},
		{Name: "lastSeenDateTime", Value: odata.Time(s.SeenAt)},
		{Name: "expirationDateTime", Value: odata.Time(s.ExpiresAt)},
		{Name: "signedInOn", Value: textOrNull(s.Where())},
		{Name: "deviceId", Value: textOrNull(string(s.DeviceObject()))}, // object id
		{Name: "ipAddress", Value: textOrNull(s.Address)},
		{Name: "signedInWith", Value: methodNames(with)},
		{Name: "isPersistent", Value: s.Persistent},
		{Name: "purpose", Value: textOrNull(string(s.Purpose))},
	}
}

// listHistory serves GET /postern/users/{id}/history: sign-ins of a person and changes about them,
// newest first. It is for those who read the logs, and for those who help this person.
func (a *API) listHistory(c *call) error {
	target, err := person(a, c)
	if err != nil {
		return a.hide(c, route{action: directory.ReadHistory}, err)
	}
	c.target = target
	if directory.May(c.caller, directory.ReadSignIns, directory.Target{}) != nil || directory.May(c.caller, directory.ReadAudits, directory.Target{}) != nil {
		if err := directory.May(c.caller, directory.ReadHistory, target); err != nil {
			return err
		}
	}
	var w wish
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{DefaultTop: 50, MaxTop: 200}); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	found, position, err := a.Store.History(c.ctx(), c.tenant.ID, c.user.ID, w.after, w.options.Top)
	if err != nil {
		return err
	}
	whole := *c
	whole.version = "beta" // how it was proved, too
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/users/history", nil), Value: []odata.Entity{}}
	for _, e := range found {
		kind, shown := "#microsoft.graph.directoryAudit", auditResource
		if e.SignIn != nil {
			kind, shown = "#microsoft.graph.signIn", signInResource
		}
		page.Value = append(page.Value, append(odata.Entity{{Name: "@odata.type", Value: kind}}, shown(&whole, e)...))
	}
	if page.NextLink, err = a.next(c, w, position); err != nil {
		return err
	}
	return odata.WritePage(c.w, page)
}

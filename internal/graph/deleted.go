package graph

import (
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// deletedActions are what may be asked of a deleted object, by kind.
type deletedActions map[directory.ObjectKind]directory.Action

var (
	readDeleted = deletedActions{
		directory.KindUser: directory.ReadDeletedUser, directory.KindGroup: directory.ReadDeletedGroup,
		directory.KindApplication: directory.ReadApplications, directory.KindServicePrincipal: directory.ReadApplications,
	}
	restoreDeleted = deletedActions{
		directory.KindUser: directory.RestoreUser, directory.KindGroup: directory.RestoreGroup,
		directory.KindApplication: directory.WriteApplications, directory.KindServicePrincipal: directory.WriteApplications,
	}
	purgeDeleted = deletedActions{
		directory.KindUser: directory.DeleteUser, directory.KindGroup: directory.DeleteGroup,
		directory.KindApplication: directory.WriteApplications, directory.KindServicePrincipal: directory.WriteApplications,
	}
)

// deleted finds the object that {id} names and asks May. Who may do it to no kind of
// object does not learn whether there is one.
func (a *API) deleted(c *call, actions deletedActions) (any, time.Time, error) {
	id, err := objectID(c, "id", directory.ErrObjectUnknown)
	if err != nil {
		return nil, time.Time{}, err
	}
	thing, target, at, err := a.Store.Deleted(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return nil, at, actions.hide(c.caller, err)
	}
	action := actions[kindOf(thing)]
	if g, ok := thing.(directory.Group); ok {
		action = action.OnGroup(g)
	}
	return thing, at, directory.May(c.caller, action, target)
}

// hide returns err to whom one of the actions is open, and else why it is not.
func (actions deletedActions) hide(caller directory.Caller, err error) error {
	denied := err
	for _, kind := range []directory.ObjectKind{directory.KindUser, directory.KindGroup, directory.KindApplication} {
		if denied = directory.May(caller, actions[kind], directory.Target{User: "unknown"}); denied == nil {
			return err
		}
	}
	return denied
}

// kindOf says what a directory object is.
func kindOf(thing any) directory.ObjectKind {
	switch thing.(type) {
	case directory.Group:
		return directory.KindGroup
	case directory.Application:
		return directory.KindApplication
	case directory.ServicePrincipal:
		return directory.KindServicePrincipal
	}
	return directory.KindUser
}

func deletedResource(thing any, at time.Time) odata.Entity {
	e := resourceOf(thing)
	for i := range e {
		if e[i].Name == "deletedDateTime" {
			e[i].Value, e[i].OnSelect = odata.Time(at), false
		}
	}
	return typed(kindOf(thing), e)
}

// getDeleted serves GET /directory/deletedItems/{id}.
func (a *API) getDeleted(c *call) error {
	thing, at, err := a.deleted(c, readDeleted)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("directoryObjects", nil), deletedResource(thing, at).Select(nil))
}

// restore serves POST /directory/deletedItems/{id}/restore.
func (a *API) restore(c *call) error {
	thing, _, err := a.deleted(c, restoreDeleted)
	if err != nil {
		return err
	}
	e := a.deletedEvent(c, thing, restored, audit.OperationAdd)
	if err := a.Store.Restore(c.ctx(), c.tenant.ID, c.r.PathValue("id"), e); err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("directoryObjects", nil), deletedResource(thing, time.Time{}).Select(nil))
}

// purge serves DELETE /directory/deletedItems/{id}: the object can't be restored any more.
func (a *API) purge(c *call) error {
	thing, _, err := a.deleted(c, purgeDeleted)
	if err != nil {
		return err
	}
	e := a.deletedEvent(c, thing, purged, audit.OperationDelete)
	if err := a.Store.Purge(c.ctx(), c.tenant.ID, c.r.PathValue("id"), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// Activities by kind of object.
var (
	restored = map[directory.ObjectKind]string{
		directory.KindUser: audit.RestoreUser, directory.KindGroup: audit.RestoreGroup,
		directory.KindApplication: audit.RestoreApplication, directory.KindServicePrincipal: audit.AddServicePrincipal,
	}
	purged = map[directory.ObjectKind]string{
		directory.KindUser: audit.HardDeleteUser, directory.KindGroup: audit.HardDeleteGroup,
		directory.KindApplication: audit.HardDeleteApplication, directory.KindServicePrincipal: audit.RemoveServicePrincipal,
	}
)

func (a *API) deletedEvent(c *call, thing any, activities map[directory.ObjectKind]string, operation string) audit.Event {
	activity := activities[kindOf(thing)]
	switch t := thing.(type) {
	case directory.Group:
		return a.groupEvent(c, activity, operation, t, nil)
	case directory.Application:
		return a.applicationEvent(c, activity, operation, t, nil)
	case directory.ServicePrincipal:
		return a.principalEvent(c, activity, operation, t, nil)
	}
	u, _ := thing.(directory.User) // the kinds above and users are all there are
	return a.userEvent(c, activity, operation, u, nil)
}

func (a *API) listDeletedUsers(c *call) error {
	return a.listDeleted(c, directory.KindUser, userProperties)
}

func (a *API) listDeletedGroups(c *call) error {
	return a.listDeleted(c, directory.KindGroup, groupProperties)
}

func (a *API) listDeletedApplications(c *call) error {
	return a.listDeleted(c, directory.KindApplication, applicationProperties)
}

func (a *API) listDeletedPrincipals(c *call) error {
	return a.listDeleted(c, directory.KindServicePrincipal, principalProperties)
}

// listDeleted serves GET /directory/deletedItems/microsoft.graph.user and the other kinds.
func (a *API) listDeleted(c *call, kind directory.ObjectKind, properties []string) error {
	w, err := a.wish(c, odata.Allow{Properties: properties, DefaultTop: usualPage, MaxTop: largestPage}, nil)
	if err != nil {
		return err
	}
	ids, more, err := a.Store.DeletedIDs(c.ctx(), c.tenant.ID, kind, w.lastID(), w.options.Top)
	if err != nil {
		return err
	}
	var things []odata.Entity
	for _, id := range ids {
		thing, _, at, err := a.Store.Deleted(c.ctx(), c.tenant.ID, id)
		if err != nil {
			continue // restored or purged meanwhile
		}
		things = append(things, deletedResource(thing, at)[1:])
	}
	var position []any
	if more {
		position = []any{ids[len(ids)-1], ids[len(ids)-1]}
	}
	return writeList(a, c, w, string(kind)+"s", things, position, nil, func(e odata.Entity) odata.Entity { return e })
}

package graph

import (
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// deletedActions are what may be asked of a deleted object, by kind.
type deletedActions struct{ user, group directory.Action }

var (
	readDeleted    = deletedActions{directory.ReadDeletedUser, directory.ReadDeletedGroup}
	restoreDeleted = deletedActions{directory.RestoreUser, directory.RestoreGroup}
	purgeDeleted   = deletedActions{directory.DeleteUser, directory.DeleteGroup}
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
		denied := directory.May(c.caller, actions.user, directory.Target{User: "unknown"})
		if denied != nil && directory.May(c.caller, actions.group, directory.Target{}) != nil {
			return nil, at, denied
		}
		return nil, at, err
	}
	action := actions.user
	if g, ok := thing.(directory.Group); ok {
		action = actions.group.OnGroup(g)
	}
	return thing, at, directory.May(c.caller, action, target)
}

func deletedResource(thing any, at time.Time) odata.Entity {
	e := resourceOf(thing)
	for i := range e {
		if e[i].Name == "deletedDateTime" {
			e[i].Value, e[i].OnSelect = odata.Time(at), false
		}
	}
	kind := directory.KindUser
	if _, ok := thing.(directory.Group); ok {
		kind = directory.KindGroup
	}
	return typed(kind, e)
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
	e := a.deletedEvent(c, thing, audit.RestoreUser, audit.RestoreGroup, audit.OperationAdd)
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
	e := a.deletedEvent(c, thing, audit.HardDeleteUser, audit.HardDeleteGroup, audit.OperationDelete)
	if err := a.Store.Purge(c.ctx(), c.tenant.ID, c.r.PathValue("id"), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) deletedEvent(c *call, thing any, ofUser, ofGroup, operation string) audit.Event {
	if g, ok := thing.(directory.Group); ok {
		return a.groupEvent(c, ofGroup, operation, g, nil)
	}
	u, _ := thing.(directory.User) // a deleted object is a group or a user
	return a.userEvent(c, ofUser, operation, u, nil)
}

func (a *API) listDeletedUsers(c *call) error {
	return a.listDeleted(c, directory.KindUser, userProperties)
}

func (a *API) listDeletedGroups(c *call) error {
	return a.listDeleted(c, directory.KindGroup, groupProperties)
}

// listDeleted serves GET /directory/deletedItems/microsoft.graph.user and ….group.
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

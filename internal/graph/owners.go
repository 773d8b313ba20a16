package graph

import (
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// owned is the object whose owners the path is about: an application, or a service principal.
func (c *call) owned() (id string, target audit.Target) {
	if c.app.ID != "" {
		return string(c.app.ID), applicationTarget(c.app)
	}
	return string(c.principal.ID), principalTarget(c.principal)
}

// listAppOwners serves GET …/owners of applications and service principals.
func (a *API) listAppOwners(c *call) error {
	id, _ := c.owned()
	return a.writeLinked(c, id, "ownerOf")
}

// addAppOwner serves POST …/owners/$ref.
func (a *API) addAppOwner(c *call) error {
	ref, err := a.readRef(c)
	if err != nil {
		return err
	}
	if ref.Kind != directory.KindUser && ref.Kind != directory.KindServicePrincipal {
		return odata.ErrMember.With("@odata.id", "An owner is a user or a service principal.")
	}
	if c.principal.AppID.BuiltIn() {
		return directory.ErrApplicationBuiltIn
	}
	id, target := c.owned()
	e := a.trustEvent(c, audit.AddApplicationOwner, audit.OperationAssign, a.objectTarget(c, ref), target)
	if err := a.Store.AddOwner(c.ctx(), c.tenant.ID, id, ref, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// removeAppOwner serves DELETE …/owners/{object}/$ref.
func (a *API) removeAppOwner(c *call) error {
	owner := strings.ToLower(c.r.PathValue("object"))
	ref, err := a.Store.Find(c.ctx(), c.tenant.ID, owner)
	if err != nil {
		return err
	}
	id, target := c.owned()
	e := a.trustEvent(c, audit.RemoveApplicationOwner, audit.OperationUnassign, a.objectTarget(c, ref), target)
	if err := a.Store.RemoveOwner(c.ctx(), c.tenant.ID, id, owner, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

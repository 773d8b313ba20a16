package graph

import (
	"errors"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// addDeviceOwner serves POST /devices/{id}/registeredOwners/$ref, for a device without an owner.
// https://learn.microsoft.com/graph/api/device-post-registeredowners
func (a *API) addDeviceOwner(c *call) error {
	ref, err := a.readRef(c)
	if err != nil {
		return err
	}
	if ref.Kind != directory.KindUser {
		return odata.ErrMember.With("@odata.id", "A device is owned by a user.")
	}
	user, err := a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(ref.ID))
	if err != nil {
		return err
	}
	switch {
	case c.device.Owner == user.ID:
		return directory.ErrLinkExists
	case c.device.Owner != "":
		return directory.ErrDeviceOwned
	case user.UserType == "Guest" && c.device.TrustType != directory.TrustRegistered:
		return directory.ErrGuestDevice
	}
	return a.changeDeviceOwner(c, user.ID, user, audit.AddDeviceOwner, audit.OperationAssign)
}

// removeDeviceOwner serves DELETE /devices/{id}/registeredOwners/{object}/$ref.
func (a *API) removeDeviceOwner(c *call) error {
	id := directory.UserID(strings.ToLower(c.r.PathValue("object")))
	if id == "" || c.device.Owner != id {
		return directory.ErrLinkUnknown
	}
	user, err := a.Store.User(c.ctx(), c.tenant.ID, id)
	if errors.Is(err, directory.ErrUserUnknown) { // deleted meanwhile
		user, err = directory.User{ID: id}, nil
	}
	if err != nil {
		return err
	}
	return a.changeDeviceOwner(c, "", user, audit.RemoveDeviceOwner, audit.OperationUnassign)
}

// changeDeviceOwner gives the device an owner, or none; user is whom that is about.
func (a *API) changeDeviceOwner(c *call, owner directory.UserID, user directory.User, activity, operation string) error {
	d := c.device
	d.Owner = owner
	e := a.deviceEvent(c, activity, operation, d, nil)
	e.Change.Targets = append(e.Change.Targets, userTarget(user))
	if err := a.Store.UpdateDevice(c.ctx(), d, a.Now(), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

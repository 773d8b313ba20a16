package graph

import (
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// preparationResource is whom d is prepared for, and what became of it.
func preparationResource(d directory.Device) odata.Entity {
	p, state := *d.Preparation, "waiting"
	if !p.Waiting() {
		state = "handedOver"
	}
	owner := ""
	if !p.Waiting() {
		owner = string(d.Owner)
	}
	return odata.Entity{
		{Name: "state", Value: state},
		{Name: "userId", Value: text(string(p.User))},
		{Name: "groupId", Value: text(string(p.Group))},
		{Name: "preparedBy", Value: text(string(p.By))},
		{Name: "preparedDateTime", Value: odata.Time(p.At)},
		{Name: "handedOverTo", Value: text(owner)},
		{Name: "handedOverDateTime", Value: odata.Time(p.HandedOverAt)},
	}
}

// preparationValue is preparationResource, or null.
func preparationValue(d directory.Device) any {
	if d.Preparation == nil {
		return nil
	}
	return preparationResource(d)
}

func (a *API) writePreparation(c *call, d directory.Device) error {
	return odata.WriteJSON(c.w, 200, append(odata.Entity{
		{Name: "@odata.context", Value: a.root(c).Entity("postern/preparations", nil)},
		{Name: "id", Value: d.ID},
		{Name: "deviceId", Value: d.DeviceID},
	}, preparationResource(d)...))
}

// getPreparation serves GET /postern/devices/{id}/preparation.
func (a *API) getPreparation(c *call) error {
	if c.device.Preparation == nil {
		return directory.ErrNoPreparation
	}
	return a.writePreparation(c, c.device)
}

// putPreparation serves PUT /postern/devices/{id}/preparation: from now on the device waits for a
// person, or for whoever of a group signs in first.
func (a *API) putPreparation(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var user, group string
	body.String("userId", &user)
	body.String("groupId", &group)
	if err := body.Done(); err != nil {
		return err
	}
	p := directory.Preparation{By: c.caller.User, Group: directory.GroupID(group), At: a.Now()}
	target := []audit.Target{deviceTarget(c.device)}
	if user != "" {
		person, err := a.forWhom(c, user)
		if err != nil {
			return a.hide(c, route{action: directory.PrepareDeviceFor}, err)
		}
		p.User, target = person.ID, append(target, userTarget(person))
	}
	if group != "" {
		g, err := a.Store.Group(c.ctx(), c.tenant.ID, p.Group)
		if err != nil {
			return err
		}
		target = append(target, groupTarget(g))
	}
	if err := a.mayTake(c); err != nil {
		return err
	}
	d, err := c.device.Prepared(p)
	if err != nil {
		return err
	}
	e := a.deviceEvent(c, audit.PrepareDevice, audit.OperationUpdate, d, nil)
	e.Change.Targets = target
	if err := a.Store.UpdateDevice(c.ctx(), d, a.Now(), e); err != nil {
		return err
	}
	return a.writePreparation(c, d)
}

// forWhom returns the person whom a device is to be prepared for, if the caller may.
func (a *API) forWhom(c *call, name string) (directory.User, error) {
	id, err := a.userNamed(c, name)
	if err != nil {
		return directory.User{}, err
	}
	u, err := a.Store.User(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return u, err
	}
	target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, id)
	if err == nil {
		err = directory.May(c.caller, directory.PrepareDeviceFor, target)
	}
	if err == nil && u.UserType == "Guest" {
		err = directory.ErrGuestDevice
	}
	return u, err
}

// mayTake refuses to take a device from those who use it beyond the caller's reach. Who joined it has it, and while it waits
// nobody else has.
func (a *API) mayTake(c *call) error {
	p, owner := c.device.Preparation, c.device.Owner
	switch {
	case owner != "" && owner == c.caller.User, p != nil && p.Waiting():
		return nil
	case p == nil: // all who use it are shut out, and their PINs go: as when it is switched off and deleted
		return directory.May(c.caller, directory.SwitchDevice, directory.Target{})
	case owner == "":
		return nil
	}
	target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, owner)
	if err != nil {
		return err
	}
	return directory.May(c.caller, directory.PrepareDeviceFor, target)
}

// deletePreparation serves DELETE /postern/devices/{id}/preparation: the device is like any other.
func (a *API) deletePreparation(c *call) error {
	d := c.device
	if d.Preparation == nil {
		return directory.ErrNoPreparation
	}
	if err := a.mayTake(c); err != nil {
		return err
	}
	d.Preparation = nil
	if err := a.Store.UpdateDevice(c.ctx(), d, a.Now(), a.deviceEvent(c, audit.EndPreparation, audit.OperationUpdate, d, nil)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

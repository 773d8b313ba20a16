package graph

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/hello"
)

const helloType = "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod"

// PINs is what Graph reads and writes of device PINs.
type PINs interface {
	hello.Store
	// Device returns a device, or directory.ErrDeviceUnknown.
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error)
}

var (
	helloProperties       = []string{"id", "displayName", "createdDateTime", "keyStrength", "postern_keyStorage", "postern_resetVersion", unreadable}
	helloDeviceProperties = []string{"id", "deviceId", "displayName", "operatingSystem", "operatingSystemVersion", "trustType", "accountEnabled"}
	helloExpand           = map[string][]string{"device": helloDeviceProperties}
)

func helloSet(c *call) string {
	return odata.Within("users", string(c.user.ID), "authentication/windowsHelloForBusinessMethods")
}

// listHello serves GET /users/{id}/authentication/windowsHelloForBusinessMethods.
// https://learn.microsoft.com/graph/api/windowshelloforbusinessauthenticationmethod-list
func (a *API) listHello(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: helloProperties, Expand: helloExpand, MaxTop: 100, DefaultTop: 100, Skip: true})
	if err != nil {
		return err
	}
	all, err := a.Store.ContainersOf(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(helloSet(c), options.Select), Value: []odata.Entity{}}
	all = all[min(options.Skip, len(all)):]
	for _, one := range all[:min(options.Top, len(all))] {
		resource, err := a.helloResource(c, one, options)
		if err != nil {
			return err
		}
		page.Value = append(page.Value, resource[1:]) // its type is that of the collection
	}
	return odata.WritePage(c.w, page)
}

// getHello serves GET /users/{id}/authentication/windowsHelloForBusinessMethods/{method}.
func (a *API) getHello(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: helloProperties, Expand: helloExpand})
	if err != nil {
		return err
	}
	one, err := a.ownHello(c)
	if err != nil {
		return err
	}
	resource, err := a.helloResource(c, one, options)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(helloSet(c), options.Select), resource[1:])
}

// ownHello returns the method that the path names if it is the user's.
func (a *API) ownHello(c *call) (hello.Container, error) {
	id, err := objectID(c, "method", hello.ErrNone)
	if err != nil {
		return hello.Container{}, err
	}
	all, err := a.Store.ContainersOf(c.ctx(), c.tenant.ID, c.user.ID)
	for _, one := range all {
		if one.Method == id {
			return one, nil
		}
	}
	if err == nil {
		err = hello.ErrNone
	}
	return hello.Container{}, err
}

// deleteHello serves DELETE /users/{id}/authentication/windowsHelloForBusinessMethods/{method}:
// the PIN signs nobody in from now on, and what came from it ends.
func (a *API) deleteHello(c *call) error {
	one, err := a.ownHello(c)
	if err != nil {
		return err
	}
	change := audit.Change{
		Activity: audit.AdminDeletedSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
		ResultReason: audit.ReasonAdminDeletedHello, Targets: []audit.Target{userTarget(c.user)},
		Details: []audit.KeyValue{{Key: hello.DetailMethod, Value: one.Method}, {Key: "Container", Value: one.ID}, {Key: "Device Id", Value: one.DeviceID}},
	}
	if c.caller.User == c.user.ID {
		change.Activity, change.ResultReason = audit.UserDeletedSecurityInfo, audit.ReasonUserDeletedHello
	}
	d, err := a.pinDevice(c, one.Device)
	if err != nil {
		return err
	}
	change.Targets = append(change.Targets, audit.Target{ID: string(one.Device), Type: audit.TargetDevice, DisplayName: d.DisplayName})
	if err := a.Store.RemoveContainer(c.ctx(), one, a.Now(), a.event(c, change)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// pinDevice is the device of a PIN: as much of it as can be read, and nothing of one that is gone.
func (a *API) pinDevice(c *call, id directory.DeviceObjectID) (directory.Device, error) {
	d, err := a.Store.Device(c.ctx(), c.tenant.ID, id)
	if errors.Is(err, directory.ErrDeviceUnknown) {
		return d, nil
	}
	return d, listed(err)
}

// helloResource is a device PIN as Graph shows it; the type comes first, the id second.
func (a *API) helloResource(c *call, one hello.Container, options odata.Options) (odata.Entity, error) {
	d, err := a.pinDevice(c, one.Device)
	if err != nil {
		return nil, err
	}
	e := odata.Entity{
		{Name: "@odata.type", Value: helloType},
		{Name: "id", Value: one.Method},
		{Name: "displayName", Value: d.DisplayName},
		{Name: "createdDateTime", Value: odata.Time(one.RegisteredAt)},
		{Name: "keyStrength", Value: one.Strength()},
		{Name: "postern_keyStorage", Value: one.Storage(), OnSelect: true},
		{Name: "postern_resetVersion", Value: one.Version, OnSelect: true},
		{Name: unreadable, Value: one.Unreadable, OnSelect: true},
	}.Select(options.Select)
	if len(options.Expand) == 0 {
		return e, nil
	}
	return append(e, odata.Property{Name: "device", Value: odata.Entity{
		{Name: "id", Value: d.ID},
		{Name: "deviceId", Value: d.DeviceID},
		{Name: "displayName", Value: d.DisplayName},
		{Name: "operatingSystem", Value: d.OperatingSystem},
		{Name: "operatingSystemVersion", Value: d.OperatingSystemVersion},
		{Name: "trustType", Value: string(d.TrustType)},
		{Name: "accountEnabled", Value: d.AccountEnabled},
	}.Select(options.Expand[0].Select)}), nil
}

// hellosOf returns all device PINs of the user, for the list of all methods.
func (a *API) hellosOf(c *call, names []string) ([]odata.Entity, error) {
	found, err := a.Store.ContainersOf(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return nil, err
	}
	all := []odata.Entity{}
	for _, one := range found {
		e, err := a.helloResource(c, one, odata.Options{Select: names})
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

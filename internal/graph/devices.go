package graph

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

var deviceSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "deviceId", Type: filter.TypeString, Column: "device_id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
	{Name: "operatingSystem", Type: filter.TypeString, Column: "operating_system", Ops: filter.Equality | filter.StartsWith},
	{Name: "trustType", Type: filter.TypeString, Column: "trust_type", Ops: filter.Equality},
	{Name: "accountEnabled", Type: filter.TypeBool, Column: "account_enabled", Ops: filter.Equality},
	{Name: approvalState, Type: filter.TypeString, Column: "approval", Ops: filter.Equality},
	{Name: "registrationDateTime", Type: filter.TypeTime, Column: "registered_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
	{Name: "approximateLastSignInDateTime", Type: filter.TypeTime, Column: "seen_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
}

// ownStatus is what an agent says of itself; it is read from the store only when asked for.
const ownStatus = "postern_status"

// approvalState says whether an administrator lets a device take part.
const approvalState = "postern_approvalState"

var deviceProperties = append(names(deviceResource(directory.Device{})), ownStatus)

// deviceExpand is what $expand names: a device has one owner at most.
var deviceExpand = map[string][]string{"registeredOwners": objectProperties}

// deviceResource is d as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/device
func deviceResource(d directory.Device) odata.Entity {
	own := func(name string, value any) odata.Property {
		return odata.Property{Name: name, Value: value, OnSelect: true}
	}
	return odata.Entity{
		{Name: "id", Value: d.ID},
		{Name: "deletedDateTime", Value: nil},
		{Name: "accountEnabled", Value: d.AccountEnabled},
		{Name: "approximateLastSignInDateTime", Value: odata.Time(d.SeenAt)},
		{Name: "deviceId", Value: d.DeviceID},
		{Name: "deviceOwnership", Value: d.Ownership()},
		{Name: "deviceVersion", Value: 2},
		{Name: "displayName", Value: text(d.DisplayName)},
		{Name: "domainName", Value: text(d.DomainName)},
		{Name: "isCompliant", Value: nil}, // nothing here judges it
		{Name: "isManaged", Value: nil},
		{Name: "manufacturer", Value: text(d.Manufacturer)},
		{Name: "model", Value: text(d.Model)},
		{Name: "operatingSystem", Value: text(d.OperatingSystem)},
		{Name: "operatingSystemVersion", Value: text(d.OperatingSystemVersion)},
		{Name: "profileType", Value: directory.DeviceProfile},
		{Name: "registrationDateTime", Value: odata.Time(d.RegisteredAt)},
		{Name: "trustType", Value: text(string(d.TrustType))},
		own(approvalState, d.Approval.String()),
		own("postern_preparation", preparationValue(d)),
		own("postern_keyStorage", d.KeyStorage),
		own("postern_attested", d.Attested),
		own("postern_certificateThumbprint", text(d.CertificateThumbprint)),
		own("postern_certificateEndDateTime", odata.Time(d.CertificateEndsAt)),
		own(unreadable, d.Unreadable),
	}
}

func deviceTarget(d directory.Device) audit.Target {
	return audit.Target{ID: string(d.ID), Type: audit.TargetDevice, DisplayName: d.DisplayName}
}

func (a *API) deviceEvent(c *call, activity, operation string, d directory.Device, changes []audit.ModifiedProperty) audit.Event {
	target := deviceTarget(d)
	target.Modified = changes
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryDevice, Service: audit.ServiceCoreDirectory, Operation: operation,
		Targets: []audit.Target{target}, Details: []audit.KeyValue{{Key: "Device Id", Value: d.DeviceID}},
	})
}

// machine finds the device that {id} names, by object id or as (deviceId='…').
func machine(a *API, c *call) (directory.Target, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Target{}, err
	}
	value := strings.ToLower(key.Value)
	switch {
	case strings.EqualFold(key.Property, "deviceId"):
		c.device, err = a.Store.DeviceByDeviceID(c.ctx(), c.tenant.ID, value)
	case key.Property != "" && !strings.EqualFold(key.Property, "id") || !directory.IsID(value):
		err = directory.ErrDeviceUnknown
	default:
		c.device, err = a.Store.Device(c.ctx(), c.tenant.ID, directory.DeviceObjectID(value))
	}
	if c.r.Method == http.MethodDelete {
		err = listed(err) // what can't be read is of no use, and can go
	}
	return directory.Target{}, err
}

// listDevices serves GET /devices. https://learn.microsoft.com/graph/api/device-list
func (a *API) listDevices(c *call) error {
	w, err := a.wish(c, odata.Allow{
		Properties: deviceProperties, Expand: deviceExpand, DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true, Count: true,
	}, deviceSchema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.Devices(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	shown := make([]odata.Entity, len(found))
	for i, d := range found {
		if shown[i], err = a.deviceEntity(c, d, w.options); err != nil {
			return err
		}
	}
	w.options.Select = withExpanded(w.options)
	count := func(match []filter.Bound) (int, error) { return a.Store.CountDevices(c.ctx(), c.tenant.ID, match) }
	return writeList(a, c, w, "devices", shown, position, count, func(e odata.Entity) odata.Entity { return e })
}

// withExpanded is what $select leaves of an entity: what is expanded stays.
func withExpanded(o odata.Options) []string {
	if o.Select == nil {
		return nil
	}
	kept := slices.Clone(o.Select)
	for _, x := range o.Expand {
		kept = append(kept, x.Name)
	}
	return kept
}

// deviceEntity is d with what its agent said and with its owner, where that is asked for.
func (a *API) deviceEntity(c *call, d directory.Device, o odata.Options) (odata.Entity, error) {
	e := deviceResource(d)
	for _, x := range o.Expand {
		owners := []directory.Ref{}
		if d.Owner != "" {
			owners = append(owners, directory.Ref{Kind: directory.KindUser, ID: string(d.Owner)})
		}
		all, err := a.objects(c, owners)
		if err != nil {
			return nil, err
		}
		for i := range all {
			all[i] = all[i].Select(x.Select)
		}
		e = append(e, odata.Property{Name: x.Name, Value: all})
	}
	if !slices.Contains(o.Select, ownStatus) {
		return e, nil
	}
	status, at, err := a.Store.DeviceStatus(c.ctx(), c.tenant.ID, d.ID)
	if err != nil {
		return nil, err
	}
	var value any // null: it said nothing yet
	if !at.IsZero() {
		value = odata.Entity{{Name: "reportedDateTime", Value: odata.Time(at)}, {Name: "report", Value: status}}
	}
	return append(e, odata.Property{Name: ownStatus, Value: value, OnSelect: true}), nil
}

// countDevices serves GET /devices/$count.
func (a *API) countDevices(c *call) error { return a.writeCount(c, deviceSchema, a.Store.CountDevices) }

// getDevice serves GET /devices/{id} and /devices(deviceId='…').
func (a *API) getDevice(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: deviceProperties, Expand: deviceExpand})
	if err != nil {
		return err
	}
	e, err := a.deviceEntity(c, c.device, o)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("devices", o.Select), e.Select(withExpanded(o)))
}

// patchDevice serves PATCH /devices/{id}: switching it on and off, approving or refusing it, and its name. What a
// device says of itself it says when it joins.
func (a *API) patchDevice(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	d := c.device
	body.Bool("accountEnabled", &d.AccountEnabled)
	if body.Has("accountEnabled") {
		d = d.Decided()
	}
	body.String("displayName", &d.DisplayName)
	body.NotKept(slices.DeleteFunc(slices.Clone(deviceProperties), func(name string) bool {
		return name == "accountEnabled" || name == "displayName" || name == approvalState
	})...)
	body.NotKept("alternativeSecurityIds", "enrollmentType", "extensionAttributes", "isRooted", "managementType", "mdmAppId",
		"onPremisesSyncEnabled", "physicalIds", "systemLabels")
	approval, err := readApproval(body, d.Approval)
	if err != nil {
		return err
	}
	d.Approval = approval
	if err := body.Done(); err != nil {
		return err
	}
	d.DisplayName = strings.TrimSpace(d.DisplayName)
	if d.DisplayName != c.device.DisplayName {
		if err := directory.May(c.caller, directory.UpdateDevice, directory.Target{}); err != nil {
			return err
		}
	}
	activity := audit.UpdateDevice
	if d.Approval != c.device.Approval {
		if err := directory.May(c.caller, directory.ApproveDevice, directory.Target{}); err != nil {
			return err
		}
		activity = map[directory.Approval]string{directory.Approved: audit.ApproveDevice, directory.Refused: audit.RefuseDevice}[d.Approval]
	}
	if err := d.Check(); err != nil {
		return err
	}
	e := a.deviceEvent(c, activity, audit.OperationUpdate, d, modified(deviceResource(c.device), deviceResource(d)))
	if err := a.Store.UpdateDevice(c.ctx(), d, a.Now(), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// readApproval reads what an administrator decided; nobody makes a device wait again.
func readApproval(body *odata.Object, old directory.Approval) (directory.Approval, error) {
	word := old.String()
	body.String(approvalState, &word)
	switch word {
	case old.String():
		return old, nil
	case directory.Approved.String():
		return directory.Approved, nil
	case directory.Refused.String():
		return directory.Refused, nil
	}
	return old, odata.ErrMember.With(approvalState, approvalState+" can be set to approved or refused.")
}

// deleteDevice serves DELETE /devices/{id}: for good, as in Entra.
func (a *API) deleteDevice(c *call) error {
	e := a.deviceEvent(c, audit.DeleteDevice, audit.OperationDelete, c.device, nil)
	if err := a.Store.RemoveDevice(c.ctx(), c.tenant.ID, c.device.ID, a.Now(), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// linkedDevice serves what belongs to a device by a link.
func linkedDevice(link string) func(*API, *call) error {
	return func(a *API, c *call) error { return a.writeLinked(c, string(c.device.ID), link) }
}

// listOwnedDevices serves GET /users/{id}/ownedDevices: those that the person joined.
func (a *API) listOwnedDevices(c *call) error {
	return a.writeLinked(c, string(c.user.ID), "ownedDevice")
}

// listRegisteredDevices serves GET /users/{id}/registeredDevices: those on which the person
// signed in.
func (a *API) listRegisteredDevices(c *call) error {
	return a.writeLinked(c, string(c.user.ID), "registeredDevice")
}

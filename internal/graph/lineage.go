package graph

import (
	"net/http"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// errNoTag asks for what the preview said, so that nobody undoes what they did not see.
var errNoTag = &fault.Error{
	Kind: fault.Invalid, Code: "lineageTagMissing", Target: "etag",
	Text: "The request does not say what is to be undone.", Remedy: "Read the lineage first, and send its etag.",
}

// getLineage serves GET /postern/users/{id}/passes/{pass}/lineage: what came from a pass, which
// may be gone. Its etag is what revert wants.
func (a *API) getLineage(c *call) error {
	pass, err := objectID(c, "pass", tap.ErrNone)
	if err != nil {
		return err
	}
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	e, err := a.Registry.Preview(c.ctx(), c.user, pass)
	if err != nil {
		return err
	}
	return a.writeLineage(c, http.StatusOK, pass, e)
}

// revertLineage serves POST /postern/users/{id}/passes/{pass}/revert: all that came from the
// pass ends, and so does the pass. What is undone is what the etag of the lineage named.
func (a *API) revertLineage(c *call) error {
	pass, err := objectID(c, "pass", tap.ErrNone)
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var tag string
	var devices bool
	body.String("etag", &tag)
	body.Bool("disableDevices", &devices)
	if err := body.Done(); err != nil {
		return err
	}
	if tag == "" {
		return errNoTag
	}
	if devices { // who undoes a pass need not be who may switch devices off
		if err := directory.May(c.caller, directory.SwitchDevice, directory.Target{}); err != nil {
			return err
		}
	}
	e, err := a.Registry.Revert(c.ctx(), c.user, pass, tag, devices, method.Actor{
		By: c.actor, CorrelationID: a.event(c, audit.Change{}).CorrelationID,
	})
	if err != nil {
		return err
	}
	return a.writeLineage(c, http.StatusOK, pass, e)
}

func (a *API) writeLineage(c *call, status int, pass string, e method.Estate) error {
	course, err := a.courseOf(c, pass)
	if err != nil {
		return err
	}
	methods, err := a.lineageMethods(c, e)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, status, a.root(c).Entity("postern/users/"+string(c.user.ID)+"/passes", nil), odata.Entity{
		{Name: "id", Value: pass},
		{Name: "etag", Value: e.Tag()},
		{Name: "course", Value: course},
		{Name: "methods", Value: methods},
		{Name: "sessions", Value: lineageSessions(e.Sessions)},
		{Name: "devices", Value: lineageDevices(e.Devices)},
	})
}

func (a *API) lineageMethods(c *call, e method.Estate) ([]odata.Entity, error) {
	all := []odata.Entity{}
	for _, one := range e.Credentials {
		all = append(all, odata.Entity{
			{Name: "id", Value: one.ID},
			{Name: "kind", Value: string(one.Kind)},
			{Name: "displayName", Value: one.Name},
			{Name: "createdDateTime", Value: odata.Time(one.CreatedAt)},
			{Name: "lastUsedDateTime", Value: odata.Time(one.UsedAt)},
			{Name: "isFrozen", Value: one.Frozen()},
			{Name: "registeredFrom", Value: text(one.Origin.Address)},
			{Name: "registeredWith", Value: text(one.Origin.Browser)},
		})
	}
	for _, one := range e.PINs {
		device, err := a.pinDevice(c, one.Device)
		if err != nil {
			return nil, err
		}
		all = append(all, odata.Entity{
			{Name: "id", Value: one.ID},
			{Name: "kind", Value: "hello"},
			{Name: "deviceId", Value: one.DeviceID},
			{Name: "deviceDisplayName", Value: text(device.DisplayName)},
			{Name: "createdDateTime", Value: odata.Time(one.CreatedAt)},
		})
	}
	return all, nil
}

func lineageSessions(sessions []signin.Session) []odata.Entity {
	all := []odata.Entity{}
	for _, one := range sessions {
		browser, system := signin.DescribeAgent(one.UserAgent)
		all = append(all, odata.Entity{
			{Name: "id", Value: one.ID},
			{Name: "createdDateTime", Value: odata.Time(one.CreatedAt)},
			{Name: "ipAddress", Value: text(one.Address)},
			{Name: "browser", Value: text(browser)},
			{Name: "operatingSystem", Value: text(system)},
			{Name: "deviceDisplayName", Value: text(one.Device.Name())},
		})
	}
	return all
}

func lineageDevices(devices []directory.Device) []odata.Entity {
	all := []odata.Entity{}
	for _, d := range devices {
		all = append(all, odata.Entity{
			{Name: "id", Value: string(d.ID)},
			{Name: "deviceId", Value: d.DeviceID},
			{Name: "displayName", Value: d.DisplayName},
			{Name: "accountEnabled", Value: d.AccountEnabled},
			{Name: "registrationDateTime", Value: odata.Time(d.RegisteredAt)},
		})
	}
	return all
}

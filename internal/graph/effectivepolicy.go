package graph

import (
	"errors"
	"strings"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// effectivePolicy serves GET /postern/devices/{id}/effectivePolicy?user=…: what holds on a
// device, by object id or device id, and for a person at it, by object id or UPN.
func (a *API) effectivePolicy(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	d, err := a.deviceOf(c)
	if err != nil {
		return err
	}
	facts := devicepolicy.FactsOf(d)
	if facts.Policies, err = a.Store.DevicePolicies(c.ctx(), c.tenant.ID); err != nil {
		return err
	}
	if facts.Device, err = a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(d.ID)); err != nil {
		return err
	}
	user, err := a.userAt(c, &facts)
	if err != nil {
		return err
	}
	effective := devicepolicy.Resolve(facts)
	all := []odata.Entity{}
	for _, s := range devicepolicy.Catalog() {
		all = append(all, outcomeResource(s, effective[s.URI]))
	}
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: a.root(c).Collection("postern/effectivePolicy", nil)},
		{Name: "id", Value: d.ID},
		{Name: "deviceId", Value: d.DeviceID},
		{Name: "userId", Value: text(string(user))},
		{Name: "platform", Value: facts.Platform},
		{Name: "value", Value: all},
	})
}

// deviceOf finds the device that {id} names.
func (a *API) deviceOf(c *call) (directory.Device, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Device{}, err
	}
	id := strings.ToLower(key.Value)
	if key.Property == "" || strings.EqualFold(key.Property, "id") {
		d, err := a.Store.Device(c.ctx(), c.tenant.ID, directory.DeviceObjectID(id))
		if !errors.Is(err, directory.ErrDeviceUnknown) || key.Property != "" {
			return d, err
		}
	} else if !strings.EqualFold(key.Property, "deviceId") {
		return directory.Device{}, directory.ErrDeviceUnknown
	}
	return a.Store.DeviceByDeviceID(c.ctx(), c.tenant.ID, id)
}

// userAt puts the person that ?user= names at the device.
func (a *API) userAt(c *call, facts *devicepolicy.Facts) (directory.UserID, error) {
	name := c.r.URL.Query().Get("user")
	if name == "" {
		return "", nil
	}
	var u directory.User
	var err error
	if directory.IsID(name) {
		u, err = a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(strings.ToLower(name)))
	} else {
		u, err = a.Store.UserByName(c.ctx(), c.tenant.ID, name)
	}
	if err != nil {
		return "", err
	}
	facts.Person = true
	facts.User, err = a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(u.ID))
	return u.ID, err
}

func outcomeResource(s devicepolicy.Setting, o devicepolicy.Outcome) odata.Entity {
	lost := []odata.Entity{}
	for _, l := range o.Lost {
		lost = append(lost, odata.Entity{
			{Name: "policyId", Value: text(l.PolicyID)}, {Name: "policyName", Value: text(l.PolicyName)}, {Name: "value", Value: l.Value},
		})
	}
	return odata.Entity{
		{Name: "settingDefinitionId", Value: s.DefinitionID()},
		{Name: "omaUri", Value: s.URI},
		{Name: "displayName", Value: s.Name},
		{Name: "value", Value: o.Value},
		{Name: "source", Value: o.Source},
		{Name: "reason", Value: o.Reason},
		{Name: "policyId", Value: text(o.Policy.PolicyID)},
		{Name: "policyName", Value: text(o.Policy.PolicyName)},
		{Name: "conflict", Value: o.Conflict},
		{Name: "idle", Value: o.Idle},
		{Name: "lost", Value: lost},
	}
}

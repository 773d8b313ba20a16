package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// Devices yields the devices that q asks for.
func (c *Client) Devices(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "devices")
}

// Device returns a device, by object id.
func (c *Client) Device(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, "devices", id)
}

// ownDevice are the properties of devices, what Postern adds to Graph's among them.
const ownDevice = "id,deviceId,displayName,accountEnabled,trustType,operatingSystem,operatingSystemVersion,manufacturer,model,domainName," +
	"isCompliant,isManaged,registrationDateTime,approximateLastSignInDateTime," +
	"postern_approvalState,postern_preparation,postern_keyStorage,postern_attested,postern_certificateEndDateTime,postern_isUnreadable"

// ownerNames names who joined a device, beside it.
const ownerNames = "registeredOwners($select=id,displayName,userPrincipalName)"

// OwnDevices yields the devices that q asks for, with what Postern adds to Graph's properties.
func (c *Client) OwnDevices(ctx context.Context, q Query) iter.Seq2[Object, error] {
	q.Select = ownDevice
	return c.list(ctx, q, "devices")
}

// OwnDevicePage returns one page of what OwnDevices yields, with owners.
func (c *Client) OwnDevicePage(ctx context.Context, q Query) (Page, error) {
	q.Select, q.Expand = ownDevice, ownerNames
	return c.Page(ctx, q, "devices")
}

// OwnDevice returns a device, by object id, with what Postern adds to Graph's properties, and
// what its agent last said.
func (c *Client) OwnDevice(ctx context.Context, id string) (Object, error) {
	path, err := segments("devices", id)
	if err != nil {
		return nil, err
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path+Query{Select: ownDevice + ",postern_status", Expand: ownerNames}.encode(), nil, &o)
	return o, err
}

// JoinPolicy returns the deviceRegistrationPolicy, with what Postern adds if own is set.
func (c *Client) JoinPolicy(ctx context.Context, own bool) (Object, error) {
	path, err := segments(joinPolicy...)
	if err != nil {
		return nil, err
	}
	if own {
		path += Query{Select: "id,displayName,userDeviceQuota,multiFactorAuthConfiguration,azureADJoin,azureADRegistration,postern_approval"}.encode()
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path, nil, &o)
	return o, err
}

// PatchJoinPolicy changes the properties in change and leaves the others.
func (c *Client) PatchJoinPolicy(ctx context.Context, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, joinPolicy...)
}

var joinPolicy = []string{"policies", "deviceRegistrationPolicy"}

// RegisteredOwners yields who joined a device, by object id.
func (c *Client) RegisteredOwners(ctx context.Context, id string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "devices", id, "registeredOwners")
}

// RegisteredUsers yields who signed in on a device, by object id.
func (c *Client) RegisteredUsers(ctx context.Context, id string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "devices", id, "registeredUsers")
}

// UpdateDevice changes a device, by object id.
func (c *Client) UpdateDevice(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, "devices", id)
}

// PrepareDevice makes a device, by object id, wait for a person (userId, an id or name) or for whoever
// of a group (groupId) signs in first.
func (c *Client) PrepareDevice(ctx context.Context, id string, whom Object) (Object, error) {
	var o Object
	err := c.at(ctx, http.MethodPut, whom, &o, "postern", "devices", id, "preparation")
	return o, err
}

// EndPreparation makes a device that was prepared for somebody one for everybody again.
func (c *Client) EndPreparation(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "postern", "devices", id, "preparation")
}

// DeleteDevice deletes a device for good, by object id.
func (c *Client) DeleteDevice(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "devices", id)
}

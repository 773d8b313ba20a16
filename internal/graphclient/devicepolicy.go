package graphclient

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

var (
	devicePolicies = []string{"deviceManagement", "configurationPolicies"}
	customProfiles = []string{"deviceManagement", "deviceConfigurations"}
)

func below(path []string, names ...string) []string {
	return append(append([]string{}, path...), names...)
}

// SettingDefinitions yields the catalog of device settings.
func (c *Client) SettingDefinitions(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "deviceManagement", "configurationSettings")
}

// ownDefinition are the properties of settings of the catalog, what Postern adds to Graph's among them.
const ownDefinition = "id,name,displayName,description,baseUri,offsetUri,options,defaultOptionId,defaultValue,valueDefinition,maximumCount,applicability," +
	"postern_category,postern_lockScreen,postern_user"

// OwnSettingDefinitions yields the catalog with what Postern adds to Graph's properties.
func (c *Client) OwnSettingDefinitions(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{Select: ownDefinition}, "deviceManagement", "configurationSettings")
}

// DevicePolicies yields the device policies that q asks for.
func (c *Client) DevicePolicies(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, devicePolicies...)
}

// DevicePolicy returns a device policy, by id, with its settings and assignments.
func (c *Client) DevicePolicy(ctx context.Context, id string) (Object, error) {
	path, err := segments(below(devicePolicies, id)...)
	if err != nil {
		return nil, err
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path+"?$expand=settings,assignments", nil, &o)
	return o, err
}

// DevicePolicyWarnings returns what is unlikely to be meant with a device policy, by id.
func (c *Client) DevicePolicyWarnings(ctx context.Context, id string) (Object, error) {
	path, err := segments(below(devicePolicies, id)...)
	if err != nil {
		return nil, err
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path+"?$select=postern_warnings", nil, &o)
	return o, err
}

// CreateDevicePolicy creates a device policy and returns it.
func (c *Client) CreateDevicePolicy(ctx context.Context, policy Object) (Object, error) {
	return c.create(ctx, policy, devicePolicies...)
}

// UpdateDevicePolicy changes the properties in change of a device policy, by id.
func (c *Client) UpdateDevicePolicy(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, below(devicePolicies, id)...)
}

// DeleteDevicePolicy deletes a device policy, by id.
func (c *Client) DeleteDevicePolicy(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, below(devicePolicies, id)...)
}

// AssignDevicePolicy replaces whom a device policy, by id, is for. The answer has the
// assignments, and warnings from Postern.
func (c *Client) AssignDevicePolicy(ctx context.Context, id string, targets []Object) (Object, error) {
	all := []Object{}
	for _, t := range targets {
		all = append(all, Object{"target": t})
	}
	var o Object
	err := c.at(ctx, http.MethodPost, Object{"assignments": all}, &o, below(devicePolicies, id, "assign")...)
	return o, err
}

// CustomProfile returns a device policy, by id, as a custom profile with OMA-URIs.
func (c *Client) CustomProfile(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, below(customProfiles, id)...)
}

// CreateCustomProfile makes a device policy of a custom profile.
func (c *Client) CreateCustomProfile(ctx context.Context, profile Object) (Object, error) {
	return c.create(ctx, profile, customProfiles...)
}

// EffectivePolicy returns what holds on a device, by object id or device id, and for a person
// at it, by id or UPN, unless user is empty. It is Postern's own.
func (c *Client) EffectivePolicy(ctx context.Context, device, user string) (Object, error) {
	return c.ofDevice(ctx, device, user, "effectivePolicy")
}

// Prerequisites returns each prerequisite of web sign-in on a device, by object id or device id,
// for anybody or for a person, by id or UPN. It is Postern's own.
func (c *Client) Prerequisites(ctx context.Context, device, user string) (Object, error) {
	return c.ofDevice(ctx, device, user, "prerequisites")
}

func (c *Client) ofDevice(ctx context.Context, device, user, what string) (Object, error) {
	path, err := segments("postern", "devices", device, what)
	if err != nil {
		return nil, err
	}
	if user != "" {
		path += "?" + url.Values{"user": {user}}.Encode()
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path, nil, &o)
	return o, err
}

// PreviewDevicePolicy returns what would be stored of a configuration policy or custom profile,
// what would change of the policy with the id in of, unless that is empty, and warnings. Nothing
// is stored. It is Postern's own.
func (c *Client) PreviewDevicePolicy(ctx context.Context, of string, policy any) (Object, error) {
	path, err := segments("postern", "devicePolicies", "preview")
	if err != nil {
		return nil, err
	}
	if of != "" {
		path += "?" + url.Values{"of": {of}}.Encode()
	}
	var o Object
	err = c.call(ctx, http.MethodPost, path, policy, &o)
	return o, err
}

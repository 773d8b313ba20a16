package deviceapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

// policy serves GET /device/v1/{tenant}/policy?user=…: the settings that hold, signed.
func (a *API) policy(c *call) (int, any, error) {
	user := directory.UserID(c.Request.URL.Query().Get("user"))
	if user != "" {
		_, err := a.Store.User(c.Context(), c.Tenant.ID, user)
		if err == nil && !mayKnow(c.device, user) {
			err = directory.ErrUserUnknown
		}
		if err != nil {
			return 0, nil, err
		}
	}
	signed, keys, err := a.signedPolicy(c, c.device, user)
	return http.StatusOK, device.PolicyAnswer{Policy: signed, PolicyKeys: keys}, err
}

// signedPolicy resolves what holds on d, with the settings of a person unless user is empty,
// and signs it; keys are the JWK set that it is verified with.
func (a *API) signedPolicy(c *call, d directory.Device, user directory.UserID) (signed string, keys []byte, err error) {
	ctx := c.Context()
	settings, err := a.effective(ctx, d, user)
	if err != nil {
		return "", nil, err
	}
	settings.Issuer, settings.TenantID, settings.DeviceID = a.aboutTenant(c.Tenant).Issuer, string(c.Tenant.ID), d.DeviceID
	settings.IssuedAt, settings.Version = a.Now().Unix(), a.Now().UnixMicro()
	k, signer, err := a.CA.Keys.Signer(ctx, string(c.Tenant.ID), keyring.DevicePolicy)
	if err != nil {
		return "", nil, err
	}
	claims, err := asMap(settings)
	if err != nil {
		return "", nil, err
	}
	if signed, err = device.SignJWT(signer, map[string]any{"typ": device.TypePolicy, "alg": "ES256", "kid": k.ID}, claims); err != nil {
		return "", nil, err
	}
	keys, err = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signer.Public(), KeyID: k.ID, Algorithm: "ES256", Use: "sig"}}})
	return signed, keys, err
}

func asMap(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	err = json.Unmarshal(raw, &m)
	return m, err
}

// effective resolves the policies of the tenant for a device and a person.
func (a *API) effective(ctx context.Context, d directory.Device, user directory.UserID) (device.Settings, error) {
	policies, err := a.Store.DevicePolicies(ctx, d.Tenant)
	if err != nil {
		return device.Settings{}, err
	}
	facts := devicepolicy.FactsOf(d)
	facts.Policies, facts.Person = policies, user != ""
	if facts.Device, err = a.Store.GroupsOf(ctx, d.Tenant, string(d.ID)); err != nil {
		return device.Settings{}, err
	}
	if user != "" {
		if facts.User, err = a.Store.GroupsOf(ctx, d.Tenant, string(user)); err != nil {
			return device.Settings{}, err
		}
	}
	out := device.Settings{UserID: string(user), Settings: map[string]device.Setting{}}
	for uri, o := range devicepolicy.Resolve(facts) {
		out.Settings[uri] = device.Setting{
			Value: o.Value, Source: o.Source, Reason: o.Reason, PolicyID: o.Policy.PolicyID, PolicyName: o.Policy.PolicyName, Idle: o.Idle,
		}
	}
	return out, nil
}

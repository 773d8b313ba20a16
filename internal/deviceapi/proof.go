package deviceapi

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/request/signed"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// bind binds a call's proof to the access token that comes with it, and by that to one key.
func (a *API) bind(c *signed.Call, want *dpop.Want) (err error) {
	if want.AccessToken = accessToken(c); want.AccessToken != "" {
		want.Thumbprint, err = a.boundTo(c, want.AccessToken)
	}
	return err
}

// admit finds the device that has the key. A key of none is anybody's, and each of its proofs
// costs a row.
func (a *API) admit(c *call) error {
	var err error
	c.device, err = a.Store.DeviceByKey(c.Context(), c.Tenant.ID, c.Proof.Thumbprint)
	if errors.Is(err, directory.ErrDeviceUnknown) {
		return a.SignIn.Admit(c.Context(), c.Place())
	}
	return err
}

func accessToken(c *signed.Call) string {
	scheme, raw, _ := strings.Cut(c.Request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "DPoP") {
		return ""
	}
	return strings.TrimSpace(raw)
}

// boundTo returns the thumbprint of the key that an access token is bound to.
func (a *API) boundTo(c *signed.Call, raw string) (string, error) {
	access, err := a.parse(c, raw)
	if err != nil {
		return "", err
	}
	if access.Confirm == nil {
		return "", token.ErrInvalid.With("", "The access token is not bound to the device's key.")
	}
	return access.Confirm.JKT, nil
}

func (a *API) parse(c *signed.Call, raw string) (token.Access, error) {
	access, err := a.Tokens.ParseAccess(c.Context(), raw, a.PublicURL, []string{string(directory.DeviceRegistrationAppID)}, a.Incarnation, a.Now())
	if err == nil && access.Tenant != c.Tenant.ID {
		err = token.ErrInvalid
	}
	return access, err
}

// person returns who speaks by the access token of c, which is bound to the key of its proof.
func (a *API) person(c *call) (token.Access, directory.User, error) {
	raw := accessToken(c.Call)
	if raw == "" {
		return token.Access{}, directory.User{}, token.ErrInvalid.With("", "The access token is missing.")
	}
	access, err := a.parse(c.Call, raw)
	if err != nil {
		return access, directory.User{}, err
	}
	owner, err := a.Store.TokenOwner(c.Context(), access, a.Now())
	if err == nil {
		err = a.SignIns.StillAllowed(c.Context(), access)
	}
	if err != nil {
		return access, directory.User{}, err
	}
	if access.AppOnly() || access.AppID != directory.AgentAppID || !slices.Contains(strings.Fields(access.Scopes), directory.DeviceScope) {
		return access, directory.User{}, token.ErrInvalid.With("", "The access token is not the agent's, for a person.")
	}
	return access, owner.User, fits(access, c.device)
}

// fits reports directory.ErrPurposeBound when the pass behind a token is for something else than
// this device, whose key proved the call. Who is about to join has none yet.
func fits(access token.Access, d directory.Device) error {
	var at *signin.Device
	if d.ID != "" {
		at = signin.DeviceOf(d)
	}
	if !signin.Purpose(access.Purpose).Fits(access.AppID, at) {
		return directory.ErrPurposeBound
	}
	return nil
}

// freshFor is how old a proof may be that joins a device. The token itself lives longer, and
// says what was true when it was issued.
const freshFor = 10 * time.Minute

// fresh reports ErrStale unless the person proved themselves strongly just now, at this device.
func fresh(access token.Access, now time.Time) error {
	if access.Protocol == audit.ProtocolDeviceCode || !slices.Contains(access.AMR, "ngcmfa") || now.Sub(time.Unix(access.AuthTime, 0)) > freshFor {
		return ErrStale
	}
	return nil
}

// freshToJoin is fresh, with the one exception of rule 18: a sign-in by device code joins the
// device whose number the person copied.
func freshToJoin(access token.Access, now time.Time) error {
	if access.Protocol == audit.ProtocolDeviceCode && access.Join && now.Sub(time.Unix(access.AuthTime, 0)) <= freshFor {
		return nil
	}
	return fresh(access, now)
}

// encode writes bytes for a text.
func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

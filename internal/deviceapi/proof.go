package deviceapi

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/token"
)

// nonceSpan is how long one nonce is handed out; it and the one before are taken, so that a
// nonce is good for one to two spans.
const nonceSpan = time.Minute

// nonce returns the nonce of the span that at is in. Nothing is stored: it is a keyed hash
// of the span, the same on every replica.
func (a *API) nonce(ctx context.Context, tenant directory.TenantID, at time.Time) (string, error) {
	span := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/int64(nonceSpan/time.Second)))
	return a.Secrets.MAC(ctx, string(tenant), "device nonce "+a.Incarnation, span)
}

// prove checks the proof that came with c and that it is new.
func (a *API) prove(c *call) (dpop.Proof, error) {
	ctx, now := c.r.Context(), a.Now()
	text, err := dpop.FromHeader(c.r.Header.Values("DPoP"))
	if err != nil {
		return dpop.Proof{}, err
	}
	if text == "" {
		return dpop.Proof{}, dpop.ErrUseNonce
	}
	want := dpop.Want{Method: c.r.Method, URL: a.PublicURL + c.r.URL.EscapedPath(), Now: now}
	for _, at := range []time.Time{now, now.Add(-nonceSpan)} {
		nonce, err := a.nonce(ctx, c.tenant.ID, at)
		if err != nil {
			return dpop.Proof{}, err
		}
		want.Nonces = append(want.Nonces, nonce)
	}
	if raw := c.accessToken(); raw != "" {
		want.AccessToken = raw
		if want.Thumbprint, err = a.boundTo(c, raw); err != nil {
			return dpop.Proof{}, err
		}
	}
	p, err := device.Verify(text, want, c.body)
	if err != nil {
		return p, err
	}
	if err := a.admit(c, p.Thumbprint); err != nil {
		return p, err
	}
	return p, dpop.Once(ctx, a.Store, string(c.tenant.ID), p)
}

// admit finds the device that has the key. A key of none is anybody's, and each of its proofs
// costs a row.
func (a *API) admit(c *call, thumbprint string) error {
	var err error
	c.device, err = a.Store.DeviceByKey(c.r.Context(), c.tenant.ID, thumbprint)
	if errors.Is(err, directory.ErrDeviceUnknown) {
		return a.SignIn.Admit(c.r.Context(), consolePlace(c.r))
	}
	return err
}

func (c *call) accessToken() string {
	scheme, raw, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "DPoP") {
		return ""
	}
	return strings.TrimSpace(raw)
}

// boundTo returns the thumbprint of the key that an access token is bound to.
func (a *API) boundTo(c *call, raw string) (string, error) {
	access, err := a.parse(c, raw)
	if err != nil {
		return "", err
	}
	if access.Confirm == nil {
		return "", token.ErrInvalid.With("", "The access token is not bound to the device's key.")
	}
	return access.Confirm.JKT, nil
}

func (a *API) parse(c *call, raw string) (token.Access, error) {
	access, err := a.Tokens.ParseAccess(c.r.Context(), raw, a.PublicURL, []string{string(directory.DeviceRegistrationAppID)}, a.Incarnation, a.Now())
	if err == nil && access.Tenant != c.tenant.ID {
		err = token.ErrInvalid
	}
	return access, err
}

// person returns who speaks by the access token of c, which is bound to the key of its proof.
func (a *API) person(c *call) (token.Access, directory.User, error) {
	raw := c.accessToken()
	if raw == "" {
		return token.Access{}, directory.User{}, token.ErrInvalid.With("", "The access token is missing.")
	}
	access, err := a.parse(c, raw)
	if err != nil {
		return access, directory.User{}, err
	}
	owner, err := a.Store.TokenOwner(c.r.Context(), access, a.Now())
	if err != nil {
		return access, directory.User{}, err
	}
	if access.AppOnly() || access.AppID != directory.AgentAppID || !slices.Contains(strings.Fields(access.Scopes), directory.DeviceScope) {
		return access, directory.User{}, token.ErrInvalid.With("", "The access token is not the agent's, for a person.")
	}
	return access, owner.User, nil
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

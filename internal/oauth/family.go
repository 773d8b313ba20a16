package oauth

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// A Family is everything that comes from one authorization: its code, its tokens, and all
// that is refreshed from them. When it ends they all end.
type Family struct {
	Tenant    directory.TenantID `json:"-"`
	ID        string             `json:"-"` // UUID
	User      directory.UserID   `json:"-"`
	Session   string             `json:"-"`
	App       directory.AppID    `json:"-"`
	PassID    string             `json:"-"`
	Purpose   signin.Purpose     `json:"-"`
	CreatedAt time.Time          `json:"-"`
	ExpiresAt time.Time          `json:"-"` // never after the end of the pass
	EndedAt   time.Time          `json:"-"` // zero while it lives

	OpenID   bool   `json:"openid,omitempty"`
	Profile  bool   `json:"profile,omitempty"`
	Email    bool   `json:"email,omitempty"`
	Offline  bool   `json:"offline,omitempty"`
	Resource string `json:"resource,omitempty"` // as the scope named it; empty means Graph
	Scopes   string `json:"scopes,omitempty"`   // granted at Resource, separated by blanks

	AuthTime   time.Time `json:"authTime"`
	AMR        []string  `json:"amr,omitempty"`
	ACR        string    `json:"acr,omitempty"`       // that the request asked for and got
	FreshUntil time.Time `json:"freshUntil,omitzero"` // ngcmfa is in amr before it
	// JoinUntil is as FreshUntil, for joining a device by code and nothing else: the person
	// copied the number of the device that gets the tokens.
	JoinUntil  time.Time `json:"joinUntil,omitzero"`
	PassEnd    time.Time `json:"passEnd,omitzero"`
	Nonce      string    `json:"nonce,omitempty"`
	Challenges bool      `json:"challenges,omitempty"` // the client handles claims challenges (cp1)
	Thumbprint string    `json:"jkt,omitempty"`        // key that refresh tokens are bound to
	// Device is the joined device that the person signed in on: the family ends with it.
	Device *signin.Device `json:"device,omitempty"`
	// DeviceProved says that the device's key proved the request: tokens then name the device.
	DeviceProved bool `json:"deviceProved,omitempty"`
	// Method is the device PIN that the family came from: it ends with it.
	Method   string `json:"method,omitempty"`
	Protocol string `json:"protocol,omitempty"` // audit.ProtocolOAuth2 or audit.ProtocolDeviceCode; empty is the former

	// What the rules of Conditional Access are asked about when it is used: the proofs, where the
	// person was, whether the application is no page of a browser, which authentication contexts
	// it asked for, and the version of the rules that let it in.
	Proofs   []signin.Proof `json:"proofs,omitempty"`
	Seen     Seen           `json:"seen,omitzero"`
	Native   bool           `json:"native,omitempty"`
	Contexts []string       `json:"contexts,omitempty"`
	Rules    int64          `json:"rules,omitempty"`

	verdict *signin.Verdict // of the authorization, for its event
}

// A Grant is one code or refresh token of a family.
type Grant struct {
	Tenant    directory.TenantID `json:"-"`
	ID        string             `json:"-"` // UUID
	Kind      GrantKind          `json:"-"`
	Family    string             `json:"-"`
	CreatedAt time.Time          `json:"-"`
	ExpiresAt time.Time          `json:"-"`
	UsedAt    time.Time          `json:"-"` // zero until it was spent

	RedirectURI string `json:"redirectUri,omitempty"`
	Challenge   string `json:"challenge,omitempty"` // PKCE, S256
	Thumbprint  string `json:"jkt,omitempty"`       // dpop_jkt of the authorization request
	SPA         bool   `json:"spa,omitempty"`       // came to a redirect URI of a single-page application
}

// GrantKind tells codes from refresh tokens.
type GrantKind string

// The kinds of grant.
const (
	KindCode    GrantKind = "code"
	KindRefresh GrantKind = "refresh"
)

// Lifetimes, from the authorization on.
const (
	codeLifetime    = 10 * time.Minute
	refreshLifetime = 90 * 24 * time.Hour
	spaLifetime     = 24 * time.Hour
)

// newFamily returns the family of an authorization from session at now. One by device code is
// never fresh for registration (docs/threat-model.md, rule 18): the person proved something,
// but not at the device that gets the tokens.
func newFamily(id string, app directory.AppID, session signin.Session, now time.Time, protocol string) Family {
	f := Family{
		Tenant: session.Tenant, ID: id, User: session.User, Session: session.ID, App: app,
		PassID: session.PassID, Purpose: session.Purpose, CreatedAt: now, ExpiresAt: now.Add(refreshLifetime),
		AuthTime: session.AuthTime(), AMR: session.AMR(session.ExpiresAt), Protocol: protocol, Device: session.Device, Proofs: asRulesRead(session.Proofs),
	}
	if !f.byDeviceCode() {
		f.FreshUntil = session.FreshUntil()
	}
	for _, p := range session.Proofs {
		if p.Pass != nil && (f.PassEnd.IsZero() || p.Pass.End.Before(f.PassEnd)) {
			f.PassEnd = p.Pass.End
		}
	}
	if !f.PassEnd.IsZero() && f.PassEnd.Before(f.ExpiresAt) {
		f.ExpiresAt = f.PassEnd
	}
	return f
}

// asRulesRead are proofs with what rules read of them, and nothing that a page would show.
func asRulesRead(proofs []signin.Proof) []signin.Proof {
	var all []signin.Proof
	for _, p := range proofs {
		kept := signin.Proof{Method: p.Method, At: p.At, Combination: p.Combination, Factors: p.Factors, PhishingResistant: p.PhishingResistant, AAGUID: p.AAGUID}
		if p.Pass != nil {
			kept.Pass = &signin.PassUsed{ID: p.Pass.ID, End: p.Pass.End, SingleUse: p.Pass.SingleUse}
		}
		all = append(all, kept)
	}
	return all
}

// byDeviceCode reports whether the tokens are at another device than the person was.
func (f Family) byDeviceCode() bool { return f.Protocol == audit.ProtocolDeviceCode }

// amr returns the authentication method references at now.
func (f Family) amr(now time.Time) []string {
	if now.Before(f.FreshUntil) {
		return append(slices.Clone(f.AMR), "ngcmfa")
	}
	return f.AMR
}

// level is acr of an access token: what the request asked for and got, else as in Entra's
// tokens of version 1 whether the sign-in had two factors.
func (f Family) level() string {
	switch {
	case f.ACR != "":
		return f.ACR
	case slices.Contains(f.AMR, valueMFA):
		return "1"
	}
	return "0"
}

// until returns the earlier of now plus lifetime and the end of the family.
func (f Family) until(now time.Time, lifetime time.Duration) time.Time {
	if end := now.Add(lifetime); end.Before(f.ExpiresAt) {
		return end
	}
	return f.ExpiresAt
}

// DeviceObject is the object id of the device that f ends with, or empty.
func (f Family) DeviceObject() directory.DeviceObjectID {
	if f.Device == nil {
		return ""
	}
	return f.Device.ID
}

// deviceID is the device that tokens name, or empty: a session's cookie alone, without the
// device's key, does not show that one is at the device.
func (f Family) deviceID() string {
	if f.Device == nil || !f.DeviceProved {
		return ""
	}
	return f.Device.DeviceID
}

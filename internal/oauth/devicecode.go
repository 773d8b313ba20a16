package oauth

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/claims"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/oauth/usercode"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// A DeviceCode is one device that waits for a person at another one (RFC 8628).
//
//	pending ─▶ approved ─▶ redeemed
//	   └─────▶ declined       (also by wrong numbers)
//
// Approving makes the token family, so that a code which is not redeemed yet ends with the
// session, pass or account that it was approved from.
type DeviceCode struct {
	Tenant    directory.TenantID `json:"-"` // of the address; NoTenant at common
	ID        string             `json:"-"` // UUID
	App       directory.AppID    `json:"-"`
	State     DeviceState        `json:"-"`
	CreatedAt time.Time          `json:"-"`
	ExpiresAt time.Time          `json:"-"`

	CorrelationID string         `json:"correlationId"`
	Scope         scope.Set      `json:"scope"`
	Claims        claims.Request `json:"claims"`
	Address       string         `json:"address"` // that asked

	// Of the agent's codes: the key that asked and has to redeem, the number that the device
	// shows and the person copies, with how often they got it wrong, and the device, by its own
	// account until it has joined. ReachedAt is when the page that asks was first shown.
	Thumbprint string         `json:"jkt,omitempty"`
	Number     string         `json:"number,omitempty"`
	Misses     int            `json:"misses,omitempty"`
	ReachedAt  time.Time      `json:"reachedAt,omitzero"`
	Host       string         `json:"host,omitempty"`
	Device     *signin.Device `json:"device,omitempty"`

	UserAgent string `json:"userAgent,omitempty"`

	Home    directory.TenantID `json:"home,omitempty"`    // of the person who decided
	Family  string             `json:"family,omitempty"`  // once approved
	Session string             `json:"session,omitempty"` // in which it was approved
}

// DeviceState is how far a device code is.
type DeviceState string

// The states of a device code.
const (
	DevicePending  DeviceState = "pending"
	DeviceApproved DeviceState = "approved"
	DeviceDeclined DeviceState = "declined"
	DeviceRedeemed DeviceState = "redeemed"
)

const (
	deviceCodeLifetime = 15 * time.Minute
	// pollInterval is what clients are told. One that asks sooner is answered all the same:
	// an answer costs one read, and MSAL Go begins after 50 ms whatever it was told.
	pollInterval = 5 * time.Second
	// joinInterval is how often a device asks that joins: somebody waits for its number.
	joinInterval = 2 * time.Second
	// userCodeTries bounds how often a code that is taken is drawn again.
	userCodeTries = 5
)

// The grant's name, and the short form that MSAL Go sends.
const (
	deviceCodeGrant      = "urn:ietf:params:oauth:grant-type:device_code"
	deviceCodeShortGrant = "device_code"
)

// ErrUserCodeTaken reports a user code that another device has at the moment.
var ErrUserCodeTaken = errors.New("user code taken")

// A deviceAuthorization is the answer of the device authorization endpoint (RFC 8628
// section 3.2), with Entra's message. There is no link with the code in it: typing the code
// is what ties the person to the device in front of them (section 5.4).
type deviceAuthorization struct {
	UserCode        string `json:"user_code"`
	Number          string `json:"number,omitempty"` // that the page asks for; our own
	DeviceCode      string `json:"device_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int64  `json:"expires_in"` // seconds
	Interval        int64  `json:"interval"`   // seconds
	Message         string `json:"message"`
}

// deviceCodeRequest serves POST /{tenant}/oauth2/v2.0/devicecode.
func (s *Server) deviceCodeRequest(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := readForm(w, r); err != nil {
		return err
	}
	if err := refuseRequestURI(r.PostForm); err != nil {
		return err
	}
	if err := fits(r.PostForm); err != nil {
		return err
	}
	tenant, err := s.authorizeTenant(r)
	if err != nil {
		return err
	}
	c, err := s.authenticate(r, tenant)
	if err != nil {
		return err
	}
	if err := s.admit(r, c); err != nil {
		return err
	}
	d, err := s.newDeviceCode(r, c)
	if err != nil {
		return err
	}
	d.Tenant = tenant.ID
	if noTenant(r.PathValue("tenant")) {
		if c.app.SignInAudience != "AzureADMultipleOrgs" {
			return oautherr.ErrSingleTenant
		}
		d.Tenant = directory.NoTenant
	}
	if c.app.AppID == directory.AgentAppID {
		if err := s.bindDeviceCode(&exchange{r: r, tenant: tenant, client: c}, &d); err != nil {
			return err
		}
	}
	secret, userCode, err := s.keepDeviceCode(r, d)
	if err != nil {
		return err
	}
	page, number, interval := s.PublicURL+devicePath, d.Number, pollInterval
	if d.joins() {
		number, interval = "", joinInterval // it comes with a poll, once somebody is at the page
	}
	return writeJSON(w, deviceAuthorization{
		UserCode: usercode.Show(userCode), Number: number, DeviceCode: secret, VerificationURI: page,
		ExpiresIn: int64(deviceCodeLifetime / time.Second), Interval: int64(interval / time.Second),
		Message: s.Pages.DeviceMessage(r.URL.Query().Get("mkt"), page, usercode.Show(userCode)),
	})
}

// newDeviceCode reads the request of a client that may use the grant: one that proved
// itself, or a public one that is made for devices without a browser.
func (s *Server) newDeviceCode(r *http.Request, c client) (DeviceCode, error) {
	if c.proof == "0" && !c.app.IsFallbackPublicClient && len(c.app.PublicClient.RedirectURIs) == 0 {
		return DeviceCode{}, oautherr.ErrNoPublicFlows
	}
	facts := request.From(r.Context())
	now := s.Now()
	d := DeviceCode{
		App: c.app.AppID, State: DevicePending, CreatedAt: now, ExpiresAt: now.Add(deviceCodeLifetime),
		CorrelationID: facts.CorrelationID, Address: facts.Address.String(), UserAgent: facts.UserAgent,
	}
	var err error
	if d.Scope, err = scope.Parse(r.PostForm.Get("scope"), s.PublicURL); err != nil {
		return d, err
	}
	d.Claims, err = claims.Parse(r.PostForm.Get("claims"))
	return d, err
}

// keepDeviceCode draws both codes of d and stores it.
func (s *Server) keepDeviceCode(r *http.Request, d DeviceCode) (deviceCode, userCode string, err error) {
	o, err := token.NewOpaque(s.Rand, string(d.Tenant))
	if err != nil {
		return "", "", err
	}
	d.ID = o.ID
	hash, err := s.deviceCodeHash(r, o)
	if err != nil {
		return "", "", err
	}
	for range userCodeTries {
		if userCode, err = usercode.New(s.Rand); err != nil {
			return "", "", err
		}
		var userHash string
		if userHash, err = s.userCodeHash(r, userCode); err != nil {
			return "", "", err
		}
		if err = s.Store.CreateDeviceCode(r.Context(), d, hash, userHash); !errors.Is(err, ErrUserCodeTaken) {
			break
		}
	}
	if err != nil {
		return "", "", err
	}
	deviceCode, err = o.Reveal()
	return deviceCode, userCode, err
}

func (s *Server) deviceCodeHash(r *http.Request, o token.Opaque) (string, error) {
	return s.Secrets.MAC(r.Context(), o.Tenant, "device code "+s.Incarnation, o.Secret[:])
}

// userCodeHash is the same in all tenants: whoever types a code does not say which one.
func (s *Server) userCodeHash(r *http.Request, code string) (string, error) {
	return s.Secrets.MAC(r.Context(), string(directory.NoTenant), "user code "+s.Incarnation, []byte(code))
}

// deviceTenant is the tenant of a poll at common: that of the person who approved, and until
// then one in which the client is registered.
func (s *Server) deviceTenant(r *http.Request, text string) (directory.Tenant, error) {
	o, err := token.ParseOpaque(text)
	if err != nil {
		return directory.Tenant{}, oautherr.ErrBadDeviceCode
	}
	home := directory.TenantID(o.Tenant)
	if home == directory.NoTenant {
		d, _, err := s.Store.DeviceCode(r.Context(), home, o.ID)
		if err != nil {
			return directory.Tenant{}, err
		}
		home = d.Home
	}
	if home == "" {
		return s.authorizeTenant(r)
	}
	return s.Store.Tenant(r.Context(), home)
}

// deviceCode answers a device that asks whether the person is done (RFC 8628 section 3.4).
func (s *Server) deviceCode(x *exchange) (tokens, error) {
	d, err := s.presentedDevice(x)
	if err != nil {
		return tokens{}, err
	}
	over := !s.Now().Before(d.ExpiresAt)
	switch {
	case d.State == DeviceDeclined:
		return tokens{}, oautherr.ErrAuthorizationDeclined
	case over && d.State != DeviceRedeemed:
		return tokens{}, oautherr.ErrDeviceCodeExpired
	case d.State == DevicePending && d.joins() && !d.ReachedAt.IsZero():
		return tokens{}, &oautherr.Challenge{Err: oautherr.ErrAuthorizationPending, Number: d.Number}
	case d.State == DevicePending:
		return tokens{}, oautherr.ErrAuthorizationPending
	}
	f, err := s.Store.Family(x.r.Context(), d.Home, d.Family)
	if err != nil {
		return tokens{}, err
	}
	thumbprint, err := s.proof(x, d.Thumbprint)
	if err != nil {
		return tokens{}, err
	}
	return s.redeemDevice(x, d, f, thumbprint)
}

// presentedDevice returns the device code in the form if it is real and of this client.
func (s *Server) presentedDevice(x *exchange) (DeviceCode, error) {
	text := x.r.PostForm.Get("device_code")
	if text == "" {
		return DeviceCode{}, oautherr.ErrMissingParameter.With("device_code", "The device_code is missing.")
	}
	o, err := token.ParseOpaque(text)
	atCommon := noTenant(x.r.PathValue("tenant")) && o.Tenant == string(directory.NoTenant)
	if err != nil || o.Tenant != string(x.tenant.ID) && !atCommon {
		return DeviceCode{}, oautherr.ErrBadDeviceCode
	}
	d, hash, err := s.Store.DeviceCode(x.r.Context(), directory.TenantID(o.Tenant), o.ID)
	if err != nil {
		return d, err
	}
	got, err := s.deviceCodeHash(x.r, o)
	if err != nil {
		return d, err
	}
	if subtle.ConstantTimeCompare([]byte(hash), []byte(got)) != 1 || d.App != x.client.app.AppID || d.Home != "" && d.Home != x.tenant.ID {
		return d, oautherr.ErrBadDeviceCode
	}
	return d, nil
}

// redeemDevice uses an approved code up and returns the tokens of its family.
func (s *Server) redeemDevice(x *exchange, d DeviceCode, f Family, thumbprint string) (tokens, error) {
	user, err := s.Store.User(x.r.Context(), f.Tenant, f.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return tokens{}, oautherr.ErrRevoked
	}
	if err != nil {
		return tokens{}, err
	}
	tokenID := uuid.NewString()
	e := s.personEvent(x.r, f, x.client, user, tokenID)
	e.SignIn.ClientAppUsed = audit.ClientApps
	if f.Rules, err = s.ruled(x, f, user, KindRefresh, e); err != nil {
		return tokens{}, err
	}
	out, err := s.issue(x, f, user, thumbprint, tokenID)
	if err != nil {
		return tokens{}, err
	}
	next, hash, err := s.refreshGrant(x, f, thumbprint, false, &out)
	if err != nil {
		return tokens{}, err
	}
	if err := s.Store.RedeemDeviceCode(x.r.Context(), d, next, hash, s.Now(), e); err != nil {
		return tokens{}, s.refused(x, e, KindCode, err)
	}
	return out, nil
}

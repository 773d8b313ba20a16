package oauth

import (
	"mime"
	"net/http"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/token"
)

// maxForm bounds the body of a request to the token endpoint, in bytes.
const maxForm = 64 << 10

// An exchange is one request to the token endpoint.
type exchange struct {
	r      *http.Request
	tenant directory.Tenant // with its id alone
	client client
}

// grants are the ways to get tokens; discovery lists their names.
var grants = []struct {
	name  string
	serve func(*Server, *exchange) (tokens, error)
}{
	{"authorization_code", (*Server).authorizationCode},
	{"refresh_token", (*Server).refreshToken},
	{"client_credentials", (*Server).clientCredentials},
	{deviceCodeGrant, (*Server).deviceCode},
	{deviceCodeShortGrant, (*Server).deviceCode},
	{device.GrantPIN, (*Server).pinAssertion},
}

// grantNames are the names for discovery, without the short form that is no standard.
func grantNames() []string {
	var all []string
	for _, g := range grants {
		if g.name != deviceCodeShortGrant {
			all = append(all, g.name)
		}
	}
	return all
}

// tokens is the answer of the token endpoint (RFC 6749 section 5.1), with Entra's additions.
type tokens struct {
	Type         string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`     // seconds
	ExtExpiresIn int64  `json:"ext_expires_in"` // the same; Entra's clients look for it
	Access       string `json:"access_token"`
	Refresh      string `json:"refresh_token,omitempty"`
	RefreshIn    int64  `json:"refresh_token_expires_in,omitempty"` // seconds until the family ends; clients show it
	ID           string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
	PINKeyDue    bool   `json:"postern_pin_key_due,omitempty"` // the device is to make a new key for the PIN
}

// token serves POST /{tenant}/oauth2/v2.0/token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := readForm(w, r); err != nil {
		return err
	}
	if err := refuseRequestURI(r.PostForm); err != nil {
		return err
	}
	name := r.PostForm.Get("grant_type")
	if name == "" {
		return oautherr.ErrMissingParameter.With("grant_type", "The grant_type is missing.")
	}
	if name == device.GrantChallenge {
		return s.challenge(w, r)
	}
	for _, g := range grants {
		if g.name != name {
			continue
		}
		if noTenant(r.PathValue("tenant")) && (name == "client_credentials" || name == device.GrantPIN) {
			return oautherr.ErrGrantOnCommon
		}
		out, err := s.exchange(r, g.serve)
		if err != nil {
			return err
		}
		return writeJSON(w, out)
	}
	return oautherr.ErrUnsupportedGrant
}

func (s *Server) exchange(r *http.Request, serve func(*Server, *exchange) (tokens, error)) (tokens, error) {
	tenant, err := s.exchangeTenant(r)
	if err != nil {
		return tokens{}, err
	}
	x := &exchange{r: r, tenant: tenant}
	if x.client, err = s.authenticate(r, tenant); err != nil {
		return tokens{}, err
	}
	return serve(s, x)
}

// exchangeTenant is the tenant of the address, of which only the id is read; at common it is
// the one that the code or refresh token names.
func (s *Server) exchangeTenant(r *http.Request) (directory.Tenant, error) {
	if !noTenant(r.PathValue("tenant")) {
		id, err := s.tenantID(r)
		return directory.Tenant{ID: id}, err
	}
	if code := r.PostForm.Get("device_code"); code != "" {
		return s.deviceTenant(r, code)
	}
	o, err := token.ParseOpaque(r.PostForm.Get("code") + r.PostForm.Get("refresh_token"))
	if err != nil {
		return directory.Tenant{}, oautherr.ErrInvalidGrant
	}
	return s.Store.Tenant(r.Context(), directory.TenantID(o.Tenant))
}

// readForm reads a form of which no parameter comes twice (RFC 6749 section 3.2).
func readForm(w http.ResponseWriter, r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return oautherr.ErrMalformed.With("", "The body must be application/x-www-form-urlencoded.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return oautherr.ErrMalformed.With("", "The form can't be read.")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return oautherr.ErrMalformed.With(name, "A parameter comes more than once.")
		}
	}
	return nil
}

// algorithm is the key that signs tokens for app.
func algorithm(app directory.Application) keyring.Purpose {
	if app.SigningAlgorithm == directory.ES256 {
		return keyring.ES256
	}
	return keyring.RS256
}

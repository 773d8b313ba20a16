package oauth

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/claims"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/pkce"
	"github.com/postern-id/postern/internal/oauth/redirect"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/signin"
)

// An authRequest is a checked authorization request. It is kept, as JSON, in the sign-in
// that answers it.
type authRequest struct {
	Client       directory.AppID `json:"client"`
	RedirectURI  string          `json:"redirectUri"`
	ResponseType string          `json:"responseType"` // code or id_token
	ResponseMode string          `json:"responseMode"` // query, fragment or form_post
	State        string          `json:"state,omitempty"`
	Nonce        string          `json:"nonce,omitempty"`
	Challenge    string          `json:"challenge,omitempty"`
	Thumbprint   string          `json:"jkt,omitempty"` // dpop_jkt
	SPA          bool            `json:"spa,omitempty"`
	Native       bool            `json:"native,omitempty"` // no page of a browser
	Device       *signin.Device  `json:"device,omitempty"` // whose key proved the request
	Scope        scope.Set       `json:"scope"`
	Claims       claims.Request  `json:"claims"`
	ACRValues    claims.AnyOf    `json:"acrValues,omitempty"`
	provedKey    string          // of the DPoP proof that it was pushed with
	Prompt       string          `json:"-"`
	LoginHint    string          `json:"-"`
	DomainHint   string          `json:"-"`
	MaxAge       time.Duration   `json:"-"` // negative: not asked for
}

// maxRequest bounds the parameters of a request that is kept until a person answers it, in
// bytes. Anybody can make one, so that a large one must not cost the disk its size.
const maxRequest = 8 << 10

// fits reports that form is larger than a request may be.
func fits(form url.Values) error {
	size := 0
	for name, values := range form {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > maxRequest {
		return oautherr.ErrMalformed.With("", "The parameters of the request are larger than 8 KiB.")
	}
	return nil
}

// target finds the client and the redirect URI of a request. Until both are known to belong
// together nothing is ever sent to the URI (RFC 9700 section 4.1).
func (s *Server) target(r *http.Request, tenant directory.Tenant, form url.Values) (client, authRequest, error) {
	var q authRequest
	if err := fits(form); err != nil {
		return client{}, q, err
	}
	id := form.Get("client_id")
	if id == "" {
		return client{}, q, oautherr.ErrMissingParameter.With("client_id", "The client_id is missing.")
	}
	c, err := s.find(r, tenant, directory.AppID(id))
	if err != nil {
		return c, q, err
	}
	q.Client, q.RedirectURI = c.app.AppID, form.Get("redirect_uri")
	if q.RedirectURI == "" {
		return c, q, oautherr.ErrMissingParameter.With("redirect_uri", "The redirect_uri is missing.")
	}
	for _, list := range [][]string{c.app.Web.RedirectURIs, c.app.PublicClient.RedirectURIs, c.app.SPA.RedirectURIs, s.own(c.app.AppID)} {
		if redirect.Match(list, q.RedirectURI) == nil {
			q.SPA = redirect.Match(c.app.SPA.RedirectURIs, q.RedirectURI) == nil
			q.Native = !q.SPA && redirect.Match(c.app.Web.RedirectURIs, q.RedirectURI) != nil && redirect.Match(c.app.PublicClient.RedirectURIs, q.RedirectURI) == nil
			return c, q, nil
		}
	}
	return c, q, redirect.ErrMismatch
}

// own is where the console of this server is, and one that runs alone: the address is the server's,
// so that no row has to follow when it changes.
func (s *Server) own(id directory.AppID) []string {
	if id != directory.ConsoleAppID {
		return nil
	}
	return []string{s.PublicURL + "/console/signin/done", "http://localhost/console/signin/done"}
}

// fill reads the rest of the request. Its errors go back to the application.
func (s *Server) fill(q *authRequest, c client, form url.Values) error {
	q.State, q.Nonce, q.Thumbprint = form.Get("state"), form.Get("nonce"), form.Get("dpop_jkt")
	q.ResponseType, q.ResponseMode = form.Get("response_type"), form.Get("response_mode")
	if err := q.checkResponse(c); err != nil {
		return err
	}
	var err error
	if q.Scope, err = scope.Parse(form.Get("scope"), s.PublicURL); err != nil {
		return err
	}
	if q.Claims, err = claims.Parse(form.Get("claims")); err != nil {
		return err
	}
	q.ACRValues = acrValues(form.Get("acr_values"))
	if err := q.checkChallenge(c, form); err != nil {
		return err
	}
	q.LoginHint, q.DomainHint, q.Prompt = form.Get("login_hint"), form.Get("domain_hint"), form.Get("prompt")
	switch q.Prompt {
	case "", "none", "login", "select_account", "consent":
	default:
		return oautherr.ErrMalformed.With("prompt", "prompt is none, login, select_account or consent.")
	}
	q.MaxAge = -1
	if text := form.Get("max_age"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return oautherr.ErrMalformed.With("max_age", "max_age is a number of seconds.")
		}
		q.MaxAge = time.Duration(seconds) * time.Second
	}
	return nil
}

func (q *authRequest) checkResponse(c client) error {
	switch q.ResponseType {
	case "":
		return oautherr.ErrMissingParameter.With("response_type", "The response_type is missing.")
	case "code":
		if q.ResponseMode == "" {
			q.ResponseMode = "query"
		}
	case "id_token":
		if !c.app.Web.ImplicitGrant.IDToken || q.ResponseMode != "form_post" {
			return oautherr.ErrUnsupportedResponseType.With("", "An id_token comes by form_post, and only to applications that allow it.")
		}
		if q.Nonce == "" {
			return oautherr.ErrMissingParameter.With("nonce", "The nonce is missing.")
		}
	default:
		return oautherr.ErrUnsupportedResponseType
	}
	switch q.ResponseMode {
	case "query", "fragment", "form_post":
		return nil
	}
	mode := q.ResponseMode
	q.ResponseMode = "query"
	return oautherr.ErrUnsupportedResponseMode.With("response_mode", "The response mode "+strconv.QuoteToASCII(short(mode))+" is not offered.")
}

func short(s string) string {
	if len(s) > 40 {
		return s[:40]
	}
	return s
}

// checkChallenge wants PKCE with S256, always from public clients (RFC 9700 section 2.1.1).
func (q *authRequest) checkChallenge(c client, form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	if q.ResponseType != "code" {
		return nil
	}
	if challenge == "" && method == "" && !c.public() && !q.SPA {
		return nil
	}
	if err := pkce.Check(method, challenge); err != nil {
		return err
	}
	q.Challenge = challenge
	return nil
}

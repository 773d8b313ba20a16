package oauth

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/token"
)

// A PushedRequest is an authorization request that a client sent by itself, before it sends
// the browser (RFC 9126).
type PushedRequest struct {
	Tenant    directory.TenantID // of the address; NoTenant at common
	ID        string             // UUID
	App       directory.AppID
	ExpiresAt time.Time
	Form      url.Values // what was pushed, without the client's credential
}

const (
	// requestURIPrefix is that of RFC 9126 section 2.2; an opaque token follows.
	requestURIPrefix = "urn:ietf:params:oauth:request_uri:"
	// pushedLifetime is how long the browser has to arrive. It leaves as soon as the client
	// has the answer.
	pushedLifetime = time.Minute
)

// credentialFields prove the client where it pushes; they are no part of the request.
var credentialFields = []string{"client_secret", "client_assertion", "client_assertion_type"}

// push serves POST /{tenant}/oauth2/v2.0/par. The request is checked as it will be when the
// browser comes, so that a client learns here what is wrong with it.
func (s *Server) push(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := readForm(w, r); err != nil {
		return err
	}
	if err := refuseRequestURI(r.PostForm); err != nil {
		return err
	}
	if err := s.SignIn.Room(); err != nil {
		return err
	}
	tenant, err := s.authorizeTenant(r)
	if err != nil {
		return err
	}
	x := &exchange{r: r, tenant: tenant}
	if x.client, err = s.authenticate(r, tenant); err != nil {
		return err
	}
	form, err := s.pushedForm(x)
	if err != nil {
		return err
	}
	c, q, err := s.target(r, tenant, form)
	if err != nil {
		return err
	}
	if err := s.fill(&q, c, form); err != nil {
		return err
	}
	uri, err := s.keepPushed(x, form)
	if err != nil {
		return err
	}
	return writeJSONStatus(w, http.StatusCreated, struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"`
	}{uri, int64(pushedLifetime / time.Second)})
}

// pushedForm returns what is kept of the form. A DPoP proof binds the code to its key as
// dpop_jkt does (RFC 9449 section 10.1).
func (s *Server) pushedForm(x *exchange) (url.Values, error) {
	form := maps.Clone(x.r.PostForm)
	for _, name := range credentialFields {
		form.Del(name)
	}
	form.Set("client_id", string(x.client.app.AppID))
	if len(x.r.Header.Values("DPoP")) == 0 {
		return form, nil
	}
	thumbprint, err := s.proof(x, form.Get("dpop_jkt"))
	if err != nil {
		return nil, err
	}
	form.Set("dpop_jkt", thumbprint)
	return form, nil
}

// keepPushed stores the request and returns its request_uri.
func (s *Server) keepPushed(x *exchange, form url.Values) (string, error) {
	p := PushedRequest{Tenant: x.tenant.ID, App: x.client.app.AppID, ExpiresAt: s.Now().Add(pushedLifetime), Form: form}
	if noTenant(x.r.PathValue("tenant")) {
		if x.client.app.SignInAudience != "AzureADMultipleOrgs" {
			return "", oautherr.ErrSingleTenant
		}
		p.Tenant = directory.NoTenant
	}
	o, err := token.NewOpaque(s.Rand, string(p.Tenant))
	if err != nil {
		return "", err
	}
	p.ID = o.ID
	hash, err := s.pushedHash(x.r, o)
	if err != nil {
		return "", err
	}
	text, err := o.Reveal()
	if err != nil {
		return "", err
	}
	return requestURIPrefix + text, s.Store.CreatePushedRequest(x.r.Context(), p, hash)
}

func (s *Server) pushedHash(r *http.Request, o token.Opaque) (string, error) {
	return s.Secrets.MAC(r.Context(), o.Tenant, "pushed request "+s.Incarnation, o.Secret[:])
}

// requested returns the parameters of an authorization request: those of the address, or
// with a request_uri those that were pushed under it and nothing else (RFC 9101
// section 6.3). A request_uri works once, for the client that pushed it, at the address
// where it was pushed; it never makes the server fetch anything.
func (s *Server) requested(r *http.Request, tenant directory.Tenant) (url.Values, error) {
	if r.Form.Has("request") {
		return nil, oautherr.ErrRequestObject
	}
	if !r.Form.Has("request_uri") {
		return r.Form, nil
	}
	text, ours := strings.CutPrefix(r.Form.Get("request_uri"), requestURIPrefix)
	o, err := token.ParseOpaque(text)
	if noTenant(r.PathValue("tenant")) {
		tenant.ID = directory.NoTenant
	}
	if !ours || err != nil || o.Tenant != string(tenant.ID) {
		return nil, oautherr.ErrRequestURI
	}
	hash, err := s.pushedHash(r, o)
	if err != nil {
		return nil, err
	}
	p, err := s.Store.UsePushedRequest(r.Context(), tenant.ID, o.ID, directory.AppID(strings.ToLower(r.Form.Get("client_id"))), hash, s.Now())
	return p.Form, err
}

// refuseRequestURI refuses requests by reference where there are none (RFC 9126 section 2.1).
func refuseRequestURI(form url.Values) error {
	if form.Has("request_uri") {
		return oautherr.ErrRequestURI.With("", "A request_uri has no place in this request.")
	}
	if form.Has("request") {
		return oautherr.ErrRequestObject
	}
	return nil
}

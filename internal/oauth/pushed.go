package oauth

import (
	"context"
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
	// ProvedKey is the thumbprint of the key that a DPoP proof came from; empty without one.
	// The form may name a key that nobody proved.
	ProvedKey string
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
	tenant, err := s.authorizeTenant(r)
	if err != nil {
		return err
	}
	x := &exchange{r: r, tenant: tenant}
	if x.client, err = s.authenticate(r, tenant); err != nil {
		return err
	}
	if err := s.admit(r, x.client); err != nil {
		return err
	}
	form, key, err := s.pushedForm(x)
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
	if _, err := s.deviceOf(r, tenant.ID, q, form, key); err != nil {
		return err
	}
	uri, err := s.keepPushed(x, form, key)
	if err != nil {
		return err
	}
	return writeJSONStatus(w, http.StatusCreated, struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"`
	}{uri, int64(pushedLifetime / time.Second)})
}

// pushedForm returns what is kept of the form, and the key that proved it. A DPoP proof binds
// the code to its key as dpop_jkt does (RFC 9449 section 10.1).
func (s *Server) pushedForm(x *exchange) (url.Values, string, error) {
	form := maps.Clone(x.r.PostForm)
	for _, name := range credentialFields {
		form.Del(name)
	}
	form.Set("client_id", string(x.client.app.AppID))
	if len(x.r.Header.Values("DPoP")) == 0 {
		return form, "", nil
	}
	thumbprint, err := s.proof(x, form.Get("dpop_jkt"))
	if err != nil {
		return nil, "", err
	}
	form.Set("dpop_jkt", thumbprint)
	return form, thumbprint, nil
}

// keepPushed stores the request and returns its request_uri.
func (s *Server) keepPushed(x *exchange, form url.Values, key string) (string, error) {
	p := PushedRequest{Tenant: x.tenant.ID, App: x.client.app.AppID, ExpiresAt: s.Now().Add(pushedLifetime), Form: form, ProvedKey: key}
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
	hash, err := s.pushedHash(x.r.Context(), o)
	if err != nil {
		return "", err
	}
	text, err := o.Reveal()
	if err != nil {
		return "", err
	}
	return requestURIPrefix + text, s.Store.CreatePushedRequest(x.r.Context(), p, hash)
}

func (s *Server) pushedHash(ctx context.Context, o token.Opaque) (string, error) {
	return s.Secrets.MAC(ctx, o.Tenant, "pushed request "+s.Incarnation, o.Secret[:])
}

// requested returns the parameters of an authorization request: those of the address, or
// with a request_uri those that were pushed under it and nothing else (RFC 9101
// section 6.3). A request_uri works once, for the client that pushed it, at the address
// where it was pushed; it never makes the server fetch anything. The key is the one that
// proved itself where it was pushed, or empty.
func (s *Server) requested(r *http.Request, tenant directory.Tenant) (form url.Values, key string, err error) {
	if r.Form.Has("request") {
		return nil, "", oautherr.ErrRequestObject
	}
	if !r.Form.Has("request_uri") {
		return r.Form, "", nil
	}
	if noTenant(r.PathValue("tenant")) {
		tenant.ID = directory.NoTenant
	}
	p, err := s.usePushed(r.Context(), tenant.ID, directory.AppID(strings.ToLower(r.Form.Get("client_id"))), r.Form.Get("request_uri"))
	return p.Form, p.ProvedKey, err
}

func (s *Server) usePushed(ctx context.Context, tenant directory.TenantID, app directory.AppID, uri string) (PushedRequest, error) {
	text, ours := strings.CutPrefix(uri, requestURIPrefix)
	o, err := token.ParseOpaque(text)
	if !ours || err != nil || o.Tenant != string(tenant) {
		return PushedRequest{}, oautherr.ErrRequestURI
	}
	hash, err := s.pushedHash(ctx, o)
	if err != nil {
		return PushedRequest{}, err
	}
	return s.Store.UsePushedRequest(ctx, tenant, o.ID, app, hash, s.Now())
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

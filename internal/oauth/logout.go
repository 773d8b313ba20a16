package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/token"
)

// logout serves /{tenant}/oauth2/v2.0/logout (OpenID Connect RP-Initiated Logout 1.0). A GET
// asks first, unless an id_token_hint shows that the request comes from an application that
// this browser signed in to.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.Pages.ShowError(w, r, err, directory.Tenant{})
		return
	}
	var tenant directory.Tenant
	if !noTenant(r.PathValue("tenant")) {
		var err error
		if tenant, err = s.tenant(r); err != nil {
			s.Pages.ShowError(w, r, err, tenant)
			return
		}
	}
	hint := s.hint(r, tenant)
	back := s.back(r, tenant, hint)
	if r.Method != http.MethodPost && hint == nil && len(browser.Sessions(r)) > 0 {
		s.Pages.ShowSignOut(w, r, tenant, r.URL.RequestURI())
		return
	}
	if err := s.endSessions(w, r, tenant); err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	if back != "" {
		http.Redirect(w, r, back, http.StatusSeeOther) //nolint:gosec // registered, compared byte by byte
		return
	}
	s.Pages.ShowSignedOut(w, r, tenant)
}

// hint returns the claims of a genuine id_token_hint, ended or not, or nil.
func (s *Server) hint(r *http.Request, tenant directory.Tenant) *idClaims {
	text := r.Form.Get("id_token_hint")
	if text == "" || tenant.ID == "" {
		return nil
	}
	body, err := s.Keys.Verify(r.Context(), string(tenant.ID), text, token.TypeJWT)
	if err != nil {
		return nil
	}
	var claims idClaims
	if json.Unmarshal(body, &claims) != nil || claims.Tenant != tenant.ID {
		return nil
	}
	return &claims
}

// back returns where the browser goes afterwards: only to a registered URI of the
// application that the hint or client_id names.
func (s *Server) back(r *http.Request, tenant directory.Tenant, hint *idClaims) string {
	asked := r.Form.Get("post_logout_redirect_uri")
	id := directory.AppID(r.Form.Get("client_id"))
	if hint != nil {
		id = hint.Audience
	}
	if asked == "" || id == "" || tenant.ID == "" {
		return ""
	}
	c, err := s.find(r, tenant, id)
	if err != nil {
		return ""
	}
	if !slices.Contains(slices.Concat(c.app.Web.RedirectURIs, c.app.SPA.RedirectURIs, c.app.PublicClient.RedirectURIs), asked) {
		return ""
	}
	u, err := url.Parse(asked)
	if err != nil {
		return ""
	}
	if state := r.Form.Get("state"); state != "" {
		q := u.Query()
		q.Set("state", state)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// endSessions ends the browser's sessions of the tenant, or all at common, with every token
// that came from them.
func (s *Server) endSessions(w http.ResponseWriter, r *http.Request, tenant directory.Tenant) error {
	var rest []token.Opaque
	f := request.From(r.Context())
	for _, o := range browser.Sessions(r) {
		if tenant.ID != "" && o.Tenant != string(tenant.ID) {
			rest = append(rest, o)
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err != nil {
			continue
		}
		e := audit.Event{
			Tenant: o.Tenant, ID: uuid.NewString(), At: s.Now(), CorrelationID: f.CorrelationID,
			Change: &audit.Change{
				Activity: audit.SessionEnded, Category: audit.CategoryAuthentication, Service: audit.ServicePostern,
				Operation: audit.OperationUpdate, Result: audit.Success,
				By:      audit.Actor{User: &audit.UserActor{ID: string(user.ID), DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName, IPAddress: f.Address.String()}},
				Targets: []audit.Target{{ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName}},
			},
		}
		if err := s.SignIn.Store.EndSessions(r.Context(), session.Tenant, user.ID, session.ID, s.Now(), e); err != nil {
			return err
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return browser.KeepSessions(w, rest, time.Time{})
}

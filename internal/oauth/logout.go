package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// logout serves /{tenant}/oauth2/v2.0/logout (OpenID Connect RP-Initiated Logout 1.0). A GET
// asks first, unless an id_token_hint shows that the request comes from an application that
// this browser signed in to: another site can't sign anybody out with a token of its own.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.Pages.ShowError(w, r, err, directory.Tenant{})
		return
	}
	tenant, err := s.logoutTenant(r)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	hint := s.hint(r, tenant)
	back := s.back(r, tenant, hint)
	held := browser.Sessions(r)
	known := hint != nil && slices.ContainsFunc(held, func(o token.Opaque) bool { return o.ID == hint.Session })
	if r.Method != http.MethodPost && !known && len(held) > 0 {
		s.Pages.ShowSignOut(w, r, tenant, r.URL.RequestURI())
		return
	}
	ending := s.ending(r, tenant)
	upstreams := s.upstreams(r, ending)
	frames, err := s.endSessions(w, r, ending)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	s.Pages.ShowSignedOut(w, r, tenant, frames, back, upstreams)
}

// upstreams are where the sessions that end came from, each once. Signing out here doesn't wait
// for what can't be read.
func (s *Server) upstreams(r *http.Request, ending []heldSession) []signin.Upstream {
	var all []signin.Upstream
	for _, x := range ending {
		if s.Upstream == nil {
			break
		}
		u, err := s.Upstream(r.Context(), x.session, x.user)
		if err != nil {
			s.Log.WarnContext(r.Context(), "can't say where to sign out upstream", "error", err)
		}
		if u.SignOut != "" && !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	return all
}

// foreignLogout answers a form of another site, which OpenID Connect allows for: as a GET,
// which asks the person.
func (s *Server) foreignLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.Pages.ShowError(w, r, err, directory.Tenant{})
		return
	}
	http.Redirect(w, r, "/"+url.PathEscape(r.PathValue("tenant"))+"/oauth2/v2.0/logout?"+r.Form.Encode(), http.StatusSeeOther) //nolint:gosec // a path of this server
}

// logoutTenant is the tenant of the address; at common it is the one whose id token came as
// a hint, if this browser is signed in there, else none.
func (s *Server) logoutTenant(r *http.Request) (directory.Tenant, error) {
	if !noTenant(r.PathValue("tenant")) {
		return s.tenant(r)
	}
	for _, o := range browser.Sessions(r) {
		t := directory.Tenant{ID: directory.TenantID(o.Tenant)}
		if hint := s.hint(r, t); hint != nil && hint.Session == o.ID {
			return s.Store.Tenant(r.Context(), t.ID)
		}
	}
	return directory.Tenant{}, nil
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

// endSessions ends sessions of the browser with every token that came from them. It returns the
// logout pages of the applications that had tokens.
func (s *Server) endSessions(w http.ResponseWriter, r *http.Request, ending []heldSession) ([]string, error) {
	var rest []token.Opaque
	var frames []string
	for _, o := range browser.Sessions(r) {
		if !slices.ContainsFunc(ending, func(x heldSession) bool { return x.session.ID == o.ID }) {
			rest = append(rest, o)
		}
	}
	for _, x := range ending {
		pages, err := s.LogoutPages(r.Context(), x.session)
		if err != nil {
			return nil, err
		}
		frames = append(frames, pages...)
		if s.Others != nil {
			if pages, err = s.Others(r.Context(), x.session); err != nil {
				return nil, err
			}
			frames = append(frames, pages...)
		}
		if err := s.SignIn.Store.EndSessions(r.Context(), x.session.Tenant, x.user.ID, x.session.ID, s.Now(), s.logoutEvent(r, x)); err != nil {
			return nil, err
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return frames[:min(len(frames), maxFrames)], browser.KeepSessions(w, rest, time.Time{})
}

// maxFrames bounds how many applications are told by the browser.
const maxFrames = 20

// A heldSession is a living session of this browser.
type heldSession struct {
	session signin.Session
	user    directory.User
}

// ending returns the browser's sessions of the tenant, or all at common; with a logout_hint that
// names one of them, by its id or the person's name, that one only.
func (s *Server) ending(r *http.Request, tenant directory.Tenant) []heldSession {
	var all, named []heldSession
	asked := r.Form.Get("logout_hint")
	for _, o := range browser.Sessions(r) {
		if tenant.ID != "" && o.Tenant != string(tenant.ID) {
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err != nil {
			continue
		}
		all = append(all, heldSession{session, user})
		if asked == session.ID || strings.EqualFold(asked, user.UserPrincipalName) {
			named = append(named, heldSession{session, user})
		}
	}
	if len(named) > 0 {
		return named
	}
	return all
}

// LogoutPages returns the registered logout pages of the applications that have tokens from a
// session, with what tells them which one (OpenID Connect Front-Channel Logout 1.0 section 2).
func (s *Server) LogoutPages(ctx context.Context, session signin.Session) ([]string, error) {
	apps, err := s.withPages(ctx, session)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, app := range apps {
		u, err := url.Parse(app.Web.LogoutURL)
		if err != nil {
			continue
		}
		q := u.Query()
		q.Set("iss", s.issuer(session.Tenant))
		q.Set("sid", session.ID)
		u.RawQuery = q.Encode()
		all = append(all, u.String())
	}
	return all, nil
}

// ByBrowserOnly reports whether an application that has tokens from a session, and isn't but, learns
// by a logout page alone that it ended.
func (s *Server) ByBrowserOnly(ctx context.Context, session signin.Session, but directory.AppID) (bool, error) {
	apps, err := s.withPages(ctx, session)
	return slices.ContainsFunc(apps, func(a directory.Application) bool { return a.AppID != but && a.BackchannelLogoutURI == "" }), err
}

// withPages returns the applications that have tokens from a session and a logout page.
func (s *Server) withPages(ctx context.Context, session signin.Session) ([]directory.Application, error) {
	ids, err := s.Store.AppsOfSession(ctx, session.Tenant, session.ID)
	if err != nil {
		return nil, err
	}
	var all []directory.Application
	for _, id := range ids {
		app, _, err := s.Store.ApplicationByAppID(ctx, session.Tenant, id)
		if err != nil && !errors.Is(err, directory.ErrApplicationUnknown) {
			return nil, err
		}
		if err == nil && app.Web.LogoutURL != "" {
			all = append(all, app)
		}
	}
	return all, nil
}

func (s *Server) logoutEvent(r *http.Request, x heldSession) audit.Event {
	f := request.From(r.Context())
	return audit.Event{
		Tenant: string(x.session.Tenant), ID: uuid.NewString(), At: s.Now(), CorrelationID: f.CorrelationID,
		Change: &audit.Change{
			Activity: audit.SessionEnded, Category: audit.CategoryAuthentication, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate, Result: audit.Success,
			By:      audit.Actor{User: &audit.UserActor{ID: string(x.user.ID), DisplayName: x.user.DisplayName, UserPrincipalName: x.user.UserPrincipalName, IPAddress: f.Address.String()}},
			Targets: []audit.Target{{ID: string(x.user.ID), Type: audit.TargetUser, DisplayName: x.user.DisplayName, UserPrincipalName: x.user.UserPrincipalName}},
		},
	}
}

package oauth

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/claims"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// resumePath is where a finished sign-in goes on.
const resumePath = "/oauth2/resume"

// authorize serves GET and POST /{tenant}/oauth2/v2.0/authorize.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	tenant, c, q, form, err := s.readAuthorize(w, r)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	if err := s.fill(&q, c, form); err != nil {
		s.deny(w, r, tenant, q, err)
		return
	}
	if q.Device, err = s.deviceOf(r, tenant.ID, q, form, q.provedKey); err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	session, user, ok, why := s.silent(r, tenant, q)
	if ok {
		if tenant, c, err = s.at(r, tenant, c, session); err != nil {
			s.Pages.ShowError(w, r, err, tenant)
			return
		}
		if owing, err := s.owing(r, session, user); owing || err != nil {
			if err == nil {
				err = s.holdBack(w, r, tenant, c, q, session, user)
			}
			if err != nil {
				s.deny(w, r, tenant, q, err)
			}
			return
		}
		if err := s.grant(w, r, tenant.ID, c, q, session, user); err != nil {
			s.deny(w, r, tenant, q, err)
		}
		return
	}
	if q.Prompt == "none" {
		s.deny(w, r, tenant, q, cmp.Or(why, error(oautherr.ErrLoginRequired)))
		return
	}
	if err := s.begin(w, r, tenant, c, q); err != nil {
		s.Pages.ShowError(w, r, err, tenant)
	}
}

// readAuthorize finds the parameters, tenant, client and redirect URI. Its errors go to a
// page.
func (s *Server) readAuthorize(w http.ResponseWriter, r *http.Request) (tenant directory.Tenant, c client, q authRequest, form url.Values, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return tenant, c, q, nil, oautherr.ErrMalformed
	}
	for name, values := range r.Form {
		if len(values) > 1 {
			return tenant, c, q, nil, oautherr.ErrMalformed.With(name, "A parameter comes more than once.")
		}
	}
	if tenant, err = s.authorizeTenant(r); err != nil {
		return tenant, c, q, nil, err
	}
	form, key, err := s.requested(r, tenant)
	if err == nil {
		c, q, err = s.target(r, tenant, form)
	}
	q.provedKey = key
	if noTenant(r.PathValue("tenant")) {
		if err == nil && c.app.SignInAudience != "AzureADMultipleOrgs" {
			err = oautherr.ErrSingleTenant
		}
		tenant = directory.Tenant{}
	}
	return tenant, c, q, form, err
}

// authorizeTenant is the tenant of the address; at common it is one in which the client is
// registered, to learn its redirect URIs.
func (s *Server) authorizeTenant(r *http.Request) (directory.Tenant, error) {
	if !noTenant(r.PathValue("tenant")) {
		return s.tenant(r)
	}
	homes, err := s.Store.HomesOf(r.Context(), directory.AppID(strings.ToLower(r.Form.Get("client_id"))))
	if err != nil {
		return directory.Tenant{}, err
	}
	if len(homes) == 0 {
		return directory.Tenant{}, oautherr.ErrUnknownClient
	}
	return s.Store.Tenant(r.Context(), homes[0])
}

// silent returns a session of the browser that answers q without a question; or why the rules
// of Conditional Access let none do so that would.
func (s *Server) silent(r *http.Request, tenant directory.Tenant, q authRequest) (found signin.Session, of directory.User, ok bool, why error) {
	// At a device each sign-in proves the person anew: somebody stands before a lock screen.
	if q.anew() || q.Prompt == "select_account" || q.Device != nil {
		return found, of, false, nil
	}
	for _, o := range browser.Sessions(r) {
		if tenant.ID != "" && o.Tenant != string(tenant.ID) {
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err != nil || !s.answers(session, user, q) || s.enoughAt(r, session, q) != nil {
			continue
		}
		if err = s.sessionAllowed(r, session, user, q); err == nil {
			return session, user, true, nil
		}
		why = err
	}
	return found, of, false, why
}

// at returns the tenant of a session, and the application as it is there: a request at
// organizations says neither, and what was granted to the application elsewhere counts nothing.
func (s *Server) at(r *http.Request, tenant directory.Tenant, c client, session signin.Session) (directory.Tenant, client, error) {
	if tenant.ID == session.Tenant {
		return tenant, c, nil
	}
	tenant, err := s.Store.Tenant(r.Context(), session.Tenant)
	if err != nil {
		return tenant, c, err
	}
	c, err = s.find(r, tenant, c.app.AppID)
	return tenant, c, err
}

// answers reports whether a session is good enough for q. One with a purpose gives no
// single sign-on: its proofs count for nothing (signin.Requirement.Counted; docs/threat-model.md, rule 6).
func (s *Server) answers(session signin.Session, user directory.User, q authRequest) bool {
	now := s.Now()
	switch {
	case q.LoginHint != "" && !strings.EqualFold(q.LoginHint, user.UserPrincipalName):
		return false
	case !q.age(now).MetBySession(session):
		return false
	}
	return met(q, shown(session, now))
}

// met reports whether what is demanded of amr and acr is among values. What authentication
// contexts want is asked of the rules; what can be none is never met.
func met(q authRequest, values []string) bool {
	for _, any := range q.demands() {
		if !any.MetBy(values) {
			return false
		}
	}
	return !slices.ContainsFunc(q.Claims.ACRs, func(asked claims.AnyOf) bool { return !slices.ContainsFunc(asked, contextID.MatchString) })
}

// begin sends the browser to the sign-in pages.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, c client, q authRequest) error {
	now := s.Now()
	t, err := s.newTransaction(r, tenant, c, q, now)
	if err != nil {
		return err
	}
	session, user, ok := s.raisable(r, tenant, q)
	var handle token.Opaque
	if ok {
		if t.Resource, err = s.apiOf(r.Context(), session.Tenant, q.Scope.Resource); err != nil {
			return err
		}
		t.Require = q.require(&session, now)
		_, handle, err = s.SignIn.Raise(r.Context(), t, session, user, placeOf(r))
	} else {
		_, handle, err = s.SignIn.Begin(r.Context(), t, placeOf(r))
	}
	if err != nil {
		return err
	}
	return s.toSignIn(w, r, handle)
}

// newTransaction is the sign-in that answers q, in a browser.
func (s *Server) newTransaction(r *http.Request, tenant directory.Tenant, c client, q authRequest, now time.Time) (signin.Transaction, error) {
	api, err := s.apiOf(r.Context(), tenant.ID, q.Scope.Resource)
	if err != nil {
		return signin.Transaction{}, err
	}
	kept, err := json.Marshal(q)
	return signin.Transaction{
		Native: q.Native, Resource: api, Contexts: q.contexts(),
		Tenant: tenant.ID, CorrelationID: request.From(r.Context()).CorrelationID, Continue: resumePath, Request: kept,
		Application: signin.App{ID: c.app.AppID, DisplayName: c.app.DisplayName}, FormTarget: q.RedirectURI,
		LoginHint: q.LoginHint, DomainHint: q.DomainHint, Device: q.Device, Require: q.require(nil, now),
		// An account that is signed in already can't be fresh enough for max_age, and not for a
		// device.
		SelectAccount: q.Prompt == "select_account" && q.MaxAge < 0 && q.Device == nil,
	}, err
}

// toSignIn gives the browser its hold on a sign-in and sends it there.
func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request, handle token.Opaque) error {
	if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/signin?t="+browser.HandleName(handle), http.StatusSeeOther) //nolint:gosec // a path of ours
	return nil
}

// resume serves GET /oauth2/resume: a sign-in is done, or an account was chosen.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) {
	handle, err := browser.Transaction(r, r.URL.Query().Get("t"))
	if err != nil {
		s.Pages.ShowError(w, r, signin.ErrGone, directory.Tenant{})
		return
	}
	t, err := s.SignIn.Open(r.Context(), handle)
	if err == nil && t.Continue != resumePath {
		err = signin.ErrGone
	}
	var q authRequest
	if err == nil {
		err = json.Unmarshal(t.Request, &q)
	}
	if err != nil {
		s.Pages.ShowError(w, r, err, directory.Tenant{})
		return
	}
	if trial := r.URL.Query().Get(device.PracticeParam); trial != "" && q.Device != nil && !t.Done() {
		s.practised(w, r, t, q, trial)
		return
	}
	session, user, err := s.resumed(r, t)
	if err != nil {
		s.Pages.ShowError(w, r, err, directory.Tenant{})
		return
	}
	tenant, err := s.Store.Tenant(r.Context(), session.Tenant)
	held := false
	if err == nil {
		held, err = s.held(w, r, handle, t, session, user)
	}
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	if held {
		return
	}
	c, err := s.find(r, tenant, q.Client)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	if !t.Done() && q.Device == nil {
		if why := s.sessionAllowed(r, session, user, q); told(why) {
			if err := s.askMore(w, r, tenant, c, q, session, user); err != nil {
				s.Pages.ShowError(w, r, err, tenant)
			}
			return
		}
	}
	if err := s.grant(w, r, tenant.ID, c, q, session, user); err != nil {
		s.deny(w, r, tenant, q, err)
	}
}

// askMore begins a sign-in in which the person of the account that was chosen shows what rules
// want beyond its session.
func (s *Server) askMore(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, c client, q authRequest, session signin.Session, user directory.User) error {
	q.MaxAge = -1 // it is not kept with the request
	t, err := s.newTransaction(r, tenant, c, q, s.Now())
	if err != nil {
		return err
	}
	t.Require = q.require(&session, s.Now())
	_, handle, err := s.SignIn.Raise(r.Context(), t, session, user, placeOf(r))
	if err != nil {
		return err
	}
	return s.toSignIn(w, r, handle)
}

// resumed returns the session that t ended in, or the one that the person chose instead.
func (s *Server) resumed(r *http.Request, t signin.Transaction) (signin.Session, directory.User, error) {
	if !t.Done() && !t.SelectAccount { // prompt=login and max_age ask for a proof, not for a choice
		return signin.Session{}, directory.User{}, signin.ErrGone
	}
	chosen := r.URL.Query().Get("s")
	for _, o := range browser.Sessions(r) {
		if o.ID != chosen || t.Done() && o.ID != t.Session {
			continue
		}
		if t.Tenant != directory.NoTenant && o.Tenant != string(t.Tenant) {
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err == nil && !t.Done() && session.Purpose != "" {
			err = signin.ErrGone
		}
		return session, user, err
	}
	return signin.Session{}, directory.User{}, signin.ErrGone
}

// deny sends an error back to the application, or shows it where that can't be done.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, q authRequest, err error) {
	envelope, status := oautherr.Describe(err, s.ids(r))
	if status >= http.StatusInternalServerError {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	home := tenant.ID
	if home == "" {
		home = "{tenantid}"
	}
	if err := s.respond(w, r, home, q, envelope.Values()); err != nil {
		s.Pages.ShowError(w, r, errors.Join(err), tenant)
	}
}

// respond sends values to the redirect URI in the way that q asked for. iss says who
// answers (RFC 9207).
func (s *Server) respond(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, q authRequest, values url.Values) error {
	s.addState(tenant, q, values)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	switch q.ResponseMode {
	case "form_post":
		return s.Pages.ShowFormPost(w, r, q.RedirectURI, values)
	case "fragment":
		http.Redirect(w, r, q.RedirectURI+"#"+values.Encode(), http.StatusSeeOther) //nolint:gosec // registered, compared byte by byte
		return nil
	}
	http.Redirect(w, r, inQuery(q, values), http.StatusSeeOther) //nolint:gosec // registered, compared byte by byte
	return nil
}

// addState adds what every answer to q has.
func (s *Server) addState(tenant directory.TenantID, q authRequest, values url.Values) {
	values.Set("iss", s.issuer(tenant))
	if q.State != "" {
		values.Set("state", q.State)
	}
}

// inQuery is the redirect URI of q with values in its query.
func inQuery(q authRequest, values url.Values) string {
	separator := "?"
	if strings.Contains(q.RedirectURI, "?") {
		separator = "&"
	}
	return q.RedirectURI + separator + values.Encode()
}

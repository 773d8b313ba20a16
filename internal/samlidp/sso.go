package samlidp

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	facts "github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// receive serves /{tenant}/saml2: an AuthnRequest, or a message of single logout, by redirect or
// by a form.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.tenant(r)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	if err := s.take(w, r, tenant); err != nil {
		s.Pages.ShowError(w, r, err, tenant)
	}
}

func (s *Server) take(w http.ResponseWriter, r *http.Request, tenant directory.Tenant) error {
	e, err := envelope(w, r)
	if err != nil {
		return err
	}
	in, err := saml.Read(e)
	if err != nil {
		return err
	}
	switch in.Kind() {
	case "AuthnRequest":
		// A form of another site comes without this site's cookies. Posted once more, from here,
		// it comes with them.
		if r.Method == http.MethodPost && !r.PostForm.Has(again) {
			form := url.Values{"SAMLRequest": r.PostForm["SAMLRequest"], again: {"1"}}
			if state := in.RelayState(); state != "" {
				form.Set("RelayState", state)
			}
			return s.Pages.ShowFormPost(w, r, s.PublicURL+r.URL.Path, form)
		}
		return s.authenticate(w, r, tenant, in)
	case "LogoutRequest":
		return s.logout(w, r, tenant, in)
	case "LogoutResponse": // an application is done; nothing waits for it
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return saml.ErrMalformed
}

// again is the field that marks a form as posted from here.
const again = "postedAgain"

func envelope(w http.ResponseWriter, r *http.Request) (saml.Envelope, error) {
	if r.Method != http.MethodPost {
		return saml.FromRedirect(r.URL.RawQuery)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return saml.Envelope{}, saml.ErrTooLarge
		}
		return saml.Envelope{}, saml.ErrMalformed
	}
	return saml.FromPOST(r.PostForm)
}

// authenticate answers an AuthnRequest.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, in saml.Incoming) error {
	a, err := s.known(r.Context(), tenant.ID, in.Issuer())
	if err != nil {
		return err
	}
	x := saml.Expect{Trust: a.trust(s.Now()), Issuer: in.Issuer(), Destination: s.address(r, tenant.ID, in.Destination())}
	if a.app.RequestSignature.Required && len(x.Trust.Certificates) == 0 {
		return ErrNoCertificate
	}
	asked, err := in.AuthnRequest(x, a.app.RequestSignature.Required)
	if err != nil {
		return err
	}
	q, err := newRequest(a, asked, in.RelayState(), s.Now())
	if err != nil {
		return err
	}
	if hint := r.FormValue("login_hint"); q.Hint == "" && strings.Contains(hint, "@") { // beside the message, as at Entra
		q.Hint = hint
	}
	switch {
	case !q.named():
		return s.refuse(w, r, tenant, q, saml.StatusRequester, saml.StatusInvalidNameID)
	case !q.understood():
		return s.refuse(w, r, tenant, q, saml.StatusRequester, saml.StatusNoAuthnContext)
	}
	return s.begin(w, r, tenant, a, q)
}

// launch serves GET /{tenant}/saml2/launch/{app}: somebody opens an application from here, and it
// did not ask.
func (s *Server) launch(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.tenant(r)
	if err == nil {
		err = s.open(w, r, tenant)
	}
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
	}
}

func (s *Server) open(w http.ResponseWriter, r *http.Request, tenant directory.Tenant) error {
	id := strings.ToLower(r.PathValue("app"))
	if !directory.IsID(id) {
		return ErrUnknown
	}
	a, err := s.byAppID(r.Context(), tenant.ID, directory.AppID(id))
	if err != nil {
		return err
	}
	q, err := newRequest(a, saml.AuthnRequest{Issuer: a.entity(), ACSIndex: -1}, a.principal.RelayState, s.Now())
	if err != nil {
		return err
	}
	return s.begin(w, r, tenant, a, q)
}

// begin answers q by a session that is there, or sends the browser to the sign-in pages.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, a application, q request) error {
	session, user, ok := s.silent(r, tenant, q)
	if ok {
		owing, err := s.owing(r, session, user)
		if err != nil {
			return err
		}
		if !owing {
			return s.grant(w, r, tenant, a, q, session, user)
		}
	}
	if q.IsPassive {
		return s.refuse(w, r, tenant, q, saml.StatusResponder, saml.StatusNoPassive)
	}
	t, err := s.transaction(r, tenant, a, q)
	if err != nil {
		return err
	}
	var handle token.Opaque
	next := "/signin"
	switch raisable, holder, one := s.raisable(r, tenant, q); {
	case ok: // the session owes a registration
		next = registerPath
		_, handle, err = s.SignIn.BeginDone(r.Context(), t, session, user.UserPrincipalName, placeOf(r))
	case one:
		_, handle, err = s.SignIn.Raise(r.Context(), t, raisable, holder, placeOf(r))
	default:
		_, handle, err = s.SignIn.Begin(r.Context(), t, placeOf(r))
	}
	if err != nil {
		return err
	}
	return toPage(w, r, next, handle)
}

// registerPath is the page that asks for a registration; t names the sign-in, which is done.
const registerPath = "/signin/register"

func toPage(w http.ResponseWriter, r *http.Request, page string, handle token.Opaque) error {
	if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
		return err
	}
	goTo(w, r, page, handle)
	return nil
}

// goTo leads to a page of this server that is about a sign-in.
func goTo(w http.ResponseWriter, r *http.Request, page string, handle token.Opaque) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, page+"?t="+browser.HandleName(handle), http.StatusSeeOther) //nolint:gosec // a constant path
}

func (s *Server) transaction(r *http.Request, tenant directory.Tenant, a application, q request) (signin.Transaction, error) {
	kept, err := json.Marshal(q)
	return signin.Transaction{
		Tenant: tenant.ID, CorrelationID: facts.From(r.Context()).CorrelationID, Continue: resumePath, Request: kept,
		Application: signin.App{ID: a.app.AppID, DisplayName: a.app.DisplayName}, Protocol: audit.ProtocolSAML20,
		FormTarget: q.Reply, LoginHint: q.Hint, Require: q.require(),
	}, err
}

// silent returns a session of the browser that answers q without a question.
func (s *Server) silent(r *http.Request, tenant directory.Tenant, q request) (signin.Session, directory.User, bool) {
	for _, o := range browser.Sessions(r) {
		if o.Tenant != string(tenant.ID) {
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err != nil || !q.answeredBy(session, user) {
			continue
		}
		if _, err := s.judge(r, session, user, q); err == nil {
			return session, user, true
		}
	}
	return signin.Session{}, directory.User{}, false
}

// judge says why a session gives no assertion for q, or nil: it must show what is asked for by
// methods that may be used here, and be let by the rules of Conditional Access, which are asked as
// for OAuth. Single sign-on leads around no policy.
func (s *Server) judge(r *http.Request, session signin.Session, user directory.User, q request) (*signin.Verdict, error) {
	counted, err := s.SignIn.At(r.Context(), session, signin.SurfaceOf(q.App))
	if err != nil {
		return nil, err
	}
	if !q.require().MetBySession(counted) {
		return nil, ErrStronger
	}
	v, err := s.SignIn.Judge(r.Context(), signin.Question{
		Tenant: session.Tenant, User: user.ID, Username: user.UserPrincipalName, App: q.App, Client: access.Browser,
		Place: placeOf(r), Proofs: counted.Proofs, At: s.Now(),
	})
	switch {
	case err != nil || v.Allows():
		return v, err
	case v.Bars():
		return v, v.Refusal().Fault()
	}
	return v, ErrStronger
}

// raisable is the session of the browser that a sign-in for q adds to: the one that the hint
// names, or the only one.
func (s *Server) raisable(r *http.Request, tenant directory.Tenant, q request) (session signin.Session, user directory.User, one bool) {
	found := 0
	for _, o := range browser.Sessions(r) {
		if o.Tenant != string(tenant.ID) {
			continue
		}
		got, holder, err := s.SignIn.Session(r.Context(), o)
		if err != nil || q.Hint != "" && !strings.EqualFold(q.Hint, holder.UserPrincipalName) {
			continue
		}
		session, user = got, holder
		found++
	}
	return session, user, found == 1
}

// owing reports whether a session owes a registration that can't be postponed.
func (s *Server) owing(r *http.Request, session signin.Session, user directory.User) (bool, error) {
	asking, err := s.Interrupts.Ask(r.Context(), session, user.ID)
	return asking.Ask && !asking.Later, err
}

func placeOf(r *http.Request) signin.Place {
	f := facts.From(r.Context())
	return signin.Place{Address: f.Address, UserAgent: f.UserAgent, Browser: browser.Place(r)}
}

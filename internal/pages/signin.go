package pages

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// A visit is one request to a sign-in that the browser holds.
type visit struct {
	transaction signin.Transaction
	handle      token.Opaque
	tenant      directory.Tenant
	accounts    []knownAccount
	worksFrom   time.Time // of a pass that was typed right, but too early
	realm       signin.Realm
	forgotten   []byte // signal about a passkey that was refused, because it is gone
}

// knownAccount is a living session of this browser.
type knownAccount struct {
	token   token.Opaque
	session signin.Session
	user    directory.User
}

// Address returns the page of a sign-in.
func Address(handle token.Opaque) string { return "/signin?t=" + browser.HandleName(handle) }

// visit opens the sign-in that the address names and the browser holds; signin.ErrGone when
// the browser does not hold it.
func (s *Site) visit(r *http.Request) (visit, error) { return s.visitNamed(r, r.URL.Query().Get("t")) }

func (s *Site) visitNamed(r *http.Request, name string) (visit, error) {
	handle, err := browser.Transaction(r, name)
	if err != nil {
		return visit{}, signin.ErrGone
	}
	t, err := s.SignIn.Open(r.Context(), handle)
	if err != nil {
		return visit{}, err
	}
	home := t.Home
	if home == "" {
		home = t.Tenant
	}
	tenant, err := s.tenant(r.Context(), home)
	return visit{transaction: t, handle: handle, tenant: tenant, accounts: s.accounts(r)}, err
}

// accounts returns the living sessions of the browser.
func (s *Site) accounts(r *http.Request) []knownAccount {
	var all []knownAccount
	for _, o := range browser.Sessions(r) {
		if session, user, err := s.SignIn.Session(r.Context(), o); err == nil {
			all = append(all, knownAccount{o, session, user})
		}
	}
	return all
}

// showStep serves GET /signin: the next question of a sign-in.
func (s *Site) showStep(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	if v.transaction.Done() {
		return s.proceed(w, r, v)
	}
	switch goTo := r.URL.Query().Get("go"); goTo {
	case "":
	case "forget":
		v.transaction, err = s.SignIn.Forget(r.Context(), v.transaction)
	case "methods":
		v.transaction, err = s.SignIn.ShowOtherWays(r.Context(), v.transaction)
	default:
		if m, ok := methodPageOf(signin.MethodID(goTo)); ok {
			v.transaction, err = s.SignIn.Choose(r.Context(), v.transaction, m.id)
		}
	}
	if err != nil {
		return err
	}
	return s.ask(w, r, v, nil)
}

// takeStep serves POST /signin: the answer to the question that was shown.
func (s *Site) takeStep(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	form := r.PostForm
	switch {
	case v.transaction.Done():
		return s.repeat(w, r, v)
	case form.Has("account"):
		return s.takeAccount(w, r, v, form.Get("account"))
	case form.Has("username"):
		v.transaction, err = s.SignIn.Identify(r.Context(), v.transaction, form.Get("username"), place(r))
		if err != nil {
			v.transaction.LoginHint = form.Get("username")
		}
	case form.Has("ask"):
		v.transaction, err = s.SignIn.Ask(r.Context(), v.transaction, signin.MethodID(form.Get("ask")), place(r))
	case form.Has("newpassword"):
		v.transaction, err = s.takeNewPassword(r, v)
	case form.Has("stay"):
		return s.takeStay(w, r, v, form.Get("stay"))
	default:
		v.transaction, err = s.takeProof(r, v)
	}
	if err != nil {
		return s.askAgain(w, r, v, err)
	}
	return redirect(w, r, Address(v.handle))
}

// takeProof takes the answer to the page of a method.
func (s *Site) takeProof(r *http.Request, v visit) (signin.Transaction, error) {
	for _, m := range methodPages {
		if m.field == "" || !r.PostForm.Has(m.field) {
			continue
		}
		if waiting, err := s.SignIn.Waiting(r.Context(), v.transaction, m.id, place(r)); err != nil || waiting {
			return v.transaction, err
		}
		return s.SignIn.Prove(r.Context(), v.transaction, m.id, r.PostForm.Get(m.field), place(r))
	}
	return v.transaction, signin.ErrGone
}

// askAgain shows the same question with what went wrong. Outages go to the error page.
func (s *Site) askAgain(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || errors.Is(err, signin.ErrGone) || errors.Is(err, signin.ErrChanged) {
		return err
	}
	if rehearsed, ok := errors.AsType[*signin.Rehearsed](err); ok {
		return s.showPractised(w, r, v, rehearsed)
	}
	if early, ok := errors.AsType[*signin.NotYet](err); ok {
		v.worksFrom = early.From
	}
	if told, ok := errors.AsType[*signin.Told](err); ok {
		f = told.Why
	}
	if err := s.refusedPasskey(r, &v, err); err != nil {
		return err
	}
	return s.ask(w, r, v, f)
}

// takeAccount takes the choice among the browser's accounts.
func (s *Site) takeAccount(w http.ResponseWriter, r *http.Request, v visit, id string) error {
	for _, a := range v.accounts {
		if a.token.ID != id {
			continue
		}
		rest := browser.Without(browser.Sessions(r), id)
		if err := browser.KeepSessions(w, append([]token.Opaque{a.token}, rest...), keptUntil(a.session)); err != nil {
			return err
		}
		return redirect(w, r, continueAddress(v, a.token.ID))
	}
	t, err := s.SignIn.Forget(r.Context(), v.transaction)
	if err != nil {
		return err
	}
	v.transaction = t
	return redirect(w, r, Address(v.handle))
}

// takeStay ends the sign-in in a session.
func (s *Site) takeStay(w http.ResponseWriter, r *http.Request, v visit, answer string) error {
	if answer != "yes" && answer != "no" {
		return s.ask(w, r, v, nil)
	}
	return s.finish(w, r, v, answer == "yes" && v.transaction.Device == nil)
}

// repeat answers a form that was sent again after the sign-in was done: with the same
// session, and on to the application.
func (s *Site) repeat(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.finish(w, r, v, false)
}

func (s *Site) finish(w http.ResponseWriter, r *http.Request, v visit, stay bool) error {
	here := place(r)
	here.Browser = browser.KeepPlace(w, r)
	t, session, o, err := s.SignIn.Stay(r.Context(), v.transaction, stay, v.handle, here, browser.Sessions(r))
	switch {
	case errors.Is(err, signin.ErrRefused):
		return s.block(w, r, v)
	case t.Refused != nil || errors.Is(err, signin.ErrMoreAsked): // a rule changed meanwhile
		v.transaction = t
		return s.ask(w, r, v, nil)
	}
	if err != nil {
		return err
	}
	v.transaction = t
	if err := browser.AddSession(w, r, o, keptUntil(session)); err != nil {
		return err
	}
	return redirect(w, r, continueAddress(v, o.ID))
}

// block says that the pass stopped working between being typed and being spent.
func (s *Site) block(w http.ResponseWriter, r *http.Request, v visit) error {
	page := blockedPage{frame: s.stepFrame(r, v), who: s.who(v)}
	page.Fault = signin.ErrRefused
	s.render(w, r, http.StatusBadRequest, page)
	return nil
}

// keptUntil is how long the browser keeps the cookie: zero means until it closes.
func keptUntil(session signin.Session) time.Time {
	if session.Persistent {
		return session.ExpiresAt
	}
	return time.Time{}
}

// proceed sends a browser whose sign-in is done on to where it came from.
func (s *Site) proceed(w http.ResponseWriter, r *http.Request, v visit) error {
	return redirect(w, r, continueAddress(v, v.transaction.Session))
}

func continueAddress(v visit, session string) string {
	q := url.Values{"t": {browser.HandleName(v.handle)}, "s": {session}}
	return v.transaction.Continue + "?" + q.Encode()
}

func redirect(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // always a path of this server
	return nil
}

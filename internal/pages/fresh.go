package pages

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// A mark says that a registration was started while a proof was fresh, so that it may be finished
// a little later. It is bound to the session and to what was started, and the browser can't
// make one: docs/security-info.md has the times.
type mark struct {
	what string // a method, or wizardMark and the name of a sign-in
	at   time.Time
}

// wizardMark begins what a mark of the wizard covers: every method.
const wizardMark = "wizard-"

// covers reports whether m is about adding a method of that kind.
func (m mark) covers(id signin.MethodID) bool {
	return m.what == string(id) || strings.HasPrefix(m.what, wizardMark)
}

func (s *Site) markHash(r *http.Request, me knownAccount, what, at string) (string, error) {
	return s.SignIn.Secrets.MAC(r.Context(), string(me.session.Tenant), "registration that was started", []byte(me.session.ID+"|"+what+"|"+at))
}

// start gives the browser the mark that what was started now.
func (s *Site) start(w http.ResponseWriter, r *http.Request, me knownAccount, what string) error {
	at := strconv.FormatInt(s.Now().Unix(), 10)
	hash, err := s.markHash(r, me, what, at)
	if err != nil {
		return err
	}
	browser.KeepStarted(w, what+"."+at+"."+hash, method.FinishWithin)
	return nil
}

// started returns the mark that the browser has, if it is of this session and not over.
func (s *Site) started(r *http.Request, me knownAccount) (mark, bool) {
	parts := strings.Split(browser.Started(r), ".")
	if len(parts) != 3 {
		return mark{}, false
	}
	want, err := s.markHash(r, me, parts[0], parts[1])
	seconds, bad := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || bad != nil || subtle.ConstantTimeCompare([]byte(want), []byte(parts[2])) != 1 {
		return mark{}, false
	}
	m := mark{what: parts[0], at: time.Unix(seconds, 0)}
	return m, method.MayFinish(m.at, s.Now())
}

// mayAdd reports whether the person may add a method of that kind now: with a fresh proof, which
// starts it, or when it was started in time.
func (s *Site) mayAdd(w http.ResponseWriter, r *http.Request, me knownAccount, id signin.MethodID) error {
	m, ok := s.started(r, me)
	ok = ok && m.covers(id)
	why := method.MayRegister(me.session, s.Now())
	switch {
	case why == nil && !ok:
		return s.start(w, r, me, string(id))
	case ok:
		return nil
	}
	return why
}

// provePath begins a sign-in that makes the proof fresh again and comes back to back, a path of
// a person's own pages.
const provePath = "/security-info/prove"

func proveHref(back string) string { return provePath + "?" + url.Values{"back": {back}}.Encode() }

// showProve serves GET /security-info/prove.
func (s *Site) showProve(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	return s.proveAgain(w, r, me, ownPath(r.URL.Query().Get("back")))
}

// ownPath is p if it is one of a person's own pages, and else the first of them.
func ownPath(p string) string {
	if path.Clean(p) != p || !strings.HasPrefix(p+"/", "/security-info/") || strings.ContainsAny(p, "?#\\%") || p == provePath {
		return "/security-info"
	}
	return p
}

// begin starts a sign-in to the person's own pages, which goes on at back.
func (s *Site) begin(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, back string) error {
	_, handle, err := s.begun(w, r, tenant, back)
	if err != nil {
		return err
	}
	return redirect(w, r, Address(handle))
}

func (s *Site) begun(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, back string) (signin.Transaction, token.Opaque, error) {
	t, handle, err := s.SignIn.Begin(r.Context(), signin.Transaction{
		Tenant: tenant, CorrelationID: request.From(r.Context()).CorrelationID, Continue: back,
		Application: signin.App{ID: directory.PagesAppID, DisplayName: ownPagesName},
	}, place(r))
	if err != nil {
		return t, handle, err
	}
	return t, handle, browser.KeepTransaction(w, r, handle, signin.TransactionLifetime)
}

// askForProof answers a change that needs a fresh proof: what was sent is not kept, back shows
// it again.
func (s *Site) askForProof(w http.ResponseWriter, r *http.Request, me knownAccount, back string) error {
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return err
	}
	p := errorPage{frame: s.frame(r, tenant), RetryHref: proveHref(back)}
	f, status := s.told(r, method.ErrProof)
	p.Fault = f
	s.render(w, r, status, p)
	return nil
}

// fresh reports whether the person of r may change their methods; else the answer is written.
func (s *Site) fresh(w http.ResponseWriter, r *http.Request, back string) (me knownAccount, ok bool, err error) {
	if me, ok, err = s.signedIn(w, r); err != nil || !ok {
		return me, false, err
	}
	if method.MayRegister(me.session, s.Now()) != nil {
		return me, false, s.askForProof(w, r, me, back)
	}
	return me, true, nil
}

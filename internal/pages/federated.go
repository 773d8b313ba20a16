package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/signin"
)

// federatedPage is federated.html: leads to the identity provider of the person's domain, by
// itself when nothing went wrong there.
type federatedPage struct {
	frame
	who
	Provider      string
	GoHref        string
	OtherWaysHref string
}

func (federatedPage) file() string { return "federated.html" }

// backPage is back.html: goes on by itself after an upstream.
type backPage struct {
	frame
	GoHref string
}

func (backPage) file() string { return "back.html" }

// maxAssertion bounds the form with a SAML response, in bytes.
const maxAssertion = 512 << 10

// upstreamPath is where a browser leaves for its upstream.
const upstreamPath = "/signin/upstream"

func upstreamAddress(v visit) string { return upstreamPath + "?t=" + browser.HandleName(v.handle) }

func showFederated(base frame, v visit, who who, prompt []byte) (page, error) {
	var asked federated.Prompt
	if err := json.Unmarshal(prompt, &asked); err != nil {
		return nil, fmt.Errorf("read what a page asks with: %w", err)
	}
	return federatedPage{frame: base, who: who, Provider: asked.Name, GoHref: upstreamAddress(v), OtherWaysHref: Address(v.handle) + "&go=methods"}, nil
}

// MountUpstream adds to mux the addresses where upstreams send people back to, below a tenant, and
// where they read what metadata says.
func (s *Site) MountUpstream(mux *http.ServeMux, metadata func(w http.ResponseWriter, r *http.Request) error) {
	mux.Handle("GET /{tenant}/federation/saml/metadata", s.guard(metadata))
	mux.Handle("GET /{tenant}/federation/oidc/{domain}", s.guard(s.takeAnswer))
	mux.Handle("GET /{tenant}/federation/oidc/signedout", s.guard(s.signedOutUpstream))
	mux.Handle("GET /{tenant}/federation/saml/logout", s.guard(s.takeGoodbye))
	mux.HandleFunc("POST /{tenant}/federation/saml/logout", s.takeGoodbyeBySOAP)
	mux.Handle("POST /{tenant}/federation/saml/acs", s.guardUpTo(maxAssertion, s.bringForm))
}

// leaveUpstream serves GET /signin/upstream: off to the identity provider.
func (s *Site) leaveUpstream(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	_, to, err := s.SignIn.Leave(r.Context(), v.transaction, place(r))
	if errors.Is(err, signin.ErrGone) && (v.transaction.Proved() || v.transaction.Done()) { // an old page
		return redirect(w, r, Address(v.handle))
	}
	if err != nil {
		return s.upstreamFailed(w, r, v, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // an https address of the domain's configuration, or of what its issuer says
	return nil
}

// upstreamFailed shows what went wrong; why an upstream can't be reached is told the log.
func (s *Site) upstreamFailed(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	if errors.Is(err, federation.ErrUnreachable) {
		s.Log.WarnContext(r.Context(), "an identity provider can't be reached", "domain", v.transaction.Domain(), "correlation_id", v.transaction.CorrelationID, "err", err)
	}
	return s.askAgain(w, r, v, err)
}

// takeAnswer serves GET /{tenant}/federation/oidc/{domain}: an upstream sent the browser back.
// The state names the sign-in; the browser must hold it (RFC 6749 section 10.12).
func (s *Site) takeAnswer(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitNamed(r, signInOf(r.URL.Query().Get("state")))
	if err != nil {
		return err
	}
	t := v.transaction
	if t.Done() {
		return s.backHere(w, r, v, continueAddress(v, t.Session))
	}
	if t.Home != directory.TenantID(r.PathValue("tenant")) || t.Domain() != r.PathValue("domain") {
		return signin.ErrGone
	}
	return s.answered(w, r, v, r.URL.RawQuery)
}

// signInOf is the short name of the sign-in that a state is of.
func signInOf(state string) string {
	name, _, _ := strings.Cut(state, ".")
	return name
}

// bringForm serves POST /{tenant}/federation/saml/acs. Browsers keep back the cookies of a sign-in
// when another site posts (SameSite), so that nothing is believed or refused here: a page of ours
// posts the same again, to takeForm.
func (s *Site) bringForm(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	name := signInOf(r.PostForm.Get("RelayState"))
	if len(name) != 8 || strings.Trim(name, "0123456789abcdef") != "" { // nobody asked for it here
		return signin.ErrGone
	}
	tenant, err := s.tenant(r.Context(), directory.TenantID(r.PathValue("tenant")))
	if err != nil {
		return err
	}
	p := formPostPage{frame: s.frame(r, tenant)}
	p.Action, p.Form = upstreamPath+"?t="+name, map[string]string{}
	for _, field := range []string{"SAMLResponse", "RelayState"} {
		p.Form[field] = r.PostForm.Get(field)
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

// takeForm serves POST /signin/upstream: the answer that bringForm brought.
func (s *Site) takeForm(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	if v.transaction.Done() {
		return s.backHere(w, r, v, continueAddress(v, v.transaction.Session))
	}
	return s.answered(w, r, v, r.PostForm.Encode())
}

// answered takes an upstream's answer for a sign-in.
func (s *Site) answered(w http.ResponseWriter, r *http.Request, v visit, answer string) (err error) {
	v.transaction, err = s.SignIn.Prove(r.Context(), v.transaction, federated.MethodID, answer, place(r))
	switch {
	case errors.Is(err, signin.ErrBack):
		return s.backHere(w, r, v, upstreamAddress(v))
	case err != nil:
		return s.upstreamFailed(w, r, v, err)
	}
	return s.backHere(w, r, v, Address(v.handle))
}

// backHere goes on to an address of this server by a page, and not by a redirect: browsers hold all
// redirects that follow a form to the policy of its page (CSP form-action). The upstream's page names
// this server there, and neither the application nor the lock screen where the sign-in may end.
func (s *Site) backHere(w http.ResponseWriter, r *http.Request, v visit, to string) error {
	s.render(w, r, http.StatusOK, backPage{s.stepFrame(r, v), to})
	return nil
}

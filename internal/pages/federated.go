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

// MountUpstream adds to mux the addresses where upstreams send people back to, below a tenant.
func (s *Site) MountUpstream(mux *http.ServeMux) {
	mux.Handle("GET /{tenant}/federation/oidc/{domain}", s.guard(s.takeAnswer))
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
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // of the domain's configuration
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
	name, _, _ := strings.Cut(r.URL.Query().Get("state"), ".")
	return s.answered(w, r, name, r.PathValue("domain"), r.URL.RawQuery)
}

// answered takes an upstream's answer for the sign-in with that name.
func (s *Site) answered(w http.ResponseWriter, r *http.Request, name, domain, answer string) error {
	v, err := s.visitNamed(r, name)
	if err != nil {
		return err
	}
	t := v.transaction
	if t.Done() {
		return s.proceed(w, r, v)
	}
	if t.Home != directory.TenantID(r.PathValue("tenant")) || t.Domain() != domain {
		return signin.ErrGone
	}
	v.transaction, err = s.SignIn.Prove(r.Context(), t, federated.MethodID, answer, place(r))
	switch {
	case errors.Is(err, signin.ErrBack):
		return redirect(w, r, upstreamAddress(v))
	case err != nil:
		return s.upstreamFailed(w, r, v, err)
	}
	return redirect(w, r, Address(v.handle))
}

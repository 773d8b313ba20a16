package pages

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	upstreamsaml "github.com/postern-id/postern/internal/federation/saml"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/saml/soap"
	"github.com/postern-id/postern/internal/signin"
)

// Upstreams read what SAML upstreams send about logout.
type Upstreams interface {
	// SignedOut checks the answer to the request that was made with state.
	SignedOut(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, state string) error
	// Leaving returns the sessions that a request wants ended, and the address of its answer.
	Leaving(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, correlation string) ([]federated.Leaver, string, error)
	// LeavingBySOAP is Leaving between servers, and returns the answer itself.
	LeavingBySOAP(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, correlation string) ([]federated.Leaver, []byte, error)
}

const (
	// awayFor is how long signing out upstream may take for the browser to be led on afterwards.
	awayFor = 10 * time.Minute
	// maxLogoutFrames bounds how many applications are told by the browser.
	maxLogoutFrames = 20
)

// ShowSignedOut says that the browser is signed out, loads the pages of applications that are
// to learn of it, and then leads on: to the one upstream that the person comes back from, or back.
func (s *Site) ShowSignedOut(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, frames []string, back string, upstreams []signin.Upstream) {
	next := back
	for _, u := range upstreams {
		if u.State != "" {
			browser.KeepSignOut(w, u.State, back, awayFor)
		}
	}
	if len(upstreams) == 1 && upstreams[0].State != "" {
		next, upstreams = upstreams[0].SignOut, nil
	}
	s.leadOn(w, r, signedOutPage{frame: s.frame(r, tenant), SignInHref: "/security-info", Upstreams: upstreams}, frames, next)
}

// leadOn shows p while frames load, and then leads to next. The answer to a form must not redirect
// to another site: the policy of its page forbids that (CSP form-action), and so it says where to go.
func (s *Site) leadOn(w http.ResponseWriter, r *http.Request, p signedOutPage, frames []string, next string) {
	p.Frames = frames
	wait := 0
	if len(frames) > 0 {
		wait = backAfter
	}
	switch {
	case next != "" && wait == 0 && r.Method != http.MethodPost:
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // registered, or of the domain's configuration
		return
	case next != "":
		p.BackHref, p.SignInHref = next, ""
		w.Header().Set("Refresh", seconds(wait)+"; url="+next)
	}
	s.render(w, r, http.StatusOK, p)
}

// signedOutUpstream serves GET /{tenant}/federation/oidc/signedout: who signed out upstream goes on
// to where they wanted.
func (s *Site) signedOutUpstream(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.tenant(r.Context(), directory.TenantID(r.PathValue("tenant")))
	if err != nil {
		return err
	}
	return s.goOn(w, r, tenant, r.URL.Query().Get("state"))
}

func (s *Site) goOn(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, state string) error {
	back, ok := browser.SignOut(r, state)
	if ok {
		browser.DropSignOut(w, state)
	}
	s.leadOn(w, r, signedOutPage{frame: s.frame(r, tenant), SignInHref: "/security-info"}, nil, back)
	return nil
}

// takeGoodbye serves GET /{tenant}/federation/saml/logout: the answer of a SAML upstream to a
// logout that began here, or its wish for one that began there.
func (s *Site) takeGoodbye(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.tenant(r.Context(), directory.TenantID(r.PathValue("tenant")))
	if err != nil {
		return err
	}
	g, err := upstreamsaml.ReadGoodbye(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if g.IsAnswer() {
		return s.takeFarewell(w, r, tenant, g)
	}
	leavers, to, err := s.Upstreams.Leaving(r.Context(), tenant.ID, g, request.From(r.Context()).CorrelationID)
	if err != nil {
		return err
	}
	held, rest, frames := browser.Sessions(r), browser.Sessions(r), []string(nil)
	for _, l := range leavers {
		told, err := s.LogoutPages(r.Context(), l.Session)
		if err != nil {
			return err
		}
		if err := s.SignIn.Store.EndSessions(r.Context(), l.Session.Tenant, l.Session.User, l.Session.ID, s.Now(), l.Event); err != nil {
			return err
		}
		frames, rest = append(frames, told...), browser.Without(rest, l.Session.ID)
	}
	if len(rest) < len(held) {
		if err := browser.KeepSessions(w, rest, time.Time{}); err != nil {
			return err
		}
	}
	s.leadOn(w, r, signedOutPage{frame: s.frame(r, tenant), SignInHref: "/security-info"}, frames[:min(len(frames), maxLogoutFrames)], to)
	return nil
}

// takeGoodbyeBySOAP serves POST /{tenant}/federation/saml/logout: a SAML upstream ends sessions that it
// began, without a browser. Applications are told by whichever ways need none, too.
func (s *Site) takeGoodbyeBySOAP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.leftBySOAP(w, r)
	if err != nil {
		s.Log.InfoContext(r.Context(), "a SAML logout by SOAP was refused", "err", err)
	}
	soap.Write(w, answer, err)
}

func (s *Site) leftBySOAP(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tenant, err := s.tenant(r.Context(), directory.TenantID(r.PathValue("tenant")))
	if err != nil {
		return nil, err
	}
	in, err := soap.Read(w, r)
	if err != nil {
		return nil, err
	}
	leavers, answer, err := s.Upstreams.LeavingBySOAP(r.Context(), tenant.ID, upstreamsaml.TakeGoodbye(in), request.From(r.Context()).CorrelationID)
	if err != nil {
		return nil, err
	}
	for _, l := range leavers {
		if err := s.SignIn.Store.EndSessions(r.Context(), l.Session.Tenant, l.Session.User, l.Session.ID, s.Now(), l.Event); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// takeFarewell takes the answer to a logout that began in this browser. Here it is over already; an
// answer that is no good only means that the person may still be signed in there, and they are told.
func (s *Site) takeFarewell(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, g upstreamsaml.Goodbye) error {
	state := g.State()
	back, ok := browser.SignOut(r, state)
	if !ok { // nobody left from here
		return signin.ErrGone
	}
	err := s.Upstreams.SignedOut(r.Context(), tenant.ID, g, state)
	if err == nil {
		return s.goOn(w, r, tenant, state)
	}
	if errors.Is(err, federation.ErrNone) {
		return err
	}
	s.Log.WarnContext(r.Context(), "an identity provider did not sign a person out", "tenant_id", tenant.ID, "err", err)
	p := signedOutPage{frame: s.frame(r, tenant), SignInHref: "/security-info", StillThere: true}
	if back != "" {
		p.BackHref, p.SignInHref = back, ""
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

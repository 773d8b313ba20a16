package samlidp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	facts "github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// leaving is what an application asks with a LogoutRequest, and what that comes to.
type leaving struct {
	a      application
	q      saml.LogoutRequest
	ending []Participant // in sessions that are to end
}

// asked checks a LogoutRequest, which has to be signed, and finds the sessions that it names.
func (s *Server) asked(ctx context.Context, tenant directory.TenantID, in saml.Incoming, at string, once func(string, time.Time) error) (leaving, error) {
	a, err := s.known(ctx, tenant, in.Issuer())
	if err != nil {
		return leaving{}, err
	}
	x := saml.Expect{Trust: a.trust(s.Now()), Issuer: in.Issuer(), Destination: at, Once: once}
	if len(x.Trust.Certificates) == 0 {
		return leaving{}, ErrNoCertificate
	}
	q, err := in.LogoutRequest(x)
	if err != nil {
		return leaving{}, err
	}
	all, err := s.Store.ParticipantsBy(ctx, tenant, a.app.AppID, q.Subject.Value)
	return leaving{a, q, slices.DeleteFunc(all, func(p Participant) bool {
		return len(q.SessionIndexes) > 0 && !slices.Contains(q.SessionIndexes, indexOf(p.Session))
	})}, err
}

// logout answers a LogoutRequest: it ends the sessions that the application names, tells the
// others by pages that the browser loads, and leads back. Only a signed request counts.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, in saml.Incoming) error {
	l, err := s.asked(r.Context(), tenant.ID, in, s.address(r, tenant.ID, in.Destination()), nil)
	if err != nil {
		return err
	}
	a, q, ending := l.a, l.q, l.ending
	upstreams := s.upstreams(r, ending)
	var frames []string
	for _, p := range ending {
		pages, err := s.end(r, a, p)
		if err != nil {
			return err
		}
		frames = append(frames, pages...)
	}
	if err := forget(w, r, ending); err != nil {
		return err
	}
	back, err := s.done(r.Context(), tenant, a, q, in.RelayState())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	s.Pages.ShowSignedOut(w, r, tenant, frames[:min(len(frames), maxFrames)], back, upstreams)
	return nil
}

// upstreams are where those of the ending sessions came from that this browser holds.
func (s *Server) upstreams(r *http.Request, ending []Participant) []signin.Upstream {
	var all []signin.Upstream
	for _, o := range browser.Sessions(r) {
		if s.Upstream == nil || !slices.ContainsFunc(ending, func(p Participant) bool { return p.Session == o.ID }) {
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err != nil {
			continue // it ended already
		}
		u, err := s.Upstream(r.Context(), session, user)
		if err != nil {
			s.Log.WarnContext(r.Context(), "can't say where to sign out upstream", "error", err)
		}
		if u.SignOut != "" {
			all = append(all, u)
		}
	}
	return all
}

// maxFrames bounds how many applications are told by the browser.
const maxFrames = 20

// end ends the session of p, and returns the pages of the other applications that had part in it.
func (s *Server) end(r *http.Request, a application, p Participant) ([]string, error) {
	session := signin.Session{Tenant: p.Tenant, ID: p.Session, User: p.User}
	pages, err := s.LogoutPages(r.Context(), session, a.app.AppID)
	if err != nil {
		return nil, err
	}
	if s.Others != nil {
		others, err := s.Others(r.Context(), session)
		if err != nil {
			return nil, err
		}
		pages = append(pages, others...)
	}
	return pages, s.SignIn.Store.EndSessions(r.Context(), p.Tenant, p.User, p.Session, s.Now(), s.logoutEvent(r, a, p))
}

// forget takes the sessions that ended away from the browser.
func forget(w http.ResponseWriter, r *http.Request, ended []Participant) error {
	held := browser.Sessions(r)
	rest := slices.DeleteFunc(slices.Clone(held), func(o token.Opaque) bool {
		return slices.ContainsFunc(ended, func(p Participant) bool { return p.Session == o.ID })
	})
	if len(rest) == len(held) {
		return nil
	}
	return browser.KeepSessions(w, rest, time.Time{})
}

// done is the URL of the answer to q, empty when the application registered none.
func (s *Server) done(ctx context.Context, tenant directory.Tenant, a application, q saml.LogoutRequest, relayState string) (string, error) {
	if a.app.Web.LogoutURL == "" {
		return "", nil
	}
	by, err := s.signer(ctx, tenant.ID)
	if err != nil {
		return "", err
	}
	return saml.LogoutResponse{
		ID: saml.NewID(), Issuer: s.entity(tenant.ID), Destination: a.app.Web.LogoutURL, InResponseTo: q.ID,
		IssueInstant: s.Now(), Status: saml.StatusSuccess,
	}.Redirect(relayState, by)
}

// LogoutPages returns pages that tell the applications that got an assertion from a session,
// except one, that it ended: each is a signed LogoutRequest.
func (s *Server) LogoutPages(ctx context.Context, session signin.Session, but directory.AppID) ([]string, error) {
	all, err := s.Store.ParticipantsOf(ctx, session.Tenant, session.ID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	by, err := s.signer(ctx, session.Tenant)
	if err != nil {
		return nil, err
	}
	var pages []string
	for _, p := range all {
		if p.App == but {
			continue
		}
		a, err := s.byAppID(ctx, p.Tenant, p.App)
		switch {
		case errors.Is(err, ErrUnknown), errors.Is(err, ErrDisabled), err == nil && a.app.Web.LogoutURL == "":
			continue
		case err != nil:
			return nil, err
		}
		now := s.Now()
		page, err := saml.LogoutRequest{
			ID: saml.NewID(), Issuer: s.entity(p.Tenant), Destination: a.app.Web.LogoutURL, IssueInstant: now, NotOnOrAfter: now.Add(assertionLifetime),
			Subject:        s.called(a, p),
			SessionIndexes: []string{indexOf(p.Session)},
		}.Redirect("", by)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// called is the name id by which an application knows the person.
func (s *Server) called(a application, p Participant) saml.NameID {
	n := saml.NameID{Format: p.Format, Value: p.Name}
	if p.Format != saml.EmailAddress {
		n.NameQualifier, n.SPNameQualifier = s.entity(p.Tenant), a.entity()
	}
	return n
}

func (s *Server) logoutEvent(r *http.Request, a application, p Participant) audit.Event {
	f := facts.From(r.Context())
	return audit.Event{
		Tenant: string(p.Tenant), ID: uuid.NewString(), At: s.Now(), CorrelationID: f.CorrelationID,
		Change: &audit.Change{
			Activity: audit.SessionEnded, Category: audit.CategoryAuthentication, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate, Result: audit.Success,
			By:      audit.Actor{App: &audit.AppActor{AppID: string(a.app.AppID), DisplayName: a.app.DisplayName, ServicePrincipalID: string(a.principal.ID)}},
			Targets: []audit.Target{{ID: string(p.User), Type: audit.TargetUser}},
		},
	}
}

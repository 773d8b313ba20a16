package samlidp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/saml/soap"
	"github.com/postern-id/postern/internal/signin"
)

// Single logout between servers, by SOAP (saml-bindings 3.2, saml-profiles 4.4): an application ends
// sessions without a browser, and is told of those that end here.

const soapPath = "/saml2/soap"

// soapAddress is where a tenant takes LogoutRequests by SOAP, as metadata says.
func (s *Server) soapAddress(tenant directory.TenantID) string {
	return s.PublicURL + "/" + string(tenant) + soapPath
}

// logoutBySOAP serves POST /{tenant}/saml2/soap.
func (s *Server) logoutBySOAP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.leave(w, r)
	if err != nil {
		s.Log.InfoContext(r.Context(), "a SAML logout by SOAP was refused", "err", err)
	}
	soap.Write(w, answer, err)
}

func (s *Server) leave(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tenant, err := s.tenant(r)
	if err != nil {
		return nil, err
	}
	in, err := soap.Read(w, r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	l, err := s.asked(ctx, tenant.ID, in, s.soapAddress(tenant.ID), func(id string, until time.Time) error {
		fresh, err := s.Seen(ctx, string(tenant.ID), "samlLogout", in.Issuer()+" "+id, until)
		if err == nil && !fresh {
			err = saml.ErrReplayed
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	second := ""
	for _, p := range l.ending {
		more, err := s.deaf(ctx, p, l.a.app.AppID)
		if err != nil {
			return nil, err
		}
		if more {
			second = saml.StatusPartialLogout
		}
		if err := s.SignIn.Store.EndSessions(ctx, p.Tenant, p.User, p.Session, s.Now(), s.logoutEvent(r, l.a, p)); err != nil {
			return nil, err
		}
	}
	by, err := s.signer(ctx, tenant.ID)
	if err != nil {
		return nil, err
	}
	return saml.LogoutResponse{
		ID: saml.NewID(), Issuer: s.entity(tenant.ID), InResponseTo: l.q.ID, IssueInstant: s.Now(), Status: saml.StatusSuccess, Second: second,
	}.SOAP(by)
}

// deaf reports whether another application of p's session can be told by a browser only.
func (s *Server) deaf(ctx context.Context, p Participant, but directory.AppID) (bool, error) {
	all, err := s.Store.ParticipantsOf(ctx, p.Tenant, p.Session)
	for _, other := range all {
		if other.App == but {
			continue
		}
		a, err := s.byAppID(ctx, p.Tenant, other.App)
		if err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrDisabled) {
			return false, err
		}
		if err == nil && a.settings().LogoutSOAP == "" {
			return true, nil
		}
	}
	if err != nil || s.OthersDeaf == nil {
		return false, err
	}
	return s.OthersDeaf(ctx, signin.Session{Tenant: p.Tenant, ID: p.Session, User: p.User}, but)
}

// Farewell is what an application that had part in a session is told by SOAP once that ended: where
// it goes, the message, and what checks the answer. It goes nowhere when the application has no such
// address, or had no part.
func (s *Server) Farewell(ctx context.Context, tenant directory.TenantID, session string, app directory.AppID) (to string, message []byte, answered func([]byte) error, err error) {
	a, err := s.byAppID(ctx, tenant, app)
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrDisabled) || err == nil && a.settings().LogoutSOAP == "" {
		return "", nil, nil, nil
	}
	if err != nil {
		return "", nil, nil, err
	}
	p, err := s.Store.Participant(ctx, tenant, session, app)
	if errors.Is(err, ErrNoPart) {
		return "", nil, nil, nil
	}
	if err != nil {
		return "", nil, nil, err
	}
	by, err := s.signer(ctx, tenant)
	if err != nil {
		return "", nil, nil, err
	}
	now := s.Now()
	q := saml.LogoutRequest{
		ID: saml.NewID(), Issuer: s.entity(tenant), Destination: a.settings().LogoutSOAP, IssueInstant: now, NotOnOrAfter: now.Add(assertionLifetime),
		Subject: s.called(a, p), SessionIndexes: []string{indexOf(session)},
	}
	message, err = q.SOAP(by)
	return q.Destination, message, func(body []byte) error {
		e, err := saml.FromSOAP(body, true)
		if err != nil {
			return err
		}
		in, err := saml.Read(e)
		if err != nil {
			return err
		}
		err = in.LogoutResponse(saml.Expect{Trust: a.trust(s.Now()), Issuer: a.entity(), Destination: in.Destination(), InResponseTo: q.ID})
		if _, said := errors.AsType[*saml.StatusError](err); said { // such as that it has no such session any more
			return nil
		}
		return err
	}, err
}

// ErrNoPart says that an application had no part in a session.
var ErrNoPart = errors.New("the application had no part in the session")

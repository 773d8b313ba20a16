package samlidp

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	facts "github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
)

// assertionLifetime is how long an application has to take an assertion. It is for one use only.
const assertionLifetime = 5 * time.Minute

// grant answers q for a signed-in person, if they may use the application and have proved enough.
// The sign-in itself has its own event; this one says that an assertion followed.
func (s *Server) grant(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, a application, q request, session signin.Session, user directory.User) error {
	verdict, err := s.may(r, a, q, session, user)
	if err != nil {
		return err
	}
	class := q.class(session)
	if class == "" {
		return s.refuse(w, r, tenant, q, saml.StatusResponder, saml.StatusNoAuthnContext)
	}
	name, err := s.nameOf(r.Context(), a, q, user)
	if err != nil {
		return err
	}
	attributes, err := s.attributes(r.Context(), a, session, user)
	if err != nil {
		return err
	}
	now := s.Now()
	answer := saml.Response{
		ID: saml.NewID(), Issuer: s.entity(tenant.ID), Destination: q.Reply, InResponseTo: q.ID, IssueInstant: now,
		Status: saml.StatusSuccess, Audience: q.Entity,
		Assertion: &saml.Assertion{
			ID: saml.NewID(), Issuer: s.entity(tenant.ID), Subject: name, SessionIndex: indexOf(session.ID),
			AuthnInstant: session.AuthTime(), SessionNotOnOrAfter: verdict.Ends(session.AuthTime(), session.ExpiresAt), AuthnContext: class,
			Attributes: attributes, InResponseTo: q.ID, NotOnOrAfter: now.Add(assertionLifetime),
		},
	}
	answer.SignResponse = a.settings().Sign == "response" || a.settings().Sign == "both"
	answer.SignAssertion = a.settings().Sign != "response"
	if err := a.seal(&answer); err != nil {
		return err
	}
	p := Participant{
		Tenant: tenant.ID, Session: session.ID, App: a.app.AppID, User: user.ID, Name: name.Value, Format: name.Format, ExpiresAt: session.ExpiresAt,
	}
	e := s.event(r, a, session, user, answer.Assertion.ID)
	verdict.Describe(e.SignIn)
	if err := s.Store.Participate(r.Context(), p, e); err != nil {
		return err
	}
	return s.send(w, r, tenant, q, answer)
}

// indexOf names a session to applications, in the form of an id of XML.
func indexOf(session string) string { return "_" + session }

// may says why the person of a session gets no assertion for a, or what the rules came to.
func (s *Server) may(r *http.Request, a application, q request, session signin.Session, user directory.User) (*signin.Verdict, error) {
	if session.Purpose != "" { // no assertion can carry it (docs/threat-model.md, rule 6)
		return nil, ErrPurpose
	}
	verdict, err := s.judge(r, session, user, q)
	if err != nil {
		return nil, err
	}
	if owing, err := s.owing(r, session, user); err != nil || owing {
		if err == nil {
			err = ErrRegister
		}
		return nil, err
	}
	if !a.principal.AssignmentRequired {
		return verdict, nil
	}
	roles, err := s.Store.AppRolesOfPerson(r.Context(), user.Tenant, user.ID, a.principal.ID)
	if err == nil && len(roles) == 0 {
		err = ErrNotAssigned
	}
	return verdict, err
}

// send posts an answer to the application. The address is registered: nothing else is ever sent to.
func (s *Server) send(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, q request, answer saml.Response) error {
	by, err := s.signer(r.Context(), tenant.ID)
	if err != nil {
		return err
	}
	form, err := answer.POST(q.RelayState, by)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.Pages.ShowFormPost(w, r, q.Reply, form)
}

// refuse answers q with a failure, signed.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, q request, code, second string) error {
	return s.send(w, r, tenant, q, saml.Response{
		ID: saml.NewID(), Issuer: s.entity(tenant.ID), Destination: q.Reply, InResponseTo: q.ID, IssueInstant: s.Now(),
		Status: code, Second: second,
	})
}

// event is the sign-in event of an assertion.
func (s *Server) event(r *http.Request, a application, session signin.Session, user directory.User, id string) audit.Event {
	f := facts.From(r.Context())
	in := &audit.SignIn{
		UserID: string(user.ID), UserPrincipalName: strings.ToLower(user.UserPrincipalName), UserDisplayName: user.DisplayName,
		AppID: string(a.app.AppID), AppDisplayName: a.app.DisplayName,
		ServicePrincipalID: string(a.principal.ID),
		IPAddress:          f.Address.String(), UserAgent: f.UserAgent, ClientAppUsed: audit.ClientBrowser,
		EventType: audit.NonInteractiveUser, SessionID: session.ID, PassID: session.PassID, UniqueTokenID: id,
		Protocol: audit.ProtocolSAML20, AuthenticationRequirement: audit.MultiFactor, IncomingTokenType: audit.IncomingNone,
		Details: []audit.AuthenticationDetail{{Method: audit.MethodPreviously, At: s.Now(), Succeeded: true}},
	}
	in.Browser, in.OperatingSystem = signin.DescribeAgent(f.UserAgent)
	s.SignIn.Locate(in)
	return audit.Event{Tenant: string(user.Tenant), ID: uuid.NewString(), At: s.Now(), CorrelationID: f.CorrelationID, SignIn: in}
}

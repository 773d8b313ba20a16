package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// grant answers an authorization request for a signed-in person. The sign-in
// itself has its own event; this one says that tokens followed.
func (s *Server) grant(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, c client, q authRequest, session signin.Session, user directory.User) error {
	f, err := s.newFamily(r, c, q, session, user, audit.ProtocolOAuth2)
	if err != nil {
		return err
	}
	e := s.personEvent(r, f, c, user, uuid.NewString())
	f.verdict.Describe(e.SignIn)
	if q.ResponseType == "id_token" {
		return s.answerIDToken(w, r, c, q, f, user, e)
	}
	values, err := s.grantCode(r, q, f, e)
	if err != nil {
		return err
	}
	return s.respond(w, r, tenant, q, values)
}

// grantCode stores f with its code and returns what q is answered.
func (s *Server) grantCode(r *http.Request, q authRequest, f Family, e audit.Event) (url.Values, error) {
	code, secret, hash, err := s.newGrant(r, f, KindCode)
	if err != nil {
		return nil, err
	}
	code.RedirectURI, code.Challenge, code.Thumbprint, code.SPA = q.RedirectURI, q.Challenge, q.Thumbprint, q.SPA
	return url.Values{"code": {secret}, "session_state": {f.Session}}, s.Store.Authorize(r.Context(), f, code, hash, e)
}

// newFamily returns the family that q gets from a session, if the person may use the
// application, has proved enough, and consent is there.
func (s *Server) newFamily(r *http.Request, c client, q authRequest, session signin.Session, user directory.User, protocol string) (Family, error) {
	now := s.Now()
	if err := fitsPurpose(session, q, protocol); err != nil {
		return Family{}, err
	}
	f := newFamily(uuid.NewString(), c.app.AppID, session, now, protocol)
	values := f.shown(session, now)
	if !met(q, values) {
		return f, oautherr.ErrMFARequired
	}
	f.ACR = q.acr(values)
	if err := s.enoughAt(r, session, q); err != nil {
		return f, err
	}
	f = q.family(f)
	if protocol == audit.ProtocolOAuth2 {
		f.Seen = seenAt(r)
	}
	var err error
	if f.verdict, err = s.judge(r.Context(), f, user.UserPrincipalName, placeOf(r)); err != nil {
		return f, err
	}
	if f.verdict != nil {
		f.Rules = f.verdict.Version
	}
	// Whatever way leads here: a page asked before, where there is one.
	if owing, err := s.owing(r, session, user); err != nil || owing {
		return f, errors.Join(err, owed(owing))
	}
	if err := s.mayUse(r, c, user); err != nil {
		return f, err
	}
	f.OpenID, f.Profile, f.Email, f.Offline = q.Scope.OpenID, q.Scope.Profile, q.Scope.Email, q.Scope.OfflineAccess
	f.Nonce, f.Challenges = q.Nonce, q.Claims.HandlesChallenges
	if f.Resource, f.Scopes, err = s.consented(r, session.Tenant, c, q.Scope, user.ID); err != nil {
		return f, err
	}
	if q.SPA && f.ExpiresAt.After(now.Add(spaLifetime)) {
		f.ExpiresAt = now.Add(spaLifetime)
	}
	return f, nil
}

func (s *Server) answerIDToken(w http.ResponseWriter, r *http.Request, c client, q authRequest, f Family, user directory.User, e audit.Event) error {
	id, err := s.idToken(r, c, f, user, "")
	if err != nil {
		return err
	}
	if err := s.Store.RecordTokens(r.Context(), e); err != nil {
		return err
	}
	return s.respond(w, r, f.Tenant, q, url.Values{"id_token": {id}})
}

// mayUse reports whether the person may sign in to the application at all.
func (s *Server) mayUse(r *http.Request, c client, user directory.User) error {
	if !c.principal.AssignmentRequired {
		return nil
	}
	roles, err := s.Store.AppRolesOfPerson(r.Context(), user.Tenant, user.ID, c.principal.ID)
	if err == nil && len(roles) == 0 {
		err = oautherr.ErrNotAssigned
	}
	return err
}

// consented returns the resource and the scopes of it that the client gets: those that it
// asks for, if all are granted, or with .default all that are granted.
func (s *Server) consented(r *http.Request, tenant directory.TenantID, c client, asked scope.Set, user directory.UserID) (resource, scopes string, err error) {
	target := asked.Resource
	if target == "" {
		target = scope.Graph
	}
	p, _, err := s.resourceOf(r, tenant, target)
	if err != nil {
		return "", "", err
	}
	granted, err := s.Store.GrantedScopes(r.Context(), tenant, c.principal.ID, p.ID, user)
	if err != nil {
		return "", "", err
	}
	var got []string
	for _, name := range asked.Names {
		i := slices.IndexFunc(granted, func(g string) bool { return strings.EqualFold(g, name) })
		if i < 0 {
			return "", "", oautherr.ErrConsentRequired
		}
		got = append(got, granted[i])
	}
	switch {
	case asked.Default:
		for _, g := range granted {
			if !slices.Contains([]string{"openid", "profile", "email", "offline_access"}, g) {
				got = append(got, g)
			}
		}
	case len(asked.Names) == 0 && slices.Contains(granted, "User.Read"):
		got = []string{"User.Read"} // enough for UserInfo, and no more than was asked for
	}
	return target, strings.Join(got, " "), nil
}

// newGrant draws a code or refresh token of f: the grant, what is handed out, its hash.
func (s *Server) newGrant(r *http.Request, f Family, kind GrantKind) (Grant, string, string, error) {
	o, err := token.NewOpaque(s.Rand, string(f.Tenant))
	if err != nil {
		return Grant{}, "", "", err
	}
	secret, err := o.Reveal()
	if err != nil {
		return Grant{}, "", "", err
	}
	hash, err := s.grantHash(r, kind, o)
	now := s.Now()
	end := f.ExpiresAt
	if kind == KindCode {
		end = f.until(now, codeLifetime)
	}
	return Grant{Tenant: f.Tenant, ID: o.ID, Kind: kind, Family: f.ID, CreatedAt: now, ExpiresAt: end}, secret, hash, err
}

// grantHash is what the store keeps of a code or refresh token; it holds for one life of
// the store.
func (s *Server) grantHash(r *http.Request, kind GrantKind, o token.Opaque) (string, error) {
	return s.Secrets.MAC(r.Context(), o.Tenant, string(kind)+" token "+s.Incarnation, o.Secret[:])
}

// personEvent is the sign-in event of tokens for a person.
func (s *Server) personEvent(r *http.Request, f Family, c client, user directory.User, tokenID string) audit.Event {
	facts := request.From(r.Context())
	in := &audit.SignIn{
		UserID: string(user.ID), UserPrincipalName: strings.ToLower(user.UserPrincipalName), UserDisplayName: user.DisplayName,
		AppID: string(c.app.AppID), AppDisplayName: c.app.DisplayName, ResourceID: f.Resource,
		IPAddress: facts.Address.String(), UserAgent: facts.UserAgent, ClientAppUsed: audit.ClientBrowser,
		EventType: audit.NonInteractiveUser, SessionID: f.Session, PassID: f.PassID, UniqueTokenID: tokenID,
		Protocol: f.Protocol, AuthenticationRequirement: audit.MultiFactor, IncomingTokenType: audit.IncomingNone,
		Details: []audit.AuthenticationDetail{{Method: audit.MethodPreviously, At: s.Now(), Succeeded: true}},
	}
	if in.Protocol == "" {
		in.Protocol = audit.ProtocolOAuth2 // a family of the first release
	}
	in.Browser, in.OperatingSystem = signin.DescribeAgent(facts.UserAgent)
	s.SignIn.Locate(in)
	f.Device.Describe(in)
	return audit.Event{Tenant: string(f.Tenant), ID: uuid.NewString(), At: s.Now(), CorrelationID: facts.CorrelationID, SignIn: in}
}

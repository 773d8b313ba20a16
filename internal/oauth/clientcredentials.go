package oauth

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/token"
)

// accessLifetime is how long an access token lives. expires_in says a second less, as
// Entra's does.
const accessLifetime = time.Hour

// clientCredentials gives an application a token for itself (RFC 6749 section 4.4).
func (s *Server) clientCredentials(x *exchange) (tokens, error) {
	if x.client.proof == "0" {
		return tokens{}, oautherr.ErrMissingCredential
	}
	asked, err := scope.ParseAppOnly(x.r.PostForm.Get("scope"), s.PublicURL)
	if err != nil {
		return tokens{}, err
	}
	resource, audience, err := s.resourceOf(x.r, x.tenant.ID, asked)
	if err != nil {
		return tokens{}, err
	}
	roles, err := s.appRoles(x, resource)
	if err != nil {
		return tokens{}, err
	}
	now := s.Now()
	p := x.client.principal
	tokenID := uuid.NewString()
	e := s.principalEvent(x, resource, tokenID)
	v, err := s.workloadAllowed(x, resource)
	v.Describe(e.SignIn)
	if err != nil {
		return tokens{}, s.refused(x, e, KindRefresh, err)
	}
	claims := token.Access{
		Audience: audience, Issuer: s.issuer(x.tenant.ID), Tenant: x.tenant.ID,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(accessLifetime).Unix(),
		Object: string(p.ID), Subject: string(p.ID), Version: "2.0", ID: tokenID, IDType: "app",
		AppID: p.AppID, AppIDACR: x.client.proof, AZP: p.AppID, AZPACR: x.client.proof,
		Roles: roles, Incarnation: s.Incarnation, Credential: x.client.credential,
		IPAddress: request.From(x.r.Context()).Address.String(),
	}
	if v != nil {
		claims.Rules = v.Version
	}
	signed, err := s.Keys.Sign(x.r.Context(), string(x.tenant.ID), algorithm(x.client.app), token.TypeAccess, claims)
	if err != nil {
		return tokens{}, err
	}
	if err := s.Store.RecordTokens(x.r.Context(), e); err != nil {
		return tokens{}, err
	}
	seconds := int64(accessLifetime/time.Second) - 1
	return tokens{Type: "Bearer", ExpiresIn: seconds, ExtExpiresIn: seconds, Access: signed}, nil
}

// resourceOf returns the API that a scope names, by client id or identifier URI, and the
// audience of its tokens.
func (s *Server) resourceOf(r *http.Request, tenant directory.TenantID, asked string) (directory.ServicePrincipal, string, error) {
	ctx := r.Context()
	if asked == scope.Graph || asked == "" || asked == string(directory.GraphAppID) {
		return directory.GraphPrincipal(tenant), string(directory.GraphAppID), nil
	}
	id := strings.ToLower(strings.TrimPrefix(asked, "api://"))
	var p directory.ServicePrincipal
	var err error
	if directory.IsID(id) {
		p, err = s.Store.ServicePrincipalByAppID(ctx, tenant, directory.AppID(id))
	} else {
		p, err = s.Store.ServicePrincipalByIdentifier(ctx, tenant, asked)
	}
	if isFault(err, directory.ErrServicePrincipalUnknown) || err == nil && !p.AccountEnabled {
		return p, "", oautherr.ErrResourceUnknown
	}
	return p, string(p.AppID), err
}

// appRoles returns the values of the app roles that the client has at the resource. For
// Graph the program's own list counts, not a stored copy.
func (s *Server) appRoles(x *exchange, resource directory.ServicePrincipal) ([]string, error) {
	ids, err := s.Store.AppRolesOf(x.r.Context(), x.tenant.ID, string(x.client.principal.ID), resource.ID)
	if err != nil {
		return nil, err
	}
	if resource.AppID == directory.GraphAppID {
		return directory.GraphAppRoleValues(ids), nil
	}
	var values []string
	for _, role := range resource.AppRoles {
		if role.IsEnabled && role.Value != "" && slices.Contains(ids, role.ID) {
			values = append(values, role.Value)
		}
	}
	return values, nil
}

func (s *Server) principalEvent(x *exchange, resource directory.ServicePrincipal, tokenID string) audit.Event {
	f := request.From(x.r.Context())
	p := x.client.principal
	in := &audit.SignIn{
		AppID: string(p.AppID), AppDisplayName: p.DisplayName, ServicePrincipalID: string(p.ID), ServicePrincipalName: p.DisplayName,
		ResourceID: string(resource.AppID), ResourceDisplayName: resource.DisplayName, IPAddress: f.Address.String(), UserAgent: f.UserAgent,
		EventType: audit.ServicePrincipal, UniqueTokenID: tokenID, Protocol: audit.ProtocolOAuth2, IncomingTokenType: audit.IncomingNone,
	}
	s.SignIn.Locate(in)
	return audit.Event{Tenant: string(x.tenant.ID), ID: uuid.NewString(), At: s.Now(), CorrelationID: f.CorrelationID, SignIn: in}
}

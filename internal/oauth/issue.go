package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// idClaims are the claims of an id token (OpenID Connect Core section 2), in Entra's names.
// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
type idClaims struct {
	Audience  directory.AppID    `json:"aud"`
	Issuer    string             `json:"iss"`
	IssuedAt  int64              `json:"iat"`
	NotBefore int64              `json:"nbf"`
	Expires   int64              `json:"exp"`
	Subject   string             `json:"sub"`
	Object    directory.UserID   `json:"oid"`
	Tenant    directory.TenantID `json:"tid"`
	Version   string             `json:"ver"`
	ID        string             `json:"uti"`
	Nonce     string             `json:"nonce,omitempty"`
	AuthTime  int64              `json:"auth_time"`
	AMR       []string           `json:"amr,omitempty"`
	ACR       string             `json:"acr,omitempty"`
	ACRs      []string           `json:"acrs,omitempty"`
	Session   string             `json:"sid,omitempty"`
	AtHash    string             `json:"at_hash,omitempty"`
	Name      string             `json:"name,omitempty"`
	Preferred string             `json:"preferred_username,omitempty"`
	Given     string             `json:"given_name,omitempty"`
	Family    string             `json:"family_name,omitempty"`
	Email     string             `json:"email,omitempty"`
	Purpose   signin.Purpose     `json:"postern_purpose,omitempty"`
	Device    string             `json:"deviceid,omitempty"`
	UPN       string             `json:"upn,omitempty"`
	Roles     []string           `json:"roles,omitempty"`
	Groups    []string           `json:"groups,omitempty"`
	WIDs      []string           `json:"wids,omitempty"`
	*token.Overage
}

// subject is the pairwise subject of a user at an application (OpenID Connect Core
// section 8.1).
func (s *Server) subject(ctx context.Context, tenant directory.TenantID, user directory.UserID, app directory.AppID) (string, error) {
	return s.Secrets.MAC(ctx, string(tenant), "pairwise subject", []byte(string(user)+" "+string(app)))
}

// idToken returns the id token of f; access is the access token beside it, or "".
func (s *Server) idToken(r *http.Request, c client, f Family, user directory.User, access string) (string, error) {
	now := s.Now()
	subject, err := s.subject(r.Context(), f.Tenant, user.ID, c.app.AppID)
	if err != nil {
		return "", err
	}
	claims := idClaims{
		Audience: c.app.AppID, Issuer: s.issuer(f.Tenant), IssuedAt: now.Unix(), NotBefore: now.Unix(),
		Expires: f.until(now, accessLifetime).Unix(), Subject: subject, Object: user.ID, Tenant: f.Tenant, Version: "2.0",
		ID: uuid.NewString(), Nonce: f.Nonce, AuthTime: f.AuthTime.Unix(), AMR: f.amr(now), ACR: f.ACR, Session: f.Session, Purpose: f.Purpose,
		Device: f.deviceID(), ACRs: f.Contexts,
	}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims.AtHash = base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	m, err := s.memberClaims(r, f.Tenant, user.ID, c.app, c.principal)
	if err != nil {
		return "", err
	}
	claims.Roles, claims.Groups, claims.WIDs, claims.Overage = m.roles, m.groups, m.wids, m.overage
	if f.Profile {
		claims.Name, claims.Preferred, claims.Given, claims.Family = user.DisplayName, user.UserPrincipalName, user.GivenName, user.Surname
	}
	optional := c.app.OptionalClaims.IDToken
	if f.Email || wants(optional, "email") {
		claims.Email = user.Mail
	}
	if wants(optional, "upn") {
		claims.UPN = user.UserPrincipalName
	}
	if wants(optional, "given_name") {
		claims.Given = user.GivenName
	}
	if wants(optional, "family_name") {
		claims.Family = user.Surname
	}
	return s.Keys.Sign(r.Context(), string(f.Tenant), algorithm(c.app), token.TypeJWT, claims)
}

// issue returns the tokens of a family for its user; thumbprint binds the access token to a
// DPoP key, or is empty.
func (s *Server) issue(x *exchange, f Family, user directory.User, thumbprint, tokenID string) (tokens, error) {
	now := s.Now()
	claims, err := s.accessClaims(x, f, user, thumbprint, tokenID, now)
	if err != nil {
		return tokens{}, err
	}
	out := tokens{Type: "Bearer", Scope: s.scopeText(f, x.r.PostForm.Get("scope"))}
	if thumbprint != "" {
		out.Type = "DPoP"
	}
	out.ExpiresIn = max(0, claims.Expires-now.Unix()-1)
	out.ExtExpiresIn = out.ExpiresIn
	if f.Offline {
		out.RefreshIn = max(0, int64(f.ExpiresAt.Sub(now)/time.Second))
	}
	if out.Access, err = s.Keys.Sign(x.r.Context(), string(f.Tenant), algorithm(x.client.app), token.TypeAccess, claims); err != nil {
		return tokens{}, err
	}
	if f.OpenID {
		if out.ID, err = s.idToken(x.r, x.client, f, user, out.Access); err != nil {
			return tokens{}, err
		}
	}
	if x.r.PostForm.Get("client_info") == "1" {
		info, err := json.Marshal(map[string]string{"uid": string(user.ID), "utid": string(f.Tenant)})
		if err != nil {
			return tokens{}, err
		}
		out.ClientInfo = base64.RawURLEncoding.EncodeToString(info)
	}
	return out, nil
}

func (s *Server) accessClaims(x *exchange, f Family, user directory.User, thumbprint, tokenID string, now time.Time) (token.Access, error) {
	resource, audience, err := s.resourceOf(x.r, f.Tenant, f.Resource)
	if err != nil {
		return token.Access{}, err
	}
	subject, err := s.subject(x.r.Context(), f.Tenant, user.ID, directory.AppID(audience))
	if err != nil {
		return token.Access{}, err
	}
	roles, err := s.Store.RolesOf(x.r.Context(), f.Tenant, string(user.ID))
	if err != nil {
		return token.Access{}, err
	}
	a := token.Access{
		Audience: audience, Issuer: s.issuer(f.Tenant), IssuedAt: now.Unix(), NotBefore: now.Unix(),
		Expires: f.until(now, accessLifetime).Unix(), Tenant: f.Tenant, Object: string(user.ID), Subject: subject,
		Version: "2.0", ID: tokenID, AppID: f.App, AppIDACR: x.client.proof, AZP: f.App, AZPACR: x.client.proof, IDType: "user",
		Scopes: f.Scopes, WIDs: texts(roles), AMR: f.amr(now), ACR: f.level(), AuthTime: f.AuthTime.Unix(),
		Name: user.DisplayName, UPN: user.UserPrincipalName, Preferred: user.UserPrincipalName, Unique: user.UserPrincipalName,
		IPAddress: request.From(x.r.Context()).Address.String(), Session: f.Session,
		Incarnation: s.Incarnation, Family: f.ID, PassID: f.PassID, Purpose: string(f.Purpose),
		Device: f.deviceID(), ACRs: f.Contexts, Rules: f.Rules,
	}
	if resource.AppID != directory.GraphAppID {
		if err := s.tellResource(x, f, user, resource, &a); err != nil {
			return a, err
		}
	}
	if !f.PassEnd.IsZero() {
		a.PassEnd = f.PassEnd.Unix()
	}
	if f.byDeviceCode() {
		a.Protocol, a.Session = f.Protocol, "" // the session is another device's
		a.Join = now.Before(f.JoinUntil)
	}
	if f.Challenges {
		a.CC = []string{"cp1"}
	}
	if thumbprint != "" {
		a.Confirm = &token.Confirmation{JKT: thumbprint}
	}
	return a, nil
}

// tellResource adds to a what an API that the tenant registered asks to be told.
func (s *Server) tellResource(x *exchange, f Family, user directory.User, resource directory.ServicePrincipal, a *token.Access) error {
	app, _, err := s.Store.ApplicationByAppID(x.r.Context(), f.Tenant, resource.AppID)
	if isFault(err, directory.ErrApplicationUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := s.memberClaims(x.r, f.Tenant, user.ID, app, resource)
	if err != nil {
		return err
	}
	a.Roles, a.Groups, a.Overage = m.roles, m.groups, m.overage
	optional := app.OptionalClaims.AccessToken
	if wants(optional, "email") {
		a.Email = user.Mail
	}
	if wants(optional, "given_name") {
		a.Given = user.GivenName
	}
	if wants(optional, "family_name") {
		a.Surname = user.Surname
	}
	return nil
}

// scopeText is what the answer says was granted, spelled as the request asks for it: scopes
// of the resource, and those of OpenID Connect.
func (s *Server) scopeText(f Family, asked string) string {
	all := scope.Spell(asked, f.Resource, strings.Fields(f.Scopes), s.PublicURL)
	for _, one := range []struct {
		name string
		on   bool
	}{{"openid", f.OpenID}, {"profile", f.Profile}, {"email", f.Email}, {"offline_access", f.Offline}} {
		if one.on && !slices.Contains(all, one.name) {
			all = append(all, one.name)
		}
	}
	return strings.Join(all, " ")
}

package oauth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/token"
)

// userInfo serves /oidc/userinfo (OpenID Connect Core section 5.3) for access tokens of
// Graph, as Entra does.
func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) error {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, err := s.Keys.ParseAccess(r.Context(), raw, s.PublicURL, []string{string(directory.GraphAppID), "https://graph.microsoft.com"}, s.Incarnation, s.Now())
	if err == nil {
		err = s.checkScheme(r, scheme, raw, a)
	}
	var owner token.Owner
	if err == nil {
		owner, err = s.Store.TokenOwner(r.Context(), a, s.Now())
	}
	if err == nil && (a.AppOnly() || a.Purpose != "") {
		err = token.ErrInvalid
	}
	if err == nil {
		err = s.StillAllowed(r.Context(), a)
	}
	if err != nil {
		return unauthorized(w, err)
	}
	subject, err := s.subject(r.Context(), a.Tenant, owner.User.ID, a.AppID)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, struct {
		Subject string `json:"sub"`
		Name    string `json:"name,omitempty"`
		Given   string `json:"given_name,omitempty"`
		Family  string `json:"family_name,omitempty"`
		Email   string `json:"email,omitempty"`
	}{subject, owner.User.DisplayName, owner.User.GivenName, owner.User.Surname, owner.User.Mail})
}

// checkScheme wants a proof with a bound token, and Bearer for any other (RFC 9449
// section 7.1).
func (s *Server) checkScheme(r *http.Request, scheme, raw string, a token.Access) error {
	if a.Confirm == nil {
		if !strings.EqualFold(scheme, "Bearer") {
			return token.ErrInvalid
		}
		return nil
	}
	if !strings.EqualFold(scheme, "DPoP") {
		return token.ErrInvalid
	}
	text, err := dpop.FromHeader(r.Header.Values("DPoP"))
	if err != nil {
		return err
	}
	p, err := dpop.Verify(text, dpop.Want{Method: r.Method, URL: s.PublicURL + r.URL.EscapedPath(), Now: s.Now(), AccessToken: raw, Thumbprint: a.Confirm.JKT})
	if err != nil {
		return err
	}
	return dpop.Once(r.Context(), s.Store, string(a.Tenant), p)
}

// unauthorized answers 401 with the challenge of RFC 6750 section 3 for a token that is no
// good; an outage stays an error.
func unauthorized(w http.ResponseWriter, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		return err
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	w.WriteHeader(http.StatusUnauthorized)
	return nil
}

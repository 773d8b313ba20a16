package oauth

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/oauth/assertion"
)

// metadata is the discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414). It
// lists exactly what is there.
type metadata struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgorithms        []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	KeySet                string   `json:"jwks_uri"`
	ResponseModes         []string `json:"response_modes_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	Scopes                []string `json:"scopes_supported"`
	Grants                []string `json:"grant_types_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	DPoPAlgorithms        []string `json:"dpop_signing_alg_values_supported"`
	RequestURI            bool     `json:"request_uri_parameter_supported"`
	IssuerInAnswer        bool     `json:"authorization_response_iss_parameter_supported"`
	UserInfoEndpoint      string   `json:"userinfo_endpoint"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"`
	FrontLogout           bool     `json:"frontchannel_logout_supported"`
	FrontLogoutSession    bool     `json:"frontchannel_logout_session_supported"`
	HTTPLogout            bool     `json:"http_logout_supported"`
	BackLogout            bool     `json:"backchannel_logout_supported"`
	BackLogoutSession     bool     `json:"backchannel_logout_session_supported"`
	PushedEndpoint        string   `json:"pushed_authorization_request_endpoint"`
	PushedRequired        bool     `json:"require_pushed_authorization_requests"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint,omitempty"` // RFC 7009; needs the tenant
	Claims                []string `json:"claims_supported"`
	GraphHost             string   `json:"msgraph_host"`
}

// discovery serves the document, which says the same for as long as the server runs.
func (s *Server) discovery(w http.ResponseWriter, r *http.Request) error {
	name := strings.ToLower(r.PathValue("tenant"))
	if !noTenant(name) {
		id, err := s.tenantID(r)
		if err != nil {
			return err
		}
		name = string(id)
	}
	known, _ := s.documents.Load(name)
	body, ok := known.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(s.metadata(name)); err != nil {
			return err
		}
		s.documents.Store(name, body) // as many as tenants, and two
	}
	return writeBody(w, http.StatusOK, body)
}

// metadata is the document of a tenant's id, or of common and organizations, where the issuer
// has the literal {tenantid} in it, as Entra's has.
func (s *Server) metadata(name string) metadata {
	base, issuer, revoke := s.PublicURL+"/"+name, s.PublicURL+"/{tenantid}/v2.0", ""
	if !noTenant(name) {
		issuer, revoke = s.issuer(directory.TenantID(name)), base+"/oauth2/v2.0/revoke"
	}
	return metadata{
		RevocationEndpoint: revoke,
		Issuer:             issuer, TokenEndpoint: base + "/oauth2/v2.0/token", KeySet: base + "/discovery/v2.0/keys",
		AuthorizationEndpoint: base + "/oauth2/v2.0/authorize", EndSessionEndpoint: base + "/oauth2/v2.0/logout",
		FrontLogout: true, FrontLogoutSession: true, HTTPLogout: true, BackLogout: true, BackLogoutSession: true,
		PushedEndpoint:   base + "/oauth2/v2.0/par",
		DeviceEndpoint:   base + "/oauth2/v2.0/devicecode",
		UserInfoEndpoint: s.PublicURL + "/oidc/userinfo",
		AuthMethods:      []string{"client_secret_post", "private_key_jwt", "client_secret_basic", "none"},
		AuthAlgorithms:   texts(assertion.Algorithms()), DPoPAlgorithms: texts(dpop.Algorithms()),
		ResponseModes: []string{"query", "fragment", "form_post"}, ResponseTypes: []string{"code", "id_token"},
		SubjectTypes: []string{"pairwise"}, IDTokenAlgorithms: []string{"RS256", "ES256"},
		Scopes: []string{"openid", "profile", "email", "offline_access"},
		Grants: grantNames(), ChallengeMethods: []string{"S256"}, IssuerInAnswer: true,
		Claims: []string{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "preferred_username", "name", "tid", "oid", "ver",
			"at_hash", "sid", "email",
		},
		GraphHost: strings.TrimPrefix(strings.TrimPrefix(s.PublicURL, "https://"), "http://"),
	}
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}

// keySet serves the tenant's public signing keys (RFC 7517). At common it is the keys of no
// tenant: clients find the tenant's own by the issuer of their token.
func (s *Server) keySet(w http.ResponseWriter, r *http.Request) error {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	if !noTenant(r.PathValue("tenant")) {
		id, err := s.tenantID(r)
		if err != nil {
			return err
		}
		if set.Keys, err = s.Keys.Public(r.Context(), string(id)); err != nil {
			return err
		}
	}
	w.Header().Set("Cache-Control", "max-age=3600")
	return writeJSON(w, set)
}

func writeJSON(w http.ResponseWriter, v any) error { return writeJSONStatus(w, http.StatusOK, v) }

func writeJSONStatus(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeBody(w, status, body)
}

// writeBody sends JSON with its length, so that it goes out in one piece.
func writeBody(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err := w.Write(body) //nolint:gosec // JSON, and browsers are told not to guess
	return err
}

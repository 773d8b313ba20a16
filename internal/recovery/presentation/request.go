package presentation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// walletAudience is whom requests are for (OpenID4VP 1.0 section 5.8).
const walletAudience = "https://self-issued.me/v2"

// Path is where wallets fetch requests and post answers: with tenant and id.
const Path = "/recover/wallet/"

// address is where the wallet finds r.
func (s Service) address(r Request) string {
	return s.PublicURL + Path + url.PathEscape(string(r.Tenant)) + "/" + url.PathEscape(r.ID)
}

// link opens a wallet with r.
func (s Service) link(client string, r Request) string {
	return "openid4vp://?" + url.Values{"client_id": {client}, "request_uri": {s.address(r)}}.Encode()
}

// Object is the signed request that the wallet fetches.
func (s Service) Object(ctx context.Context, tenant directory.TenantID, id string) (string, error) {
	r, issuers, err := s.waiting(ctx, tenant, id)
	if err != nil {
		return "", err
	}
	by, err := s.identity(ctx, tenant)
	if err != nil {
		return "", err
	}
	nonce, err := s.MAC(ctx, string(tenant), nonceLabel, []byte(id))
	if err != nil {
		return "", err
	}
	secret, err := derived(ctx, s.MAC, tenant, encryptLabel, id)
	if err != nil {
		return "", err
	}
	answers := jose.JSONWebKey{Key: &secret.PublicKey, KeyID: id, Use: "enc", Algorithm: string(jose.ECDH_ES)}
	body, err := json.Marshal(map[string]any{
		"iss": by.client(), "aud": walletAudience, "iat": s.Now().Unix(), "exp": r.EndsAt.Unix(),
		"response_type": "vp_token", "response_mode": "direct_post.jwt", "client_id": by.client(), "response_uri": s.address(r),
		"nonce": nonce, "state": id, "dcql_query": query(issuers),
		"client_metadata": map[string]any{
			"jwks": map[string]any{"keys": []any{answers}},
			"encrypted_response_enc_values_supported": []string{string(jose.A128GCM), string(jose.A256GCM)},
			"vp_formats_supported":                    map[string]any{format: map[string]any{"sd-jwt_alg_values": sdjwt.Algorithms, "kb-jwt_alg_values": sdjwt.Algorithms}},
		},
	})
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: by.key}, (&jose.SignerOptions{}).
		WithType("oauth-authz-req+jwt").WithHeader("x5c", []string{base64.StdEncoding.EncodeToString(by.certificate)}))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("sign a request for a credential: %w", err)
	}
	return signed.CompactSerialize()
}

const format = "dc+sd-jwt"

// query asks for one credential of any of the issuers (OpenID4VP 1.0 section 6).
func query(issuers []sdjwt.Issuer) map[string]any {
	var credentials []any
	var options [][]string
	for n, i := range issuers {
		var claims []any
		for _, m := range i.Match {
			claims = append(claims, map[string]any{"path": strings.Split(m.Claim, "/")})
		}
		id := queryID(n)
		options = append(options, []string{id})
		credentials = append(credentials, map[string]any{
			"id": id, "format": format, "meta": map[string]any{"vct_values": slices.Clone(i.Types)}, "claims": claims, "require_cryptographic_holder_binding": true,
		})
	}
	q := map[string]any{"credentials": credentials}
	if len(options) > 1 {
		q["credential_sets"] = []any{map[string]any{"options": options}}
	}
	return q
}

func queryID(n int) string { return "credential-" + strconv.Itoa(n) }

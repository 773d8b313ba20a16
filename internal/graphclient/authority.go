package graphclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// ErrNotOffered says that the sign-in server lacks what was asked for.
var ErrNotOffered = &fault.Error{
	Kind: fault.Unsupported, Code: "signInNotOffered",
	Text: "The sign-in server does not offer this way to sign in.", Remedy: "Try another one; see: postern login --help",
}

// An Authority is a sign-in server as its discovery document describes it.
type Authority struct {
	HTTP *http.Client     `json:"-"`
	Now  func() time.Time `json:"-"`

	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	TokenURL      string   `json:"token_endpoint"`
	DeviceURL     string   `json:"device_authorization_endpoint"`
	RevokeURL     string   `json:"revocation_endpoint"`
	EndURL        string   `json:"end_session_endpoint"`
	ProofAlgs     []string `json:"dpop_signing_alg_values_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
}

// Discover reads what the sign-in server at server offers in a tenant (OpenID Connect
// Discovery 1.0 section 4). Every endpoint has to be on that server: a document must not send
// secrets elsewhere.
func Discover(ctx context.Context, client *http.Client, now func() time.Time, server, tenant string) (*Authority, error) {
	base, err := address(server)
	if err != nil {
		return nil, err
	}
	path, err := segments(tenant, "v2.0", ".well-known", "openid-configuration")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSuffix(base.String(), "/")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, root+path, http.NoBody)
	if err != nil {
		return nil, ErrAddress
	}
	res, answer, err := roundTrip(client, r) //nolint:bodyclose // roundTrip read and closed it
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, decodeError(res, answer)
	}
	a := &Authority{HTTP: client, Now: now}
	if json.Unmarshal(answer, a) != nil || a.Authorization == "" || a.TokenURL == "" {
		return nil, ErrAnswer.With("", "There is no sign-in server at "+server+".")
	}
	for _, one := range []string{a.Issuer, a.Authorization, a.TokenURL, a.DeviceURL, a.RevokeURL, a.EndURL} {
		if one != "" && !strings.HasPrefix(one, root+"/") {
			public, _, _ := strings.Cut(strings.TrimPrefix(one, "https://"), "/")
			return nil, ErrAnswer.With("", fmt.Sprintf("The server at %s calls itself https://%s. Use that address.", server, public))
		}
	}
	return a, nil
}

// bindable reports whether tokens can be bound to a key.
func (a *Authority) bindable() bool { return slices.Contains(a.ProofAlgs, "ES256") }

func (a *Authority) at(url string, key *Key) exchange {
	return exchange{url: url, http: a.HTTP, now: a.Now, key: key}
}

// check refuses an id token that is not the answer to what was asked (OpenID Connect Core
// section 3.1.3.7).
func (a *Authority) check(id Identity, client, nonce string) error {
	switch {
	case id.User == "" || id.Tenant == "":
		return ErrAnswer.With("", "The answer does not say who signed in.")
	case id.Issuer != strings.ReplaceAll(a.Issuer, "{tenantid}", id.Tenant):
		return ErrAnswer.With("", "The id token is of another issuer.")
	case id.Audience != client || id.Nonce != nonce:
		return ErrAnswer.With("", "The id token is for another sign-in.")
	}
	return nil
}

// Revoke ends a refresh token and all that came from the same sign-in (RFC 7009). A server
// that has no such endpoint is ErrNotOffered.
func (a *Authority) Revoke(ctx context.Context, client string, refresh Secret) error {
	if a.RevokeURL == "" {
		return ErrNotOffered.With("", "The server has no way to end a sign-in from here; its tokens end by themselves.")
	}
	_, err := a.at(a.RevokeURL, nil).post(ctx, map[string][]string{
		"client_id": {client}, "token": {refresh.Reveal()}, "token_type_hint": {"refresh_token"},
	})
	return err
}

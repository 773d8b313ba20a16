package oidc

import (
	"context"
	"net/url"

	"github.com/postern-id/postern/internal/federation"
)

// SignOut returns the address that ends the session upstream and leads back (OpenID Connect
// RP-Initiated Logout 1.0 section 2), empty when the upstream has none.
func (o *Client) SignOut(ctx context.Context, c federation.Configuration, f federation.Farewell) (string, error) {
	p, err := o.provider(ctx, c.Issuer)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(p.said.EndSession)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return "", nil //nolint:nilerr // what is no https address is none
	}
	q := u.Query()
	q.Set("client_id", c.ClientID)
	q.Set("post_logout_redirect_uri", f.Back)
	q.Set("state", f.State)
	if f.Origin.IDToken != "" {
		q.Set("id_token_hint", f.Origin.IDToken)
	}
	hint := f.Origin.Session
	if hint == "" {
		hint = f.LoginHint
	}
	q.Set("logout_hint", hint)
	u.RawQuery, u.Fragment = q.Encode(), ""
	return u.String(), nil
}

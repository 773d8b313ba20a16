package graphclient

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Tokens are what a sign-in got.
type Tokens struct {
	Access  Secret
	Until   time.Time // end of Access
	Refresh Secret    // empty when there is none
	// RefreshUntil is the end of Refresh and of all that comes from it; zero when the server
	// does not say.
	RefreshUntil time.Time
	ID           Identity // zero when there is no id token
	Bound        bool     // to the key of the exchange (RFC 9449)
	Scope        string   // that was granted; empty when the server does not say
}

// Fresh reports whether the access token works a while longer. One that lives but a short
// time, such as the last one before a pass ends, is used to its last minute.
func (t Tokens) Fresh(now time.Time) bool {
	if t.Access.Reveal() == "" {
		return false
	}
	last := t.Until.Add(-early)
	if !t.RefreshUntil.IsZero() && !t.RefreshUntil.After(t.Until.Add(time.Minute)) {
		last = t.Until.Add(-10 * time.Second)
	}
	return now.Before(last)
}

// Identity is who signed in, as the id token says.
type Identity struct {
	Tenant   string `json:"tid"`
	User     string `json:"oid"`
	Name     string `json:"name"`
	Username string `json:"preferred_username"`

	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Nonce    string `json:"nonce"`
	Expires  int64  `json:"exp"` // seconds since 1970
}

// An exchange sends forms to one endpoint of an authorization server.
type exchange struct {
	url  string
	http *http.Client
	now  func() time.Time
	key  *Key // proves possession; nil for none
}

// post sends a form and returns the answer of an OK, or an *Error.
func (x exchange) post(ctx context.Context, form url.Values) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, ErrAddress
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if x.key != nil {
		proof, err := x.key.Proof(http.MethodPost, x.url, "", x.now())
		if err != nil {
			return nil, err
		}
		r.Header.Set("DPoP", proof)
	}
	res, answer, err := roundTrip(x.http, r) //nolint:bodyclose // roundTrip read and closed it
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, apart(res, x.now(), decodeError(res, answer))
	}
	return answer, nil
}

// tokens redeems what form holds at a token endpoint. Wrong credentials are ErrNotSignedIn.
func (x exchange) tokens(ctx context.Context, form url.Values) (Tokens, error) {
	asked := x.now()
	answer, err := x.post(ctx, form)
	if e, ok := errors.AsType[*Error](err); ok {
		return Tokens{}, refusal(e)
	}
	if err != nil {
		return Tokens{}, err
	}
	return readTokens(answer, asked)
}

// refusal tells wrong credentials from a server that is busy or broken.
func refusal(e *Error) error {
	if e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Code == "" {
		return e
	}
	return &Refused{Cause: e}
}

// Refused is ErrNotSignedIn with what the server said.
type Refused struct{ Cause *Error }

// Error returns the server's sentence.
func (r *Refused) Error() string { return r.Cause.Error() }

// Is makes r an ErrNotSignedIn.
func (r *Refused) Is(target error) bool { return errors.Is(ErrNotSignedIn, target) }

// Unwrap returns the answer of the server.
func (r *Refused) Unwrap() error { return r.Cause }

func readTokens(answer []byte, asked time.Time) (Tokens, error) {
	var got struct {
		Access          string `json:"access_token"`
		Refresh         string `json:"refresh_token"`
		ID              string `json:"id_token"`
		Type            string `json:"token_type"`
		Scope           string `json:"scope"`
		Lifetime        int    `json:"expires_in"`               // seconds
		RefreshLifetime int    `json:"refresh_token_expires_in"` // seconds
	}
	bound := false
	if json.Unmarshal(answer, &got) == nil {
		bound = strings.EqualFold(got.Type, "DPoP")
	}
	if got.Access == "" || !bound && !strings.EqualFold(got.Type, "Bearer") {
		return Tokens{}, ErrAnswer.With("", "The answer holds no token.")
	}
	t := Tokens{
		Access: NewSecret(got.Access), Refresh: NewSecret(got.Refresh), Bound: bound, Scope: got.Scope,
		Until: asked.Add(time.Duration(got.Lifetime) * time.Second),
	}
	if got.RefreshLifetime > 0 {
		t.RefreshUntil = asked.Add(time.Duration(got.RefreshLifetime) * time.Second)
	}
	if got.ID == "" {
		return t, nil
	}
	// Its signature may go unchecked: it came from the token endpoint over TLS (OpenID Connect
	// Core section 3.1.3.7, point 6).
	parts := strings.Split(got.ID, ".")
	if len(parts) != 3 {
		return Tokens{}, ErrAnswer.With("", "The id token is malformed.")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &t.ID) != nil {
		return Tokens{}, ErrAnswer.With("", "The id token is malformed.")
	}
	return t, nil
}

package graphclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const early = 5 * time.Minute // a token is replaced this long before its end

// ErrNotSignedIn says that the server gave no token for the credentials.
var ErrNotSignedIn = errors.New("not signed in")

// A Secret is a client secret or a token. Only Reveal shows it. It is held by pointer
// because fmt does not call the methods of unexported fields.
type Secret struct{ text *string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// String hides the secret from fmt.
func (Secret) String() string { return "[secret]" }

// LogValue hides the secret from logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Reveal returns the secret; the zero Secret is empty.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// A TokenSource returns an access token that works now. Its errors wrap ErrNotSignedIn or
// ErrUnreachable. It is safe for concurrent use.
type TokenSource interface {
	Token(ctx context.Context) (Secret, error)
}

// Application signs an application in with its secret (RFC 6749 section 4.4). Set every
// exported field before the first use. It must not be copied.
type Application struct {
	Authority string // base address of the sign-in server, as Config.Graph
	Tenant    string // id or domain
	Graph     string // for whom the token is: Config.Graph
	ClientID  string
	Secret    Secret
	HTTP      *http.Client
	Now       func() time.Time

	mu    sync.Mutex
	token Secret
	until time.Time
}

// Token returns the token at hand, or a new one.
func (a *Application) Token(ctx context.Context) (Secret, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Now().Before(a.until) {
		return a.token, nil
	}
	asked := a.Now()
	token, lifetime, err := a.ask(ctx)
	if err != nil {
		return Secret{}, err
	}
	a.token, a.until = token, asked.Add(lifetime-early)
	return token, nil
}

func (a *Application) ask(ctx context.Context) (Secret, time.Duration, error) {
	base, err := address(a.Authority)
	if err != nil {
		return Secret{}, 0, err
	}
	path, err := segments(a.Tenant, "oauth2", "v2.0", "token")
	if err != nil {
		return Secret{}, 0, err
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {a.Secret.Reveal()},
		"scope": {strings.TrimSuffix(a.Graph, "/") + "/.default"},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base.String(), "/")+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Secret{}, 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	res, answer, err := roundTrip(a.HTTP, r) //nolint:bodyclose // roundTrip read and closed it
	if err != nil {
		return Secret{}, 0, err
	}
	if res.StatusCode != http.StatusOK {
		return Secret{}, 0, refusal(decodeError(res, answer))
	}
	return tokenIn(answer)
}

// refusal tells wrong credentials from a server that is busy or broken.
func refusal(e *Error) error {
	if e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Code == "" {
		return e
	}
	return fmt.Errorf("%w: %w", ErrNotSignedIn, e)
}

func tokenIn(answer []byte) (Secret, time.Duration, error) {
	var got struct {
		Token    string `json:"access_token"`
		Type     string `json:"token_type"`
		Lifetime int    `json:"expires_in"` // seconds
	}
	if json.Unmarshal(answer, &got) != nil || got.Token == "" || !strings.EqualFold(got.Type, "Bearer") {
		return Secret{}, 0, fmt.Errorf("%w: it holds no token", ErrAnswer)
	}
	return NewSecret(got.Token), time.Duration(got.Lifetime) * time.Second, nil
}

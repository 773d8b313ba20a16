package graphclient

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const early = 5 * time.Minute // a token is replaced this long before its end

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

// A TokenSource returns an access token that works now. Its errors are ErrNotSignedIn or
// ErrUnreachable. It is safe for concurrent use.
type TokenSource interface {
	Token(ctx context.Context) (Secret, error)
}

// A Prover is a TokenSource whose tokens may be bound to a key.
type Prover interface {
	// Prove puts token into r, and a proof of the key where it is bound to one.
	Prove(r *http.Request, token Secret) error
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
	token Tokens
}

// Token returns the token at hand, or a new one.
func (a *Application) Token(ctx context.Context) (Secret, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.token.Fresh(a.Now()) {
		token, err := a.ask(ctx)
		if err != nil {
			return Secret{}, err
		}
		a.token = token
	}
	return a.token.Access, nil
}

// Until is when the token at hand ends.
func (a *Application) Until() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token.Until
}

func (a *Application) ask(ctx context.Context) (Tokens, error) {
	base, err := address(a.Authority)
	if err != nil {
		return Tokens{}, err
	}
	path, err := segments(a.Tenant, "oauth2", "v2.0", "token")
	if err != nil {
		return Tokens{}, err
	}
	x := exchange{url: strings.TrimSuffix(base.String(), "/") + path, http: a.HTTP, now: a.Now}
	return x.tokens(ctx, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {a.Secret.Reveal()},
		"scope": {strings.TrimSuffix(a.Graph, "/") + "/.default"},
	})
}

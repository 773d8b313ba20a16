package live

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Graph calls Graph as the house's application.
type Graph struct {
	house *House
	token string
}

// Graph gets a token from server and returns the client that uses it, at any server.
func (h *House) Graph(ctx context.Context, server string) (*Graph, error) {
	t, err := h.Token(ctx, server, h.ClientCredentials())
	if err != nil {
		return nil, err
	}
	if t.Access == "" {
		return nil, fmt.Errorf("no token: %s", t.Description)
	}
	return &Graph{h, t.Access}, nil
}

// With returns a client that uses another token.
func (g *Graph) With(token string) *Graph { return &Graph{g.house, token} }

// Self is the object id of whom the token is for: its claim oid.
func (g *Graph) Self() (string, error) {
	parts := strings.Split(g.token, ".")
	if len(parts) != 3 {
		return "", errors.New("the access token is no JWT")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct{ OID string }
	err = json.Unmarshal(raw, &claims)
	return claims.OID, err
}

// Do sends one request and returns its status; what came is read into out, unless it is nil
// or the answer is an error.
func (g *Graph) Do(ctx context.Context, server, method, path, body string, out any) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, server+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+g.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	a, err := answer(g.house.client.Do(r))
	if err != nil || out == nil || a.Status > 299 {
		return a.Status, err
	}
	if err := json.Unmarshal([]byte(a.Body), out); err != nil {
		return a.Status, fmt.Errorf("%s %s: %d %q: %w", method, path, a.Status, a.Body, err)
	}
	return a.Status, nil
}

// must is Do for a request that only one status answers well.
func (g *Graph) must(ctx context.Context, server, method, path, body string, want int, out any) error {
	status, err := g.Do(ctx, server, method, path, body, out)
	if err == nil && status != want {
		err = &StatusError{method + " " + path, status}
	}
	return err
}

// StatusError says that a request was answered, and not as hoped.
type StatusError struct {
	Request string
	Status  int
}

func (e *StatusError) Error() string { return fmt.Sprintf("%s: %d", e.Request, e.Status) }

// Name is the UPN of nick.
func Name(nick string) string { return nick + "@" + Domain }

// CreateUser makes a person and returns their id.
func (g *Graph) CreateUser(ctx context.Context, server, nick string) (string, error) {
	var made struct{ ID string }
	body := fmt.Sprintf(`{"accountEnabled":true,"displayName":%q,"mailNickname":%q,"userPrincipalName":%q}`, nick, nick, Name(nick))
	err := g.must(ctx, server, http.MethodPost, "/v1.0/users", body, http.StatusCreated, &made)
	return made.ID, err
}

// Issued is a pass that was just issued.
type Issued struct {
	ID   string `json:"id"`
	Pass string `json:"temporaryAccessPass"`
}

// Issue issues a pass for a person; body is Graph's, such as {"isUsableOnce":true}.
func (g *Graph) Issue(ctx context.Context, server, user, body string) (Issued, error) {
	var p Issued
	err := g.must(ctx, server, http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", body, http.StatusCreated, &p)
	return p, err
}

// DeletePass deletes a pass.
func (g *Graph) DeletePass(ctx context.Context, server, user, id string) error {
	return g.must(ctx, server, http.MethodDelete, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods/"+id, "", http.StatusNoContent, nil)
}

// PolicyPath is the policy of passes.
const PolicyPath = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass"

// SetDefaultLifetime changes one setting of that policy.
func (g *Graph) SetDefaultLifetime(ctx context.Context, server string, minutes int) error {
	body := fmt.Sprintf(`{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","defaultLifetimeInMinutes":%d}`, minutes)
	return g.must(ctx, server, http.MethodPatch, PolicyPath, body, http.StatusNoContent, nil)
}

// List returns every element behind path, page by page, each read as T.
func List[T any](ctx context.Context, g *Graph, server, path string) ([]T, error) {
	var all []T
	for path != "" {
		var page struct {
			Value []T
			Next  string `json:"@odata.nextLink"`
		}
		if err := g.must(ctx, server, http.MethodGet, path, "", http.StatusOK, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		path = ""
		if page.Next != "" {
			u, err := url.Parse(page.Next)
			if err != nil {
				return nil, err
			}
			path = u.RequestURI()
		}
	}
	return all, nil
}

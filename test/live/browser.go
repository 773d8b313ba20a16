package live

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Answer is what came back.
type Answer struct {
	Status   int
	Location string
	Header   http.Header
	Body     string
}

// Browser is one person's browser. Its requests may go to any server of the house, as behind
// a load balancer: cookies don't know ports.
type Browser struct {
	house *House
	http  *http.Client
	from  string
}

// NewBrowser opens a browser without cookies at the given client address.
func (h *House) NewBrowser(from string) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no way to fail
	}
	c := *h.client
	c.Jar = jar
	return &Browser{house: h, http: &c, from: from}
}

func (b *Browser) do(ctx context.Context, method, address string, form url.Values) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-For", b.from)
	return answer(b.http.Do(r))
}

func answer(res *http.Response, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return Answer{res.StatusCode, res.Header.Get("Location"), res.Header, string(body)}, err
}

// What the sign-ins here are for: the command line, a public client with a loopback address.
const (
	cli      = "d63505a7-8db9-41a0-88f0-78639b447745"
	callback = "http://localhost:4711"
	verifier = "a-verifier-that-is-long-enough-for-rfc-7636-section-4.1"
)

// Begin asks for a code and returns the path of the page that asks who is there.
func (b *Browser) Begin(ctx context.Context, server string) (page string, err error) {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"s"}, "nonce": {"n"},
		"scope":          {"openid profile offline_access User.Read UserAuthenticationMethod.Read"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	a, err := b.do(ctx, http.MethodGet, server+"/"+b.house.TenantID+"/oauth2/v2.0/authorize?"+q.Encode(), nil)
	if err != nil {
		return "", err
	}
	if a.Status != http.StatusFound && a.Status != http.StatusSeeOther {
		return "", fmt.Errorf("authorize: %d\n%s", a.Status, a.Body)
	}
	return path(a.Location), nil
}

// path takes scheme and host off, so that the next request goes to the server of one's choice.
func path(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	return u.RequestURI()
}

// Get shows a page, or what it loads.
func (b *Browser) Get(ctx context.Context, server, page string) (Answer, error) {
	a, err := b.do(ctx, http.MethodGet, server+page, nil)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%s: %d", page, a.Status)
	}
	return a, err
}

// Identify types the name.
func (b *Browser) Identify(ctx context.Context, server, page, name string) error {
	a, err := b.do(ctx, http.MethodPost, server+page, url.Values{"username": {name}})
	if err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("name: %d\n%s", a.Status, a.Body)
	}
	return err
}

// Prove types the pass.
func (b *Browser) Prove(ctx context.Context, server, page, pass string) (Answer, error) {
	return b.do(ctx, http.MethodPost, server+page, url.Values{"accesspass": {pass}})
}

// Stay answers the last question, which ends the sign-in.
func (b *Browser) Stay(ctx context.Context, server, page string) (Answer, error) {
	return b.do(ctx, http.MethodPost, server+page, url.Values{"stay": {"no"}})
}

// Code follows where a finished sign-in leads and returns the code.
func (b *Browser) Code(ctx context.Context, server, location string) (string, error) {
	a, err := b.do(ctx, http.MethodGet, server+path(location), nil)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(a.Location)
	if err != nil || u.Query().Get("code") == "" {
		return "", fmt.Errorf("no code: %d %q\n%s", a.Status, a.Location, a.Body)
	}
	return u.Query().Get("code"), nil
}

// Home shows the person's own page.
func (b *Browser) Home(ctx context.Context, server string) (Answer, error) {
	return b.do(ctx, http.MethodGet, server+"/security-info", nil)
}

// SignIn goes all the way and returns a code.
func (b *Browser) SignIn(ctx context.Context, server, name, pass string) (string, error) {
	page, err := b.Begin(ctx, server)
	if err != nil {
		return "", err
	}
	if err := b.Identify(ctx, server, page, name); err != nil {
		return "", err
	}
	a, err := b.Prove(ctx, server, page, pass)
	if err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("pass: %d\n%s", a.Status, a.Body)
	}
	if err != nil {
		return "", err
	}
	a, err = b.Stay(ctx, server, page)
	if err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("stay: %d\n%s", a.Status, a.Body)
	}
	if err != nil {
		return "", err
	}
	return b.Code(ctx, server, a.Location)
}

// Tokens is an answer of the token endpoint.
type Tokens struct {
	Status      int
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// Token sends a form to the token endpoint.
func (h *House) Token(ctx context.Context, server string, form url.Values) (Tokens, error) {
	a, err := h.NewBrowser("192.0.2.1").do(ctx, http.MethodPost, server+"/"+h.TenantID+"/oauth2/v2.0/token", form)
	if err != nil {
		return Tokens{}, err
	}
	t := Tokens{Status: a.Status}
	if err := json.Unmarshal([]byte(a.Body), &t); err != nil {
		return t, fmt.Errorf("token endpoint: %d %q: %w", a.Status, a.Body, err)
	}
	return t, nil
}

// Redeem exchanges a code.
func (h *House) Redeem(ctx context.Context, server, code string) (Tokens, error) {
	return h.Token(ctx, server, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {cli}, "code": {code},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	})
}

// Refresh exchanges a refresh token.
func (h *House) Refresh(ctx context.Context, server, token string) (Tokens, error) {
	return h.Token(ctx, server, url.Values{"grant_type": {"refresh_token"}, "client_id": {cli}, "refresh_token": {token}})
}

// ClientCredentials is the form by which the house's application gets a token for itself.
func (h *House) ClientCredentials() url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {h.ClientID}, "client_secret": {h.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default"},
	}
}

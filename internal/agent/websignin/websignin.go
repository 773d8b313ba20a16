// Package websignin signs a person in at the server for this device: a pushed authorization
// request that the device's key proves (RFC 9126, RFC 9449), then the server's own page, in a
// browser or step by step from a console, then a code that only this device can redeem
// (RFC 7636). What comes of it is a [Person] with a token that is worth nothing elsewhere.
package websignin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/request"
)

// Faults of signing in for a device.
var (
	ErrAnswer = &fault.Error{
		Kind: fault.Unauthorized, Code: "webSignInAnswer",
		Text: "What came back is the answer to another sign-in.", Remedy: "Start again.",
	}
	ErrRefused = &fault.Error{
		Kind: fault.Unauthorized, Code: "webSignInRefused",
		Text: "The server did not sign you in.", Remedy: "Try again, or ask the helpdesk.",
	}
	// ErrPurpose says that the pass is for something else on this device, or for another one.
	ErrPurpose = &fault.Error{
		Kind: fault.Forbidden, Code: "webSignInPurpose",
		Text: "The pass is for one purpose, and this is another.", Remedy: "Ask the helpdesk what your pass is good for.",
	}
	ErrDevice = &fault.Error{
		Kind: fault.Unauthorized, Code: "webSignInDevice",
		Text: "The sign-in was made for another device.", Remedy: "Start again on this device.",
	}
)

// Practice says that a practice pass was typed, and which key on trial the server asks for. It is an
// ErrRefused: nobody is signed in by it.
type Practice struct{ Trial string }

// Error implements error.
func (*Practice) Error() string { return "this was a practice" }

// Unwrap makes it a fault.
func (*Practice) Unwrap() error { return ErrRefused }

// A Person is who signed in, and the token that speaks for them at this device.
type Person struct {
	ID       string // object id
	UPN      string
	Name     string
	AMR      []string
	DeviceID string    // that the id token names; empty before joining
	At       time.Time // when, by this machine's clock
	Access   graphclient.Secret
	Until    time.Time // end of Access

	Purpose   string // of the pass that signed in; empty for any sign-in
	PINKeyDue bool   // the PIN that signed in is to get a new key
}

// Fresh reports whether the server holds the sign-in for strong and new enough to join a
// device or to set a PIN up.
func (p Person) Fresh() bool { return slices.Contains(p.AMR, "ngcmfa") }

// Purposes of passes, as tokens name them: each is followed by the id of its device.
const (
	purposeSignIn = "signIn:"
	purposePIN    = "resetPin:"
)

// MayEnter reports whether the sign-in opens a session on this device.
func (p Person) MayEnter() bool {
	return p.Purpose == "" || p.DeviceID != "" && p.Purpose == purposeSignIn+p.DeviceID
}

// MaySetPIN reports whether it is for a PIN on this device.
func (p Person) MaySetPIN() bool {
	return p.Purpose == "" || p.DeviceID != "" && p.Purpose == purposePIN+p.DeviceID
}

// Scope is what a token for devices is asked with.
const Scope = "openid profile " + string(directory.DeviceRegistrationAppID) + "/" + directory.DeviceScope

// A Request is one sign-in under way.
type Request struct {
	// URL is where the browser has to go. It holds no secret.
	URL string

	link       *link.Link
	about      device.About
	requestURI string
	redirect   string
	state      string
	nonce      string
	verifier   string

	transaction string // of a console, once the server has asked for something

	// Keep, where it is set, is told at a console how to go on with the request, before
	// anything is typed in it that the server may spend.
	Keep func(Kept) error
}

// Kept is what a request at a console is gone on with, by the same key. It is a secret.
type Kept struct {
	Redirect    string `json:"redirect"`
	State       string `json:"state"`
	Nonce       string `json:"nonce"`
	Verifier    string `json:"verifier"`
	Transaction string `json:"transaction"`
}

// GoOn is the request that was kept.
func GoOn(l *link.Link, about device.About, k Kept) *Request {
	return &Request{
		link: l, about: about, redirect: k.Redirect, state: k.State, nonce: k.Nonce, verifier: k.Verifier, transaction: k.Transaction,
	}
}

// A Hint is what the server's page may assume. Both fields may be empty.
type Hint struct {
	Name   string // that the page begins with
	Domain string // that may be left out of a name
}

// Start pushes a request that comes back to redirect, an address on this machine. joined is
// the id of a device that has joined; it may be empty.
func Start(ctx context.Context, l *link.Link, about device.About, redirect string, hint Hint, joined string) (*Request, error) {
	r := &Request{
		link: l, about: about, redirect: redirect,
		state: rand.Text(), nonce: rand.Text(), verifier: rand.Text() + rand.Text(),
	}
	challenge := sha256.Sum256([]byte(r.verifier))
	form := url.Values{
		"client_id": {about.ClientID}, "response_type": {"code"}, "redirect_uri": {redirect}, "scope": {Scope},
		"state": {r.state}, "nonce": {r.nonce}, "response_mode": {"query"}, "prompt": {"login"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	if hint.Name != "" {
		form.Set("login_hint", hint.Name)
	}
	if hint.Domain != "" {
		form.Set("domain_hint", hint.Domain)
	}
	if joined != "" {
		form.Set("device_id", joined)
		form.Set(device.PracticeParam, device.PracticeKey)
	}
	var pushed struct {
		RequestURI string `json:"request_uri"`
	}
	if err := l.Form(ctx, "par", form, &pushed); err != nil {
		return nil, err
	}
	r.requestURI = pushed.RequestURI
	query := url.Values{"client_id": {about.ClientID}, "request_uri": {pushed.RequestURI}}
	if id := request.From(ctx).CorrelationID; id != "" { // the one that the lock screen shows
		query.Set("client-request-id", id)
	}
	r.URL = l.Base + "/" + url.PathEscape(about.TenantID) + "/oauth2/v2.0/authorize?" + query.Encode()
	return r, nil
}

// Ours reports whether an answer belongs to this request. One that does not must not end it:
// any page can send a browser to an address on this machine.
func (r *Request) Ours(answer url.Values) bool { return answer.Get("state") == r.state }

// Redirect is where the browser comes back to.
func (r *Request) Redirect() string { return r.redirect }

// redeemFor is how long a link that broke is waited for with a code in hand, and redeemPause
// how long between two tries.
const (
	redeemFor   = 10 * time.Second
	redeemPause = 500 * time.Millisecond
)

// Redeem turns what came back into the person. The code works once, for this device's key. When
// the link breaks it is tried again: a code that the server has not seen still works, and of
// one that it has seen nothing is left to lose. The pass behind it is spent by now.
func (r *Request) Redeem(ctx context.Context, answer url.Values) (Person, error) {
	for end := time.Now().Add(redeemFor); ; {
		p, err := r.redeem(ctx, answer)
		if !errors.Is(err, graphclient.ErrUnreachable) || time.Now().After(end) || graphclient.Wait(ctx, redeemPause) != nil {
			return p, err
		}
	}
}

func (r *Request) redeem(ctx context.Context, answer url.Values) (Person, error) {
	if !r.Ours(answer) {
		return Person{}, ErrAnswer
	}
	if trial := answer.Get(device.PracticeParam); trial != "" && answer.Get("error") != "" {
		return Person{}, &Practice{trial}
	}
	if answer.Get("error") != "" {
		text, _, _ := strings.Cut(answer.Get("error_description"), "\n")
		return Person{}, ErrRefused.With(answer.Get("error"), strings.TrimSpace(text))
	}
	// RFC 9207: the one who sent the code has to be the one who is asked for tokens.
	if iss := answer.Get("iss"); iss != "" && iss != r.about.Issuer {
		return Person{}, ErrAnswer
	}
	return Redeem(ctx, r.link, r.about, r.nonce, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {r.about.ClientID}, "code": {answer.Get("code")},
		"redirect_uri": {r.redirect}, "code_verifier": {r.verifier},
	})
}

type tokens struct {
	Type     string `json:"token_type"`
	Access   string `json:"access_token"`
	ID       string `json:"id_token"`
	Lifetime int    `json:"expires_in"` // seconds
	KeyDue   bool   `json:"postern_pin_key_due"`
}

type identity struct {
	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	Nonce    string   `json:"nonce"`
	Tenant   string   `json:"tid"`
	User     string   `json:"oid"`
	UPN      string   `json:"preferred_username"`
	Name     string   `json:"name"`
	DeviceID string   `json:"deviceid"`
	AMR      []string `json:"amr"`
	Purpose  string   `json:"postern_purpose"`
}

// Redeem gets tokens at the token endpoint for what form holds, and returns whom they speak
// for. nonce is the one that the id token has to carry, empty where there is none.
func Redeem(ctx context.Context, l *link.Link, about device.About, nonce string, form url.Values) (Person, error) {
	asked := l.Now()
	var got tokens
	if err := l.Form(ctx, "token", form, &got); err != nil {
		return Person{}, err
	}
	if got.Access == "" || !strings.EqualFold(got.Type, "DPoP") {
		return Person{}, graphclient.ErrAnswer.With("", "The answer holds no token that is bound to this device.")
	}
	id, err := read(got.ID)
	if err != nil {
		return Person{}, err
	}
	if id.Issuer != about.Issuer || id.Audience != about.ClientID || id.Nonce != nonce || id.Tenant != about.TenantID || id.User == "" {
		return Person{}, ErrAnswer
	}
	access, err := read(got.Access)
	if err != nil {
		return Person{}, err
	}
	return Person{
		ID: id.User, UPN: id.UPN, Name: id.Name, AMR: append(id.AMR, access.AMR...), DeviceID: id.DeviceID, At: asked, Purpose: id.Purpose,
		Access: graphclient.NewSecret(got.Access), Until: asked.Add(time.Duration(got.Lifetime) * time.Second),
		PINKeyDue: got.KeyDue,
	}, nil
}

// read reads a token's claims. Its signature may go unchecked: it came from the token
// endpoint over TLS (OpenID Connect Core section 3.1.3.7, point 6).
func read(text string) (identity, error) {
	var id identity
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return id, graphclient.ErrAnswer.With("", "The token of the answer is malformed.")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &id) != nil {
		return id, graphclient.ErrAnswer.With("", "The token of the answer is malformed.")
	}
	return id, nil
}

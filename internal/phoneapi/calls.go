package phoneapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator"
)

// An Account is what a phone knows of the account that it is for.
type Account struct {
	ID           string `json:"id"` // of the method; messages name the account by it
	Tenant       string `json:"tenant"`
	Organisation string `json:"organisation"`
	Username     string `json:"username"`
	DisplayName  string `json:"displayName"`
	Name         string `json:"name"` // of the phone
	Frozen       bool   `json:"frozen,omitempty"`
	// Verifies says that approving takes a passkey; CanVerify that the phone may begin with that.
	Verifies  bool   `json:"verifies,omitempty"`
	CanVerify bool   `json:"canVerify,omitempty"`
	PushKey   string `json:"pushKey,omitempty"` // public key of the server's messages, base64url
	Helpdesk  string `json:"helpdesk,omitempty"`
}

func (a *API) accountOf(c *call, p authenticator.Phone, user directory.User) (Account, error) {
	key, err := a.Push.PublicKey(c.Context(), c.Tenant.ID)
	if err != nil {
		return Account{}, err
	}
	return Account{
		ID: p.ID, Tenant: string(c.Tenant.ID), Organisation: c.Tenant.DisplayName, Username: user.UserPrincipalName, DisplayName: user.DisplayName,
		Name: p.Name, Frozen: p.Frozen(), Verifies: p.Verifies, CanVerify: a.Phones.Verifier != nil, PushKey: base64.RawURLEncoding.EncodeToString(key), Helpdesk: c.Tenant.Helpdesk.Phone,
	}, nil
}

// enrol serves POST …/phones: the key that signs the call is added by a code.
func (a *API) enrol(c *call) (int, any, error) {
	var in struct {
		Code    string `json:"code"`
		Name    string `json:"name"`
		System  string `json:"system"`
		Version string `json:"version"`
	}
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	key, err := authenticator.CheckKey(c.Proof.Key)
	if err != nil {
		return 0, nil, err
	}
	giveBack, err := a.SignIn.Guess(c.Context(), "phone", c.Place())
	if err != nil {
		return 0, nil, err
	}
	p, user, err := a.Phones.Enrol(c.Context(), c.Tenant.ID, authenticator.Newcomer{
		Code: in.Code, Key: key, Thumbprint: c.Proof.Thumbprint, Name: in.Name, System: in.System, Version: in.Version,
	}, c.correlation())
	if errors.Is(err, authenticator.ErrCode) {
		return 0, nil, err
	}
	if back := giveBack(); back != nil && err == nil { // it was no guess, whatever came of it
		err = back
	}
	if err != nil {
		return 0, nil, err
	}
	out, err := a.accountOf(c, p, user)
	return http.StatusCreated, out, err
}

// account serves GET …/phone.
func (a *API) account(c *call) (int, any, error) {
	out, err := a.accountOf(c, c.phone, c.user)
	return http.StatusOK, out, err
}

// remove serves DELETE …/phone.
func (a *API) remove(c *call) (int, any, error) {
	return http.StatusNoContent, nil, a.Phones.Remove(c.Context(), c.phone, c.user, c.from(), c.correlation())
}

// A Waiting is a request as the wire has it.
type Waiting struct {
	ID          string          `json:"id"`
	EndsAt      time.Time       `json:"endsAt"`
	EndsIn      int             `json:"endsIn"` // seconds, for phones whose clock is wrong
	Application string          `json:"application,omitempty"`
	Address     string          `json:"address,omitempty"`
	Device      string          `json:"device,omitempty"`
	Joined      bool            `json:"joined,omitempty"`
	Verify      json.RawMessage `json:"verify,omitempty"` // what to ask the phone's passkey with
}

// waiting serves GET …/request: what waits, or 204.
func (a *API) waiting(c *call) (int, any, error) {
	v, err := a.Phones.Waiting(c.Context(), c.phone)
	if err != nil || v == nil {
		return http.StatusNoContent, nil, err
	}
	out := Waiting{
		ID: v.ID, EndsAt: v.EndsAt, EndsIn: int(v.EndsAt.Sub(a.Now()) / time.Second),
		Application: v.Application, Address: v.Address, Device: v.Device, Joined: v.Joined,
	}
	if v.Verify {
		if out.Verify, err = a.Phones.Options(c.Context(), c.phone, v.ID); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusOK, out, nil
}

// answerRequest serves POST …/request. Wrong numbers are bounded by the requests that there are:
// each ends by its first one.
func (a *API) answerRequest(c *call) (int, any, error) {
	var in struct {
		ID        string          `json:"id"`
		Say       string          `json:"say"`
		Number    string          `json:"number"`
		Assertion json.RawMessage `json:"assertion"`
	}
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	r, err := a.Phones.Answer(c.Context(), c.phone, c.user, authenticator.Answer{Request: in.ID, Say: in.Say, Number: in.Number}, in.Assertion, c.from(), c.correlation())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]string{"outcome": string(r.Outcome)}, nil
}

// subscribe serves PUT …/push: where messages go; an empty body is nowhere.
func (a *API) subscribe(c *call) (int, any, error) {
	var to authenticator.Subscription
	if len(c.Body) > 0 {
		var err error
		if to, err = authenticator.ParseSubscription(c.Body); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusNoContent, nil, a.Phones.Subscribe(c.Context(), c.phone, to)
}

// verification serves POST …/verification: what to ask the phone's passkey with, and, with its
// answer, that the phone verifies its user from now on.
func (a *API) verification(c *call) (int, any, error) {
	var in struct {
		Assertion json.RawMessage `json:"assertion"`
	}
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	if len(in.Assertion) == 0 {
		options, err := a.Phones.Options(c.Context(), c.phone, "")
		return http.StatusOK, json.RawMessage(options), err
	}
	if _, err := a.Phones.Verifies(c.Context(), c.phone, c.user, in.Assertion, c.from(), c.correlation()); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// stillThere reports whether the phone of a stream may go on listening.
func (a *API) stillThere(ctx context.Context, c *call) bool {
	p, _, err := a.Phones.Phone(ctx, c.Tenant.ID, c.Proof.Thumbprint)
	return err == nil && !p.Frozen()
}

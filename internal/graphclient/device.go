package graphclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// ErrDeviceCode says that a sign-in on another device came to nothing.
var ErrDeviceCode = &fault.Error{
	Kind: fault.Unauthorized, Code: "deviceSignInFailed",
	Text: "Nobody finished the sign-in on another device.", Remedy: "Run postern login again for a new code.",
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// A DeviceSignIn is one sign-in of a person by another device (RFC 8628).
type DeviceSignIn struct {
	UserCode string // to be typed at URL
	URL      string
	Complete string // URL with the code in it; may be empty
	Until    time.Time
	Key      *Key // what the tokens will be bound to, nil when the server binds none

	authority *Authority
	client    string
	code      Secret
	interval  time.Duration
}

// DeviceSignIn asks for a code.
func (a *Authority) DeviceSignIn(ctx context.Context, client, scope string) (*DeviceSignIn, error) {
	if a.DeviceURL == "" {
		return nil, ErrNotOffered.With("", "The sign-in server offers no device codes.")
	}
	answer, err := a.at(a.DeviceURL, nil).post(ctx, url.Values{"client_id": {client}, "scope": {scope}})
	if err != nil {
		return nil, err
	}
	var got struct {
		Device   string `json:"device_code"`
		User     string `json:"user_code"`
		URL      string `json:"verification_uri"`
		Complete string `json:"verification_uri_complete"`
		Lifetime int    `json:"expires_in"` // seconds
		Interval int    `json:"interval"`   // seconds
	}
	if json.Unmarshal(answer, &got) != nil || got.Device == "" || got.User == "" || got.URL == "" {
		return nil, ErrAnswer.With("", "The answer holds no device code.")
	}
	d := &DeviceSignIn{
		UserCode: got.User, URL: got.URL, Complete: got.Complete, Until: a.Now().Add(time.Duration(got.Lifetime) * time.Second),
		authority: a, client: client, code: NewSecret(got.Device), interval: time.Duration(got.Interval) * time.Second,
	}
	if got.Interval <= 0 {
		d.interval = 5 * time.Second // RFC 8628 section 3.2
	}
	if a.bindable() {
		d.Key, err = NewKey()
	}
	return d, err
}

// Wait asks until the person has signed in, or can't any more.
func (d *DeviceSignIn) Wait(ctx context.Context) (Tokens, error) {
	form := url.Values{"grant_type": {deviceGrant}, "client_id": {d.client}, "device_code": {d.code.Reveal()}}
	for d.authority.Now().Before(d.Until) {
		if err := Wait(ctx, d.interval); err != nil {
			return Tokens{}, err
		}
		t, err := d.authority.at(d.authority.TokenURL, d.Key).tokens(ctx, form)
		if err == nil {
			return t, d.authority.check(t.ID, d.client, "")
		}
		if err := d.next(err); err != nil {
			return Tokens{}, err
		}
	}
	return Tokens{}, ErrDeviceCode.With("", "The code has expired before anybody signed in with it.")
}

// next says whether to ask again after err: nil for yes (RFC 8628 section 3.5).
func (d *DeviceSignIn) next(err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, ErrUnreachable):
		d.interval = min(2*d.interval, time.Minute)
		return nil
	case !ok:
		return err
	case e.Status == 429 || e.Status >= 500:
		d.interval = min(2*d.interval, time.Minute)
		return nil
	}
	switch e.Code {
	case "authorization_pending":
		return nil
	case "slow_down":
		d.interval += 5 * time.Second
		return nil
	case "expired_token":
		return ErrDeviceCode.With("", "The code has expired before anybody signed in with it.")
	case "access_denied", "authorization_declined":
		return ErrDeviceCode.With("", "The sign-in was declined.")
	case "invalid_grant":
		return ErrDeviceCode.With("", "The code does not work any more: "+strings.TrimSuffix(e.Message, ".")+".")
	}
	return err
}

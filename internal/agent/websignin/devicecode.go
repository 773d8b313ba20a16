package websignin

import (
	"context"
	"errors"
	"net/url"
	"os"
	"time"

	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// A Code is a sign-in on another device (RFC 8628).
type Code struct {
	UserCode string
	Address  string // where to type it
	Until    time.Time
	// Number is shown here and copied there by the person, so that nobody approves somebody
	// else's device (docs/threat-model.md, rule 18). A device that joins gets it while it waits,
	// once the person is at the page; OnNumber, unless nil, is called then.
	Number   string
	OnNumber func()

	link     *link.Link
	about    device.About
	secret   graphclient.Secret
	interval time.Duration
}

// ErrCode says that nobody finished a sign-in on another device.
var ErrCode = &fault.Error{
	Kind: fault.Unauthorized, Code: "deviceCodeEnded",
	Text: "Nobody finished the sign-in on another device.", Remedy: "Start again for a new code.",
}

// StartCode asks for a code.
func StartCode(ctx context.Context, l *link.Link, about device.About) (*Code, error) {
	var got struct {
		Device   string `json:"device_code"`
		User     string `json:"user_code"`
		URL      string `json:"verification_uri"`
		Number   string `json:"number"`
		Lifetime int    `json:"expires_in"` // seconds
		Interval int    `json:"interval"`   // seconds
	}
	form := url.Values{"client_id": {about.ClientID}, "scope": {Scope}}
	if name, err := os.Hostname(); err == nil {
		form.Set("device_name", name) // the page shows it until the device has joined
	}
	if err := l.Form(ctx, "devicecode", form, &got); err != nil {
		return nil, err
	}
	c := &Code{
		UserCode: got.User, Address: got.URL, Number: got.Number, Until: l.Now().Add(time.Duration(got.Lifetime) * time.Second),
		link: l, about: about, secret: graphclient.NewSecret(got.Device), interval: time.Duration(max(1, got.Interval)) * time.Second,
	}
	return c, nil
}

// Wait asks until the person has signed in, or can't any more.
func (c *Code) Wait(ctx context.Context) (Person, error) {
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {c.about.ClientID}, "device_code": {c.secret.Reveal()},
	}
	for c.link.Now().Before(c.Until) {
		if err := graphclient.Wait(ctx, c.interval); err != nil {
			return Person{}, err
		}
		p, err := Redeem(ctx, c.link, c.about, "", form)
		if err == nil {
			return p, nil
		}
		switch link.OAuthCode(err) {
		case "authorization_pending":
			if refused, ok := errors.AsType[*link.Refused](err); ok && refused.Number != "" && c.Number == "" {
				c.Number = refused.Number
				if c.OnNumber != nil {
					c.OnNumber()
				}
			}
		case "slow_down":
			c.interval += 5 * time.Second // RFC 8628 section 3.5
		case "authorization_declined", "access_denied":
			return Person{}, ErrCode.With("", "The sign-in was declined.")
		default:
			return Person{}, err
		}
	}
	return Person{}, ErrCode
}

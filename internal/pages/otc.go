package pages

import (
	"errors"
	"net/http"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
)

// codePage is otc.html: asks for the code that an app shows, in the field otc. What was typed
// is never shown again.
type codePage struct {
	frame
	who
	OtherWaysHref string
}

func (codePage) file() string { return "otc.html" }

func showCode(base frame, v visit, who who, _ []byte) (page, error) {
	return codePage{frame: base, who: who, OtherWaysHref: Address(v.handle) + "&go=methods"}, nil
}

// addCodePage is addotc.html: shows a new key as a QR code and to be typed, and asks for its
// first code, in the field otc. The field ticket holds the key, sealed.
type addCodePage struct {
	frame
	setup
	URI       string // of the QR code
	Secret    string // in groups, to be typed into an app
	Algorithm string
	Other     string // another algorithm
	OtherHref string // begins again with it; "" leaves the link out
	AppName   string // as typed
}

func (addCodePage) file() string { return "addotc.html" }

// fieldTicket has the key that is being set up.
const fieldTicket = "ticket"

func (reg registration) owner() totp.Owner {
	return totp.Owner{Tenant: reg.me.session.Tenant, User: reg.me.user.ID, Session: reg.me.session.ID}
}

// showAddCode shows the key of the form that came back, so that who mistyped a code need not
// scan again, and else a new one.
func showAddCode(s *Site, r *http.Request, reg registration) (page, error) {
	ticket := r.PostFormValue(fieldTicket)
	key, _, err := s.Codes.Resume(r.Context(), reg.owner(), ticket)
	if errors.Is(err, totp.ErrPending) {
		algorithm := totp.SHA1
		if r.URL.Query().Get("algorithm") == string(totp.SHA256) {
			algorithm = totp.SHA256
		}
		var fresh error
		if key, ticket, fresh = s.Codes.Begin(r.Context(), reg.owner(), algorithm); fresh != nil {
			return nil, fresh
		}
	} else if err != nil {
		return nil, err
	}
	p := addCodePage{
		frame: reg.frame, setup: reg.setup, Secret: key.Text(), Algorithm: "SHA-1", URI: key.URI(reg.Tenant, reg.me.user.UserPrincipalName),
		Other: "SHA-256", OtherHref: reg.Action + "?algorithm=" + string(totp.SHA256), AppName: r.PostFormValue("name"),
	}
	if key.Algorithm == totp.SHA256 {
		p.Algorithm, p.Other, p.OtherHref = p.Other, p.Algorithm, reg.Action
	}
	p.Form = map[string]string{fieldTicket: ticket}
	return p, nil
}

func takeAddCode(s *Site, r *http.Request, reg registration) (method.Credential, error) {
	c := reg.credential(totp.MethodID)
	if c.Name = r.PostFormValue("name"); c.Name == "" {
		c.Name = s.View.Text(reg.Lang, "addotc_default")
	}
	c, err := s.Codes.Finish(r.Context(), reg.owner(), r.PostFormValue(fieldTicket), r.PostFormValue("otc"), c)
	if err != nil {
		return c, err
	}
	return s.Registry.Add(r.Context(), c, reg.me.user, reg.actor())
}

package pages

import (
	"errors"
	"net/http"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/signin"
)

// passkeyPage is passkey.html: asks the browser for a passkey; its answer is in the field
// assertion. Nothing on it depends on who was named.
type passkeyPage struct {
	frame
	who
	Options       string // of navigator.credentials.get, as JSON
	Start         bool   // ask at once, without a click
	Unknown       string // signal about the key that was just refused, because it is gone
	OtherWaysHref string
	BackHref      string // to the name, when none was typed
}

func (passkeyPage) file() string { return "passkey.html" }

func showPasskey(base frame, v visit, who who, prompt []byte) (page, error) {
	p := passkeyPage{frame: base, who: who, Options: string(prompt), Start: base.Fault == nil, Unknown: string(v.forgotten)}
	if other := Address(v.handle) + "&go=methods"; v.transaction.Username == "" {
		p.BackHref = other
	} else {
		p.OtherWaysHref = other
	}
	return p, nil
}

// refusedPasskey prepares v for the page that says so: also when the answer came from the page
// of the name, it is the one for passkeys.
func (s *Site) refusedPasskey(r *http.Request, v *visit, err error) error {
	if !errors.Is(err, signin.ErrRefused) || !r.PostForm.Has("assertion") {
		return nil
	}
	t := v.transaction
	if t.Username == "" {
		v.transaction.Chosen, v.transaction.OtherWays = passkey.MethodID, false
	}
	home := t.Home
	if home == "" {
		home = t.Tenant
	}
	v.forgotten, err = s.Passkeys.Forgotten(r.Context(), home, r.PostForm.Get("assertion"))
	return err
}

// addPasskeyPage is addpasskey.html: asks the browser for a new passkey; its answer is in the
// field response.
type addPasskeyPage struct {
	frame
	setup
	Options string // of navigator.credentials.create, as JSON
}

func (addPasskeyPage) file() string { return "addpasskey.html" }

func (reg registration) beginning(s *Site, r *http.Request) (passkey.Beginning, error) {
	tenant, err := s.tenant(r.Context(), reg.me.session.Tenant)
	return passkey.Beginning{Tenant: tenant, User: reg.me.user, Within: reg.me.session.ID}, err
}

func showAddPasskey(s *Site, r *http.Request, reg registration) (page, error) {
	b, err := reg.beginning(s, r)
	if err != nil {
		return nil, err
	}
	creation, _, err := s.Passkeys.Begin(r.Context(), b)
	if err != nil {
		return nil, err
	}
	return addPasskeyPage{frame: reg.frame, setup: reg.setup, Options: string(creation.JSON())}, nil
}

func takeAddPasskey(s *Site, r *http.Request, reg registration) (method.Credential, error) {
	b, err := reg.beginning(s, r)
	if err != nil {
		return method.Credential{}, err
	}
	c := reg.credential(passkey.MethodID)
	added, err := s.Passkeys.Finish(r.Context(), b, c, []byte(r.PostForm.Get("response")), func(k passkey.Key) string {
		switch {
		case k.Model != "":
			return k.Model
		case k.Portable():
			return s.View.Text(reg.Lang, "passkey_name_key")
		case c.Origin.Browser != "":
			return s.View.Text(reg.Lang, "passkey_name_on", "Browser", c.Origin.Browser)
		}
		return s.View.Text(reg.Lang, "method_passkey")
	}, reg.actor())
	return added.Credential, err
}

// signals are what the person's own page tells their authenticators.
type signals struct {
	Accepted, Details string // JSON
}

func (s *Site) signals(r *http.Request, me knownAccount) (*signals, error) {
	accepted, details, err := s.Passkeys.Signals(r.Context(), me.session.Tenant, me.user)
	return &signals{Accepted: string(accepted), Details: string(details)}, err
}

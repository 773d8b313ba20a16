package pages

import (
	"errors"
	"net/http"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
)

// denyPage is deny.html: where the link in a mail about a recovery case leads. The code is in the
// part of the address that no browser sends; a script moves it into the field code, and it can be
// typed there.
type denyPage struct {
	frame
	Done   bool
	Over   bool // there was no pass: nothing is left to undo
	Number string
	SignIn string
}

func (denyPage) file() string { return "deny.html" }

// DenyPath is where the link of a mail leads, without its code.
const DenyPath = recoverPath + "/not-me"

// showDeny serves GET /recover/not-me. Whoever opens links by themselves changes nothing.
func (s *Site) showDeny(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	p := denyPage{frame: s.frame(r, tenant)}
	p.Action = DenyPath
	s.render(w, r, http.StatusOK, p)
	return nil
}

// takeDeny serves POST /recover/not-me: freezes the case, ends its pass and what came from it. It
// needs no sign-in: the code came by mail, and does nothing else. What is right is decided by
// somebody who asks the person.
func (s *Site) takeDeny(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	p := denyPage{frame: s.frame(r, tenant), SignIn: "/security-info"}
	p.Action = DenyPath
	status := http.StatusOK
	d, err := claim.ParseDenial(r.Context(), codeOfLink(r.PostFormValue("code")), s.SignIn.Secrets.MAC, s.Now())
	var c recovery.Case
	if err == nil {
		c, err = s.deny(r, d)
	}
	if err != nil {
		if p.Fault, status = s.told(r, err); p.Fault == nil {
			return err
		}
	}
	p.Done, p.Over, p.Number = err == nil, c.State.Over(), c.Number
	s.render(w, r, status, p)
	return nil
}

// deny disputes a case for its person, who is known by the link alone.
func (s *Site) deny(r *http.Request, d claim.Denial) (recovery.Case, error) {
	c, err := s.Cases.Cases.Case(r.Context(), d.Tenant, d.Case)
	if errors.Is(err, recovery.ErrUnknown) || err == nil && c.User != d.User { // forgotten before its link was over
		return c, claim.ErrDenial
	}
	if err != nil {
		return c, err
	}
	by := s.asker(r, "")
	by.Caller.User, by.Caller.Tenant = d.User, d.Tenant // whose mail it came by
	c, err = s.Cases.Deny(r.Context(), s.ref(d.Tenant, d.Case), d.SentAt(), by)
	if _, refused := errors.AsType[*fault.Error](err); refused && c.Stopped() {
		return c, nil // by them, or by somebody else: it is in the log, and what they want is so
	}
	return c, err
}

package pages

import (
	"errors"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/request"
)

// notMePage is notme.html: where the link in a mail about a change leads. The code is in the part
// of the address that no browser sends; a script moves it into the field code, and it can be
// typed there.
type notMePage struct {
	frame
	Done   bool
	SignIn string // where to look at what is left
}

func (notMePage) file() string { return "notme.html" }

// NotMePath is where the link of a mail leads, without its code.
const NotMePath = "/security-info/not-me"

// showNotMe serves GET /security-info/not-me. Whoever opens links by themselves, as mail scanners
// do, changes nothing.
func (s *Site) showNotMe(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	p := notMePage{frame: s.frame(r, tenant)}
	p.Action = NotMePath
	s.render(w, r, http.StatusOK, p)
	return nil
}

// takeNotMe serves POST /security-info/not-me: freezes what was added and ends what came from it.
// It needs no sign-in: the code came by mail, and does nothing else.
func (s *Site) takeNotMe(w http.ResponseWriter, r *http.Request) error {
	code := strings.TrimSpace(r.PostFormValue("code"))
	if _, after, found := strings.Cut(code, "#"); found { // the whole link
		code = after
	}
	d, err := method.ParseDispute(r.Context(), code, s.SignIn.Secrets.MAC, s.Now())
	if err == nil {
		err = s.dispute(r, d)
	}
	tenant, other := s.onlyTenant(r)
	if other != nil {
		return other
	}
	p := notMePage{frame: s.frame(r, tenant), Done: err == nil, SignIn: "/security-info"}
	p.Action = NotMePath
	status := http.StatusOK
	if err != nil {
		if !errors.Is(err, method.ErrDispute) {
			return err
		}
		p.Fault, status = s.told(r, err)
	}
	s.render(w, r, status, p)
	return nil
}

func (s *Site) dispute(r *http.Request, d method.Dispute) error {
	user, err := s.SignIn.Store.User(r.Context(), d.Tenant, d.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return method.ErrDispute
	}
	if err != nil {
		return err
	}
	return s.Registry.Dispute(r.Context(), d, user, request.From(r.Context()).CorrelationID)
}

package pages

import (
	"net/http"

	"github.com/postern-id/postern/internal/signin"
)

// blockedPage is blocked.html: the proof was right, but Fault stops the sign-in.
type blockedPage struct {
	frame
	who
	Rule          string // of Conditional Access, by its name; may be empty
	Hint          string // what a person can change, one of package signin's hints; may be empty
	RegisterHref  string // adds a method that would do; "" leaves the link out
	RetryHref     string // begins again; "" leaves the link out
	OtherWaysHref string
	RecoverHref   string // asks for help; "" leaves the link out
}

func (blockedPage) file() string { return "blocked.html" }

// stopped shows why a sign-in can't go on: a rule stops it, or nothing that is left would do.
func (s *Site) stopped(w http.ResponseWriter, r *http.Request, v visit, base frame, status int) error {
	t, err := s.SignIn.Block(r.Context(), v.transaction, place(r))
	if err != nil {
		return err
	}
	p := blockedPage{frame: base, who: s.who(v)}
	switch {
	case t.Refused != nil:
		p.Fault, status = t.Refused.Fault(), http.StatusForbidden
		p.Rule, p.Hint, p.RetryHref = t.Refused.Rule, t.Refused.Hint, Address(v.handle)+"&go=forget"
		if t.Refused.Register {
			p.RegisterHref = "/security-info"
		}
	case p.Fault == nil:
		p.Fault, status = signin.ErrCantGoOn, http.StatusForbidden
		p.RecoverHref = recoverHref(v)
	}
	s.render(w, r, status, p)
	return nil
}

package pages

import (
	"net/http"

	"github.com/postern-id/postern/internal/method/tap"
)

// passHerePath takes the form beside a pass that a page shows to its person: use-pass in layout.html.
const passHerePath = "/signin/pass"

// takePassHere serves POST /signin/pass: a sign-in to the person's own pages in which name and pass
// are given at once, as if they had been typed. Nothing is checked less.
func (s *Site) takePassHere(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	v := visit{tenant: tenant, accounts: s.accounts(r)}
	if v.transaction, v.handle, err = s.begun(w, r, tenant.ID, securityInfoPath); err != nil {
		return err
	}
	if v.transaction, err = s.SignIn.Identify(r.Context(), v.transaction, r.PostFormValue("username"), place(r)); err == nil {
		v.transaction, err = s.SignIn.Prove(r.Context(), v.transaction, tap.MethodID, r.PostFormValue("accesspass"), place(r))
	}
	if err != nil {
		return s.askAgain(w, r, v, err)
	}
	return redirect(w, r, Address(v.handle))
}

package pages

import (
	"net/http"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// proveAgain asks the person of a session to show once more that it is them, all anew, and
// comes back to a path of this server. It is the answer to method.ErrProof.
func (s *Site) proveAgain(w http.ResponseWriter, r *http.Request, me knownAccount, back string) error {
	return s.prove(w, r, me, back, signin.Requirement{Since: s.Now()})
}

// prove asks the person of a session for what is wanted, and comes back to a path of this server.
func (s *Site) prove(w http.ResponseWriter, r *http.Request, me knownAccount, back string, want signin.Requirement) error {
	_, handle, err := s.SignIn.Raise(r.Context(), signin.Transaction{
		Tenant: me.session.Tenant, CorrelationID: request.From(r.Context()).CorrelationID, Continue: back,
		Application: signin.App{ID: directory.PagesAppID, DisplayName: ownPagesName},
		Require:     want,
	}, me.session, me.user, place(r))
	if err != nil {
		return err
	}
	if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
		return err
	}
	return redirect(w, r, Address(handle))
}

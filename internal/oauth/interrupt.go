package oauth

import (
	"context"
	"net/http"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// Interrupts decide what stands between a session and an application.
type Interrupts interface {
	// Ask decides whether the person of a session is to register a method first.
	Ask(ctx context.Context, s signin.Session, user directory.UserID) (method.Asking, error)
}

// registerPath is the page that asks; t names the sign-in, which is done.
const registerPath = "/signin/register"

// held reports whether the person of t, which is done, is to register a method before they go
// on, and then sends them there.
func (s *Server) held(w http.ResponseWriter, r *http.Request, handle token.Opaque, t signin.Transaction, session signin.Session, user directory.User) (bool, error) {
	if !t.Done() { // an account was chosen: its session was there before
		return false, nil
	}
	asking, err := s.Interrupts.Ask(r.Context(), session, user.ID)
	if err != nil || !asking.Ask {
		return false, err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, registerPath+"?t="+browser.HandleName(handle), http.StatusSeeOther) //nolint:gosec // always a path of this server
	return true, nil
}

// owing reports whether a session that is there owes a registration that can't be postponed: it
// holds at every authorization, not only after the sign-in.
func (s *Server) owing(r *http.Request, session signin.Session, user directory.User) (bool, error) {
	asking, err := s.Interrupts.Ask(r.Context(), session, user.ID)
	return asking.Ask && !asking.Later, err
}

// holdBack sends a person whose session owes a registration to the page that asks for it, and
// from there back to what q asks for.
func (s *Server) holdBack(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, c client, q authRequest, session signin.Session, user directory.User) error {
	if q.Prompt == "none" {
		return oautherr.ErrRegistrationRequired
	}
	t, err := s.newTransaction(r, tenant, c, q, s.Now())
	if err != nil {
		return err
	}
	_, handle, err := s.SignIn.BeginDone(r.Context(), t, session, user.UserPrincipalName, placeOf(r))
	if err != nil {
		return err
	}
	if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, registerPath+"?t="+browser.HandleName(handle), http.StatusSeeOther) //nolint:gosec // always a path of this server
	return nil
}

func owed(owing bool) error {
	if owing {
		return oautherr.ErrRegistrationRequired
	}
	return nil
}

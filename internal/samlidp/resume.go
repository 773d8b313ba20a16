package samlidp

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// resume serves GET /saml2/resume: a sign-in is done.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.goOn(w, r)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
	}
}

func (s *Server) goOn(w http.ResponseWriter, r *http.Request) (tenant directory.Tenant, err error) {
	handle, err := browser.Transaction(r, r.URL.Query().Get("t"))
	if err != nil {
		return tenant, signin.ErrGone
	}
	t, err := s.SignIn.Open(r.Context(), handle)
	if err != nil {
		return tenant, err
	}
	if t.Continue != resumePath || !t.Done() {
		return tenant, signin.ErrGone
	}
	var q request
	if err := json.Unmarshal(t.Request, &q); err != nil {
		return tenant, err
	}
	session, user, err := s.ended(r, t)
	if err != nil {
		return tenant, err
	}
	if tenant, err = s.Store.Tenant(r.Context(), session.Tenant); err != nil {
		return tenant, err
	}
	asking, err := s.Interrupts.Ask(r.Context(), session, user.ID)
	if err != nil {
		return tenant, err
	}
	if asking.Ask {
		goTo(w, r, registerPath, handle)
		return tenant, nil
	}
	a, err := s.byAppID(r.Context(), tenant.ID, q.App)
	if err == nil && !slices.Contains(a.app.Web.RedirectURIs, q.Reply) { // it was taken away meanwhile
		err = ErrReply
	}
	if err != nil {
		return tenant, err
	}
	return tenant, s.grant(w, r, tenant, a, q, session, user)
}

// ended returns the session that t ended in, if the browser holds it.
func (s *Server) ended(r *http.Request, t signin.Transaction) (signin.Session, directory.User, error) {
	for _, o := range browser.Sessions(r) {
		if o.ID == t.Session && o.Tenant == string(t.Tenant) {
			return s.SignIn.Session(r.Context(), o)
		}
	}
	return signin.Session{}, directory.User{}, signin.ErrGone
}

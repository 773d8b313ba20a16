package pages

import (
	"net/http"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// useHere begins a sign-in of the person to whom a page is about to show their pass, for the form beside
// it (use-pass in layout.html): they need not type name and pass here. It returns where the form goes, or
// nothing when no sign-in can begin; the pass is shown all the same.
func (s *Site) useHere(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, name string) string {
	handle, err := s.begunAs(w, r, tenant, name)
	if err != nil {
		return ""
	}
	return Address(handle)
}

// begunAs begins a sign-in to the person's own pages in which their name is given.
func (s *Site) begunAs(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, name string) (token.Opaque, error) {
	t, handle, err := s.begun(w, r, tenant, securityInfoPath)
	if err == nil {
		_, err = s.SignIn.Identify(r.Context(), t, name, place(r))
	}
	return handle, err
}

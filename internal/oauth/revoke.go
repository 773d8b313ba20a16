package oauth

import (
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/token"
)

// revoke serves POST /{tenant}/oauth2/v2.0/revoke for refresh tokens (RFC 7009): it ends the
// family, so that access tokens end with it at our own APIs. A token that is unknown, ended
// or another client's gets the same 200 as one that is revoked (section 2.2).
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := readForm(w, r); err != nil {
		return err
	}
	text := r.PostForm.Get("token")
	if text == "" {
		return oautherr.ErrMissingParameter.With("token", "The token is missing.")
	}
	tenant, err := s.tenant(r)
	if err != nil {
		return err
	}
	c, err := s.authenticate(r, tenant)
	if err != nil {
		return err
	}
	f, err := s.familyOf(r, tenant, c, text)
	switch {
	case isFault(err, oautherr.ErrInvalidGrant):
		return nil
	case err != nil:
		return err
	}
	user, err := s.Store.User(r.Context(), f.Tenant, f.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return nil // their tokens went with them
	}
	if err != nil {
		return err
	}
	return s.Store.EndFamily(r.Context(), f, s.Now(), s.familyEnded(r, c, user))
}

// familyOf returns the family of a refresh token of c, used or not, or oautherr.ErrInvalidGrant.
func (s *Server) familyOf(r *http.Request, tenant directory.Tenant, c client, text string) (Family, error) {
	o, err := token.ParseOpaque(text)
	if err != nil || o.Tenant != string(tenant.ID) {
		return Family{}, oautherr.ErrInvalidGrant
	}
	_, f, hash, err := s.Store.Grant(r.Context(), tenant.ID, KindRefresh, o.ID)
	if err != nil {
		return f, err
	}
	got, err := s.grantHash(r, KindRefresh, o)
	if err != nil {
		return f, err
	}
	if subtle.ConstantTimeCompare([]byte(hash), []byte(got)) != 1 || f.App != c.app.AppID {
		return f, oautherr.ErrInvalidGrant
	}
	return f, nil
}

func (s *Server) familyEnded(r *http.Request, c client, user directory.User) audit.Event {
	facts := request.From(r.Context())
	return audit.Event{
		Tenant: string(user.Tenant), ID: uuid.NewString(), At: s.Now(), CorrelationID: facts.CorrelationID,
		Change: &audit.Change{
			Activity: audit.SessionEnded, Category: audit.CategoryAuthentication, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate, Result: audit.Success,
			By:      audit.Actor{User: &audit.UserActor{ID: string(user.ID), DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName, IPAddress: facts.Address.String()}},
			Targets: []audit.Target{{ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName}},
			Details: []audit.KeyValue{{Key: "application", Value: c.app.DisplayName}},
		},
	}
}

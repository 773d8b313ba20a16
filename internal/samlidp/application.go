package samlidp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/saml"
)

// An application is one that people sign in to by SAML, and its presence in the tenant.
type application struct {
	app       directory.Application
	principal directory.ServicePrincipal
}

// known returns the application with an entity id, or ErrUnknown. Entity ids are compared byte for
// byte (saml-core 8.3.6); an application that has none goes by its client id.
func (s *Server) known(ctx context.Context, tenant directory.TenantID, entity string) (application, error) {
	if id := strings.TrimPrefix(entity, "spn:"); directory.IsID(strings.ToLower(id)) {
		return s.byAppID(ctx, tenant, directory.AppID(strings.ToLower(id)))
	}
	p, err := s.Store.ServicePrincipalByIdentifier(ctx, tenant, entity)
	if errors.Is(err, directory.ErrServicePrincipalUnknown) {
		err = ErrUnknown
	}
	if err != nil {
		return application{}, err
	}
	a, err := s.byAppID(ctx, tenant, p.AppID)
	if err == nil && !slices.Contains(a.app.IdentifierURIs, entity) {
		err = ErrUnknown
	}
	return a, err
}

func (s *Server) byAppID(ctx context.Context, tenant directory.TenantID, id directory.AppID) (application, error) {
	app, _, err := s.Store.ApplicationByAppID(ctx, tenant, id)
	var a application
	if err == nil {
		a.app = app
		a.principal, err = s.Store.ServicePrincipalByAppID(ctx, tenant, id)
	}
	switch {
	case errors.Is(err, directory.ErrApplicationUnknown), errors.Is(err, directory.ErrServicePrincipalUnknown):
		return a, ErrUnknown
	case err != nil:
		return a, err
	case a.principal.SingleSignOnMode != directory.ModeSAML:
		return a, ErrUnknown
	case !a.principal.AccountEnabled:
		return a, ErrDisabled
	}
	return a, nil
}

func (a application) settings() directory.SAMLSettings {
	if a.app.SAML == nil {
		return directory.SAMLSettings{}
	}
	return *a.app.SAML
}

// entity is the entity id by which the application is told that it is meant.
func (a application) entity() string {
	if len(a.app.IdentifierURIs) > 0 {
		return a.app.IdentifierURIs[0]
	}
	return "spn:" + string(a.app.AppID)
}

// trust is whose signatures speak for the application.
func (a application) trust(now time.Time) saml.Trust {
	t := saml.Trust{Now: now}
	for _, k := range a.app.KeyCredentials {
		if c, err := k.Certificate(); err == nil && k.Usage == directory.UsageVerify && k.Live(now) {
			t.Certificates = append(t.Certificates, c)
		}
	}
	return t
}

// seal has the assertion of r encrypted, when the application has a certificate for that. One that
// has ended still counts, and one that is missing lets nothing out: to send in the clear instead
// would be worse.
func (a application) seal(r *saml.Response) (err error) {
	id := a.app.TokenEncryptionKeyID
	if id == "" {
		return nil
	}
	for _, k := range a.app.KeyCredentials {
		if k.KeyID == id && k.Usage == directory.UsageEncrypt {
			r.EncryptTo, err = k.Certificate()
			return err
		}
	}
	return fmt.Errorf("encrypt for application %s: it has no key %s", a.app.AppID, id)
}

// reply is where an answer to q goes: a registered address, compared byte for byte. Without one
// in the request it is the first.
func (a application) reply(q saml.AuthnRequest) (string, error) {
	registered := a.app.Web.RedirectURIs
	switch {
	case q.ACS != "" && slices.Contains(registered, q.ACS):
		return q.ACS, nil
	case q.ACS == "" && q.ACSIndex < len(registered) && len(registered) > 0:
		return registered[max(0, q.ACSIndex)], nil
	}
	return "", ErrReply
}

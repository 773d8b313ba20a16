package oauth

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/assertion"
	"github.com/postern-id/postern/internal/oauth/oautherr"
)

// A client is an application that called the token endpoint.
type client struct {
	app       directory.Application
	principal directory.ServicePrincipal
	secrets   []directory.Secret
	// proof is Entra's number for how it proved itself: 0 not at all, 1 secret, 2 certificate.
	proof string
	// credential is the keyId of the secret or certificate that proved it.
	credential string
}

// public reports whether the client has nothing to prove itself by.
func (c client) public() bool {
	return len(c.secrets) == 0 && !slices.ContainsFunc(c.app.KeyCredentials, func(k directory.KeyCredential) bool { return k.Usage == directory.UsageVerify })
}

// authenticate finds the client that the form or the header names and checks its proof
// (RFC 6749 section 2.3, RFC 7523). A client with a credential must use it.
func (s *Server) authenticate(r *http.Request, tenant directory.Tenant) (client, error) {
	form := r.PostForm
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		basicID, errID := url.QueryUnescape(user)
		basicSecret, errSecret := url.QueryUnescape(password)
		if errID != nil || errSecret != nil || secret != "" || id != "" && id != basicID {
			return client{}, oautherr.ErrMalformed.With("client_id", "The client is named twice, or not in the form of RFC 6749 section 2.3.1.")
		}
		id, secret = basicID, basicSecret
	}
	if id == "" {
		return client{}, oautherr.ErrMissingParameter.With("client_id", "The client_id is missing.")
	}
	c, err := s.find(r, tenant, directory.AppID(strings.ToLower(id)))
	if err != nil {
		return client{}, err
	}
	switch {
	case form.Get("client_assertion") != "" && secret != "":
		return client{}, oautherr.ErrMalformed.With("client_assertion", "Send client_secret or client_assertion, not both.")
	case form.Get("client_assertion") != "":
		err := s.checkAssertion(r, tenant, &c)
		return c, err
	case secret != "":
		err := s.checkSecret(r, tenant, &c, secret)
		return c, err
	case !c.public():
		return client{}, oautherr.ErrMissingCredential
	}
	c.proof = "0"
	return c, nil
}

// find returns the application and its presence in the tenant.
func (s *Server) find(r *http.Request, tenant directory.Tenant, id directory.AppID) (client, error) {
	var c client
	var err error
	if !directory.IsID(string(id)) {
		return c, oautherr.ErrUnknownClient
	}
	if c.app, c.secrets, err = s.Store.ApplicationByAppID(r.Context(), tenant.ID, id); err == nil {
		c.principal, err = s.Store.ServicePrincipalByAppID(r.Context(), tenant.ID, id)
	}
	switch {
	case isFault(err, directory.ErrApplicationUnknown, directory.ErrServicePrincipalUnknown):
		return c, oautherr.ErrUnknownClient
	case err != nil:
		return c, err
	case !c.principal.AccountEnabled:
		return c, oautherr.ErrClientDisabled
	}
	return c, nil
}

// secretLabel is the label under which client secrets are hashed.
const secretLabel = "client secret"

func (s *Server) checkSecret(r *http.Request, tenant directory.Tenant, c *client, secret string) error {
	hash, err := s.Secrets.MAC(r.Context(), string(tenant.ID), secretLabel, []byte(secret))
	if err != nil {
		return err
	}
	now := s.Now()
	for _, known := range c.secrets {
		if subtle.ConstantTimeCompare([]byte(known.Hash), []byte(hash)) != 1 {
			continue
		}
		if now.Before(known.StartAt) || !now.Before(known.EndAt) {
			return oautherr.ErrSecretExpired
		}
		c.proof, c.credential = "1", known.KeyID
		return nil
	}
	if c.public() {
		return oautherr.ErrPublicClient
	}
	return oautherr.ErrWrongSecret
}

func (s *Server) checkAssertion(r *http.Request, tenant directory.Tenant, c *client) error {
	if r.PostForm.Get("client_assertion_type") != assertion.Type {
		return oautherr.ErrMalformed.With("client_assertion_type", "client_assertion_type must be "+assertion.Type+".")
	}
	base := s.PublicURL + "/" + r.PathValue("tenant")
	verified, err := assertion.Verify(r.PostForm.Get("client_assertion"), assertion.Want{
		Client: string(c.app.AppID), Keys: assertionKeys(c.app, s.Now()), Now: s.Now(),
		Audiences: []string{
			s.issuer(tenant.ID), s.PublicURL + "/" + string(tenant.ID) + "/oauth2/v2.0/token",
			base + "/oauth2/v2.0/token", base + "/v2.0", s.PublicURL + r.URL.Path,
		},
	})
	if err != nil {
		return err
	}
	c.proof, c.credential = "2", verified.KeyID
	return assertion.Once(r.Context(), s.Store, string(tenant.ID), string(c.app.AppID), verified)
}

func assertionKeys(app directory.Application, now time.Time) []assertion.Key {
	var all []assertion.Key
	for _, k := range app.KeyCredentials {
		if cert, err := k.Certificate(); err == nil && k.Usage == directory.UsageVerify && k.Live(now) {
			all = append(all, assertion.KeyOf(k.KeyID, cert))
		}
	}
	return all
}

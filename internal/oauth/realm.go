package oauth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// ErrInstance refuses an authority that is not this server.
var ErrInstance = &fault.Error{
	Kind: fault.Invalid, Code: "instanceUnknown", AADSTS: 50049, Target: "authorization_endpoint",
	Text: "This authority is not known here.", Remedy: "Use the address of this server.",
}

// instance serves /common/discovery/instance, which MSAL asks about authorities that it does
// not know by heart.
func (s *Server) instance(w http.ResponseWriter, r *http.Request) error {
	own, err := url.Parse(s.PublicURL)
	if err != nil {
		return err
	}
	asked, err := url.Parse(r.URL.Query().Get("authorization_endpoint"))
	if err != nil || asked.Scheme != own.Scheme || !strings.EqualFold(asked.Host, own.Host) || asked.User != nil {
		return ErrInstance
	}
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(asked.Path, "/"), "/")
	if rest != "oauth2/v2.0/authorize" && rest != "oauth2/authorize" {
		return ErrInstance
	}
	type network struct {
		Preferred string   `json:"preferred_network"`
		Cache     string   `json:"preferred_cache"`
		Aliases   []string `json:"aliases"`
	}
	return writeJSON(w, struct {
		Discovery string    `json:"tenant_discovery_endpoint"`
		Version   string    `json:"api-version"`
		Metadata  []network `json:"metadata"`
	}{
		s.PublicURL + "/" + url.PathEscape(tenant) + "/v2.0/.well-known/openid-configuration", "1.1",
		[]network{{own.Host, own.Host, []string{own.Host}}},
	})
}

// userRealm serves /common/UserRealm/{upn}. It knows domains and looks at no person: every
// name of a domain gets the same answer.
func (s *Server) userRealm(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("upn")
	domain := strings.ToLower(name[strings.LastIndexByte(name, '@')+1:])
	kind := "Managed"
	tenant, err := s.Store.TenantOf(r.Context(), domain)
	if err == nil {
		var realm signin.Realm
		if realm, err = s.SignIn.Realm(r.Context(), signin.Transaction{Home: tenant, Username: name}); realm.Federated {
			kind = "Federated"
		}
	} else if isFault(err, directory.ErrTenantUnknown) {
		kind, err = "Unknown", nil
	}
	if err != nil {
		return err
	}
	own, err := url.Parse(s.PublicURL)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]string{
		"ver": "1.0", "account_type": kind, "domain_name": domain,
		"cloud_instance_name": own.Host, "cloud_audience_urn": "urn:federation:MicrosoftOnline",
	})
}

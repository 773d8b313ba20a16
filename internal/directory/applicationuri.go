package directory

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// checkIdentifiers lets an application be known only by names that are its own: its client
// id, its tenant, or a domain of the tenant. Otherwise it could pass for another API.
func checkIdentifiers(a Application, t Tenant) error {
	if len(a.IdentifierURIs) > maxIdentifierURIs {
		return ErrApplicationInvalid.With("identifierUris", "identifierUris has more than 50 entries.")
	}
	for i, uri := range a.IdentifierURIs {
		u, err := url.Parse(uri)
		switch {
		case a.SAML != nil && err == nil && len(uri) <= maxURI && entityID(u, uri) && !slices.Contains(a.IdentifierURIs[:i], uri):
			continue
		case err != nil || len(uri) > maxURI || !uriCharacters.MatchString(uri) || u.User != nil || u.RawQuery != "" || strings.HasSuffix(uri, "/"):
			return ErrApplicationInvalid.With("identifierUris", "An identifier URI looks like api://"+string(a.AppID)+" and has at most 255 characters.")
		case slices.Contains(a.IdentifierURIs[:i], uri):
			return ErrApplicationInvalid.With("identifierUris", "identifierUris has the same URI twice.")
		case !ownIdentifier(u, a, t):
			return ErrApplicationInvalid.With("identifierUris", "An identifier URI must name the application's own client id, or a verified domain of this tenant.")
		}
	}
	return nil
}

func ownIdentifier(u *url.URL, a Application, t Tenant) bool {
	switch u.Scheme {
	case "api":
		return u.Host == string(a.AppID) || u.Host == string(t.ID) && u.Path != "" || underDomain(u.Host, t)
	case "https":
		return underDomain(u.Host, t)
	}
	return false
}

// underDomain reports whether host is a verified domain of t or lies under one.
func underDomain(host string, t Tenant) bool {
	for _, d := range t.Domains {
		if strings.EqualFold(host, d.Name) || strings.HasSuffix(strings.ToLower(host), "."+d.Name) {
			return true
		}
	}
	return false
}

// uriCharacters are those of RFC 3986, without the number sign.
var uriCharacters = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+$`)

func (a Application) redirectURIs() []string {
	return slices.Concat(a.Web.RedirectURIs, a.SPA.RedirectURIs, a.PublicClient.RedirectURIs)
}

func checkRedirects(a Application, _ Tenant) error {
	if len(a.redirectURIs()) > maxRedirectURIs {
		return ErrApplicationInvalid.With("redirectUris", "An application has at most 256 redirect URIs.")
	}
	kinds := []struct {
		property  string
		uris      []string
		installed bool
	}{
		{"web/redirectUris", a.Web.RedirectURIs, false},
		{"spa/redirectUris", a.SPA.RedirectURIs, false},
		{"publicClient/redirectUris", a.PublicClient.RedirectURIs, true},
	}
	for _, kind := range kinds {
		for _, uri := range kind.uris {
			if why := redirectFlaw(uri, kind.installed); why != "" {
				return ErrApplicationInvalid.With(kind.property, why)
			}
		}
	}
	return nil
}

// redirectFlaw says in a sentence why uri can't be a redirect URI, or nothing. Only an
// installed application may use a scheme of its own (RFC 8252 section 7.1).
func redirectFlaw(uri string, installed bool) string {
	if len(uri) > maxRedirectURI {
		return "A redirect URI has at most 256 characters."
	}
	u, err := url.Parse(uri)
	switch {
	case strings.Contains(uri, "#"):
		return "A redirect URI has no fragment."
	case err != nil || !uriCharacters.MatchString(uri) || u.Scheme == "" || u.User != nil || strings.Contains(u.Host, "*"):
		return "This is not an absolute URI, or it has user information or wildcards."
	case u.Scheme == "https" && plainHost.MatchString(u.Host):
		return ""
	case u.Scheme == "https" && u.Host != "":
		return "A redirect URI has a plain host, a name or an IPv4 address."
	case u.Scheme == "http" && loopback(u.Hostname()):
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		return "A redirect URI uses https; http is for localhost, 127.0.0.1 and [::1] only."
	case installed && ownScheme.MatchString(u.Scheme):
		return ""
	}
	return "This scheme is not offered. Use https, or for an installed application a scheme in the form of a reversed domain name."
}

// ownScheme is a scheme that belongs to one application: a reversed domain name, or one of
// the forms that Microsoft's libraries use.
var ownScheme = regexp.MustCompile(`^([a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+|msal[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|msauth|ms-appx-web)$`)

// plainHost is a host that a page's policy can name exactly (CSP Level 3, section 2.3.1):
// without a form for it the page would have to let its forms go to any host.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:[0-9]+)?$`)

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback() && a.Zone() == ""
}

func (a Application) logoutSOAP() string {
	if a.SAML == nil {
		return ""
	}
	return a.SAML.LogoutSOAP
}

func checkURLs(a Application, _ Tenant) error {
	for property, uri := range map[string]string{
		"postern_saml/logoutSoapUrl": a.logoutSOAP(), "web/logoutUrl": a.Web.LogoutURL, "web/homePageUrl": a.Web.HomePageURL, "postern_backchannelLogoutUri": a.BackchannelLogoutURI,
	} {
		if uri == "" {
			continue
		}
		// The browser opens those of the web platform, this server the others, which therefore leave it no choice.
		u, err := url.Parse(uri)
		fine := err == nil && len(uri) <= maxURI && uriCharacters.MatchString(uri) && u.User == nil && plainHost.MatchString(u.Host) &&
			(u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) && strings.HasPrefix(property, "web/"))
		if !fine {
			return ErrApplicationInvalid.With(property, property+" must be an https URL of at most 255 characters, without a fragment.")
		}
	}
	return nil
}

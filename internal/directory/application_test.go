package directory_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

const (
	appID  = "0f6e1a52-6f0d-4c57-9a40-2a3c9f1b7d11"
	someID = "6b1c6a0e-4b8e-4c44-8a55-0d6a2e8a9f02"
)

var contoso = directory.Tenant{
	ID: "5c2b1f0e-7a4d-4a9e-8a5f-1d3c5b7a9e00", Domains: []directory.Domain{{Name: "contoso.example", IsDefault: true}},
	CreatedAt: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
}

// portal is an application that can be saved.
func portal() directory.Application {
	return directory.Application{AppID: appID, DisplayName: "Portal", SignInAudience: "AzureADMyOrg"}
}

func TestApplicationCheck(t *testing.T) {
	role := directory.AppRole{ID: someID, Value: "Orders.Read", DisplayName: "Read orders", AllowedMemberTypes: []string{"User"}, IsEnabled: true}
	scope := directory.PermissionScope{ID: someID, Value: "orders.read", Type: "User", AdminConsentDisplayName: "Read orders", IsEnabled: true}
	many := func(n int) []string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("https://app.contoso.example/%d", i))
		}
		return all
	}
	tests := []struct {
		name   string
		change func(*directory.Application)
		want   error
	}{
		{"a plain one", func(*directory.Application) {}, nil},
		{"for several organisations", func(a *directory.Application) { a.SignInAudience = "AzureADMultipleOrgs" }, nil},
		{"without a name", func(a *directory.Application) { a.DisplayName = " " }, directory.ErrApplicationInvalid},
		{"with a line break in its name", func(a *directory.Application) { a.DisplayName = "Por\ntal" }, directory.ErrApplicationInvalid},
		{"with a name of 257 characters", func(a *directory.Application) { a.DisplayName = strings.Repeat("x", 257) }, directory.ErrApplicationInvalid},
		{"without an audience", func(a *directory.Application) { a.SignInAudience = "" }, directory.ErrApplicationInvalid},
		{"for personal accounts", func(a *directory.Application) { a.SignInAudience = "AzureADandPersonalMicrosoftAccount" }, directory.ErrAudienceUnsupported},
		{"with id tokens from the authorization endpoint", func(a *directory.Application) { a.Web.ImplicitGrant.IDToken = true }, nil},
		{"with access tokens from there", func(a *directory.Application) { a.Web.ImplicitGrant.AccessToken = true }, directory.ErrImplicitToken},
		{"with ES256", func(a *directory.Application) { a.SigningAlgorithm = directory.ES256 }, nil},
		{"with no signature", func(a *directory.Application) { a.SigningAlgorithm = "none" }, directory.ErrApplicationInvalid},
		{"with 51 tags", func(a *directory.Application) { a.Tags = many(51) }, directory.ErrApplicationInvalid},

		{"known by its client id", func(a *directory.Application) {
			a.IdentifierURIs = []string{"api://" + appID, "api://" + appID + "/v2"}
		}, nil},
		{"known by its tenant", func(a *directory.Application) { a.IdentifierURIs = []string{"api://" + string(contoso.ID) + "/orders"} }, nil},
		{"known by a verified domain", func(a *directory.Application) {
			a.IdentifierURIs = []string{"https://contoso.example/orders", "https://api.contoso.example", "api://contoso.example/orders"}
		}, nil},
		{"posing as Graph", func(a *directory.Application) { a.IdentifierURIs = []string{"https://graph.microsoft.com"} }, directory.ErrApplicationInvalid},
		{"posing as another application", func(a *directory.Application) { a.IdentifierURIs = []string{"api://" + someID} }, directory.ErrApplicationInvalid},
		{"posing as the whole tenant", func(a *directory.Application) { a.IdentifierURIs = []string{"api://" + string(contoso.ID)} }, directory.ErrApplicationInvalid},
		{"of a domain that only ends alike", func(a *directory.Application) { a.IdentifierURIs = []string{"https://evilcontoso.example"} }, directory.ErrApplicationInvalid},
		{"of a domain as user information", func(a *directory.Application) { a.IdentifierURIs = []string{"https://contoso.example@evil.example"} }, directory.ErrApplicationInvalid},
		{"with user information in an identifier", func(a *directory.Application) { a.IdentifierURIs = []string{"https://x@contoso.example"} }, directory.ErrApplicationInvalid},
		{"with the same identifier twice", func(a *directory.Application) { a.IdentifierURIs = []string{"api://" + appID, "api://" + appID} }, directory.ErrApplicationInvalid},
		{"with a blank in an identifier", func(a *directory.Application) { a.IdentifierURIs = []string{"api://" + appID + "/a b"} }, directory.ErrApplicationInvalid},

		{"with 256 redirect URIs", func(a *directory.Application) { a.Web.RedirectURIs, a.SPA.RedirectURIs = many(200), many(56) }, nil},
		{"with 257 redirect URIs", func(a *directory.Application) { a.Web.RedirectURIs, a.SPA.RedirectURIs = many(200), many(57) }, directory.ErrApplicationInvalid},

		{"with a logout page", func(a *directory.Application) { a.Web.LogoutURL = "https://app.contoso.example/out" }, nil},
		{"with a logout page on this machine", func(a *directory.Application) { a.Web.LogoutURL = "http://localhost:3000/out" }, nil},
		{"with a script as its home page", func(a *directory.Application) { a.Web.HomePageURL = "javascript:alert(1)" }, directory.ErrApplicationInvalid},
		{"with back-channel logout", func(a *directory.Application) { a.BackchannelLogoutURI = "https://app.contoso.example/bc" }, nil},
		{"with back-channel logout to the server itself", func(a *directory.Application) { a.BackchannelLogoutURI = "http://localhost:9464/bc" }, directory.ErrApplicationInvalid},
		{"with a fragment in a URL", func(a *directory.Application) { a.BackchannelLogoutURI = "https://app.contoso.example/bc#x" }, directory.ErrApplicationInvalid},

		{"with an app role", func(a *directory.Application) { a.AppRoles = []directory.AppRole{role} }, nil},
		{"with the same app role twice", func(a *directory.Application) { a.AppRoles = []directory.AppRole{role, role} }, directory.ErrApplicationInvalid},
		{"with an app role for nobody", func(a *directory.Application) {
			r := role
			r.AllowedMemberTypes = nil
			a.AppRoles = []directory.AppRole{r}
		}, directory.ErrApplicationInvalid},
		{"with two values in one app role", func(a *directory.Application) {
			r := role
			r.Value = "Orders.Read Orders.Write"
			a.AppRoles = []directory.AppRole{r}
		}, directory.ErrApplicationInvalid},
		{"with a scope", func(a *directory.Application) { a.API.Scopes = []directory.PermissionScope{scope} }, nil},
		{"with a client that is preauthorised for it", func(a *directory.Application) {
			a.API.Scopes = []directory.PermissionScope{scope}
			a.API.PreAuthorized = []directory.PreAuthorized{{AppID: appID, ScopeIDs: []string{someID}}}
		}, nil},
		{"with a client that is preauthorised for nothing that is there", func(a *directory.Application) {
			a.API.PreAuthorized = []directory.PreAuthorized{{AppID: appID, ScopeIDs: []string{someID}}}
		}, directory.ErrApplicationInvalid},
		{"with a scope of OpenID Connect", func(a *directory.Application) {
			s := scope
			s.Value = "offline_access"
			a.API.Scopes = []directory.PermissionScope{s}
		}, directory.ErrApplicationInvalid},
		{"with .default as a scope", func(a *directory.Application) {
			s := scope
			s.Value = ".default"
			a.API.Scopes = []directory.PermissionScope{s}
		}, directory.ErrApplicationInvalid},
		{"with a quote in a scope", func(a *directory.Application) {
			s := scope
			s.Value = `orders"read`
			a.API.Scopes = []directory.PermissionScope{s}
		}, directory.ErrApplicationInvalid},
		{"with tokens of version 3", func(a *directory.Application) { a.API.TokenVersion = 3 }, directory.ErrApplicationInvalid},

		{"that asks for a permission", func(a *directory.Application) {
			a.Required = []directory.RequiredAPI{{ResourceAppID: directory.GraphAppID, Access: []directory.RequiredAccess{{ID: someID, Type: "Scope"}}}}
		}, nil},
		{"that asks for something else", func(a *directory.Application) {
			a.Required = []directory.RequiredAPI{{ResourceAppID: directory.GraphAppID, Access: []directory.RequiredAccess{{ID: someID, Type: "Everything"}}}}
		}, directory.ErrApplicationInvalid},
		{"with groups in tokens", func(a *directory.Application) { a.GroupMembershipClaims = "SecurityGroup, DirectoryRole" }, nil},
		{"with unknown groups in tokens", func(a *directory.Application) { a.GroupMembershipClaims = "Everybody" }, directory.ErrApplicationInvalid},
		{"with an optional claim", func(a *directory.Application) {
			a.OptionalClaims.IDToken = []directory.OptionalClaim{{Name: "auth_time", Essential: true}}
		}, nil},
		{"with an optional claim from nowhere", func(a *directory.Application) {
			a.OptionalClaims.IDToken = []directory.OptionalClaim{{Name: "auth_time", Source: "nowhere"}}
		}, directory.ErrApplicationInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := portal()
			test.change(&a)
			if err := a.Check(contoso); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestRedirectURIs(t *testing.T) {
	tests := []struct {
		name, uri              string
		web, spa, publicClient bool
	}{
		{"https", "https://app.contoso.example/cb?x=1", true, true, true},
		{"localhost", "http://localhost", true, true, true},
		{"localhost with a port", "http://localhost:8400/cb", true, true, true},
		{"a loopback address", "http://127.0.0.1/cb", true, true, true},
		{"the IPv6 loopback address", "http://[::1]:8400/cb", true, true, true},
		{"a reversed domain name as scheme", "com.contoso.app:/cb", false, false, true},
		{"the scheme of Microsoft's libraries", "msal" + appID + "://auth", false, false, true},

		{"nothing", "", false, false, false},
		{"http elsewhere", "http://app.contoso.example/cb", false, false, false},
		{"a host that begins like localhost", "http://localhost.evil.example", false, false, false},
		{"localhost as user information", "http://localhost@evil.example", false, false, false},
		{"a fragment", "https://app.contoso.example/cb#x", false, false, false},
		{"an empty fragment", "https://app.contoso.example/cb#", false, false, false},
		{"a path only", "/cb", false, false, false},
		{"no host", "https:///cb", false, false, false},
		{"a host without slashes", "https:app.contoso.example", false, false, false},
		{"an odd host", "https://app.contoso.example$/cb", false, false, false},
		{"an IPv6 address", "https://[2001:db8::1]/cb", false, false, false},
		{"a wildcard", "https://*.contoso.example/cb", false, false, false},
		{"a backslash", `https://app.contoso.example\@evil.example`, false, false, false},
		{"a blank", "https://app.contoso.example/a b", false, false, false},
		{"a line break", "https://app.contoso.example/\nx", false, false, false},
		{"a script", "javascript:alert(1)", false, false, false},
		{"data", "data:text/html,x", false, false, false},
		{"a file", "file:///etc/passwd", false, false, false},
		{"a scheme without a domain", "myapp://cb", false, false, false},
		{"257 characters", "https://app.contoso.example/" + strings.Repeat("x", 229), false, false, false},
		{"256 characters", "https://app.contoso.example/" + strings.Repeat("x", 228), true, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			one := directory.RedirectURIs{RedirectURIs: []string{test.uri}}
			for kind, set := range map[string]struct {
				change func(*directory.Application)
				ok     bool
			}{
				"web":    {func(a *directory.Application) { a.Web.RedirectURIs = one.RedirectURIs }, test.web},
				"spa":    {func(a *directory.Application) { a.SPA = one }, test.spa},
				"public": {func(a *directory.Application) { a.PublicClient = one }, test.publicClient},
			} {
				a := portal()
				set.change(&a)
				if err := a.Check(contoso); (err == nil) != set.ok || err != nil && !errors.Is(err, directory.ErrApplicationInvalid) {
					t.Errorf("%s: got %v", kind, err)
				}
			}
		})
	}
}

func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{"https://a.example/cb", "http://localhost:1", "http://[::1]/", "com.contoso.app:/x", "javascript:x", "https://a@b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		a := portal()
		a.PublicClient.RedirectURIs = []string{uri}
		if a.Check(contoso) != nil {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || strings.ContainsAny(uri, "#\\ \r\n\t<>\"") || u.User != nil || u.Scheme == "javascript" || u.Scheme == "data" {
			t.Errorf("%q was accepted", uri)
		}
		ip, _ := netip.ParseAddr(u.Hostname())
		if u.Scheme == "http" && u.Hostname() != "localhost" && !ip.IsLoopback() {
			t.Errorf("%q was accepted", uri)
		}
	})
}

func TestApplicationHasGraphsNames(t *testing.T) {
	const graph = `{
	  "id":"6b1c6a0e-4b8e-4c44-8a55-0d6a2e8a9f02","appId":"0f6e1a52-6f0d-4c57-9a40-2a3c9f1b7d11","displayName":"Portal","description":"Orders",
	  "identifierUris":["api://0f6e1a52-6f0d-4c57-9a40-2a3c9f1b7d11"],"signInAudience":"AzureADMyOrg","isFallbackPublicClient":true,
	  "web":{"redirectUris":["https://app.contoso.example/cb"],"logoutUrl":"https://app.contoso.example/out","homePageUrl":"https://app.contoso.example",
	    "implicitGrantSettings":{"enableIdTokenIssuance":true}},
	  "spa":{"redirectUris":["https://spa.contoso.example"]},"publicClient":{"redirectUris":["http://localhost"]},
	  "api":{"oauth2PermissionScopes":[{"id":"6b1c6a0e-4b8e-4c44-8a55-0d6a2e8a9f02","value":"orders.read","type":"User","isEnabled":true,
	      "adminConsentDisplayName":"a","adminConsentDescription":"b","userConsentDisplayName":"c","userConsentDescription":"d"}],
	    "requestedAccessTokenVersion":2,"preAuthorizedApplications":[{"appId":"0f6e1a52-6f0d-4c57-9a40-2a3c9f1b7d11","delegatedPermissionIds":["6b1c6a0e-4b8e-4c44-8a55-0d6a2e8a9f02"]}],
	    "knownClientApplications":["0f6e1a52-6f0d-4c57-9a40-2a3c9f1b7d11"]},
	  "appRoles":[{"id":"6b1c6a0e-4b8e-4c44-8a55-0d6a2e8a9f02","value":"Orders.Read","displayName":"Read","description":"x","allowedMemberTypes":["User","Application"],"isEnabled":true}],
	  "requiredResourceAccess":[{"resourceAppId":"00000003-0000-0000-c000-000000000000","resourceAccess":[{"id":"e1fe6dd8-ba31-4d61-89e7-88639da4683d","type":"Scope"}]}],
	  "groupMembershipClaims":"SecurityGroup","optionalClaims":{"idToken":[{"name":"email","source":"user","essential":true,"additionalProperties":["x"]}]},
	  "tags":["x"],"createdDateTime":"2026-11-02T09:00:00Z",
	  "postern_tokenSigningAlgorithm":"ES256","postern_dpopBoundAccessTokens":true,"postern_backchannelLogoutUri":"https://app.contoso.example/bc"}`
	var a directory.Application
	d := json.NewDecoder(strings.NewReader(graph))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	if err := a.Check(contoso); err != nil {
		t.Errorf("it can't be saved: %v", err)
	}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if json.Unmarshal(raw, &got) != nil || json.Unmarshal([]byte(graph), &want) != nil {
		t.Fatal("no JSON")
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSecret(t *testing.T) {
	nine := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := directory.Secret{KeyID: someID, StartAt: nine, EndAt: nine.Add(time.Hour), Hash: "not for others"}
	for _, test := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"a second early", nine.Add(-time.Second), false},
		{"at the start", nine, true},
		{"a second before the end", nine.Add(time.Hour - time.Second), true},
		{"at the end", nine.Add(time.Hour), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := s.Live(test.at); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
	raw, err := json.Marshal(s)
	if err != nil || strings.Contains(string(raw), "not for others") {
		t.Errorf("the hash is in %s, %v", raw, err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	s.EndAt = nine
	if err := s.Check(); !errors.Is(err, directory.ErrSecretInvalid) {
		t.Errorf("an empty span gave %v", err)
	}
}

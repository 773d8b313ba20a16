package redirect_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/oauth/redirect"
)

func TestMatch(t *testing.T) {
	registered := []string{
		"https://app.contoso.example/signin-oidc",
		"https://app.contoso.example/with?kind=web",
		"http://localhost",
		"http://127.0.0.1:5000/callback",
		"http://[::1]/cb",
		"https://localhost:8443/console/callback",
		"com.contoso.app:/oauth2redirect",
	}
	tests := []struct {
		name, asked string
		ok          bool
	}{
		{"exactly as registered", "https://app.contoso.example/signin-oidc", true},
		{"exactly as registered, with a query", "https://app.contoso.example/with?kind=web", true},
		{"a private-use scheme as registered", "com.contoso.app:/oauth2redirect", true},
		{"localhost as registered", "http://localhost", true},
		{"localhost with a port", "http://localhost:49152", true},
		{"localhost with the highest port", "http://localhost:65535", true},
		{"127.0.0.1 with another port", "http://127.0.0.1:61234/callback", true},
		{"127.0.0.1 without its port", "http://127.0.0.1/callback", true},
		{"[::1] with a port", "http://[::1]:8080/cb", true},

		{"nothing", "", false},
		{"a trailing slash more", "https://app.contoso.example/signin-oidc/", false},
		{"another case in the path", "https://app.contoso.example/Signin-oidc", false},
		{"another case in the host", "https://APP.contoso.example/signin-oidc", false},
		{"another case in the scheme", "HTTPS://app.contoso.example/signin-oidc", false},
		{"http instead of https", "http://app.contoso.example/signin-oidc", false},
		{"the default port written out", "https://app.contoso.example:443/signin-oidc", false},
		{"another port where the host is not loopback", "https://app.contoso.example:8443/signin-oidc", false},
		{"another port where loopback is https", "https://localhost:9443/console/callback", false},
		{"a longer path", "https://app.contoso.example/signin-oidc/evil", false},
		{"only the beginning", "https://app.contoso.example/signin", false},
		{"a query more", "https://app.contoso.example/signin-oidc?x=1", false},
		{"another query", "https://app.contoso.example/with?kind=evil", false},
		{"a fragment", "https://app.contoso.example/signin-oidc#x", false},
		{"an empty fragment", "https://app.contoso.example/signin-oidc#", false},
		{"the registered host as user information", "https://app.contoso.example@evil.example/signin-oidc", false},
		{"user information before the host", "https://x@app.contoso.example/signin-oidc", false},
		{"the registered host as a subdomain of another", "https://app.contoso.example.evil.example/signin-oidc", false},
		{"a trailing dot in the host", "https://app.contoso.example./signin-oidc", false},
		{"a backslash before the path", `https://app.contoso.example\@evil.example/signin-oidc`, false},
		{"dots that climb", "https://app.contoso.example/x/../signin-oidc", false},
		{"encoded dots", "https://app.contoso.example/%2e%2e/signin-oidc", false},
		{"an encoded letter", "https://app.contoso.example/%73ignin-oidc", false},
		{"a double slash", "https://app.contoso.example//signin-oidc", false},
		{"a line feed at the end", "https://app.contoso.example/signin-oidc\n", false},
		{"a blank at the start", " https://app.contoso.example/signin-oidc", false},
		{"a NUL at the end", "https://app.contoso.example/signin-oidc\x00", false},
		{"a letter that looks the same", "https://app.contoso.ex\u0430mple/signin-oidc", false},

		{"localhost with a path that is not registered", "http://localhost:5000/evil", false},
		{"localhost with a slash that is not registered", "http://localhost:5000/", false},
		{"localhost with a query that is not registered", "http://localhost:5000?x=1", false},
		{"localhost as a subdomain", "http://localhost.evil.example", false},
		{"localhost as user information", "http://localhost:5000@evil.example", false},
		{"localhost as user information without a port", "http://localhost@evil.example", false},
		{"localhost with a trailing dot", "http://localhost.:5000", false},
		{"localhost in capitals", "http://LOCALHOST:5000", false},
		{"localhost over https", "https://localhost", false},
		{"127.0.0.1 where localhost is registered", "http://127.0.0.1", false},
		{"localhost where 127.0.0.1 is registered", "http://localhost:5000/callback", false},
		{"another loopback address", "http://127.0.0.2/callback", false},
		{"a short form of the loopback address", "http://127.1/callback", false},
		{"a long form of ::1", "http://[0:0:0:0:0:0:0:1]/cb", false},
		{"a port of no digits", "http://localhost:", false},
		{"port 0", "http://localhost:0", false},
		{"a port that begins with 0", "http://localhost:080", false},
		{"a port beyond 65535", "http://localhost:65536", false},
		{"a port with a sign", "http://localhost:+80", false},
		{"a port with a letter", "http://localhost:80a", false},
		{"a port and user information", "http://localhost:80:90@evil.example", false},
		{"a port in other digits", "http://localhost:\u0661\u0662", false},
		{"a fragment on localhost", "http://localhost:5000#x", false},
		{"a backslash on localhost", `http://localhost:5000\evil`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := redirect.Match(registered, tt.asked)
			if tt.ok && err != nil {
				t.Fatalf("Match(%q) = %v, want nil", tt.asked, err)
			}
			if !tt.ok && !errors.Is(err, redirect.ErrMismatch) {
				t.Fatalf("Match(%q) = %v, want ErrMismatch", tt.asked, err)
			}
		})
	}
}

func TestMatchRefusesWhatMustNotBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://app.contoso.example/",
		"https://app.contoso.example/#x", "https://*.contoso.example/", "https://a@b.example/", "//evil.example", "/relative",
	} {
		if err := redirect.Match([]string{uri}, uri); !errors.Is(err, redirect.ErrMismatch) {
			t.Errorf("Match(%q) = %v, want ErrMismatch though it is in the list", uri, err)
		}
	}
}

func TestMatchRefusesEverythingWithoutARegistration(t *testing.T) {
	if err := redirect.Match(nil, "http://localhost:5000"); !errors.Is(err, redirect.ErrMismatch) {
		t.Fatalf("Match = %v, want ErrMismatch", err)
	}
}

func TestMatchAllowsAPortOnTheLongestRegistration(t *testing.T) {
	uri := "http://localhost/" + strings.Repeat("a", redirect.MaxLength-len("http://localhost/"))
	if err := redirect.Valid(uri, redirect.Public); err != nil {
		t.Fatal(err)
	}
	asked := strings.Replace(uri, "localhost", "localhost:65535", 1)
	if err := redirect.Match([]string{uri}, asked); err != nil {
		t.Fatal(err)
	}
}

func TestValid(t *testing.T) {
	const all = redirect.Kind(0)
	tests := []struct {
		name, uri string
		kind      redirect.Kind // 0 tries every kind
		ok        bool
	}{
		{"https", "https://app.contoso.example/cb", all, true},
		{"https with a port", "https://app.contoso.example:8443/cb", all, true},
		{"https without a path", "https://app.contoso.example", all, true},
		{"https with a query", "https://app.contoso.example/cb?tenant=a%2Fb", all, true},
		{"https with a blank in the path, encoded", "https://app.contoso.example/a%20b", all, true},
		{"https with an at sign in the path", "https://app.contoso.example/@me", all, true},
		{"https to an IPv4 address", "https://192.0.2.7/cb", all, true},
		{"https to an IPv6 address", "https://[2001:db8::1]:8443/cb", all, false},
		{"https to an international name in ASCII", "https://xn--bcher-kva.example/cb", all, true},
		{"http to localhost", "http://localhost:3000/cb", all, true},
		{"http to 127.0.0.1", "http://127.0.0.1", all, true},
		{"http to [::1]", "http://[::1]:3000/cb", all, true},
		{"a reverse domain name as scheme", "com.contoso.app:/cb", redirect.Public, true},
		{"a reverse domain name with a host", "com.contoso.app://auth", redirect.Public, true},
		{"the scheme of MSAL with a client id", "msal04b07795-8ddb-461a-bbee-02f9e1bf7b46://auth", redirect.Public, true},
		{"the scheme of Microsoft's brokers on Windows", "ms-appx-web://microsoft.aad.brokerplugin/04b07795-8ddb-461a-bbee-02f9e1bf7b46", redirect.Public, true},
		{"the scheme of brokers on Android", "msauth://com.contoso.app/2jmj7l5rSw0yVb%2FvlWAYkK%2FYBwk%3D", redirect.Public, true},

		{"nothing", "", all, false},
		{"a relative reference", "/cb", all, false},
		{"no scheme", "//app.contoso.example/cb", all, false},
		{"no host", "https:///cb", all, false},
		{"no slashes", "https:app.contoso.example/cb", all, false},
		{"one slash", "https:/app.contoso.example/cb", all, false},
		{"http to another host", "http://app.contoso.example/cb", all, false},
		{"http to a name that begins with localhost", "http://localhost.contoso.example/cb", all, false},
		{"http to another loopback address", "http://127.0.0.2/cb", all, false},
		{"http to all addresses", "http://0.0.0.0/cb", all, false},
		{"javascript", "javascript:alert(1)", all, false},
		{"javascript with slashes", "javascript://app.contoso.example/%0aalert(1)", all, false},
		{"javascript in capitals", "JavaScript:alert(1)", all, false},
		{"javascript after a blank", " javascript:alert(1)", all, false},
		{"javascript broken by a tab", "java\tscript:alert(1)", all, false},
		{"data", "data:text/html,<script>1</script>", all, false},
		{"file", "file:///etc/passwd", all, false},
		{"vbscript", "vbscript:x", all, false},
		{"blob", "blob:https://app.contoso.example/x", all, false},
		{"view-source", "view-source:https://app.contoso.example/", all, false},
		{"ftp", "ftp://app.contoso.example/", all, false},
		{"mailto", "mailto:a@contoso.example", all, false},
		{"a private-use scheme for a web application", "com.contoso.app:/cb", redirect.Web, false},
		{"a private-use scheme for a single-page application", "com.contoso.app:/cb", redirect.SPA, false},
		{"a private-use scheme without a dot", "contosoapp:/cb", redirect.Public, false},
		{"a private-use scheme without a slash", "com.contoso.app:cb", redirect.Public, false},
		{"a private-use scheme in capitals", "com.Contoso.app:/cb", redirect.Public, false},
		{"a private-use scheme that begins with a dot", ".app:/cb", redirect.Public, false},
		{"a private-use scheme with two dots", "com..app:/cb", redirect.Public, false},
		{"a private-use scheme that ends with a dot", "javascript.:/cb", redirect.Public, false},
		{"a private-use scheme that begins with a digit", "1com.app:/cb", redirect.Public, false},
		{"MSAL's scheme without a client id", "msalevil://auth", redirect.Public, false},
		{"MSAL's scheme with half a client id", "msal04b07795-8ddb-461a://auth", redirect.Public, false},
		{"user information", "https://user:word@app.contoso.example/cb", all, false},
		{"user information with a private-use scheme", "com.contoso.app://a@b/cb", redirect.Public, false},
		{"a fragment", "https://app.contoso.example/cb#x", all, false},
		{"a backslash", `https://app.contoso.example\cb`, all, false},
		{"a blank", "https://app.contoso.example/a b", all, false},
		{"a line feed", "https://app.contoso.example/a\nb", all, false},
		{"a quote", `https://app.contoso.example/a"b`, all, false},
		{"an angle bracket", "https://app.contoso.example/<b", all, false},
		{"a letter beyond ASCII", "https://bücher.example/cb", all, false},
		{"a wildcard host", "https://*.contoso.example/cb", all, false},
		{"a host with a percent sign", "https://app%2econtoso.example/cb", all, false},
		{"a host with an empty label", "https://app..example/cb", all, false},
		{"a host that ends with a dot", "https://app.contoso.example./cb", all, false},
		{"a port that is no number", "https://app.contoso.example:x/cb", all, false},
		{"a port of no digits", "https://app.contoso.example:/cb", all, false},
		{"a port beyond 65535", "https://app.contoso.example:70000/cb", all, false},
		{"an IPv6 address without an end", "https://[2001:db8::1/cb", all, false},
		{"an IPv6 address with a zone", "https://[fe80::1%25eth0]/cb", all, false},
		{"brackets that hold a name", "https://[app.contoso.example]/cb", all, false},
		{"dots that climb", "https://app.contoso.example/a/../b", all, false},
		{"dots that climb at the end", "https://app.contoso.example/a/..", all, false},
		{"a dot that stays", "https://app.contoso.example/./b", all, false},
		{"encoded dots", "https://app.contoso.example/a/%2e%2e/b", all, false},
		{"encoded dots in capitals", "https://app.contoso.example/a/%2E./b", all, false},
		{"an encoded slash", "https://app.contoso.example/a%2fb", all, false},
		{"an encoded backslash", "https://app.contoso.example/a%5Cb", all, false},
		{"dots encoded twice", "https://app.contoso.example/a/%252e%252e/b", all, false},
		{"dots in overlong UTF-8", "https://app.contoso.example/a/%c0%ae%c0%ae/b", all, false},
		{"an encoded line feed in the path", "https://app.contoso.example/a%0ab", all, false},
		{"an encoded line feed in the query", "https://app.contoso.example/a?b=%0d%0ac", all, false},
		{"a percent sign alone", "https://app.contoso.example/100%", all, false},
		{"a percent sign with half a byte", "https://app.contoso.example/a?b=%4", all, false},
		{"the longest", "https://a.example/" + strings.Repeat("a", redirect.MaxLength-18), all, true},
		{"one longer than the longest", "https://a.example/" + strings.Repeat("a", redirect.MaxLength-17), all, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kinds := []redirect.Kind{tt.kind}
			if tt.kind == all {
				kinds = []redirect.Kind{redirect.Web, redirect.SPA, redirect.Public}
			}
			for _, kind := range kinds {
				err := redirect.Valid(tt.uri, kind)
				if tt.ok && err != nil {
					t.Errorf("Valid(%q, %d) = %v, want nil", tt.uri, kind, err)
				}
				if !tt.ok && !errors.Is(err, redirect.ErrInvalid) {
					t.Errorf("Valid(%q, %d) = %v, want ErrInvalid", tt.uri, kind, err)
				}
			}
		})
	}
}

func TestValidRefusesAnUnknownKind(t *testing.T) {
	if err := redirect.Valid("com.contoso.app:/cb", 0); !errors.Is(err, redirect.ErrInvalid) {
		t.Fatalf("Valid = %v, want ErrInvalid", err)
	}
}

// FuzzMatch asks a second parser: what matches names the registered host and path.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"http://localhost", "http://localhost:5000"},
		{"http://[::1]/cb", "http://[::1]:1/cb"},
		{"https://app.contoso.example/cb", "https://app.contoso.example@evil.example/cb"},
		{"https://app.contoso.example/cb", `https://app.contoso.example\.evil.example/cb`},
		{"com.contoso.app:/cb", "com.contoso.app:/cb"},
		{"http://localhost", "http://localhost:5@evil.example"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, registered, asked string) {
		if redirect.Match([]string{registered}, asked) != nil {
			return
		}
		want, err := url.Parse(registered)
		if err != nil {
			t.Fatalf("%q matched and can't be parsed: %v", registered, err)
		}
		got, err := url.Parse(asked)
		if err != nil {
			t.Fatalf("%q matched and can't be parsed: %v", asked, err)
		}
		if got.User != nil || got.Fragment != "" {
			t.Fatalf("%q matched with user information or a fragment", asked)
		}
		if got.Scheme != want.Scheme || got.Hostname() != want.Hostname() || got.RequestURI() != want.RequestURI() {
			t.Fatalf("%q matched %q", asked, registered)
		}
		loopback := got.Scheme == "http" && (got.Hostname() == "localhost" || got.Hostname() == "127.0.0.1" || got.Hostname() == "::1")
		if got.Scheme == "http" && !loopback {
			t.Fatalf("%q matched over http", asked)
		}
		if registered != asked && !loopback {
			t.Fatalf("%q matched %q though they differ", asked, registered)
		}
	})
}

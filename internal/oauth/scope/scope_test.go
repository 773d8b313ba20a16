package scope_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/oauth/scope"
)

// own is a further name of Graph: the server's own public URL.
const own = "https://localhost:8443"

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       scope.Set
	}{
		{"nothing", "", scope.Set{}},
		{"blanks", "   ", scope.Set{}},
		{"OpenID Connect only", "openid profile email offline_access", scope.Set{OpenID: true, Profile: true, Email: true, OfflineAccess: true}},
		{"in capitals", "OpenID Profile", scope.Set{OpenID: true, Profile: true}},
		{"a bare name is Graph's", "User.Read", scope.Set{Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"with Graph's URL", "https://graph.microsoft.com/User.Read", scope.Set{Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"with Graph's URL in capitals", "HTTPS://Graph.Microsoft.com/User.Read", scope.Set{Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"with Graph's application id", "00000003-0000-0000-C000-000000000000/User.Read", scope.Set{Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"with the server's own URL", "https://localhost:8443/User.Read", scope.Set{Resource: scope.Graph, Names: []string{"User.Read"}}},
		{
			"all of Graph's names at once", "User.Read https://graph.microsoft.com/Mail.Read https://localhost:8443/Group.Read.All",
			scope.Set{Resource: scope.Graph, Names: []string{"User.Read", "Mail.Read", "Group.Read.All"}},
		},
		{"names that repeat", "User.Read user.read https://graph.microsoft.com/USER.READ openid openid", scope.Set{OpenID: true, Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"OpenID Connect's names as Graph's", "https://graph.microsoft.com/openid https://graph.microsoft.com/offline_access", scope.Set{OpenID: true, OfflineAccess: true}},
		{"OpenID Connect's names as another API's", "api://app/openid", scope.Set{Resource: "api://app", Names: []string{"openid"}}},
		{"what is consented to", "https://graph.microsoft.com/.default", scope.Set{Resource: scope.Graph, Default: true}},
		{"what is consented to, bare", ".default", scope.Set{Resource: scope.Graph, Default: true}},
		{"what is consented to, twice", ".default https://localhost:8443/.default", scope.Set{Resource: scope.Graph, Default: true}},
		{
			"what SDKs send", "https://graph.microsoft.com/.default openid offline_access profile",
			scope.Set{OpenID: true, OfflineAccess: true, Profile: true, Resource: scope.Graph, Default: true},
		},
		{"an application id as resource", "6731de76-14a6-49ae-97bc-6eba6914391e/.default", scope.Set{Resource: "6731de76-14a6-49ae-97bc-6eba6914391e", Default: true}},
		{"an application id URI", "api://app/Files.Read api://APP/Files.Write", scope.Set{Resource: "api://app", Names: []string{"Files.Read", "Files.Write"}}},
		{"an application id URI with a path", "https://contoso.example/api/v1/Read", scope.Set{Resource: "https://contoso.example/api/v1", Names: []string{"Read"}}},
		{"an application id URI that ends with a slash", "https://vault.contoso.example//.default", scope.Set{Resource: "https://vault.contoso.example", Default: true}},
		{"another port is another resource than Graph", "https://localhost:9443/.default", scope.Set{Resource: "https://localhost:9443", Default: true}},
		{"blanks around", "  openid   User.Read ", scope.Set{OpenID: true, Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"the longest", strings.Repeat(" ", scope.MaxSize-9) + "User.Read", scope.Set{Resource: scope.Graph, Names: []string{"User.Read"}}},
		{"the most", "User.Read" + strings.Repeat(" openid", scope.MaxScopes-1), scope.Set{OpenID: true, Resource: scope.Graph, Names: []string{"User.Read"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := scope.Parse(tt.text, own)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("Parse(%q) = %+v, want %+v", tt.text, got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, text string }{
		{"two resources", "https://graph.microsoft.com/User.Read api://app/Files.Read"},
		{"a bare name beside another resource", "User.Read api://app/Files.Read"},
		{"what is consented to beside names", "https://graph.microsoft.com/.default User.Read"},
		{"names beside what is consented to", "User.Read .default"},
		{"a resource without a name", "https://graph.microsoft.com/"},
		{"a name without a resource", "/User.Read"},
		{"slashes only", "///"},
		{"slashes and a name", "//User.Read"},
		{"a quote", `User"Read`},
		{"a backslash", `User\Read`},
		{"a tab between", "openid\tUser.Read"},
		{"a line feed between", "openid\nUser.Read"},
		{"a NUL", "User.Read\x00"},
		{"a letter beyond ASCII", "User.R\u0435ad"},
		{"a byte that is no text", "User.Read\xff"},
		{"too long", strings.Repeat(" ", scope.MaxSize-8) + "User.Read"},
		{"too many", strings.Repeat("openid ", scope.MaxScopes+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := scope.Parse(tt.text, own)
			if !errors.Is(err, scope.ErrInvalid) || !reflect.DeepEqual(got, scope.Set{}) {
				t.Fatalf("Parse(%q) = %+v, %v, want ErrInvalid", tt.text, got, err)
			}
		})
	}
}

func TestParseAppOnly(t *testing.T) {
	tests := []struct {
		name, text, resource string
		want                 error
	}{
		{"what SDKs send", "https://graph.microsoft.com/.default openid offline_access profile", scope.Graph, nil},
		{"the server's own URL", "https://localhost:8443/.default", scope.Graph, nil},
		{"another API", "api://app/.default", "api://app", nil},
		{"nothing", "", "", scope.ErrAppOnly},
		{"OpenID Connect only", "openid profile", "", scope.ErrAppOnly},
		{"a name", "User.Read", "", scope.ErrAppOnly},
		{"a name of another API", "api://app/Files.Read openid", "", scope.ErrAppOnly},
		{"two resources", "https://graph.microsoft.com/.default api://app/.default", "", scope.ErrInvalid},
		{"a name beside", "https://graph.microsoft.com/.default User.Read", "", scope.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resource, err := scope.ParseAppOnly(tt.text, own)
			if resource != tt.resource || !errors.Is(err, tt.want) {
				t.Fatalf("ParseAppOnly(%q) = %q, %v, want %q, %v", tt.text, resource, err, tt.resource, tt.want)
			}
		})
	}
}

// FuzzParse writes what was read and reads it again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"https://graph.microsoft.com/.default openid offline_access profile", "api://app//Scope api://APP/scope", "a/b/c .default", "OPENID ///", "x\ty",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := scope.Parse(text, own)
		if err != nil {
			return
		}
		var words []string
		for name, asked := range map[string]bool{
			"openid": first.OpenID, "profile": first.Profile, "email": first.Email, "offline_access": first.OfflineAccess, first.Resource + "/.default": first.Default,
		} {
			if asked {
				words = append(words, name)
			}
		}
		for _, name := range first.Names {
			words = append(words, first.Resource+"/"+name)
		}
		joined := strings.Join(words, " ")
		if len(joined) > scope.MaxSize { // Graph's bare names became longer
			return
		}
		second, err := scope.Parse(joined, own)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%q was read as %+v, written as %q, read as %+v, %v", text, first, joined, second, err)
		}
	})
}

func TestSpellRepeatsTheRequestsOwnWords(t *testing.T) {
	tests := []struct {
		name, asked, resource string
		names, want           []string
	}{
		{"nothing asked again", "", scope.Graph, []string{"User.Read"}, []string{"User.Read"}},
		{"a bare name", "openid User.Read", scope.Graph, []string{"User.Read"}, []string{"User.Read"}},
		{"with Graph's URL", "https://graph.microsoft.com/User.Read openid", scope.Graph, []string{"User.Read"}, []string{"https://graph.microsoft.com/User.Read"}},
		{"with the server's own URL", own + "/user.read", scope.Graph, []string{"User.Read"}, []string{own + "/user.read"}},
		{"no more than was granted", "User.Read Mail.Read", scope.Graph, []string{"User.Read"}, []string{"User.Read"}},
		{"what is consented to", "https://graph.microsoft.com/.default", scope.Graph, []string{"User.Read"}, []string{"User.Read", "https://graph.microsoft.com/.default"}},
		{"another API", "api://APP/Files.Read", "api://app", []string{"Files.Read", "Files.Write"}, []string{"api://APP/Files.Read", "api://app/Files.Write"}},
		{"another API's name is not Graph's", "api://app/User.Read", scope.Graph, []string{"User.Read"}, []string{"User.Read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := scope.Spell(tt.asked, tt.resource, tt.names, own); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Spell(%q) = %q, want %q", tt.asked, got, tt.want)
			}
		})
	}
}

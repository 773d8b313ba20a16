package pages

import "testing"

func TestFormSource(t *testing.T) {
	tests := []struct{ name, target, want string }{
		{"an application's address", "https://mail.contoso.example/callback?x=1", "https://mail.contoso.example"},
		{"a port", "http://localhost:4711/", "http://localhost:4711"},
		{"user information is left out", "https://evil.example@mail.contoso.example/", "https://mail.contoso.example"},
		{"a private-use scheme", "com.example.app:/callback", "com.example.app:"},
		{"a private-use scheme with a host", "msal4711://auth", "msal4711://auth"},
		{"an IPv6 literal has no form in a policy", "http://[::1]:4711/", "http:"},
		{"an upper-case scheme", "HTTPS://a.example/", "https://a.example"},
		{"a semicolon cannot end the directive", "https://a.example;script-src *", ""},
		{"a space cannot add a source", "https://a.example *", ""},
		{"a wildcard is no host", "https://*.example/", ""},
		{"an odd host does not open all of https", "https://a.example$/", ""},
		{"an encoded host is none", "https://%61.example/", ""},
		{"an IPv6 literal elsewhere does not open all of https", "https://[2001:db8::1]/", ""},
		{"http elsewhere", "http://[2001:db8::1]/", ""},
		{"script is no place", "javascript:alert(1)", ""},
		{"data is no place", "data:text/html,x", ""},
		{"no scheme", "/callback", ""},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := formSource(test.target)
			if got != test.want || (err != nil) != (test.want == "") {
				t.Errorf("formSource(%q) = %q, %v; want %q", test.target, got, err, test.want)
			}
		})
	}
}

func TestContentPolicyNamesTargets(t *testing.T) {
	got, err := contentPolicy(true, []string{"https://a.example/x", "app:/y"}, nil)
	want := "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; " +
		"form-action 'self' https://a.example app:; base-uri 'none'; frame-ancestors 'none'"
	if err != nil || got != want {
		t.Errorf("policy is %q, %v; want %q", got, err, want)
	}
}

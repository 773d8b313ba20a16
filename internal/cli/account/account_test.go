package account

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func atNine() time.Time { return nine }

// authority is a sign-in server whose refresh tokens work once.
type authority struct {
	*httptest.Server
	mu       sync.Mutex
	renewals int
	current  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{current: "refresh 0"}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", nine.Format(http.TimeFormat))
	if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
		fmt.Fprintf(w, `{"issuer":"%[1]s/t/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token"}`, a.URL)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.PostFormValue("refresh_token") != a.current {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"The session has ended."}`)
		return
	}
	a.renewals++
	a.current = fmt.Sprintf("refresh %d", a.renewals)
	fmt.Fprintf(w, `{"token_type":"Bearer","access_token":"access %d","expires_in":3600,"refresh_token":%q}`, a.renewals, a.current)
}

func (a *authority) account() Account {
	return Account{
		Server: a.URL, Graph: a.URL, ClientID: "c", Scope: "s", Since: nine.Add(-2 * time.Hour),
		Tokens: graphclient.Tokens{
			Access: graphclient.NewSecret("access 0"), Until: nine.Add(-time.Hour), Refresh: graphclient.NewSecret("refresh 0"),
			ID: graphclient.Identity{Tenant: "t", User: "u", Username: "mira@contoso.example"},
		},
	}
}

func TestOfManyCommandsAtOnceOneRenewsTheSignIn(t *testing.T) {
	a, folder := newAuthority(t), Folder{t.TempDir()}
	if err := folder.Save(t.Context(), a.account()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			kept, err := folder.Load(a.URL)
			if err != nil {
				t.Error(err)
				return
			}
			token, err := folder.Person(kept, a.Client(), atNine).Token(t.Context())
			if err != nil || token.Reveal() != "access 1" {
				t.Errorf("got %q, %v", token.Reveal(), err)
			}
		})
	}
	all.Wait()
	if a.renewals != 1 {
		t.Errorf("the sign-in was renewed %d times", a.renewals)
	}
	kept, err := folder.Load(a.URL)
	if err != nil || kept.Tokens.Refresh.Reveal() != "refresh 1" {
		t.Errorf("kept %q, %v", kept.Tokens.Refresh.Reveal(), err)
	}
}

func TestARenewalThatIsRefusedLeavesTheFileAsItWas(t *testing.T) {
	a, folder := newAuthority(t), Folder{t.TempDir()}
	a.current = "another"
	kept := a.account()
	if err := folder.Save(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	before := contents(t, folder)
	if _, err := folder.Person(kept, a.Client(), atNine).Token(t.Context()); !errors.Is(err, graphclient.ErrNotSignedIn) {
		t.Errorf("got %v", err)
	}
	if after := contents(t, folder); after != before {
		t.Errorf("the file is now %s", after)
	}
}

func contents(t *testing.T, f Folder) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(f.Path, "*.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("files %v, %v", paths, err)
	}
	raw, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAKeptSignInComesBackWhole(t *testing.T) {
	folder := Folder{t.TempDir()}
	key, err := graphclient.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	want := newAuthority(t).account()
	want.Key, want.Tokens.Bound, want.CA = key, true, "/etc/ca.pem"
	if err := folder.Save(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := folder.Load(want.Server + "/")
	if err != nil {
		t.Fatal(err)
	}
	a, errA := want.Key.Thumbprint()
	b, errB := got.Key.Thumbprint()
	if a != b || errA != nil || errB != nil {
		t.Errorf("the key %s came back as %s", a, b)
	}
	if got.CA != want.CA || got.Tokens.ID != want.Tokens.ID || got.Tokens.Refresh.Reveal() != "refresh 0" || !got.Tokens.Until.Equal(want.Tokens.Until) {
		t.Errorf("got %+v", got)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got.Tokens); strings.Contains(text, "refresh 0") || strings.Contains(text, "access 0") {
		t.Errorf("tokens show in %s", text)
	}
}

func TestADamagedFileIsNoSignIn(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "not JSON": "x", "of a later version": `{"version":2,"server":"s","accessToken":"t"}`} {
		t.Run(name, func(t *testing.T) {
			folder := Folder{t.TempDir()}
			if err := os.WriteFile(folder.file("https://id.contoso.example"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := folder.Load("https://id.contoso.example"); !errors.Is(err, ErrBroken) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestServersDoNotShareAFile(t *testing.T) {
	folder, seen := Folder{"sign-ins"}, map[string]string{}
	for _, server := range []string{"https://id.contoso.example", "https://id.contoso.example:8443", "https://id.contoso.example/a", "https://id_contoso.example", "../../x", ""} {
		path := folder.file(server)
		if filepath.Dir(path) != "sign-ins" || seen[path] != "" {
			t.Errorf("%q is kept in %s, as is %q", server, path, seen[path])
		}
		seen[path] = server + " "
	}
}

// TestNobodyElseEndsTheWait sends what a page of another site could send to the loopback port.
func TestNobodyElseEndsTheWait(t *testing.T) {
	site := httptest.NewServer(nil)
	defer site.Close()
	site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":"%[1]s/t/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token"}`, site.URL)
	})
	a, err := graphclient.Discover(t.Context(), site.Client(), atNine, site.URL, "t")
	if err != nil {
		t.Fatal(err)
	}
	back, err := listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer back.close()
	s, err := a.SignIn("c", "openid", back.Redirect)
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.URL("")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	right := back.Redirect + "/?code=c0de&state=" + u.Query().Get("state")
	answers := make(chan url.Values, 1)
	go func() {
		answer, err := back.wait(t.Context(), s)
		if err != nil {
			t.Error(err)
		}
		answers <- answer
	}()
	tests := []struct {
		name, method, address, host string
	}{
		{"another state", http.MethodGet, back.Redirect + "/?code=evil&state=other", ""},
		{"no state", http.MethodGet, back.Redirect + "/?code=evil", ""},
		{"an error without state", http.MethodGet, back.Redirect + "/?error=access_denied", ""},
		{"another path", http.MethodGet, strings.Replace(right, "/?code=c0de", "/x?code=evil", 1), ""},
		{"a form", http.MethodPost, strings.Replace(right, "c0de", "evil", 1), ""},
		{"a name of another site", http.MethodGet, strings.Replace(right, "c0de", "evil", 1), "evil.example"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := send(t, test.method, test.address, test.host); got != http.StatusNotFound {
				t.Errorf("answered %d", got)
			}
		})
	}
	if got := send(t, http.MethodGet, right, ""); got != http.StatusOK {
		t.Errorf("the right answer got %d", got)
	}
	if answer := <-answers; answer.Get("code") != "c0de" {
		t.Errorf("the wait ended with %v", answer)
	}
}

func send(t *testing.T, method, address, host string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	back, err := listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := back.wait(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestAnAnswerOfSomebodyElseIsNoSignIn tries tokens that are not the answer to the question.
func TestAnAnswerOfSomebodyElseIsNoSignIn(t *testing.T) {
	var answer func(nonce string) string // claims of the id token
	nonce := ""
	site := httptest.NewServer(nil)
	defer site.Close()
	site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprintf(w, `{"issuer":"%[1]s/{tenantid}/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token",
				"authorization_response_iss_parameter_supported":true}`, site.URL)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","access_token":"a","expires_in":60,"id_token":"e30.%s.s"}`,
			base64.RawURLEncoding.EncodeToString([]byte(answer(nonce))))
	})
	claims := func(iss, aud string, changed bool) func(string) string {
		return func(nonce string) string {
			if changed {
				nonce += "x"
			}
			return fmt.Sprintf(`{"iss":%q,"aud":%q,"nonce":%q,"tid":"t","oid":"u"}`, iss, aud, nonce)
		}
	}
	home := site.URL + "/t/v2.0"
	tests := []struct {
		name   string
		iss    string // of the authorization response
		claims func(string) string
		ok     bool
	}{
		{"as it should be", home, claims(home, "c", false), true},
		{"code of another issuer", site.URL + "/other/v2.0", claims(home, "c", false), false},
		{"code of no issuer", "", claims(home, "c", false), false},
		{"id token of another issuer", home, claims("https://evil.example/t/v2.0", "c", false), false},
		{"id token for another client", home, claims(home, "d", false), false},
		{"id token of another sign-in", home, claims(home, "c", true), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer = test.claims
			a, err := graphclient.Discover(t.Context(), site.Client(), atNine, site.URL, "organizations")
			if err != nil {
				t.Fatal(err)
			}
			s, err := a.SignIn("c", "openid", "http://localhost:1")
			if err != nil {
				t.Fatal(err)
			}
			address, err := s.URL("")
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			nonce = u.Query().Get("nonce")
			_, err = s.Redeem(t.Context(), url.Values{"code": {"c0de"}, "state": {u.Query().Get("state")}, "iss": {test.iss}})
			if (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

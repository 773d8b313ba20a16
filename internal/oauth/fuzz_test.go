package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// FuzzForm reads the bodies that the token endpoint gets.
func FuzzForm(f *testing.F) {
	const kind = "application/x-www-form-urlencoded"
	f.Add(kind, "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb") // RFC 6749 section 4.1.3
	f.Add(kind, "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw")
	f.Add(kind+"; charset=utf-8", "a=1&a=2")
	f.Add(kind, "%zz")
	f.Add(kind, ";a=b")
	f.Add("application/json", `{"grant_type":"client_credentials"}`)
	f.Add("multipart/form-data; boundary=x", "--x\r\n")
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/t/oauth2/v2.0/token?grant_type=query", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		if err := readForm(httptest.NewRecorder(), r); err != nil {
			return
		}
		for name, values := range r.PostForm {
			if len(values) != 1 {
				t.Errorf("%q comes %d times", name, len(values))
			}
		}
		if r.PostForm.Get("grant_type") == "query" && !strings.Contains(body, "query") {
			t.Error("a parameter of the address counts as one of the body")
		}
	})
}

// FuzzAuthorize reads authorization requests whose redirect URI is registered, and answers
// them: what goes into the answer must not change where it goes.
func FuzzAuthorize(f *testing.F) {
	// OpenID Connect Core section 3.1.2.1, RFC 7636 appendix B, RFC 9449 section 10.
	f.Add("response_type=code&scope=openid%20profile%20email&state=af0ifjsldkj&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256")
	f.Add("response_type=id_token&response_mode=form_post&nonce=n-0S6_WzA2Mj&scope=openid")
	f.Add("response_type=code&response_mode=fragment&prompt=none&max_age=0&dpop_jkt=NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs&code_challenge_method=plain&code_challenge=x")
	f.Add("response_type=code%0d%0aLocation:%20https://evil.example&state=%0d%0aSet-Cookie:%20a=b&claims=%7B%22id_token%22%3A%7B%22acr%22%3Anull%7D%7D")
	f.Add("response_type=code&max_age=99999999999999999999&state=" + strings.Repeat("%00", 100))
	s := &Server{PublicURL: "https://id.example"}
	c := client{app: directory.Application{AppID: "s6BhdRkqt3"}}
	c.app.Web.ImplicitGrant.IDToken = true
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil || fits(form) != nil {
			return
		}
		for _, registered := range []string{"https://client.example.com/cb", "https://client.example.com/cb?a=b"} {
			q := authRequest{RedirectURI: registered}
			if err := s.fill(&q, c, form); err == nil {
				if q.ResponseType == "code" && len(q.Challenge) != 43 {
					t.Errorf("a public client got by without a challenge: %q", q.Challenge)
				}
				if q.ResponseType != "code" && q.ResponseMode != "form_post" {
					t.Errorf("%s by %s", q.ResponseType, q.ResponseMode)
				}
			}
			if q.ResponseMode == "form_post" {
				continue
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			if err := s.respond(w, r, "tenant", q, url.Values{"code": {"c0de"}}); err != nil {
				t.Fatal(err)
			}
			to, err := url.Parse(w.Header().Get("Location"))
			if err != nil || to.Host != "client.example.com" || to.Path != "/cb" || len(w.Header()["Set-Cookie"]) > 0 {
				t.Errorf("the answer goes to %q: %v", w.Header().Get("Location"), err)
				continue
			}
			sent := to.Query()
			if q.ResponseMode == "fragment" {
				sent, err = url.ParseQuery(to.EscapedFragment())
			}
			if err != nil || sent.Get("code") != "c0de" || sent.Get("state") != q.State {
				t.Errorf("the answer says %v, not state %q: %v", sent, q.State, err)
			}
		}
	})
}

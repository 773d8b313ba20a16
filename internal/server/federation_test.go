package server_test

import (
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/federation/oidc/oidctest"
	"github.com/postern-id/postern/internal/server"
)

// federated is a world in which fabrikam.example is federated to an upstream.
type federatedWorld struct {
	*world
	upstream *oidctest.Provider
	config   string // path of the configuration
}

const upn = "mira@fabrikam.example"

// newFederated federates fabrikam.example with those settings beside the usual ones.
func newFederated(t *testing.T, more map[string]any) *federatedWorld {
	t.Helper()
	return newFederatedAt(t, oidctest.New(t, time.Now), more)
}

// newFederatedAt federates fabrikam.example with p.
func newFederatedAt(t *testing.T, p *oidctest.Provider, more ...map[string]any) *federatedWorld {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(p.Server.Certificate())
	w := newWorld(t, func(o *server.Options) { o.Roots, o.FederationNetworks = roots, server.Loopback })
	w.create("/v1.0/domains", `{"id":"fabrikam.example"}`)
	w.verifyDomain("fabrikam.example")
	body := map[string]any{
		"@odata.type": "#microsoft.graph.internalDomainFederation", "displayName": "Fabrikam", "issuerUri": p.Issuer(),
		"postern_clientId": oidctest.ClientID, "postern_clientSecret": oidctest.Secret, "postern_passBeforeFederation": false,
	}
	for _, m := range more {
		maps.Copy(body, m)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, made := w.api(http.MethodPost, "/v1.0/domains/fabrikam.example/federationConfiguration", w.appToken(), string(text))
	if status != http.StatusCreated {
		t.Fatalf("federate: %d %v", status, made)
	}
	p.Said = map[string]any{"preferred_username": upn, "name": "Mira Okafor", "amr": []string{"pwd", "mfa"}}
	return &federatedWorld{w, p, "/v1.0/domains/fabrikam.example/federationConfiguration/" + made["id"].(string)}
}

// verifyDomain verifies a domain without the DNS.
func (w *world) verifyDomain(name string) {
	w.t.Helper()
	w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"62e90394-69f5-4237-9190-012177145e10","directoryScopeId":"/","principalId":"`+w.servicePrincipal(w.created.ClientID)+`"}`)
	if status, v := w.api(http.MethodPost, "/v1.0/domains/"+name+"/verify", w.appToken(), `{"postern_withoutDns":true}`); status != http.StatusOK {
		w.t.Fatalf("verify: %d %v", status, v)
	}
}

func (w *world) servicePrincipal(app string) string {
	w.t.Helper()
	_, v := w.api(http.MethodGet, "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+app+"'"), w.appToken(), "")
	return v["value"].([]any)[0].(map[string]any)["id"].(string)
}

func (w *federatedWorld) settings(body string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, w.config, w.appToken(), body); status != http.StatusNoContent {
		w.t.Fatalf("patch: %d %v", status, v)
	}
}

// person makes an account with that UPN.
func (w *federatedWorld) account(name string) string {
	w.t.Helper()
	nick, _, _ := strings.Cut(name, "@")
	return w.create("/v1.0/users", `{"accountEnabled":true,"displayName":"`+nick+`","mailNickname":"`+nick+`","userPrincipalName":"`+name+`"}`)
}

// leave types the name and goes to the upstream; back is where the browser is sent from there.
func (w *federatedWorld) leave(name string) (page, back string) {
	w.t.Helper()
	page = w.authorize(nil).location
	if a := w.post(page, url.Values{"username": {name}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("name: %d\n%s", a.status, a.body)
	}
	return page, w.depart(page)
}

// depart goes on to the upstream from a page of a sign-in.
func (w *federatedWorld) depart(page string) (back string) {
	w.t.Helper()
	away := w.get(strings.Replace(page, "/signin?", "/signin/upstream?", 1))
	u, err := url.Parse(away.location)
	if away.status != http.StatusSeeOther || err != nil || !strings.HasPrefix(away.location, w.upstream.Issuer()) {
		w.t.Fatalf("leave: %d %q\n%s", away.status, away.location, away.body)
	}
	return u.Query().Get("redirect_uri") + "?" + w.upstream.Answer(w.t, away.location).Encode()
}

func (w *federatedWorld) wantRefusal(what string, a answer, code string) {
	w.t.Helper()
	if a.status < 400 || !strings.Contains(a.body, `data-error="`+code+`"`) {
		w.t.Errorf("%s: %d, want %s\n%s", what, a.status, code, a.body)
	}
}

// finish says no to staying signed in, and returns the tokens.
func (w *federatedWorld) finish(page string) map[string]any {
	w.t.Helper()
	done := w.post(page, url.Values{"stay": {"no"}})
	if done.status != http.StatusSeeOther {
		w.t.Fatalf("stay: %d\n%s", done.status, done.body)
	}
	status, tokens := w.token(redeem(w.codeIn(w.get(done.location))))
	if status != http.StatusOK {
		w.t.Fatalf("tokens: %d %v", status, tokens)
	}
	return tokens
}

func TestAFederatedPersonIsLedToTheirUpstreamAndBack(t *testing.T) {
	w := newFederated(t, nil)
	w.account(upn)
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {upn}})
	led := w.get(page)
	w.wantStep("after the name", led, "federated")
	if !strings.Contains(led.body, `http-equiv="refresh" content="0; url=/signin/upstream?t=`) || !strings.Contains(led.body, "Fabrikam") {
		t.Errorf("the page leads nowhere:\n%s", led.body)
	}
	back := w.depart(page)
	if a := w.get(back); a.location != page {
		t.Fatalf("back: %d %q\n%s", a.status, a.location, a.body)
	}
	tokens := w.finish(page)
	amr, _ := claimsOf(t, tokens["id_token"])["amr"].([]any)
	if !slices.Contains(amr, any("fed")) || !slices.Contains(amr, any("mfa")) {
		t.Errorf("amr is %v", amr)
	}
	w.newBrowser()
	w.wantRefusal("another browser with the same answer", w.get(back), "signInGone")
}

// Each of these tries to become somebody by an answer that is not for this sign-in.
func TestAnAnswerSignsInWhomItIsOfAndWhereItWasAskedFor(t *testing.T) {
	w := newFederated(t, nil)
	id := w.account(upn)
	w.account("bea@fabrikam.example")
	fresh := func() (page, back string) {
		w.newBrowser()
		return w.leave(upn)
	}
	signedOut := func(what, page string) {
		t.Helper()
		if a := w.get(page); strings.Contains(a.body, `data-step="stay"`) {
			t.Errorf("%s: somebody is signed in", what)
		}
	}
	t.Run("the first answer links", func(t *testing.T) {
		page, back := fresh()
		w.get(back)
		w.finish(page)
	})
	t.Run("unsolicited", func(t *testing.T) {
		_, back := fresh()
		mine := w.browser
		w.newBrowser()
		w.wantRefusal("no sign-in under way", w.get(back), "signInGone")
		page, _ := w.leave(upn)
		w.wantRefusal("one of one's own", w.get(back), "signInGone")
		signedOut("a stranger's answer", page)
		w.browser = mine
	})
	t.Run("an earlier round", func(t *testing.T) {
		page, back := fresh()
		w.depart(page)
		w.wantRefusal("the first answer after a second request", w.get(back), "credentialRefused")
		signedOut("an old answer", page)
	})
	t.Run("after another name was typed", func(t *testing.T) {
		page, back := fresh()
		w.post(page, url.Values{"username": {"bea@fabrikam.example"}})
		w.wantRefusal("an answer for the first", w.get(back), "credentialRefused")
		signedOut("an answer for another name", page)
	})
	t.Run("at another domain's address", func(t *testing.T) {
		_, back := fresh()
		w.wantRefusal("contoso", w.get(strings.Replace(back, "/oidc/fabrikam.example", "/oidc/contoso.example", 1)), "signInGone")
	})
	t.Run("of somebody else", func(t *testing.T) {
		w.upstream.Said["sub"], w.upstream.Said["preferred_username"] = "other", "bea@fabrikam.example"
		page, back := fresh()
		w.wantRefusal("bea, where mira was typed", w.get(back), "federationOther")
		signedOut("somebody else", page)
		w.upstream.Said["preferred_username"] = upn
		_, back = fresh()
		w.wantRefusal("another subject with mira's name", w.get(back), "federationLinked")
	})
	t.Run("of somebody whose name looks alike", func(t *testing.T) {
		id := w.account("kim@fabrikam.example")
		w.upstream.Said["sub"] = "kelvin"
		for _, name := range []string{"\u212aim@fabrikam.example", "kim@fabri\u212aam.example"} {
			w.upstream.Said["preferred_username"] = name
			w.newBrowser()
			page, back := w.leave("kim@fabrikam.example")
			w.wantRefusal(name, w.get(back), "federationOther")
			signedOut(name, page)
		}
		if _, v := w.api(http.MethodGet, "/v1.0/postern/users/"+id+"/federatedIdentities", w.appToken(), ""); len(v["value"].([]any)) > 0 {
			t.Errorf("linked all the same: %v", v)
		}
		w.upstream.Said["preferred_username"] = upn
	})
	t.Run("of whom is linked, under another name", func(t *testing.T) {
		delete(w.upstream.Said, "sub")
		w.newBrowser()
		page, back := w.leave("bea@fabrikam.example")
		w.wantRefusal("mira, where bea was typed", w.get(back), "federationOther")
		signedOut("somebody else", page)
	})
	t.Run("of a person of another domain", func(t *testing.T) {
		w.upstream.Said["sub"], w.upstream.Said["preferred_username"] = "admin", "admin@contoso.example"
		_, back := fresh()
		w.wantRefusal("the administrator", w.get(back), "federationForeign")
		w.upstream.Said["preferred_username"] = "admin@contoso.example@fabrikam.example"
		_, back = fresh()
		w.wantRefusal("a name of two domains", w.get(back), "federationForeign")
		delete(w.upstream.Said, "preferred_username")
		w.upstream.Said["email"], w.upstream.Said["email_verified"] = upn, true
		_, back = fresh()
		w.wantRefusal("an address in the place of a name", w.get(back), "credentialRefused")
	})
	t.Run("who was given another domain's name", func(t *testing.T) {
		delete(w.upstream.Said, "sub")
		w.change(http.MethodPatch, "/v1.0/users/"+id, `{"userPrincipalName":"mira@contoso.example"}`)
		_, back := fresh()
		w.wantRefusal("the link leads there", w.get(back), "federationForeign")
		w.change(http.MethodPatch, "/v1.0/users/"+id, `{"userPrincipalName":"`+upn+`"}`)
	})
	t.Run("who is disabled", func(t *testing.T) {
		w.change(http.MethodPatch, "/v1.0/users/"+id, `{"accountEnabled":false}`)
		page, back := fresh()
		w.wantRefusal("disabled", w.get(back), "credentialRefused")
		signedOut("a disabled person", page)
		w.change(http.MethodPatch, "/v1.0/users/"+id, `{"accountEnabled":true}`)
	})
	t.Run("who is gone, while another has the name", func(t *testing.T) {
		w.change(http.MethodDelete, "/v1.0/users/"+id, "")
		w.account(upn)
		page, back := fresh()
		w.wantRefusal("the former mira", w.get(back), "federationNoAccount")
		signedOut("a namesake", page)
	})
	t.Run("after the domain came back", func(t *testing.T) {
		_, back := fresh()
		w.change(http.MethodDelete, w.config, "")
		w.wantRefusal("an answer under way", w.get(back), "credentialRefused")
		w.newBrowser()
		page := w.authorize(nil).location
		w.post(page, url.Values{"username": {upn}})
		w.wantStep("its people sign in here", w.get(page), "accesspass")
	})
	if strings.Contains(w.log.String(), oidctest.Secret) {
		t.Error("the log has the client secret")
	}
}

func TestWhoDoesMultifactorAuthentication(t *testing.T) {
	w := newFederated(t, nil)
	id := w.account(upn)
	_, pass := w.addPass(id)
	one, two := []string{"pwd"}, []string{"pwd", "mfa"}
	for _, test := range []struct {
		name, behavior string
		amr            []string
		then           string // the step after the answer; "upstream" is back there, or an error code
	}{
		{"accept, and it did", "acceptIfMfaDoneByFederatedIdp", two, "stay"},
		{"accept, and it did not: here", "acceptIfMfaDoneByFederatedIdp", one, "accesspass"},
		{"enforce, and it did", "enforceMfaByFederatedIdp", two, "stay"},
		{"enforce, and it did not: back", "enforceMfaByFederatedIdp", one, "upstream"},
		{"reject, and it did: here all the same", "rejectMfaByFederatedIdp", two, "accesspass"},
		{"reject, and it did not", "rejectMfaByFederatedIdp", one, "accesspass"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.settings(`{"federatedIdpMfaBehavior":"` + test.behavior + `"}`)
			w.upstream.Said["amr"] = test.amr
			w.newBrowser()
			page, back := w.leave(upn)
			a := w.get(back)
			if test.then == "upstream" {
				if !strings.HasPrefix(a.location, "/signin/upstream?t=") {
					t.Fatalf("not sent back: %d %q\n%s", a.status, a.location, a.body)
				}
				again := w.get(a.location)
				u, _ := url.Parse(again.location)
				if q := u.Query(); q.Get("prompt") != "login" || !strings.Contains(q.Get("acr_values"), "mfa") {
					t.Errorf("asked for with %v", q)
				}
				w.wantRefusal("still without", w.get(u.Query().Get("redirect_uri")+"?"+w.upstream.Answer(t, again.location).Encode()), "federationWithoutMfa")
				w.upstream.Said["amr"] = two
				if a := w.get(w.depart(page)); a.location != page {
					t.Fatalf("with a second factor at last: %d %q\n%s", a.status, a.location, a.body)
				}
				w.wantStep("after it", w.get(page), "stay")
				return
			}
			if a.location != page {
				t.Fatalf("back: %d %q\n%s", a.status, a.location, a.body)
			}
			w.wantStep("after the answer", w.get(page), test.then)
			if test.then == "accesspass" {
				w.post(page, url.Values{"accesspass": {pass}})
				w.wantStep("after a pass", w.get(page), "stay")
			}
		})
	}
	t.Run("claims that are not mapped", func(t *testing.T) {
		w.settings(`{"federatedIdpMfaBehavior":"acceptIfMfaDoneByFederatedIdp","postern_mfaValues":[]}`)
		w.newBrowser()
		page, back := w.leave(upn)
		w.get(back)
		w.wantStep("one factor", w.get(page), "accesspass")
	})
}

// addPass gives somebody a pass for many uses.
func (w *federatedWorld) addPass(user string) (id, pass string) {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"isUsableOnce":false}`)
	if status != http.StatusCreated {
		w.t.Fatalf("pass: %d %v", status, v)
	}
	return v["id"].(string), v["temporaryAccessPass"].(string)
}

func TestAPassComesBeforeTheUpstreamWhereTheDomainSaysSo(t *testing.T) {
	w := newFederated(t, map[string]any{"postern_passBeforeFederation": true})
	_, pass := w.addPass(w.account(upn))
	see := func(name string) (page string, a answer) {
		w.newBrowser()
		page = w.authorize(nil).location
		w.post(page, url.Values{"username": {name}})
		return page, w.get(page)
	}
	_, a := see(upn)
	w.wantStep("a pass first", a, "accesspass")
	if !strings.Contains(a.body, "/signin/upstream?t=") {
		t.Errorf("the upstream is not beside it:\n%s", a.body)
	}
	_, nobody := see("nobody@fabrikam.example")
	blank := strings.NewReplacer(upn, "NAME", "nobody@fabrikam.example", "NAME")
	if unlike(blank.Replace(a.body), blank.Replace(nobody.body)) {
		t.Errorf("the page tells who exists:\n%s\n%s", a.body, nobody.body)
	}
	page, _ := see(upn)
	w.post(page, url.Values{"accesspass": {pass}})
	w.wantStep("after the pass", w.get(page), "stay")

	w.settings(`{"postern_passBeforeFederation":false}`)
	_, a = see(upn)
	w.wantStep("the upstream first", a, "federated")
	_, nobody = see("nobody@fabrikam.example")
	if unlike(blank.Replace(a.body), blank.Replace(nobody.body)) {
		t.Errorf("the page tells who exists:\n%s\n%s", a.body, nobody.body)
	}
	page, _ = see(upn)
	w.post(page, url.Values{"accesspass": {pass}})
	w.wantStep("a pass that breaks the glass", w.get(page), "stay")
	w.finish(page)
	w.change(http.MethodPatch, "/v1.0/postern/signInMethodsPolicy", `{"breakGlassMethods":[]}`)
	page, _ = see(upn)
	w.wantRefusal("one that breaks none", w.post(page, url.Values{"accesspass": {pass}}), "credentialRefused")
}

// unlike reports whether two pages of different sign-ins differ beside their ids.
func unlike(a, b string) bool {
	return ids.ReplaceAllString(a, "") != ids.ReplaceAllString(b, "")
}

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|t=[0-9a-f]{8}|[0-9A-Z]{4}-[0-9A-Z]{4}`)

func TestAnUpstreamBringsNewPeopleWhereTheDomainSaysSo(t *testing.T) {
	w := newFederated(t, nil)
	_, back := w.leave(upn)
	w.wantRefusal("where it does not", w.get(back), "federationNoAccount")
	w.settings(`{"postern_createUsers":true}`)
	w.upstream.Said["email"], w.upstream.Said["email_verified"] = "mira@contoso.example", true
	w.newBrowser()
	page, back := w.leave("Mira@Fabrikam.example")
	if a := w.get(back); a.location != page {
		t.Fatalf("back: %d\n%s", a.status, a.body)
	}
	w.finish(page)
	status, u := w.api(http.MethodGet, "/v1.0/users/"+upn+"?$select=displayName,userPrincipalName,userType,accountEnabled,mail,id", w.appToken(), "")
	if status != http.StatusOK || u["displayName"] != "Mira Okafor" || u["userType"] != "Member" || u["mail"] != nil {
		t.Errorf("the account is %v", u)
	}
	path := "/v1.0/postern/users/" + u["id"].(string) + "/federatedIdentities"
	_, v := w.api(http.MethodGet, path, w.appToken(), "")
	if links, _ := v["value"].([]any); len(links) != 1 || links[0].(map[string]any)["issuerAssignedId"] != "248289761001" {
		t.Errorf("linked to %v", v)
	}
	w.upstream.Said["sub"] = "another"
	w.newBrowser()
	_, back = w.leave(upn)
	w.wantRefusal("another person with the name", w.get(back), "federationLinked")
	w.change(http.MethodDelete, path+"/fabrikam.example", "")
	w.newBrowser()
	page, back = w.leave(upn)
	if a := w.get(back); a.location != page {
		t.Errorf("after the link was removed: %d\n%s", a.status, a.body)
	}
}

func TestAProofOfNowIsOneOfNowAtTheUpstream(t *testing.T) {
	w := newFederated(t, nil)
	w.account(upn)
	page, back := w.leave(upn)
	w.get(back)
	w.finish(page)
	again := w.authorize(url.Values{"prompt": {"login"}})
	w.wantStep("all anew", w.get(again.location), "federated")
	w.upstream.Said["auth_time"] = time.Now().Add(-time.Hour).Unix()
	w.wantRefusal("an hour old", w.get(w.depart(again.location)), "federationStale")
	w.upstream.Said["auth_time"] = nil
	w.wantRefusal("of no known time", w.get(w.depart(again.location)), "federationStale")
	delete(w.upstream.Said, "auth_time")
	if a := w.get(w.depart(again.location)); a.location != again.location {
		t.Errorf("of now: %d %q\n%s", a.status, a.location, a.body)
	}
}

// departure is what the upstream is asked by an OpenID request, and the answer to it.
func (w *federatedWorld) departure(page string) (asked url.Values, back string) {
	w.t.Helper()
	away := w.get(strings.Replace(page, "/signin?", "/signin/upstream?", 1))
	u, err := url.Parse(away.location)
	if away.status != http.StatusSeeOther || err != nil {
		w.t.Fatalf("leave: %d %q\n%s", away.status, away.location, away.body)
	}
	return u.Query(), u.Query().Get("redirect_uri") + "?" + w.upstream.Answer(w.t, away.location).Encode()
}

// Whoever stole the cookie of a session upstream gets its word without a question.
func TestASignInUpstreamOfUnknownAgeOpensNoRegistration(t *testing.T) {
	w := newFederated(t, nil)
	w.account(upn)
	w.upstream.Said["auth_time"] = nil
	page, back := w.leave(upn)
	w.get(back)
	tokens := w.finish(page)
	if amr, _ := claimsOf(t, tokens["id_token"])["amr"].([]any); slices.Contains(amr, any("ngcmfa")) {
		t.Errorf("the sign-in says that it is new: %v", amr)
	}
	led := w.get("/security-info/prove")
	asked, back := w.departure(led.location)
	if asked.Get("prompt") != "login" || asked.Get("max_age") != "0" {
		t.Errorf("asked with %v", asked)
	}
	w.wantRefusal("still of no known time", w.get(back), "federationStale")
}

func TestAnUpstreamIsAskedAnewForAProofThatIsTooOld(t *testing.T) {
	w := newFederated(t, nil)
	id := w.account(upn)
	w.rule("Every hour", func(p *access.Policy) {
		p.Grant = nil
		p.Session = &access.SessionControls{Frequency: &access.SignInFrequency{Enabled: true, Value: 1, Type: "hours", Interval: "timeBased"}}
	})
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for _, test := range []struct {
		name          string
		first, second any
		then          string // refusal of the second answer
	}{
		{"of ten hours ago, then of now", ago(10 * time.Hour), ago(0), ""},
		{"of ten hours ago, and again", ago(10 * time.Hour), ago(10 * time.Hour), "federationStale"},
		{"of an unknown time, then of now", nil, ago(0), ""},
		{"of an unknown time, and again", nil, nil, "federationStale"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.newBrowser()
			w.upstream.Said["auth_time"] = test.first
			page, back := w.leave(upn)
			w.get(back)
			w.wantStep("after an answer that is too old", w.get(page), "federated")
			asked, back := w.departure(page)
			if age := asked.Get("max_age"); age != "3600" {
				t.Errorf("asked for a proof of the last %s s", age)
			}
			w.upstream.Said["auth_time"] = test.second
			a := w.get(back)
			if test.then != "" {
				w.wantRefusal("too old again", a, test.then)
				return
			}
			w.wantStep("with a new proof", w.get(page), "stay")
			w.finish(page)
		})
	}
	t.Run("of before all sessions were ended", func(t *testing.T) {
		w.newBrowser()
		if status, v := w.api(http.MethodPost, "/v1.0/users/"+id+"/revokeSignInSessions", w.appToken(), ""); status != http.StatusOK {
			t.Fatalf("end all sessions: %d %v", status, v)
		}
		w.upstream.Said["auth_time"] = ago(30 * time.Minute)
		page := w.authorize(nil).location
		w.post(page, url.Values{"username": {upn}})
		asked, _ := w.departure(page)
		w.newBrowser()
		nobodys := w.authorize(nil).location
		w.post(nobodys, url.Values{"username": {"nobody@fabrikam.example"}})
		if others, _ := w.departure(nobodys); others.Get("max_age") != asked.Get("max_age") || others.Get("prompt") != asked.Get("prompt") {
			t.Errorf("the way there tells who exists: %v, %v", asked, others)
		}
		w.newBrowser()
		page, back := w.leave(upn)
		if a := w.get(back); !strings.HasPrefix(a.location, "/signin/upstream?t=") {
			t.Fatalf("not sent back: %d %q\n%s", a.status, a.location, a.body)
		}
		if asked, back = w.departure(page); asked.Get("prompt") != "login" {
			t.Errorf("asked with %v", asked)
		}
		w.wantRefusal("of before it again", w.get(back), "federationStale")
		delete(w.upstream.Said, "auth_time")
		_, back = w.departure(page)
		w.get(back)
		w.wantStep("with a new proof", w.get(page), "stay")
		w.finish(page)
	})
}

// wordsOf is what a page says, without when and in which sign-in.
func wordsOf(a answer) string {
	_, text, _ := strings.Cut(a.body, "<main")
	text, _, _ = strings.Cut(text, `<p class="small">`)
	return text
}

// Anybody can type a name and bring an answer that says that nothing came of it.
func TestAFailureUpstreamTellsNobodyWhoIsDisabled(t *testing.T) {
	w := newFederated(t, nil)
	w.account(upn)
	const bea, nobody = "bea@fabrikam.example", "nobody@fabrikam.example"
	id := w.account(bea)
	w.change(http.MethodPatch, "/v1.0/users/"+id, `{"accountEnabled":false}`)
	failed := func(name string) string {
		w.newBrowser()
		page := w.authorize(nil).location
		w.post(page, url.Values{"username": {name}})
		asked, _ := w.departure(page)
		a := w.get(asked.Get("redirect_uri") + "?" + url.Values{"error": {"access_denied"}, "state": {asked.Get("state")}, "iss": {w.upstream.Issuer()}}.Encode())
		w.wantRefusal(name, a, "federationRefused")
		return strings.ReplaceAll(wordsOf(a), name, "NAME")
	}
	enabled := failed(upn)
	for _, name := range []string{bea, nobody} {
		if unlike(enabled, failed(name)) {
			t.Errorf("%s: the page is another one, not %s", name, enabled)
		}
	}
	w.upstream.Said["preferred_username"], w.upstream.Said["sub"] = bea, "bea"
	w.newBrowser()
	_, back := w.leave(bea)
	w.wantRefusal("who is disabled, with a good answer", w.get(back), "credentialRefused")
	if _, v := w.api(http.MethodGet, "/v1.0/postern/users/"+id+"/federatedIdentities", w.appToken(), ""); len(v["value"].([]any)) > 0 {
		t.Errorf("a disabled person is linked: %v", v)
	}
}

func TestAnUpstreamThatCantBeReachedIsSaidToBe(t *testing.T) {
	w := newFederated(t, nil)
	w.account(upn)
	w.upstream.Server.Close()
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {upn}})
	a := w.get(strings.Replace(page, "/signin?", "/signin/upstream?", 1))
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `data-error="federationUnreachable"`) || strings.Contains(a.body, "http-equiv") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if !strings.Contains(w.log.String(), "an identity provider can't be reached") {
		t.Error("the log does not say why")
	}
}

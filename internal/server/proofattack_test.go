package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
)

// Whoever forgot a password adds one factor to a session. The same page under another name would
// be a sign-in with one factor.
func TestOneFactorBesideASessionIsNotEnoughForSomebodyElse(t *testing.T) {
	w, _, code, _ := twoFactors(t)
	_, own := w.addPerson("noor@contoso.example")
	w.signInOwn("noor@contoso.example", own)
	for what, turn := range map[string]func(page string){
		"typed over": func(page string) { w.post(page, by("username", mira)) },
		"not you":    func(page string) { w.get(page + "&go=forget"); w.post(page, by("username", mira)) },
	} {
		page := w.get("/security-info/forgot").location
		turn(page)
		w.post(page, by("password", firstWords))
		if step := stepOf(w.get(page)); step == "stay" || step == "done" || step == "newpassword" {
			t.Errorf("%s: the password alone led to %q", what, step)
		}
		w.post(page, by("stay", "no"))
		if a := w.get("/security-info"); strings.Contains(a.body, mira) {
			t.Fatalf("%s: somebody else's own page with one factor", what)
		}
		w.post(page, by("otc", code()))
		w.wantStep(what+", with the other factor", w.get(page), "stay")
	}
}

// A sign-in that waits at the page for a new password must not outlive what an administrator does
// about it.
func TestAWaitingChangeOfPasswordEndsWithWhatItWasProvedWith(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, adminPass := w.issue(`{"isUsableOnce":false}`)
	token := w.tokenFor(adminName, adminPass, "UserAuthenticationMethod.ReadWrite.All")
	_, pass := w.addPerson(mira)
	w.enablePasswords()
	w.enableCodes()
	w.signInOwn(mira, pass)
	key := w.addApp(c.now(), totp.SHA1)
	reset := func() string {
		status, v := w.api(http.MethodPost, adminSecrets+"methods/"+password.GraphID+"/resetPassword", token, "{}")
		if status != http.StatusAccepted {
			t.Fatalf("reset: %d %v", status, v)
		}
		return v["newPassword"].(string)
	}
	drawn := reset()
	waits := func() string {
		w.newBrowser()
		page, _ := w.answers(mira, by("password", drawn))
		c.move(totp.Period)
		w.post(page, by("otc", key.Code(totp.Step(c.now()))))
		w.wantStep("both proofs", w.get(page), "newpassword")
		return page
	}
	words := url.Values{"newpassword": {secondWords}, "repeat": {secondWords}}
	page := waits()
	drawn = reset()
	w.wantFault("after another reset", w.post(page, words), "signInGone")

	page = waits()
	c.move(1)
	w.api(http.MethodPost, "/v1.0/users/"+mira+"/revokeSignInSessions", w.appToken(), "")
	w.wantFault("after all sessions were ended", w.post(page, words), "signInGone")

	page = waits()
	w.do204(http.MethodPatch, "/v1.0/users/"+mira, `{"accountEnabled":false}`)
	w.wantFault("after the account was switched off", w.post(page, words), "signInGone")
	w.do204(http.MethodPatch, "/v1.0/users/"+mira, `{"accountEnabled":true}`)
	waits() // the administrator's password is still the one
}

// Who ends all sessions of somebody ends a sign-in, too, that waits for its last answer.
func TestASignInThatWaitsEndsWithAllSessions(t *testing.T) {
	w, _, code, c := twoFactors(t)
	page, _ := w.answers(mira, by("password", firstWords), by("otc", code()))
	w.wantStep("both proofs", w.get(page), "stay")
	c.move(1)
	if status, v := w.api(http.MethodPost, "/v1.0/users/"+mira+"/revokeSignInSessions", w.appToken(), ""); status >= 300 {
		t.Fatalf("revoke: %d %v", status, v)
	}
	if a := w.post(page, by("stay", "yes")); a.status == http.StatusSeeOther || w.cookie(sessionCookie) != "" {
		t.Errorf("a session from proofs of before: %d %s", a.status, a.location)
	}
	page, _ = w.answers(mira, by("password", firstWords), by("otc", code()))
	if status, _ := w.finish(page); status != http.StatusOK {
		t.Errorf("a new sign-in: %d", status)
	}
}

// A policy that leaves a group out holds for what its people registered before, for every method:
// it is not offered, a right answer is refused, and nobody is led to add it.
func TestAGroupThatAPolicyLeavesOutUsesTheMethodNoMore(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	gus := w.createUser("gus")
	pass := w.longPass(gus)
	w.enablePasswords()
	w.enableCodes()
	w.toOwnPage("gus@contoso.example", pass)
	key := w.newKey()
	w.addKey(key)
	phone := w.addPhone()
	if a := w.post(addPassword, newPassword("", firstWords)); a.status != http.StatusSeeOther {
		t.Fatalf("set a password: %d\n%s", a.status, told(a))
	}
	app := w.addApp(c.now(), totp.SHA1)
	group := w.create("/v1.0/groups", `{"displayName":"Left out","mailEnabled":false,"mailNickname":"out","securityEnabled":true}`)
	w.do204(http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", reference(gus))
	code := func() string { c.move(totp.Period); return app.Code(totp.Step(c.now())) }
	for method, row := range map[string]struct {
		policy string
		answer func(page string) answer // a right one
	}{
		"passkey":  {"Fido2", func(page string) answer { return w.use(page+"&go=passkey", key) }},
		"password": {"Password", func(page string) answer { return w.post(page, by("password", firstWords)) }},
		"otc":      {"SoftwareOath", func(page string) answer { return w.post(page, by("otc", code())) }},
		"authenticator": {"MicrosoftAuthenticator", func(page string) answer {
			w.send(page)
			if phone.call("GET", "request", "").status == http.StatusOK {
				t.Error("the phone rings")
			}
			return w.answered(page)
		}},
	} {
		policy := strings.Replace(passwordPolicy, "/Password", "/"+row.policy, 1)
		home := w.browser
		set := func(excluded string) { w.do204(http.MethodPatch, policy, `{"excludeTargets":[`+excluded+`]}`) }
		list := func() string { page, _ := w.answers("gus@contoso.example"); return w.get(page + "&go=methods").body }
		if !strings.Contains(list(), "go="+method) {
			t.Errorf("%s is not offered at first", method)
		}
		set(`{"targetType":"group","id":"` + group + `"}`)
		if strings.Contains(list(), "go="+method) {
			t.Errorf("%s is offered", method)
		}
		if a := w.get("/security-info/add"); strings.Contains(a.body, `href="/security-info/add/`+method+`"`) {
			t.Errorf("%s can be added, says the list", method)
		}
		if a := w.get("/security-info/add/" + method); a.status != http.StatusForbidden {
			t.Errorf("%s can be added: %d %s", method, a.status, a.location)
		}
		w.newBrowser()
		page, _ := w.answers("gus@contoso.example")
		w.get(page + "&go=" + method)
		if a := row.answer(page); a.status == http.StatusSeeOther && stepOf(w.get(page)) != method {
			t.Errorf("%s: a right answer led to %q", method, stepOf(w.get(page)))
		} else if method != "authenticator" {
			w.wantFault(method, a, "credentialRefused")
		}
		set("")
		w.browser = home
	}
	// What was approved just before counts no more either.
	w.newBrowser()
	page, number := w.toPhone("gus@contoso.example")
	w.send(page)
	phone.approve(number)
	w.phonePolicy(func(p *authenticator.Policy) { p.Include[0].AuthenticationMode = authenticator.ModeUser })
	w.wantPhoneRefused(w.answered(page))
}

package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/token"
)

// twoFactors is a world in which Mira has a password and an app with codes, and no pass works.
func twoFactors(t *testing.T) (w *world, me account, code func() string, c *wrist) {
	t.Helper()
	c = &wrist{}
	w = newWorld(t, func(o *server.Options) { o.Wall = c.now })
	me = w.equip(c.now)
	_, v := w.api(http.MethodGet, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods", w.appToken(), "")
	for _, one := range v["value"].([]any) {
		w.do204(http.MethodDelete, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods/"+one.(map[string]any)["id"].(string), "")
	}
	w.newBrowser()
	return w, me, func() string { c.move(totp.Period); return me.key.Code(totp.Step(c.now())) }, c
}

func (w *world) finish(page string) (status int, tokens map[string]any) {
	w.t.Helper()
	return w.token(redeem(w.codeIn(w.get(w.post(page, by("stay", "no")).location))))
}

func TestTwoFactorsInEitherOrderAndNothingIsLostOnTheWay(t *testing.T) {
	w, _, code, _ := twoFactors(t)
	page, a := w.answers(mira, by("otc", code()))
	w.wantStep("the code was first", a, "password")
	list := w.get(page + "&go=methods")
	if !strings.Contains(list.body, mira) {
		t.Errorf("the name is lost:\n%s", told(list))
	}
	for range 3 { // back and forth
		w.get(page + "&go=methods")
		w.get(page + "&go=password")
		w.get(page + "&go=otc") // used up, and so not asked for again
	}
	w.wantStep("after much switching", w.get(page), "password")
	w.post(page, by("password", firstWords))
	if status, tokens := w.finish(page); status != http.StatusOK || !strings.Contains(strings.Join(texts(claimsOf(t, tokens["id_token"])["amr"]), " "), "mfa") {
		t.Errorf("redeem: %d %v", status, tokens)
	}
	// The place is familiar now: what was used first is asked for first, and its partner is named.
	page, a = w.answers(mira)
	w.wantStep("the next time", a, "otc")
	if list := w.get(page + "&go=methods"); strings.Contains(list.body, "go=accesspass") || !strings.Contains(list.body, "Then also: Code from an app") {
		t.Errorf("the list:\n%s", told(list))
	}
	w.wantStep("back leads to the page that one came from", w.get(page+"&go=password"), "password")
	w.get(page + "&go=methods")
	if back := w.get(page); !strings.Contains(back.body, "go=password") {
		t.Errorf("the way back:\n%s", told(back))
	}
	// The event lists both steps.
	both := 0
	for _, one := range w.signIns("0") {
		_, v := w.api(http.MethodGet, "/beta/auditLogs/signIns/"+one.(map[string]any)["id"].(string), w.appToken(), "")
		text := string(mustJSON(t, v["authenticationDetails"]))
		if strings.Contains(text, "Primary authentication") && strings.Contains(text, "Multifactor authentication") && v["authenticationRequirement"] == "multiFactorAuthentication" {
			both++
		}
	}
	if both == 0 {
		t.Errorf("no event has both steps: %s", mustJSON(t, w.signIns("0")))
	}
}

func TestOneFactorNeverOpensAnything(t *testing.T) {
	w, _, code, _ := twoFactors(t)
	_, other := w.addPerson("noor@contoso.example")
	page, _ := w.answers(mira, by("password", firstWords))
	for name, form := range map[string]url.Values{
		"the same once more": by("password", firstWords), "an answer about staying": by("stay", "yes"), "nothing": {}, "somebody else's pass": by("accesspass", other),
	} {
		a := w.post(page, form)
		if a.status == http.StatusSeeOther {
			a = w.get(page)
		}
		if strings.Contains(a.location, "resume") || w.cookie(sessionCookie) != "" || stepOf(a) == "stay" {
			t.Errorf("%s: %d %q, step %q", name, a.status, a.location, stepOf(a))
		}
	}
	// Another name begins anew: what was shown for the first counts for nothing.
	for _, form := range []url.Values{by("username", "noor@contoso.example"), by("username", mira)} {
		w.post(page, form)
		w.post(page, by("otc", code()))
		if a := w.get(page); stepOf(a) == "stay" || stepOf(a) == "done" {
			t.Errorf("%v kept the proofs: step %q", form, stepOf(a))
		}
	}
	w.get(page + "&go=forget")
	w.post(page, by("username", mira))
	w.post(page, by("password", firstWords))
	if a := w.get(page); stepOf(a) == "stay" {
		t.Error("“not you” kept the code")
	}
	if w.cookie(sessionCookie) != "" {
		t.Error("a session")
	}
}

func TestTwoWindowsAndTheBackButton(t *testing.T) {
	w, _, code, _ := twoFactors(t)
	page, _ := w.answers(mira)
	digits := code()
	// Two windows post the two factors at the same moment, each of them twice.
	var all sync.WaitGroup
	for _, form := range []url.Values{by("password", firstWords), by("otc", digits), by("password", firstWords), by("otc", digits)} {
		all.Go(func() { w.post(page, form) })
	}
	all.Wait()
	for _, form := range []url.Values{by("password", firstWords), by("otc", code())} { // whoever lost tries again
		w.post(page, form)
	}
	w.wantStep("after all that", w.get(page), "stay")
	first := w.post(page, by("stay", "no"))
	session := w.cookie(sessionCookie)
	// Back to any page, any form again: the same session.
	for _, form := range []url.Values{by("stay", "yes"), by("password", firstWords), by("otc", code()), by("username", "noor@contoso.example"), by("accesspass", "WRONGWRONG")} {
		if a := w.post(page, form); a.status != http.StatusSeeOther || a.location != first.location || w.cookie(sessionCookie) != session {
			t.Errorf("%v after success: %d %q, want %q", form, a.status, a.location, first.location)
		}
	}
	if a := w.get(page + "&go=forget"); a.location != first.location {
		t.Errorf("“not you” after success: %d %q", a.status, a.location)
	}
	if n := len(w.signIns("0")); n < 1 {
		t.Error("no event")
	}
}

func TestAMethodThatGoesBetweenTwoFactorsGivesNoSession(t *testing.T) {
	for what, change := range map[string]func(w *world){
		"removed": func(w *world) {
			for _, one := range w.softwareOaths(mira) {
				w.do204(http.MethodDelete, "/v1.0/users/"+mira+"/authentication/softwareOathMethods/"+one.(map[string]any)["id"].(string), "")
			}
		},
		"frozen": func(w *world) {
			for _, one := range w.softwareOaths(mira) {
				w.do204(http.MethodPost, "/v1.0/postern/users/"+mira+"/methods/"+one.(map[string]any)["id"].(string)+"/freeze", "")
			}
		},
		"disabled by its policy": func(w *world) {
			if err := w.server.SetMethodPolicy(w.t.Context(), w.created.TenantID, totp.PolicyID, totp.Policy{}); err != nil {
				w.t.Fatal(err)
			}
		},
		"taken off the surface": func(w *world) { w.restrict(`{"browserMethods":["password","fido2"]}`) },
	} {
		t.Run(what, func(t *testing.T) {
			w, _, code, _ := twoFactors(t)
			page, _ := w.answers(mira, by("otc", code()))
			change(w)
			w.post(page, by("password", firstWords))
			a := w.post(page, by("stay", "no"))
			if w.cookie(sessionCookie) != "" || strings.Contains(a.location, "resume") {
				t.Errorf("signed in: %d %q\n%s", a.status, a.location, told(a))
			}
		})
	}
}

func TestASignInOfAnotherTenantIsNone(t *testing.T) {
	w, _, _, _ := twoFactors(t)
	page, _ := w.answers(mira, by("password", firstWords))
	name := "__Host-postern-signin-" + strings.TrimPrefix(page, "/signin?t=")
	hold := w.cookie(name)
	w.newBrowser()
	if a := w.get(page); a.status != http.StatusBadRequest {
		t.Errorf("without the cookie: %d", a.status)
	}
	other, err := token.ParseOpaque(hold)
	if err != nil {
		t.Fatal(err)
	}
	other.Tenant = "6a1d1c9e-5a0e-4f5c-9d6b-0a6d9d1f0c11"
	text, err := other.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	w.setCookie(name, text)
	if a := w.get(page); a.status < 400 {
		t.Errorf("with another tenant in it: %d", a.status)
	}
}

var (
	ownAddress    = regexp.MustCompile(`t=[0-9a-f]{8}`)
	numberToMatch = regexp.MustCompile(`<bdi>[0-9]{2}</bdi>`) // is each transaction's own
)

func TestNoPageOfAnUnfamiliarBrowserTellsWhoHasWhat(t *testing.T) {
	w, _, _, _ := twoFactors(t)
	_, _ = w.addPerson("noor@contoso.example")
	look := func(name string) map[string]string {
		w.newBrowser()
		pages := map[string]string{}
		page := w.authorize(nil).location
		w.post(page, by("username", name))
		keep := func(what string, a answer) {
			_, main, _ := strings.Cut(a.body, "<main")
			main, _, _ = strings.Cut(main, `<p class="small">`)
			main = numberToMatch.ReplaceAllString(ownAddress.ReplaceAllString(main, "t=ID"), "<bdi>NN</bdi>")
			pages[what] = strings.ReplaceAll(main, name, "NAME")
		}
		keep("first", w.get(page))
		for _, step := range []string{"methods", "password", "otc", "accesspass", "passkey", "authenticator"} {
			keep(step, w.get(page+"&go="+step))
		}
		for _, form := range []url.Values{by("password", "falsch geraten"), by("otc", "000000"), by("accesspass", "WRONGWRONG")} {
			for field := range form {
				w.get(page + "&go=" + field)
				keep("wrong "+field, w.post(page, form))
			}
		}
		return pages
	}
	want := look("nobody.here@contoso.example")
	for _, name := range []string{mira, "noor@contoso.example"} {
		for what, page := range look(name) {
			if page != want[what] {
				t.Errorf("%s tells of %s:\n%s\nwant\n%s", what, name, page, want[what])
			}
		}
	}
}

package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

// fooled has an agent believe that an impostor is somebody: the impostor is in by the pass of the case, which is
// returned, and has a key of their own.
func (d *desk) fooled(nick string) string {
	d.t.Helper()
	path := d.opens("agent", nick)
	d.does("agent", path+"/prove", `{"kind":"inPerson"}`)
	v := d.does("issuer", path+"/issue", `{}`)
	d.newBrowser()
	d.toOwnPage(nick+"@contoso.example", v["temporaryAccessPassMethod"].(map[string]any)["temporaryAccessPass"].(string))
	d.keys[nick] = d.newKey()
	d.addKey(d.keys[nick])
	d.clock.move(time.Minute)
	return path
}

// caseOf reads a case.
func (d *desk) caseOf(path string) map[string]any {
	d.t.Helper()
	status, v := d.api(http.MethodGet, recoveryCases+path, d.appToken(), "")
	if status != http.StatusOK {
		d.t.Fatalf("%s: %d %v", path, status, v)
	}
	return v
}

func (d *desk) passesOf(nick string) int {
	d.t.Helper()
	_, v := d.api(http.MethodGet, "/v1.0/users/"+d.ids[nick]+"/authentication/temporaryAccessPassMethods", d.appToken(), "")
	return len(v["value"].([]any))
}

func TestWhoWasRecoveredSpeaksForNobodyForADayAndTheirWordFallsWithTheirCase(t *testing.T) {
	d := newDesk(t)
	x := trip{world: d.world, clock: d.clock}
	first := d.fooled("boss")
	x.newBrowser()
	number := x.ask("lost@contoso.example")
	theirs := x.browser
	yes := `{"as":"manager","caseNumber":"` + number + `"}`
	d.signInAs("boss")
	if status, code, v := d.tries("boss", "/"+number+"/approve", yes); code != "caseApproverRecovered" {
		t.Fatalf("a minute later: %d %v", status, v)
	}
	if c := d.caseOf("/" + number); c["state"] != "open" || len(c["approvals"].([]any)) != 0 {
		t.Errorf("what was refused stays: %v", c)
	}
	// A key that they add by that key is no older.
	second := d.newKey()
	x.asKey("/security-info", d.keys["boss"])
	d.addKey(second)
	d.keys["boss"] = second
	d.signInAs("boss")
	if status, code, v := d.tries("boss", "/"+number+"/approve", yes); code != "caseApproverRecovered" {
		t.Fatalf("by the next key: %d %v", status, v)
	}
	// A day later nobody has denied anything yet, and they are believed, until somebody does.
	d.clock.move(24 * time.Hour)
	d.signInAs("boss")
	d.does("boss", "/"+number+"/approve", yes)
	x.browser = theirs
	if a := x.get("/recover/case"); !strings.Contains(a.body, "Show the pass") {
		t.Fatalf("approved, and not offered: %s", told(a))
	}
	d.signInAs("agent")
	d.does("agent", first+"/dispute", `{"note":"boss called"}`)
	if c := d.caseOf("/" + number); c["state"] != "open" || c["assuranceLevel"] != "none" {
		t.Errorf("after the dispute it is %v at %v", c["state"], c["assuranceLevel"])
	}
	x.browser = theirs
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); handedPass.MatchString(a.body) {
		t.Errorf("the impostor is shown %s", handedPass.FindString(a.body))
	}
	d.signInAs("issuer")
	d.does("issuer", first+"/revert", `{}`)
	x.browser = theirs
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); handedPass.MatchString(a.body) {
		t.Errorf("after the revert the impostor is shown %s", handedPass.FindString(a.body))
	}
}

func TestAWordFallsWhenTheSessionsOfItsSpeakerAreEnded(t *testing.T) {
	d := newDesk(t)
	d.policy(`{"rules":[{"targetClass":"everyone","grants":[{"level":"low","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0}]}]}`)
	path := d.opens("agent", "lost")
	d.does("agent", path+"/prove", `{"kind":"callBack"}`)
	d.signInAs("second")
	d.does("second", path+"/approve", `{}`)
	d.clock.move(time.Second)
	if status, v := d.api(http.MethodPost, "/v1.0/users/"+d.ids["second"]+"/revokeSignInSessions", d.appToken(), ""); status != http.StatusOK {
		t.Fatalf("end the sessions: %d %v", status, v)
	}
	if status, code, v := d.tries("issuer", path+"/issue", ""); code != "caseNotApproved" {
		t.Errorf("%d %v", status, v)
	}
}

func TestAWordFallsWithTheKeyThatItWasGivenWith(t *testing.T) {
	d := newDesk(t)
	d.policy(`{"rules":[{"targetClass":"everyone","grants":[{"level":"low","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0}]}]}`)
	path := d.opens("agent", "lost")
	d.does("agent", path+"/prove", `{"kind":"callBack"}`)
	d.signInAs("second")
	d.does("second", path+"/approve", `{}`)
	if v := d.caseOf(path); v["missingApprovals"] != 0.0 {
		t.Fatalf("not approved: %v", v)
	}
	d.removeAll("second")
	if v := d.caseOf(path); v["missingApprovals"] != 1.0 {
		t.Errorf("the key is gone, and the word stands: %v", v)
	}
}

// removeAll removes every method of somebody that an administrator can.
func (w *world) removeAllOf(user string) {
	w.t.Helper()
	app := w.appToken()
	_, v := w.api(http.MethodGet, "/v1.0/users/"+user+"/authentication/methods", app, "")
	for _, one := range v["value"].([]any) {
		m := one.(map[string]any)
		kind := strings.TrimSuffix(strings.TrimPrefix(m["@odata.type"].(string), "#microsoft.graph."), "AuthenticationMethod")
		if status, v := w.api(http.MethodDelete, "/v1.0/users/"+user+"/authentication/"+kind+"Methods/"+m["id"].(string), app, ""); status != http.StatusNoContent {
			w.t.Fatalf("remove %s: %d %v", kind, status, v)
		}
	}
}

func (d *desk) removeAll(nick string) { d.removeAllOf(d.ids[nick]) }

func TestWhatAnImpostorIssuedOrApprovedEndsWithTheirCase(t *testing.T) {
	d := newDesk(t)
	d.policy(`{"rules":[{"targetClass":"everyone","grants":[{"level":"low","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0},{"level":"medium","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":0,"coolDownInMinutes":0}]}]}`)
	d.signInAs("issuer")
	before := func(nick string) {
		if status, v := d.api(http.MethodPost, "/v1.0/users/"+d.ids[nick]+"/authentication/temporaryAccessPassMethods", d.tokens["issuer"], `{}`); status != http.StatusCreated {
			t.Fatalf("issue: %d %v", status, v)
		}
	}
	before("stranger")
	first := d.fooled("boss")
	d.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.AuthenticationAdministrator)+`","principalId":"`+d.ids["boss"]+`","directoryScopeId":"/"}`)
	d.clock.move(25 * time.Hour)
	d.signInAs("boss")
	if status, v := d.api(http.MethodPost, "/v1.0/users/"+d.ids["mate"]+"/authentication/temporaryAccessPassMethods", d.tokens["boss"], `{}`); status != http.StatusCreated {
		t.Fatalf("issue: %d %v", status, v)
	}
	d.signInAs("issuer")
	before("peer")
	d.signInAs("agent")
	path := d.opens("agent", "lost")
	d.does("agent", path+"/prove", `{"kind":"callBack"}`)
	d.does("boss", path+"/approve", `{}`)
	d.does("issuer", path+"/issue", `{}`)
	if d.passesOf("mate") != 1 || d.passesOf("lost") != 1 {
		t.Fatal("the impostor let nobody have a pass")
	}
	d.signInAs("root")
	d.does("root", first+"/dispute", `{}`)
	if d.passesOf("mate") != 0 || d.passesOf("lost") != 0 {
		t.Errorf("after the dispute: mate %d, lost %d", d.passesOf("mate"), d.passesOf("lost"))
	}
	if d.passesOf("peer") != 1 { // by somebody else
		t.Error("a pass of others went, too")
	}
	if c := d.caseOf(path); c["state"] != "cancelled" {
		t.Errorf("the other case is %v", c["state"])
	}
	_, v := d.api(http.MethodGet, recoveryCases+first+"/timeline", d.appToken(), "")
	listed := 0
	for _, one := range v["value"].([]any) {
		if one.(map[string]any)["activityDisplayName"] == "Temporary access pass removed" {
			listed++
		}
	}
	if listed != 2 {
		t.Errorf("the timeline of the denied case lists %d of the two", listed)
	}
}

func TestWhatAnAgentAttestedFallsWithTheirRole(t *testing.T) {
	d := newDesk(t)
	path := d.opens("agent", "lost")
	for _, kind := range []string{"inPerson", "video", "callBack"} {
		d.does("agent", path+"/prove", `{"kind":"`+kind+`"}`)
	}
	_, v := d.api(http.MethodGet, "/v1.0/roleManagement/directory/roleAssignments?$filter=principalId%20eq%20'"+d.ids["agent"]+"'", d.appToken(), "")
	d.change(http.MethodDelete, "/v1.0/roleManagement/directory/roleAssignments/"+v["value"].([]any)[0].(map[string]any)["id"].(string), "")
	if status, code, v := d.tries("issuer", path+"/issue", ""); code != "caseNotProven" {
		t.Errorf("%d %v", status, v)
	}
}

func TestACallToANumberThatWentShowsNothing(t *testing.T) {
	for _, number := range []string{`""`, `"+49 30 7654321"`} {
		d := newDesk(t)
		path := d.opens("agent", "lost")
		d.does("agent", path+"/prove", `{"kind":"callBack"}`)
		d.clock.move(time.Second)
		d.change(http.MethodPatch, "/v1.0/users/"+d.ids["lost"], `{"mobilePhone":`+number+`}`)
		if status, code, v := d.tries("issuer", path+"/issue", ""); code != "caseNotProven" {
			t.Errorf("%s: %d %v", number, status, v)
		}
	}
}

func TestACodeByAnAddressThatWentShowsNothing(t *testing.T) {
	x := onATrip(t)
	x.selfService("production")
	x.newBrowser()
	x.ask("sam@contoso.example")
	x.post("/recover/case", url.Values{"ask": {"mail"}})
	if a := x.post("/recover/case", url.Values{"code": {x.linked(codeInMail)}}); a.location != "/recover/case" {
		t.Fatalf("the code: %d %s", a.status, a.location)
	}
	x.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"otherMails":[]}`)
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); handedPass.MatchString(a.body) {
		t.Errorf("shown: %s", handedPass.FindString(a.body))
	}
}

func TestANumberOnAPhoneThatWasTakenAwayShowsNothing(t *testing.T) {
	for name, lose := range map[string]func(x trip){
		"the phone is removed": func(x trip) { x.removeAllOf(x.sam) },
		"the sessions are ended": func(x trip) {
			if status, v := x.api(http.MethodPost, "/v1.0/users/"+x.sam+"/revokeSignInSessions", x.appToken(), ""); status != http.StatusOK {
				t.Fatalf("%d %v", status, v)
			}
		},
	} {
		c := &wrist{}
		w := newPhoneWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
		x := trip{world: w, clock: c}
		var p *phone
		x.sam, p = w.phonePerson("sam")
		c.move(time.Hour)
		x.selfService("production")
		x.ask("sam@contoso.example")
		p.approve(x.askPhone())
		x.matched()
		if a := x.get("/recover/case"); !strings.Contains(a.body, "Show the pass") {
			t.Fatalf("nothing was shown: %s", told(a))
		}
		c.move(time.Second)
		lose(x)
		if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); handedPass.MatchString(a.body) {
			t.Errorf("%s: shown %s", name, handedPass.FindString(a.body))
		}
	}
}

func TestALinkToAPassOpensForNobodyWhoIsTheManagerNoMore(t *testing.T) {
	x := onATrip(t)
	otto, _ := x.person("otto")
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	x.asKey(x.linked(linkToApprove), x.key)
	x.post(x.linked(linkToApprove), url.Values{"answer": {"yes"}, "number": {number}, "way": {"me"}})
	x.change(http.MethodPut, "/v1.0/users/"+x.sam+"/manager/$ref", reference(otto))
	code := x.linked(linkToOpen)
	open := func() answer {
		if a := x.post("/recover/open", url.Values{"code": {code}}); !strings.Contains(a.body, `data-error="handoverOver"`) {
			t.Errorf("who has the link is told %s", told(a))
		}
		return x.post("/recover/open/now", url.Values{"open": {"yes"}})
	}
	if a := open(); handedPass.MatchString(a.body) {
		t.Errorf("who was the manager: %d %s", a.status, handedPass.FindString(a.body))
	}
	x.change(http.MethodPut, "/v1.0/users/"+x.sam+"/manager/$ref", reference(x.mira))
	if a := open(); handedPass.MatchString(a.body) {
		t.Errorf("the link was not void: %d", a.status)
	}
	_, v := x.api(http.MethodGet, recoveryCases+"/"+number+"/timeline", x.appToken(), "")
	logged := false
	for _, one := range v["value"].([]any) {
		logged = logged || one.(map[string]any)["resultReason"] == "The reader is not the manager any more"
	}
	if !logged {
		t.Errorf("not in the log: %v", v["value"])
	}
}

func TestTheAnswerOfAServiceThatIsAskedNoMoreShowsNothing(t *testing.T) {
	for name, change := range map[string]func(p prover) (int, map[string]any){
		"removed": func(p prover) (int, map[string]any) {
			return p.api(http.MethodDelete, webhooksAt+"/"+p.id, p.appToken(), "")
		},
		"switched off": func(p prover) (int, map[string]any) {
			return p.api(http.MethodPatch, webhooksAt+"/"+p.id, p.appToken(), `{"isEnabled":false}`)
		},
	} {
		x := onATrip(t)
		x.selfService("production")
		p := x.prover()
		x.newBrowser()
		number := x.ask("sam@contoso.example")
		x.post("/recover/case", url.Values{"ask": {"external"}})
		caseID, ask := p.asked()
		if status, code := p.answer(p.key, x.clock.now(), answerBody(caseID, ask, "proved", "medium", number)); status != http.StatusNoContent {
			t.Fatalf("the answer: %d %s", status, code)
		}
		if a := x.get("/recover/case"); !strings.Contains(a.body, "Show the pass") {
			t.Fatalf("nothing was shown: %s", told(a))
		}
		if status, v := change(p); status/100 != 2 {
			t.Fatalf("%s: %d %v", name, status, v)
		}
		if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); handedPass.MatchString(a.body) {
			t.Errorf("%s: shown %s", name, handedPass.FindString(a.body))
		}
	}
}

// TestWhoWasRecoveredSaysWhoAsksForADayAsNoAgentEither, whatever they signed in with: an agent's word takes no proof that
// resists phishing.
func TestWhoWasRecoveredSaysWhoAsksForADayAsNoAgentEither(t *testing.T) {
	d := newDesk(t)
	own := d.keys["boss"]
	d.fooled("boss")
	impostor := d.browser
	d.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.HelpdeskAdministrator)+`","principalId":"`+d.ids["boss"]+`","directoryScopeId":"/"}`)
	d.signInAs("agent")
	path := d.opens("agent", "lost")
	refused := func(how string) {
		t.Helper()
		if status, code, v := d.tries("boss", path+"/prove", `{"kind":"inPerson"}`); code != "caseApproverRecovered" {
			t.Errorf("%s: %d %v", how, status, v)
		}
	}
	d.signInAs("boss")
	refused("by the key of the recovery")
	d.browser = impostor
	a := d.authorize(url.Values{"scope": {"openid UserAuthenticationMethod.ReadWrite.All"}})
	status, v := d.token(redeem(d.codeIn(a)))
	if status != http.StatusOK {
		t.Fatalf("by the pass: %d %v", status, v)
	}
	d.tokens["boss"] = v["access_token"].(string)
	refused("by the pass itself")
	if c := d.caseOf(path); c["assuranceLevel"] != "none" {
		t.Errorf("what was refused shows %v", c["assuranceLevel"])
	}
	theirs := d.keys["boss"]
	d.keys["boss"] = own
	d.signInAs("boss")
	d.does("boss", path+"/prove", `{"kind":"callBack"}`)
	d.keys["boss"] = theirs
	d.clock.move(24 * time.Hour)
	d.signInAs("agent")
	d.signInAs("boss")
	d.does("boss", d.opens("agent", "stranger")+"/prove", `{"kind":"inPerson"}`)
}

package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
	"github.com/postern-id/postern/internal/server"
)

const recoveryCases = "/v1.0/postern/recovery/cases"

// A desk is an organisation with a helpdesk, and people who call it.
type desk struct {
	*world
	clock  *wrist
	ids    map[string]string
	keys   map[string]*passkeytest.Authenticator
	tokens map[string]string
}

// newDesk has lost, who calls; boss, their manager; peer and mate of their department; agent, who
// answers; issuer and second, who may issue; root and crown, who may for everybody; chief, who
// holds the highest role.
func newDesk(t *testing.T, set ...func(*server.Options)) *desk {
	t.Helper()
	d := &desk{clock: &wrist{}, ids: map[string]string{}, keys: map[string]*passkeytest.Authenticator{}, tokens: map[string]string{}}
	d.world = newKeyWorld(t, append(set, func(o *server.Options) { o.Wall = d.clock.now })...)
	for _, nick := range []string{"boss", "peer", "mate", "agent", "issuer", "second", "root", "crown"} {
		d.ids[nick], d.keys[nick] = d.person(nick)
	}
	for _, nick := range []string{"lost", "chief", "stranger"} {
		d.ids[nick] = d.createUser(nick)
	}
	for nick, role := range map[string]directory.RoleID{
		"agent": directory.HelpdeskAdministrator, "issuer": directory.AuthenticationAdministrator, "second": directory.AuthenticationAdministrator,
		"root": directory.PrivilegedAuthenticationAdministrator, "crown": directory.PrivilegedAuthenticationAdministrator, "chief": directory.GlobalAdministrator,
	} {
		d.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(role)+`","principalId":"`+d.ids[nick]+`","directoryScopeId":"/"}`)
	}
	d.change(http.MethodPatch, "/v1.0/users/"+d.ids["lost"], `{"mobilePhone":"+49 30 1234567","department":"Sales"}`)
	for _, nick := range []string{"peer", "mate"} {
		d.change(http.MethodPatch, "/v1.0/users/"+d.ids[nick], `{"department":"Sales"}`)
	}
	d.change(http.MethodPut, "/v1.0/users/"+d.ids["lost"]+"/manager/$ref", reference(d.ids["boss"]))
	d.policy(`{"contactChangeDelayInHours":0,"approvalLifetimeInMinutes":5,"proofLifetimeInMinutes":30}`)
	return d
}

func (d *desk) policy(change string) {
	d.t.Helper()
	if status, v := d.api(http.MethodPatch, "/v1.0/postern/recovery/policy", d.appToken(), change); status != http.StatusOK {
		d.t.Fatalf("policy: %d %v", status, v)
	}
}

// signInAs signs somebody in with their passkey.
func (d *desk) signInAs(nick string) {
	d.t.Helper()
	d.newBrowser()
	page := d.authorize(url.Values{"scope": {"openid User.Read UserAuthenticationMethod.ReadWrite UserAuthenticationMethod.ReadWrite.All"}}).location
	if done := d.use(page, d.keys[nick]); done.status != http.StatusSeeOther {
		d.t.Fatalf("%s: %d\n%s", nick, done.status, done.body)
	}
	status, v := d.token(redeem(d.codeIn(d.get(d.post(page, url.Values{"stay": {"no"}}).location))))
	if status != http.StatusOK {
		d.t.Fatalf("%s: %d %v", nick, status, v)
	}
	d.tokens[nick] = v["access_token"].(string)
}

// tries sends a step of a case by somebody, and returns the status and the code of the refusal.
func (d *desk) tries(nick, path, body string) (status int, code string, v map[string]any) {
	d.t.Helper()
	if d.tokens[nick] == "" {
		d.signInAs(nick)
	}
	status, v = d.api(http.MethodPost, recoveryCases+path, d.tokens[nick], body)
	return status, innerCode(v), v
}

func innerCode(v map[string]any) string {
	e, _ := v["error"].(map[string]any)
	inner, _ := e["innerError"].(map[string]any)
	code, _ := inner["code"].(string)
	if details, ok := e["details"].([]any); ok && len(details) > 0 {
		code, _ = details[0].(map[string]any)["code"].(string)
	}
	return code
}

func (d *desk) does(nick, path, body string) map[string]any {
	d.t.Helper()
	status, _, v := d.tries(nick, path, body)
	if status/100 != 2 {
		d.t.Fatalf("%s %s: %d %v", nick, path, status, v)
	}
	return v
}

func (d *desk) opens(nick, user string) (path string) {
	d.t.Helper()
	v := d.does(nick, "", `{"userId":"`+d.ids[user]+`","channel":"phone","lost":["phoneLost"]}`)
	return "/" + v["number"].(string)
}

// failures are how often the log has a refusal with a code.
func (d *desk) failures(code string) int {
	d.t.Helper()
	status, v := d.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$top=500&$filter="+url.QueryEscape("result eq 'failure'"), d.appToken(), "")
	if status != http.StatusOK {
		d.t.Fatalf("audits: %d %v", status, v)
	}
	n := 0
	for _, one := range v["value"].([]any) {
		e := one.(map[string]any)
		if e["result"] == "failure" && strings.Contains(fmt.Sprint(e["additionalDetails"]), "value:"+code+"]") {
			n++
		}
	}
	return n
}

func TestFraudAtTheHelpdeskIsRefusedAndSeen(t *testing.T) {
	d := newDesk(t)
	a, b, c := d.opens("agent", "lost"), "", ""
	for _, x := range []struct {
		name, who, path, body, want string
		before                      func()
	}{
		{name: "a case for oneself", who: "agent", body: `{"userId":"` + d.ids["agent"] + `","channel":"phone"}`, want: "notForYourself"},
		{name: "a case for somebody stronger", who: "agent", body: `{"userId":"` + d.ids["chief"] + `","channel":"phone"}`, want: "targetProtected"},
		{name: "a manager who is none", who: "peer", body: `{"userId":"` + d.ids["lost"] + `","channel":"chat","openedAs":"manager"}`, want: "caseNotManager"},
		{name: "somebody without a role opens one", who: "peer", body: `{"userId":"` + d.ids["lost"] + `","channel":"chat"}`, want: "notAllowed"},
		{name: "an agent says that they are the person", who: "agent", body: `{"userId":"` + d.ids["lost"] + `","channel":"chat","openedAs":"self"}`, want: "caseInvalid"},
		{name: "a pass without any proof", who: "issuer", path: a + "/issue", want: "caseNotProven"},
		{name: "an agent says what only the person can show", who: "agent", path: a + "/prove", body: `{"kind":"numberMatch"}`, want: "caseProofKind"},
		{name: "an agent says what only the manager can", who: "agent", path: a + "/prove", body: `{"kind":"manager"}`, want: "caseProofKind"},
		{name: "a call back to a number that was changed just before", who: "agent", path: a + "/prove", body: `{"kind":"callBack"}`, want: "caseContactFresh", before: func() {
			d.policy(`{"contactChangeDelayInHours":168}`)
			d.change(http.MethodPatch, "/v1.0/users/"+d.ids["lost"], `{"mobilePhone":"+1 555 0100"}`)
		}},
		{name: "a call back to a number that is not on file", who: "agent", path: a + "/prove", body: `{"kind":"callBack","contact":"businessPhones"}`, want: "caseContactFresh"},
		{name: "a manager who is one since a moment", who: "boss", path: a + "/approve", body: `{"as":"manager"}`, want: "caseNotManager"},
		{name: "a colleague who came to the department a moment ago", who: "peer", path: a + "/vouch", want: "caseNotColleague"},
		{name: "a stranger vouches", who: "second", path: a + "/vouch", want: "caseNotColleague", before: func() { d.policy(`{"contactChangeDelayInHours":0}`) }},
		{name: "one colleague vouches twice", who: "peer", path: a + "/vouch", want: "caseTwice", before: func() { d.does("peer", a+"/vouch", "") }},
		{name: "one colleague is not two", who: "issuer", path: a + "/issue", want: "caseNotProven"},
		{name: "a manager who signed in by a pass", who: "byPass", path: a + "/approve", body: `{"as":"manager"}`, want: "caseApproverSignIn", before: func() {
			d.tokens["byPass"] = d.tokenFor("boss@contoso.example", d.longPass(d.ids["boss"]), "UserAuthenticationMethod.ReadWrite")
		}},
		{name: "a manager who signed in long ago", who: "boss", path: a + "/approve", body: `{"as":"manager"}`, want: "caseApproverSignIn", before: func() {
			d.signInAs("boss")
			d.clock.move(11 * time.Minute)
		}},
		{name: "the agent approves what they opened", who: "agent", path: a + "/approve", want: "notAllowed", before: func() { d.signInAs("agent") }},
		{name: "an issuer approves what they opened", who: "issuer", path: "b/approve", want: "caseOwnRequest", before: func() {
			d.signInAs("issuer")
			b = d.opens("issuer", "lost")
		}},
		{name: "who approved says who asks, too", who: "second", path: "b/prove", body: `{"kind":"inPerson"}`, want: "caseOwnRequest", before: func() {
			d.signInAs("second")
			d.does("second", b+"/approve", "")
		}},
		{name: "more than the level is good for", who: "issuer", path: "b/issue", body: `{"lifetimeInMinutes":480}`, want: "caseGrant", before: func() {
			d.does("agent", b+"/prove", `{"kind":"callBack"}`)
		}},
		{name: "many uses at a low level", who: "issuer", path: "b/issue", body: `{"isUsableOnce":false}`, want: "caseGrant"},
		{name: "a pass by who may only answer the phone", who: "agent", path: "b/issue", want: "notAllowed"},
		{name: "a second pass for one case", who: "second", path: "b/issue", want: "casePass", before: func() {
			d.signInAs("second")
			d.does("issuer", b+"/issue", "")
		}},
		{name: "another proof once the pass is out", who: "agent", path: "b/prove", body: `{"kind":"inPerson"}`, want: "caseState"},
		{name: "another case of the person, after one had its pass", who: "agent", path: a + "/prove", body: `{"kind":"inPerson"}`, want: "caseState"},
		{name: "a disputed case goes on", who: "issuer", path: "b/cancel", want: "caseDisputed", before: func() { d.does("agent", b+"/dispute", `{"note":"She called: it was not her."}`) }},
		{name: "a disputed case gets another pass", who: "second", path: "b/issue", want: "caseDisputed"},
		{name: "the issuer lifts the dispute of their own pass", who: "issuer", path: "b/release", want: "caseOwnRequest"},
		{name: "who approved lifts the dispute", who: "second", path: "b/release", want: "caseOwnRequest"},
		{name: "an agent reverts without the role", who: "agent", path: "b/revert", want: "notAllowed"},
		{name: "a privileged account without an approval", who: "root", path: "c/issue", want: "caseNotApproved", before: func() {
			d.signInAs("root")
			c = d.opens("root", "chief")
			d.policy(`{"rules":[{"targetClass":"privileged","grants":[{"level":"medium","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0}]}]}`)
			d.does("root", c+"/prove", `{"kind":"inPerson"}`)
		}},
		{name: "a weaker administrator approves for a stronger one", who: "second", path: "c/approve", want: "targetProtected"},
		{name: "who approved a privileged account issues it, too", who: "crown", path: "c/issue", want: "caseSecondPerson", before: func() {
			d.signInAs("crown")
			d.does("crown", c+"/approve", "")
		}},
		{name: "an approval that has run out", who: "root", path: "c/issue", want: "caseNotApproved", before: func() { d.clock.move(6 * time.Minute) }},
		{name: "before the time to object is over", who: "root", path: "c/issue", want: "caseCoolDown", before: func() {
			d.policy(`{"rules":[{"targetClass":"privileged","grants":[{"level":"medium","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":60}]}]}`)
			d.signInAs("crown")
			d.does("crown", c+"/approve", "")
		}},
		{name: "at night", who: "root", path: "c/issue", want: "caseOutOfHours", before: func() {
			day := strings.ToLower(d.clock.now().Add(48 * time.Hour).Weekday().String())
			d.policy(`{"outOfHours":"refuse","workingHours":{"days":["` + day + `"],"from":"08:00","to":"18:00"}}`)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			d.t = t
			if x.before != nil {
				x.before()
			}
			path := strings.Replace(strings.Replace(x.path, "b/", b+"/", 1), "c/", c+"/", 1)
			seen := d.failures(x.want)
			status, code, v := d.tries(x.who, path, x.body)
			if status/100 != 4 || code != x.want {
				t.Fatalf("got %d %s, want %s: %v", status, code, x.want, v)
			}
			if n := d.failures(x.want) - seen; n != 1 {
				t.Errorf("the log has %d refusals with %s, want 1", n, x.want)
			}
		})
	}
	d.t = t
	d.policy(`{"workingHours":null,"outOfHours":"allow"}`)
	d.issuesOnce()
	d.does("second", b+"/revert", `{"note":"An impostor."}`)
	_, v := d.api(http.MethodGet, recoveryCases+b+"/timeline", d.appToken(), "")
	var told []string
	for _, one := range v["value"].([]any) {
		e := one.(map[string]any)
		if e["result"] == "success" {
			told = append(told, e["activityDisplayName"].(string))
		}
	}
	for _, want := range []string{"Open recovery case", "Prove identity in recovery case", "Issue pass for recovery case", "Dispute recovery case", "Revert recovery case"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("the story lacks %q: %q", want, told)
		}
	}
}

// issuesOnce has two administrators issue for one case at the same moment, many times.
func (d *desk) issuesOnce() {
	d.t.Helper()
	path := d.opens("agent", "lost")
	d.does("agent", path+"/prove", `{"kind":"inPerson"}`)
	var all sync.WaitGroup
	won := make([]bool, 8)
	for i := range won {
		token := d.tokens[[]string{"issuer", "second"}[i%2]]
		all.Go(func() {
			r := d.request(http.MethodPost, recoveryCases+path+"/issue", strings.NewReader("{}"))
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/json")
			won[i] = d.do(r).status == http.StatusOK
		})
	}
	all.Wait()
	n := 0
	for _, ok := range won {
		if ok {
			n++
		}
	}
	if n != 1 {
		d.t.Errorf("%d of %d got the pass of one case, want 1", n, len(won))
	}
}

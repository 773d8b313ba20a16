package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/signin"
)

const recoveryDrills = "/v1.0/postern/recovery/drills"

// startDrill asks a person to practise, and returns the id of the drill and the practice pass.
func (w *world) startDrill(user, where string) (id, pass string) {
	w.t.Helper()
	status, v := w.api(http.MethodPost, recoveryDrills, w.appToken(), `{"userId":"`+user+`","where":"`+where+`"}`)
	if status != http.StatusCreated {
		w.t.Fatalf("start: %d %v", status, v)
	}
	return v["id"].(string), v["practicePass"].(string)
}

// practised returns how the only practice of a drill stands.
func (w *world) practised(drill string) map[string]any {
	w.t.Helper()
	status, v := w.api(http.MethodGet, recoveryDrills+"/"+drill+"/people", w.appToken(), "")
	if status != http.StatusOK || len(v["value"].([]any)) != 1 {
		w.t.Fatalf("people: %d %v", status, v)
	}
	return v["value"].([]any)[0].(map[string]any)
}

// holdings is all that somebody could sign in with or be signed in by, as it stands in the database.
func (w *world) holdings() string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var all strings.Builder
	for _, what := range []string{
		"tap", "session", "credential", "session_credential", "pin_container", "token_family", "single_use_token", "familiar_place", "phone_enrolment",
	} {
		if err := writeTable(w.t.Context(), &all, db, what); err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
	}
	return all.String()
}

func writeTable(ctx context.Context, to io.Writer, db *sql.DB, name string) error {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+name+" ORDER BY 1, 2, 3")
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		fmt.Fprintf(to, "%s %v\n", name, row)
	}
	return rows.Err()
}

func TestAPracticePassOpensNothing(t *testing.T) {
	w := newWorld(t)
	const name, other = "mira@contoso.example", "noah@contoso.example"
	_, pass := w.addPerson(name)
	w.addPerson(other)
	p := withPINs(w, name, pass, tpmtest.New(t))
	w.passForOnly(w.userID(name), "general", "") // a one-time pass that has to be there afterwards
	drill, practice := w.startDrill(name, "anywhere")
	if !strings.HasPrefix(practice, "PRACTICE-") {
		t.Fatalf("the practice pass is %q", practice)
	}
	before := w.holdings()

	for where, page := range map[string]func() answer{
		"an application": func() answer { return w.typed(name, practice) },
		"small letters and spaces": func() answer {
			return w.typed(name, " "+strings.ToLower(strings.ReplaceAll(practice, "-", " "))+" ")
		},
		"the own pages":   func() answer { return w.signIn(w.get("/security-info").location, name, practice) },
		"the console":     func() answer { return w.signIn(w.get(w.get("/console/").location).location, name, practice) },
		"the lock screen": func() answer { return p.atLock(p.joined.DeviceID, name, practice) },
		"a device code": func() answer {
			return w.signIn(w.enter(w.askDevice("organizations")["user_code"]).location, name, practice)
		},
	} {
		t.Run(where, func(t *testing.T) {
			w.newBrowser()
			a := page()
			if a.status == http.StatusSeeOther || !strings.Contains(a.body, `data-step="practice"`) && !strings.Contains(a.body, `data-error="credentialRefused"`) {
				t.Errorf("%d\n%s", a.status, told(a))
			}
			if w.cookie("__Host-postern-session") != "" {
				t.Error("the browser has a session")
			}
			if again := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(again.location, "login_required") {
				t.Errorf("the browser is signed in: %s", again.location)
			}
		})
	}
	t.Run("where it was typed the sign-in is where it was", func(t *testing.T) {
		w.newBrowser()
		page := w.authorize(nil).location
		w.post(page, url.Values{"username": {name}})
		w.post(page, url.Values{"accesspass": {practice}})
		for _, form := range []url.Values{{"stay": {"no"}}, {"stay": {"yes"}}} {
			if a := w.post(page, form); strings.Contains(a.location, "code=") || strings.Contains(a.location, "s=") {
				t.Errorf("%v: %d %s", form, a.status, a.location)
			}
		}
		if a := w.get(page); !strings.Contains(a.body, `data-step="accesspass"`) {
			t.Errorf("the page is\n%s", told(a))
		}
	})
	t.Run("a text console", func(t *testing.T) {
		joining := webSignIn("")
		joining.Del("device_id")
		m := newMachine(w)
		_, first := m.signInStep(device.SignInRequest{Request: m.push(joining), Username: name})
		a, out := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: practice})
		if a.status == http.StatusOK || out.Redirect != "" {
			t.Errorf("to join: %d %s", a.status, a.body)
		}
	})
	t.Run("as a token", func(t *testing.T) {
		if status, _ := w.api(http.MethodGet, "/v1.0/me", practice, ""); status != http.StatusUnauthorized {
			t.Errorf("Graph: %d", status)
		}
	})
	t.Run("somebody else", func(t *testing.T) {
		w.newBrowser()
		w.wantFault("another person", w.typed(other, practice), "credentialRefused")
		w.newBrowser()
		w.wantFault("nobody", w.typed("nobody@contoso.example", practice), "credentialRefused")
		w.newBrowser()
		w.wantFault("another one", w.typed(name, "PRACTICE-AAAA-AAAA-AAAA"), "credentialRefused")
	})
	if after := w.holdings(); after != before {
		t.Errorf("what people hold changed:\n%s\nwas\n%s", after, before)
	}
	if got := w.practised(drill); got["state"] != "passed" {
		t.Errorf("the practice is %v", got)
	}
}

// TestAPracticePassThatIsStoppedGivesNoTryBack: else who may have one could guess passes without end, with a practice between.
func TestAPracticePassThatIsStoppedGivesNoTryBack(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	w.addPerson(name)
	_, practice := w.startDrill(w.userID(name), "lockScreen")
	for range 5 {
		w.newBrowser()
		w.wantFault("a guess", w.typed(name, "ABCDEFGH"), "credentialRefused")
		w.newBrowser()
		if a := w.typed(name, practice); stepsTold(a)["place"] != "failed" {
			t.Fatalf("the practice pass: %d\n%s", a.status, told(a))
		}
	}
	w.newBrowser()
	w.wantFault("after ten tries", w.typed(name, practice), "credentialRefused")
}

// TestWhichRuleStoppedAPracticeIsToldToTheHelpdeskOnly also at a text console, where no page hides what the steps say.
func TestWhichRuleStoppedAPracticeIsToldToTheHelpdeskOnly(t *testing.T) {
	w := newWorld(t)
	const name, rule = "mira@contoso.example", "Nobody from abroad"
	w.addPerson(name)
	w.rule(rule, func(p *access.Policy) {
		p.Conditions.Applications = access.Applications{UserActions: []string{access.RegisterDevice}}
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.Block}}
	})
	drill, practice := w.startDrill(w.userID(name), "anywhere")
	joining := webSignIn("")
	joining.Del("device_id")
	m := newMachine(w)
	_, first := m.signInStep(device.SignInRequest{Request: m.push(joining), Username: name})
	a, _ := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: practice})
	if a.status == http.StatusOK || !strings.Contains(a.body, "practiceFailed") || !strings.Contains(a.body, signin.ErrBlocked.Text) || strings.Contains(a.body, rule) {
		t.Errorf("at the console: %d %s", a.status, a.body)
	}
	got := w.practised(drill)
	if why, _ := got["why"].(string); got["failedStep"] != "rules" || !strings.Contains(why, rule) || !strings.Contains(why, signin.ErrBlocked.Text) {
		t.Errorf("the report says %v", got)
	}
}

// Beside a practice: whoever proved who they are is told the name of the rule, at a console as on a page, so that they
// can tell the helpdesk; nobody is before.
func TestATextConsoleNamesARuleToWhoProvedWhoTheyAreOnly(t *testing.T) {
	w := newWorld(t)
	const name, rule = "mira@contoso.example", "Nobody from abroad"
	_, pass := w.addPerson(name)
	w.rule(rule, func(p *access.Policy) {
		p.Conditions.Applications = access.Applications{UserActions: []string{access.RegisterDevice}}
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.Block}}
	})
	joining := webSignIn("")
	joining.Del("device_id")
	m := newMachine(w)
	begun, first := m.signInStep(device.SignInRequest{Request: m.push(joining), Username: name})
	wrong, _ := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: "WRONGWRONG"})
	if strings.Contains(begun.body+wrong.body, rule) || !strings.Contains(wrong.body, "credentialRefused") {
		t.Errorf("before a proof: %s\n%s", begun.body, wrong.body)
	}
	a, _ := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: pass})
	if a.status == http.StatusOK || !strings.Contains(a.body, signin.ErrBlocked.Code) || !strings.Contains(a.body, rule) {
		t.Errorf("after it: %d %s", a.status, a.body)
	}
}

var stepOfPractice = regexp.MustCompile(`data-result="(\w+)" data-name="(\w+)"`)

// stepsTold are the steps of a page about a rehearsal, by name.
func stepsTold(a answer) map[string]string {
	all := map[string]string{}
	for _, m := range stepOfPractice.FindAllStringSubmatch(a.body, -1) {
		all[m[2]] = m[1]
	}
	return all
}

func TestADrillSaysWhatWouldHaveWorkedAndWhatNot(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	mira := w.userID(name)
	p := withPINs(w, name, pass, tpmtest.New(t))
	drill, practice := w.startDrill(mira, "lockScreen")

	w.newBrowser()
	if got := stepsTold(w.typed(name, practice)); got["place"] != "failed" || got["rules"] != "passed" {
		t.Errorf("in a browser: %v", got)
	}
	if got := w.practised(drill); got["state"] != "failed" || got["failedStep"] != "place" {
		t.Errorf("after the browser it is %v", got)
	}
	w.setPolicy(`{"state":"disabled"}`)
	if got := stepsTold(p.atLock(p.joined.DeviceID, name, practice)); got["issue"] != "failed" {
		t.Errorf("with passes switched off: %v", got)
	}
	w.setPolicy(`{"state":"enabled","postern_identityCheck":"required"}`) // a check is left to whoever issues
	if got := stepsTold(p.atLock(p.joined.DeviceID, name, practice)); got["issue"] != "passed" || got["place"] != "passed" || got["device"] != "failed" {
		t.Errorf("at a device that never reported: %v", got)
	}
	p.reportHealthy()
	w.newBrowser()
	page := p.atLock(p.joined.DeviceID, name, practice)
	if got := stepsTold(page); len(got) != 6 || got["pin"] != "passed" || got["key"] != "notTried" || !strings.Contains(page.body, "It would have worked") {
		t.Errorf("at the lock screen: %v\n%s", got, told(page))
	}
	got := w.practised(drill)
	if got["state"] != "passed" || got["failedStep"] != nil || got["deviceDisplayName"] == nil || got["tries"] != 4.0 {
		t.Errorf("the report says %v", got)
	}
	w.wantFault("once passed", p.atLock(p.joined.DeviceID, name, practice), "credentialRefused")
	if status, v := w.api(http.MethodPost, recoveryDrills, w.appToken(), `{"userId":"`+mira+`"}`); status != http.StatusConflict {
		t.Errorf("asked twice: %d %v", status, v)
	}
	_, log := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'Practise%20recovery'", w.appToken(), "")
	if entries, _ := log["value"].([]any); len(entries) != 4 {
		t.Errorf("the log has %d of 4 tries", len(entries))
	}
}

// reportHealthy sends a report of a device with which all is well.
func (p *pins) reportHealthy() {
	p.w.t.Helper()
	if a := p.call(http.MethodPost, "/status", "", device.Status{AgentVersion: "test", Users: []device.UserStatus{}, Prerequisites: []device.Prerequisite{}}); a.status >= 300 {
		p.w.t.Fatalf("report: %d %s", a.status, a.body)
	}
}

func TestASampleIsAskedByMailAndShownItsPassWhereItIsSignedIn(t *testing.T) {
	w := newWorld(t, func(o *server.Options) { o.Mail.Mailbox = true })
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	for i := range 20 { // of so few everybody is come to, however near their ids are
		w.createUser(fmt.Sprintf("noah%d", i))
	}
	w.do204(http.MethodPatch, "/v1.0/users/"+name, `{"mail":"`+name+`"}`)
	status, v := w.api(http.MethodPost, recoveryDrills, w.appToken(), `{"sampleSize":10,"answerInDays":5}`)
	if status != http.StatusCreated || v["practicePass"] != nil || v["asked"].(float64) != 1 || at(v, "leftOut.drillNoAddress") != 21.0 {
		t.Fatalf("%d %v", status, v)
	}
	if again, v := w.api(http.MethodPost, recoveryDrills, w.appToken(), `{"sampleSize":10}`); again != http.StatusConflict {
		t.Errorf("a second sample: %d %v", again, v)
	}
	if err := w.server.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.newBrowser()
	box := w.get("/mailbox").body
	if !strings.Contains(box, "please practise") || strings.Contains(box, "PRACTICE-") {
		t.Errorf("the mailbox has\n%s", box)
	}
	w.signInOwn(name, pass)
	if page := w.get("/security-info/practice"); strings.Contains(page.body, "PRACTICE-") {
		t.Error("the page shows a practice pass before it is asked for")
	}
	shown := regexp.MustCompile(`PRACTICE-[A-Z2-9-]{14}`).FindString(w.post("/security-info/practice", nil).body)
	w.newBrowser()
	if got := stepsTold(w.typed(name, shown)); got["methods"] != "passed" || got["device"] != "" {
		t.Errorf("%q: %v", shown, got)
	}
	w.newBrowser()
	for range 2 {
		w.signInOwn(name, pass)
		if page := w.post("/security-info/practice", nil); strings.Contains(page.body, "PRACTICE-") {
			t.Errorf("who passed is shown another practice pass:\n%s", told(page))
		}
	}
}

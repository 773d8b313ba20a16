package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
)

// wantStopped wants a form refused at the token endpoint because a rule blocks.
func (w *world) wantStopped(what string, form url.Values) {
	w.t.Helper()
	if status, v := w.token(form); status != http.StatusBadRequest || !strings.Contains(string(mustJSON(w.t, v)), "53003") {
		w.t.Errorf("%s: %d %v", what, status, v)
	}
}

// A rule that came between the code and its redemption stops it, and uses it not up.
func TestARuleThatCameAfterTheCodeStopsIt(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.newBrowser()
	code := w.code(adminName, pass)
	change := w.rule("Nobody may in", blocks)
	w.wantStopped("the code", redeem(code))
	change(switchedOff)
	if status, v := w.token(redeem(code)); status != http.StatusOK {
		t.Errorf("the code once the rule is lifted: %d %v", status, v)
	}
}

// A rule for device codes that came after the sign-in is asked where one is approved, where the
// device fetches its tokens, and where it refreshes them.
func TestARuleForDeviceCodesIsAskedAtEachStep(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.newBrowser()
	confirm := w.toConfirm(w.askDevice(w.created.TenantID)["user_code"], adminName, pass)
	change := w.rule("No device codes", func(p *access.Policy) { p.Conditions.Flows = &access.Flows{TransferMethods: "deviceCodeFlow"} })
	if a := w.post(confirm, url.Values{"answer": {"approve"}}); strings.Contains(a.body, `data-step="done"`) {
		t.Errorf("approved against the rule: %d\n%s", a.status, a.body)
	}
	change(switchedOff)
	w.newBrowser()
	device := w.askDevice(w.created.TenantID)
	w.approve(device["user_code"], adminName, pass)
	change(func(p *access.Policy) { p.State = access.Enabled })
	w.wantStopped("a poll", poll(device["device_code"]))
	change(switchedOff)
	w.newBrowser()
	device = w.askDevice(w.created.TenantID)
	w.approve(device["user_code"], adminName, pass)
	status, tokens := w.token(poll(device["device_code"]))
	if status != http.StatusOK {
		t.Fatalf("a poll once the rule is lifted: %d %v", status, tokens)
	}
	change(func(p *access.Policy) { p.State = access.Enabled })
	w.wantStopped("a refresh", refresh(tokens["refresh_token"]))
}

// What was answered about a token under other rules is no answer any more, and an application's
// own token is asked about as a person's is.
func TestEachChangeOfTheRulesIsAskedAboutAnew(t *testing.T) {
	w, c := clocked(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.newBrowser()
	_, tokens := w.token(redeem(w.code(adminName, pass)))
	me := func() int {
		t.Helper()
		status, _ := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), "")
		return status
	}
	change := w.rule("Nobody may in", func(p *access.Policy) { p.State = access.ReportOnly })
	c.move(2 * time.Second)
	if status := me(); status != http.StatusOK {
		t.Fatalf("under a rule that only reports: %d", status)
	}
	change(func(p *access.Policy) { p.State = access.Enabled })
	c.move(2 * time.Second)
	if status := me(); status != http.StatusUnauthorized {
		t.Errorf("once it is on: %d", status)
	}
	app := w.appToken()
	w.rule("No applications", func(p *access.Policy) {
		p.Conditions.Users = access.Users{IncludeUsers: []string{access.None}}
		p.Conditions.Workloads = &access.Workloads{Include: []string{access.AllWorkloads}}
	})
	c.move(2 * time.Second)
	if status, v := w.api(http.MethodGet, "/v1.0/users", app, ""); status != http.StatusUnauthorized {
		t.Errorf("an application's token: %d %v", status, v)
	}
}

// Where a rule leaves continuous evaluation out, a token is good until it ends; the refresh isn't.
func TestWithoutContinuousEvaluationATokenStaysGood(t *testing.T) {
	w, c := clocked(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.rule("Not continuously", func(p *access.Policy) {
		p.Grant, p.Session = nil, &access.SessionControls{Continuous: &access.Continuous{Mode: "disabled"}}
	})
	w.newBrowser()
	_, tokens := w.token(redeem(w.code(adminName, pass)))
	w.rule("Nobody may in", blocks)
	c.move(2 * time.Second)
	if status, v := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), ""); status != http.StatusOK {
		t.Errorf("the token: %d %v", status, v)
	}
	w.wantStopped("the refresh", refresh(tokens["refresh_token"]))
}

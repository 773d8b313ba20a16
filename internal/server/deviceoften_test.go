package server_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A device that renews and joins without end must not fill the log.
func TestADeviceThatAsksForCertificatesWithoutEndIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	m := newMachine(w)
	access := m.token("admin@contoso.example", pass)
	m.join(access)
	in := m.joinRequest(access)
	tooOften := func(what string, a answer) {
		t.Helper()
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "deviceTooOften") || err != nil || wait < 1 || wait > 3600 {
			t.Errorf("%s: %d %s, Retry-After %q", what, a.status, a.body, a.header.Get("Retry-After"))
		}
	}
	for i := range 19 { // the join was the first of twenty
		if a := m.call(http.MethodPost, "/renew", "", nil); a.status != http.StatusOK {
			t.Fatalf("renewal %d: %d %s", i+1, a.status, a.body)
		}
	}
	entries := len(w.directoryAudits(w.appToken(), "Issue device certificate"))
	for range 5 {
		tooOften("renewed again", m.call(http.MethodPost, "/renew", "", nil))
		tooOften("joined again", m.call(http.MethodPost, "/join", access, in))
	}
	if got := len(w.directoryAudits(w.appToken(), "Issue device certificate")); got != entries || entries != 20 {
		t.Errorf("the log has %d certificates, had %d", got, entries)
	}
	if a := m.call(http.MethodGet, "/policy", "", nil); a.status != http.StatusOK {
		t.Errorf("everything else goes on: %d %s", a.status, a.body)
	}
	w.newBrowser()
	other := newMachine(w)
	other.join(other.token("admin@contoso.example", pass)) // another device of the same person
}

func TestAskingForANonceIsNoRefusalInTheLog(t *testing.T) {
	w := newWorld(t)
	m, _, _ := joined(t, w)
	refused := func() int { return strings.Count(w.log.String(), "device refused") }
	before := refused()
	m.nonce = ""
	if a := m.call(http.MethodGet, "/policy", "", nil); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if refused() != before {
		t.Errorf("the operator reads\n%s", w.log.String())
	}
	if a := newMachine(w).call(http.MethodGet, "/policy", "", nil); a.status != http.StatusNotFound || refused() != before+1 {
		t.Errorf("a device that is not known: %d, and the log has\n%s", a.status, w.log.String())
	}
}

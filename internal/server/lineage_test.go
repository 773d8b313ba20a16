package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/method/totp"
)

func TestAllThatCameFromADisputedPassIsUndoneAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.createUser("ada")
	passID, pass := w.passFor(ada)
	_, refreshed := w.token(redeem(w.code("ada@contoso.example", pass)))
	machine := withPINs(w, "ada@contoso.example", pass, tpmtest.New(t))
	machine.create("246813")
	w.enableCodes() // from here on a pass leads to the wizard first
	w.signInOwn("ada@contoso.example", pass)
	w.addApp(time.Now(), totp.SHA1)

	at := "/v1.0/postern/users/" + ada + "/passes/" + passID
	status, before := w.api(http.MethodGet, at+"/lineage", w.appToken(), "")
	if status != http.StatusOK || len(before["methods"].([]any)) != 2 || len(before["devices"].([]any)) != 1 || len(before["sessions"].([]any)) < 3 {
		t.Fatalf("lineage: %d %v", status, before)
	}
	etag := before["etag"].(string)

	t.Run("what nobody saw is not undone", func(t *testing.T) {
		if status, v := w.api(http.MethodPost, at+"/revert", w.appToken(), `{}`); status != http.StatusBadRequest {
			t.Errorf("without an etag: %d %v", status, v)
		}
		w.addApp(time.Now(), totp.SHA1)
		if status, v := w.api(http.MethodPost, at+"/revert", w.appToken(), `{"etag":"`+etag+`"}`); status != http.StatusPreconditionFailed {
			t.Errorf("with the etag of what was there before: %d %v", status, v)
		}
		_, now := w.api(http.MethodGet, at+"/lineage", w.appToken(), "")
		etag = now["etag"].(string)
	})
	t.Run("another person's pass leads to nothing", func(t *testing.T) {
		bea := w.createUser("bea")
		if _, v := w.api(http.MethodGet, "/v1.0/postern/users/"+bea+"/passes/"+passID+"/lineage", w.appToken(), ""); len(v["methods"].([]any)) != 0 {
			t.Errorf("Bea's: %v", v)
		}
	})
	t.Run("who may read may not undo, and nobody undoes their own", func(t *testing.T) {
		own := refreshed["access_token"].(string)
		if status, v := w.api(http.MethodPost, at+"/revert", own, `{"etag":"`+etag+`"}`); status != http.StatusForbidden {
			t.Errorf("Ada herself: %d %v", status, v)
		}
	})

	// Two administrators at once: one of them did it.
	var all sync.WaitGroup
	answers := make(chan int, 2)
	token := w.appToken()
	for range 2 {
		all.Go(func() {
			status, _ := w.api(http.MethodPost, at+"/revert", token, `{"etag":"`+etag+`","disableDevices":true}`)
			answers <- status
		})
	}
	all.Wait()
	if one, other := <-answers, <-answers; one+other != http.StatusOK+http.StatusPreconditionFailed {
		t.Fatalf("two reverts: %d and %d", one, other)
	}

	if page := w.get("/security-info"); page.status != http.StatusSeeOther {
		t.Errorf("the browser is still signed in: %d", page.status)
	}
	if status, v := w.token(refresh(refreshed["refresh_token"])); status != http.StatusBadRequest {
		t.Errorf("a refresh token still works: %d %v", status, v)
	}
	if status, v := w.api(http.MethodGet, "/v1.0/me", refreshed["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Errorf("an access token still works at Graph: %d %v", status, v)
	}
	if got := w.softwareOaths(ada); len(got) != 0 {
		t.Errorf("apps with codes: %v", got)
	}
	if got := w.passesOf(ada); len(got) != 0 {
		t.Errorf("passes: %v", got)
	}
	_, devices := w.api(http.MethodGet, "/v1.0/devices?$select=accountEnabled", w.appToken(), "")
	if d := devices["value"].([]any); len(d) != 1 || d[0].(map[string]any)["accountEnabled"] != false {
		t.Errorf("devices: %v", devices)
	}
	status, after := w.api(http.MethodGet, at+"/lineage", w.appToken(), "")
	if status != http.StatusOK || len(after["methods"].([]any))+len(after["sessions"].([]any)) != 0 {
		t.Errorf("lineage afterwards: %v", after)
	}
	for activity, want := range map[string]int{"Revert what came from a pass": 1, "Admin deleted security info": 4, "Update device": 1} {
		if got := w.directoryAudits(w.appToken(), activity); len(got) != want {
			t.Errorf("the log has %d times %q, want %d", len(got), activity, want)
		}
	}
	if strings.Contains(w.log.String(), pass) {
		t.Error("the pass is in the log")
	}
}

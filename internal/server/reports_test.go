package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// at reads a member of an answer by its path, such as total.passes.used.
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (w *world) counts(path string) map[string]any {
	w.t.Helper()
	if err := w.server.Counted(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	status, v := w.api(http.MethodGet, "/v1.0/postern/"+path, w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("%s: %d %v", path, status, v)
	}
	return v
}

func (w *world) wantIn(v map[string]any, want map[string]any) {
	w.t.Helper()
	for path, value := range want {
		if got := at(v, path); fmt.Sprint(got) != fmt.Sprint(value) {
			w.t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
}

func TestTheDailyReportCountsWhatHappenedOnce(t *testing.T) {
	w := newWorld(t)
	w.issue(`{}`) // replaces the pass of init, which nobody used
	_, pass := w.issue(`{"postern_preset":"newDevice"}`)
	w.typed(adminName, "WRONGWRONG")
	w.newBrowser()
	w.code(adminName, pass)
	for range 2 { // counting again changes nothing
		daily := w.counts("reports/daily?days=7")
		w.wantIn(daily, map[string]any{
			"timeZone": "Europe/Berlin", "total.passes.issued": 3, "total.passes.endedUnused": 2, "total.passes.used": 1,
			"total.passes.byPreset.newDevice": 1, "total.passes.byPreset.other": 2, "total.passes.byPreset.recoverDevice": 0,
			"total.passes.refused": 1, "total.signIns.failed": 1, "total.signIns.byMethod.temporaryAccessPass": 1,
			"total.signIns.byStrength.temporaryAccessPass": 1, "total.signIns.byMethod.fido2": 0, "total.pins.setUp": 0,
		})
		days, _ := daily["value"].([]any)
		if len(days) != 7 || at(daily, "total.passes.medianSecondsToFirstUse") == nil {
			t.Fatalf("%d days, %v", len(days), daily["total"])
		}
		if today := days[6].(map[string]any); fmt.Sprint(at(today, "passes.used")) != "1" || at(days[0], "passes.medianSecondsToFirstUse") != nil {
			t.Errorf("today is %v", today)
		}
	}
}

func TestTalliesOutliveTheLog(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.issue(`{}`)
	before := w.counts("reports/daily")["total"]
	c.move(time.Hour)
	w.server.Look(t.Context())
	if _, err := server.PruneLog(t.Context(), w.options, c.now()); err != nil {
		t.Fatal(err)
	}
	w.close()
	w.open()
	after := w.counts("reports/daily")["total"]
	one, _ := json.Marshal(before)
	other, _ := json.Marshal(after)
	if string(one) != string(other) {
		t.Errorf("before %s\nafter %s", one, other)
	}
}

func TestThePeopleReportFollowsWhatTheLogTells(t *testing.T) {
	w := newWorld(t)
	w.wantIn(w.counts("reports/people"), map[string]any{"isComplete": true, "everybody.total": 1, "everybody.none": 1, "administrators.none": 1})
	status, mira := w.api(http.MethodPost, "/v1.0/users", w.appToken(), `{"accountEnabled":true,"displayName":"Mira Okafor","mailNickname":"mira",
		"userPrincipalName":"mira@contoso.example","passwordProfile":{"password":"Xq7-harbour-lamp","forceChangePasswordNextSignIn":false}}`)
	if status != http.StatusCreated {
		t.Fatalf("create: %d %v", status, mira)
	}
	w.wantIn(w.counts("reports/people"), map[string]any{"everybody.total": 2, "everybody.none": 2, "administrators.none": 1})
	listed, _ := w.counts("reports/people/none?$top=1")["value"].([]any)
	if len(listed) != 1 || at(listed[0], "isAdministrator") != true {
		t.Errorf("administrators come first: %v", listed)
	}
	next, _ := w.counts("reports/people/none?$top=1")["@odata.nextLink"].(string)
	status, page := w.api(http.MethodGet, strings.TrimPrefix(next, w.site.URL), w.appToken(), "")
	if rest, _ := page["value"].([]any); status != http.StatusOK || len(rest) != 1 || at(rest[0], "displayName") != "Mira Okafor" || page["@odata.nextLink"] != nil {
		t.Errorf("the next page: %d %v", status, page)
	}
	if status, v := w.api(http.MethodPatch, "/v1.0/users/mira@contoso.example", w.appToken(), `{"accountEnabled":false}`); status != http.StatusNoContent {
		t.Fatalf("disable: %d %v", status, v)
	}
	w.wantIn(w.counts("reports/people"), map[string]any{"everybody.total": 1})
	for path, want := range map[string]int{"reports/people/many": 404, "reports/devices/shiny": 404, "reports/daily?days=91": 400, "reports/daily?days=0": 400, "reports/daily?$top=3": 400} {
		if status, _ := w.api(http.MethodGet, "/v1.0/postern/"+path, w.appToken(), ""); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
}

func TestAttentionTellsWhatNeedsSomebodyAndLeadsThere(t *testing.T) {
	w := newWorld(t)
	tomorrow := time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	status, ewan := w.api(http.MethodPost, "/v1.0/users", w.appToken(), `{"accountEnabled":true,"displayName":"Ewan MacLeod","mailNickname":"ewan",
		"userPrincipalName":"ewan@contoso.example","employeeHireDate":"`+tomorrow+`","passwordProfile":{"password":"Xq7-harbour-lamp"}}`)
	if status != http.StatusCreated {
		t.Fatalf("create: %d %v", status, ewan)
	}
	for range 6 {
		w.newBrowser()
		w.typed(adminName, "WRONGWRONG")
	}
	kinds := func() map[string]map[string]any {
		all := map[string]map[string]any{}
		list, _ := w.counts("attention")["value"].([]any)
		for _, one := range list {
			all[fmt.Sprint(at(one, "kind"))], _ = one.(map[string]any)
		}
		return all
	}
	got := kinds()
	if one := got["refusedPasses"]; fmt.Sprint(one["count"]) != "6" || at(one, "target.type") != "user" || one["severity"] != "danger" {
		t.Errorf("refused passes: %v", one)
	}
	if one := got["startsWithoutPass"]; one["displayName"] != "Ewan MacLeod" || at(one, "target.id") != ewan["id"] {
		t.Errorf("who starts: %v", one)
	}
	if one := got["peopleWithoutWay"]; fmt.Sprint(one["count"], one["administratorCount"]) != "2 1" {
		t.Errorf("people without a way: %v", one)
	}
	if one := got["fewGlobalAdministrators"]; fmt.Sprint(one["count"]) != "1" {
		t.Errorf("few administrators: %v", one)
	}
	if status, v := w.api(http.MethodPost, "/v1.0/users/ewan@contoso.example/authentication/temporaryAccessPassMethods", w.appToken(), `{}`); status != http.StatusCreated {
		t.Fatalf("issue: %d %v", status, v)
	}
	w.server.SetFree(1, 1<<40)
	w.server.Look(t.Context())
	got = kinds()
	if got["startsWithoutPass"] != nil || got["serverDisk"]["errorCode"] != "diskNearlyFull" {
		t.Errorf("with a pass and without room: %v", got)
	}
}

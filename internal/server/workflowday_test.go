package server_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A date without a time is that day where the organization is: the pass begins with its work, and the link lives
// until the pass ends.
func TestAPassForSomebodysFirstDayWorksOnThatDay(t *testing.T) {
	mail := started(t)
	w, o := office(t, mailTo(t, mail))
	token := w.appToken()
	w.change(http.MethodPatch, "/v1.0/organization/"+w.created.TenantID, `{"postern_timeZone":"America/New_York"}`)
	nils := w.joiner(token, "nils")
	day := time.Now().UTC().AddDate(0, 0, 1).Truncate(24 * time.Hour)
	w.change(http.MethodPatch, "/v1.0/users/"+nils, `{"employeeHireDate":"`+day.Format(time.RFC3339)+`"}`)
	id := dayOnePass(token, w, "")
	start(t, o)
	w.until(workflowsAt+"workflows/"+id+"/runs", token, hasEnded)

	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	begins := time.Date(day.Year(), day.Month(), day.Day(), 8, 0, 0, 0, zone)
	_, passes := w.api(http.MethodGet, "/v1.0/users/"+nils+"/authentication/temporaryAccessPassMethods", token, "")
	all, _ := passes["value"].([]any)
	if len(all) != 1 || all[0].(map[string]any)["startDateTime"] != begins.UTC().Format(time.RFC3339) {
		t.Errorf("the pass should begin at %s: %v", begins, passes)
	}
	text, _ := mail.Wait(t, 1)[0].Parts(t)
	for _, says := range []string{day.Format("2 January") + ", 08:00", day.Format("2 January") + ", 16:00", "starts on " + day.Format("2 January 2006")} {
		if !strings.Contains(text, says) {
			t.Errorf("the mail does not say %q:\n%s", says, text)
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ends int64
	if err := db.QueryRow(`SELECT ends_at FROM handover`).Scan(&ends); err != nil || ends != begins.Add(8*time.Hour).UnixMicro() {
		t.Errorf("the link ends at %s, %v", time.UnixMicro(ends), err)
	}
}

package graph_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// sweep looks at everybody once.
func (w *world) sweep() {
	w.t.Helper()
	s := roster.Sweep{
		Looker: graph.Roll{API: w.api}, Store: w.db, Now: func() time.Time { return time.Now().UTC() }, Log: slog.New(slog.DiscardHandler),
		Tenants: func(context.Context) ([]string, error) { return []string{string(w.tenant.ID)}, nil },
	}
	check(w.t, s.Round(w.t.Context()))
}

// inReport returns the names in the report, in its order, page by page.
func (w *world) inReport(query string) []string {
	w.t.Helper()
	names := []string{}
	next := "/v1.0/reports/recoveryReadiness?$top=2" + query
	for next != "" {
		answer := w.call(200, "GET", next, "")
		for _, one := range answer["value"].([]any) {
			names = append(names, one.(map[string]any)["displayName"].(string))
		}
		next = ""
		if link, ok := answer["@odata.nextLink"].(string); ok {
			u, err := url.Parse(link)
			check(w.t, err)
			next = u.RequestURI()
		}
	}
	return names
}

func TestTheReportOnReadinessBeginsWithThoseWithoutAWayBack(t *testing.T) {
	w := newWorld(t, "UserAuthenticationMethod.Read.All", "Policy.ReadWrite.AuthenticationMethod", "AuditLog.Read.All", "Policy.Read.All")
	ann, bea, cem := w.member("ann"), w.member("bea"), w.member("cem")
	w.give(bea.ID, authenticator.MethodID, `{"verifies":true}`)
	for range 2 {
		w.give(cem.ID, passkey.MethodID, keyData)
	}
	w.sweep()
	_, _ = ann, bea
	all := w.inReport("")
	if len(all) < 4 {
		t.Fatalf("the report has %v", all)
	}
	summary := w.call(200, "GET", "/v1.0/reports/recoveryReadiness/summary", "")
	everybody := summary["everybody"].(map[string]any)
	if everybody["total"] != float64(len(all)) || everybody["noWayBack"] != float64(len(all)) || summary["isComplete"] != true {
		t.Errorf("without passes nobody is safe: %v", summary)
	}
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	w.sweep() // the rules changed: it is due at once
	if left := w.inReport("&grade=noWayBack"); len(left) > 0 {
		t.Errorf("with passes on these have no way: %v", left)
	}
	if got := w.inReport("&failure=newDevice&standing=oneLeft"); len(got) != 1 || got[0] != bea.DisplayName {
		t.Errorf("one way is left with a new device to %v", got)
	}
	if got := w.inReport("&administrators=true"); len(got) != 1 {
		t.Errorf("administrators: %v", got)
	}
	for _, wrong := range []string{"&grade=good", "&failure=fire&standing=nothing", "&failure=offline", "&standing=ready", "&administrators=1"} {
		w.refused(400, "GET", "/v1.0/reports/recoveryReadiness?$top=2"+wrong, "")
	}
}

// TestWhoCantBeJudgedHasNoWayBack, comes first, and stops nobody else from being looked at.
func TestWhoCantBeJudgedHasNoWayBack(t *testing.T) {
	w := newWorld(t, "UserAuthenticationMethod.Read.All", "Policy.ReadWrite.AuthenticationMethod", "AuditLog.Read.All", "Policy.Read.All")
	var logged bytes.Buffer
	w.api.Log = slog.New(slog.NewTextHandler(&logged, nil))
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	bad, good := w.member("bad"), w.member("good")
	var keys []method.Credential
	for _, u := range []directory.User{good, good, bad, bad} {
		keys = append(keys, w.give(u.ID, passkey.MethodID, keyData))
	}
	at, err := sql.Open("sqlite", filepath.Join(w.dir, "postern.db"))
	check(t, err)
	_, err = at.ExecContext(t.Context(), `UPDATE credential SET body = '{"name":4711}' WHERE id = $1`, keys[3].ID)
	check(t, errors.Join(err, at.Close()))
	w.sweep()
	if s := logged.String(); !strings.Contains(s, recovery.ErrUnreadable.Code) || !strings.Contains(s, keys[3].ID) || strings.Contains(s, "4711") {
		t.Errorf("the log has %s", s)
	}
	if all := w.inReport(""); len(all) < 3 || all[0] != bad.DisplayName || !slices.Contains(all, good.DisplayName) {
		t.Errorf("the report has %v", all)
	}
	if got := w.inReport("&unreadable=true&grade=noWayBack"); len(got) != 1 || got[0] != bad.DisplayName {
		t.Errorf("can't be judged: %v", got)
	}
	if got := w.inReport("&unreadable=false"); slices.Contains(got, bad.DisplayName) || !slices.Contains(got, good.DisplayName) {
		t.Errorf("can be judged: %v", got)
	}
	if summary := w.call(200, "GET", "/v1.0/reports/recoveryReadiness/summary", ""); summary["unreadable"] != float64(1) {
		t.Errorf("the summary is %v", summary)
	}
	one := w.call(200, "GET", "/v1.0/postern/users/"+string(bad.ID)+"/readiness", "")
	if one["isUnreadable"] != true || one["grade"] != "noWayBack" {
		t.Errorf("alone they stand as %v", one)
	}
	if of := w.call(200, "GET", "/v1.0/postern/users/"+string(good.ID)+"/readiness", ""); of["isUnreadable"] != false || of["grade"] == "noWayBack" {
		t.Errorf("the other stands as %v", of)
	}
	w.refused(400, "GET", "/v1.0/reports/recoveryReadiness?unreadable=1", "")
}

func TestTheReportOnReadinessIsForWhoeverReadsRegistrations(t *testing.T) {
	w := newWorld(t)
	for role, want := range map[directory.RoleID]int{directory.GlobalReader: 200, directory.GroupsAdministrator: 403} {
		back := w.as(w.signIn(w.member("m"+string(role)[:4], role), everyScope()...))
		for _, path := range []string{"", "/summary"} {
			if got := w.status("GET", "/v1.0/reports/recoveryReadiness"+path, ""); got != want {
				t.Errorf("%s as %s: %d", path, role, got)
			}
		}
		back()
	}
}

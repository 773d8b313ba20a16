package graph_test

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
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

package graph_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

var readLogs = []string{"AuditLog.Read.All", "Directory.Read.All"}

// signsIn is a sign-in n seconds after noon of a day.
func (w *world) signsIn(n int, change func(*audit.Event, *audit.SignIn)) audit.Event {
	e := audit.Event{
		Tenant: string(w.tenant.ID), ID: uuid.NewString(), At: time.Date(2026, 3, 2, 12, 0, n, 0, time.UTC), CorrelationID: uuid.NewString(),
		SignIn: &audit.SignIn{
			UserID: string(w.admin.ID), UserPrincipalName: w.admin.UserPrincipalName, IPAddress: "192.0.2.7", EventType: audit.InteractiveUser,
			Details: []audit.AuthenticationDetail{{Method: "Passkey (device-bound)", Succeeded: true}},
		},
	}
	if change != nil {
		change(&e, e.SignIn)
	}
	return e
}

// changed is a change n seconds after noon.
func (w *world) changed(n int, change func(*audit.Event, *audit.Change)) audit.Event {
	e := w.event()
	e.At, e.CorrelationID = time.Date(2026, 3, 2, 12, 0, n, 0, time.UTC), uuid.NewString()
	if change != nil {
		change(&e, e.Change)
	}
	return e
}

// found returns the ids of all pages that a filter finds.
func (w *world) found(set, query string) (ids []string) {
	w.t.Helper()
	for link := "/v1.0/auditLogs/" + set + "?$filter=" + url.QueryEscape(query); link != ""; {
		page := w.call(200, "GET", link, "")
		for _, one := range list(page) {
			ids = append(ids, one.(map[string]any)["id"].(string))
		}
		link, _ = page["@odata.nextLink"].(string)
	}
	return ids
}

func TestTheLogIsFilteredByWhatAPersonAsks(t *testing.T) {
	w := newWorld(t, readLogs...)
	device, pass := uuid.NewString(), uuid.NewString()
	plain := w.signsIn(1, nil)
	refused := w.signsIn(2, func(_ *audit.Event, in *audit.SignIn) {
		in.ErrorCode, in.IPAddress = 130503, "203.0.113.24"
		in.Details = []audit.AuthenticationDetail{{Method: "Temporary Access Pass"}}
	})
	atDevice := w.signsIn(3, func(_ *audit.Event, in *audit.SignIn) { in.DeviceID = device })
	byPass := w.signsIn(4, func(_ *audit.Event, in *audit.SignIn) {
		in.PassID = pass
		in.Details = append([]audit.AuthenticationDetail{{Method: "Temporary Access Pass", Succeeded: true}}, in.Details...)
	})
	issued := w.changed(5, func(_ *audit.Event, c *audit.Change) {
		c.Targets = []audit.Target{{ID: string(w.admin.ID), Type: audit.TargetUser}}
		c.Details = []audit.KeyValue{{Key: audit.DetailPass, Value: pass}}
	})
	failed := w.changed(6, func(_ *audit.Event, c *audit.Change) { c.Result = audit.Failure })
	other := w.changed(7, nil)
	check(t, w.db.Record(t.Context(), plain, refused, atDevice, byPass, issued, failed, other))

	for _, c := range []struct {
		set, query string
		want       []audit.Event // newest first
	}{
		{"signIns", "status/errorCode ne 0", []audit.Event{refused}},
		{"signIns", "status/errorCode eq 0", []audit.Event{byPass, atDevice, plain}},
		{"signIns", "status/errorCode ne 130503", []audit.Event{byPass, atDevice, plain}},
		{"signIns", "not (status/errorCode ne 0)", []audit.Event{byPass, atDevice, plain}},
		{"signIns", "deviceDetail/deviceId eq '" + strings.ToUpper(device) + "'", []audit.Event{atDevice}},
		{"signIns", "deviceDetail/deviceId eq ''", nil},
		{"signIns", "postern_passId eq '" + pass + "'", []audit.Event{byPass}},
		{"signIns", "authenticationMethodsUsed/any(m: m eq 'Temporary Access Pass')", []audit.Event{byPass, refused}},
		{"signIns", "authenticationMethodsUsed/any(m: m eq 'Temporary Access Pass') and status/errorCode ne 0", []audit.Event{refused}},
		{"signIns", "authenticationMethodsUsed/any(m: m eq 'Temporary Access Pass') or deviceDetail/deviceId eq '" + device + "'", []audit.Event{byPass, atDevice, refused}},
		{"signIns", "startsWith(ipAddress,'203.0.113.')", []audit.Event{refused}},
		{"signIns", "startsWith(correlationId,'" + byPass.CorrelationID[:11] + "')", []audit.Event{byPass}},
		{"signIns", "startsWith(correlationId,'" + byPass.CorrelationID[:4] + "') and id eq '" + byPass.ID + "'", []audit.Event{byPass}},
		{"signIns", "createdDateTime ge 2026-03-02T12:00:02Z and createdDateTime lt 2026-03-02T12:00:04Z", []audit.Event{atDevice, refused}},
		{"signIns", "userId eq '" + string(w.admin.ID) + "' and status/errorCode eq 0 and createdDateTime lt 2026-03-02T12:00:03Z", []audit.Event{plain}},
		{"directoryAudits", "result eq 'failure'", []audit.Event{failed}},
		{"directoryAudits", "result eq 'Success'", []audit.Event{other, issued}},
		{"directoryAudits", "result eq 'neither'", nil},
		{"directoryAudits", "postern_passId eq '" + pass + "'", []audit.Event{issued}},
		{"directoryAudits", "targetResources/any(t: t/id eq '" + string(w.admin.ID) + "')", []audit.Event{issued}},
		{"directoryAudits", "targetResources/any(t: t/id eq '" + string(w.admin.ID) + "') and result eq 'success' and category eq 'UserManagement'", []audit.Event{issued}},
		{"directoryAudits", "targetResources/any(t: t/id eq 'signin/failed')", nil},
	} {
		t.Run(c.query, func(t *testing.T) {
			w.t = t
			var want []string
			for _, e := range c.want {
				want = append(want, e.ID)
			}
			if got := w.found(c.set, c.query); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("found %v, want %v", got, want)
			}
		})
	}
	w.refused(400, "GET", "/v1.0/auditLogs/signIns?$filter="+url.QueryEscape("endsWith(ipAddress,'24')"), "")
	one := list(w.call(200, "GET", "/v1.0/auditLogs/signIns?$top=1&$select=id,authenticationMethodsUsed", ""))[0].(map[string]any)
	if len(one) != 2 || fmt.Sprint(one["authenticationMethodsUsed"]) != "[Temporary Access Pass Passkey (device-bound)]" {
		t.Errorf("the selected properties are %v", one)
	}
	w.refused(400, "GET", "/v1.0/auditLogs/signIns?$select=unknownName", "")
}

func TestTheStoryOfACorrelationIDIsToldInOrder(t *testing.T) {
	w := newWorld(t, readLogs...)
	id, pass := uuid.NewString(), uuid.NewString()
	same := func(e *audit.Event) { e.CorrelationID = id }
	issued := w.changed(1, func(_ *audit.Event, c *audit.Change) {
		c.Details = []audit.KeyValue{{Key: audit.DetailPass, Value: pass}}
	})
	refused := w.signsIn(2, func(e *audit.Event, in *audit.SignIn) { same(e); in.ErrorCode = 130503 })
	done := w.signsIn(3, func(e *audit.Event, in *audit.SignIn) { same(e); in.PassID = pass })
	registered := w.changed(4, func(e *audit.Event, c *audit.Change) {
		same(e)
		c.Details = []audit.KeyValue{{Key: audit.DetailPass, Value: pass}}
	})
	check(t, w.db.Record(t.Context(), done, registered, issued, refused, w.signsIn(5, nil)))
	story := w.call(200, "GET", "/v1.0/postern/story/"+strings.ToUpper(id), "")
	var told []string
	for _, one := range list(story) {
		m := one.(map[string]any)
		told = append(told, m["id"].(string)+" "+m["kind"].(string)+" "+m["about"].(string))
		if (m["signIn"] == nil) == (m["directoryAudit"] == nil) {
			t.Errorf("the entry is %v", m)
		}
		if in, ok := m["signIn"].(map[string]any); ok && in["authenticationDetails"] == nil {
			t.Errorf("the sign-in has no steps: %v", in)
		}
	}
	want := []string{
		issued.ID + " directory pass", refused.ID + " signIn correlationId", done.ID + " signIn correlationId", registered.ID + " directory correlationId",
	}
	if fmt.Sprint(told) != fmt.Sprint(want) || story["complete"] != true {
		t.Errorf("the story is\n%v, want\n%v", told, want)
	}
	if got := list(w.call(200, "GET", "/v1.0/postern/story/"+uuid.NewString(), "")); len(got) != 0 {
		t.Errorf("nobody's story is %v", got)
	}
	w.refused(400, "GET", "/v1.0/postern/story/7KQ2M4XD", "")

	var many []audit.Event
	for n := range 250 {
		many = append(many, w.signsIn(n, func(e *audit.Event, _ *audit.SignIn) { same(e) }))
	}
	check(t, w.db.Record(t.Context(), many...))
	if long := w.call(200, "GET", "/v1.0/postern/story/"+id, ""); len(list(long)) > 220 || long["complete"] != false {
		t.Errorf("a long story has %d entries, complete: %v", len(list(long)), long["complete"])
	}
}

func TestStoriesTakeTheRightsForBothLogs(t *testing.T) {
	w := newWorld(t, readLogs...)
	path := "/v1.0/postern/story/" + uuid.NewString()
	for _, c := range []struct {
		role   directory.RoleID
		status int
	}{{directory.GlobalReader, 200}, {directory.ReportsReader, 200}, {directory.HelpdeskAdministrator, 403}, {"", 403}} {
		var roles []directory.RoleID
		if c.role != "" {
			roles = append(roles, c.role)
		}
		w.token = w.signIn(w.member("reader"+string(c.role), roles...), everyScope()...)
		if got := w.status("GET", path, ""); got != c.status {
			t.Errorf("%s: %d, want %d", c.role, got, c.status)
		}
	}
}

func TestViewsAreAPersonsOwn(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.member("ann"), w.member("ben")
	w.token = w.signIn(ann, "User.Read")
	body := `{"page":"logs/signins","name":" Passes that failed ","query":"method=pass&result=refused"}`
	v := w.call(201, "POST", "/v1.0/postern/me/views", body)
	if v["name"] != "Passes that failed" || v["query"] != "method=pass&result=refused" || v["id"] == nil {
		t.Errorf("the view is %v", v)
	}
	w.refused(400, "POST", "/v1.0/postern/me/views", body)
	for _, bad := range []string{
		`{"page":"logs/signins","name":"","query":""}`, `{"page":"https://evil.example/","name":"x","query":""}`, `{"page":"../x","name":"x","query":""}`,
		`{"page":"logs","name":"` + strings.Repeat("x", 61) + `","query":""}`, `{"page":"logs","name":"a\u0000b","query":""}`,
		`{"page":"logs","name":"x","query":"` + strings.Repeat("x", 1001) + `"}`, `{"page":"logs","name":"x","query":"%zz"}`,
		`{"page":"logs","name":"x","query":"","userId":"` + string(ben.ID) + `"}`,
	} {
		w.refused(400, "POST", "/v1.0/postern/me/views", bad)
	}
	w.token = w.signIn(ben, "User.Read")
	if all := list(w.call(200, "GET", "/v1.0/postern/me/views", "")); len(all) != 0 {
		t.Errorf("Ben sees %v", all)
	}
	w.refused(404, "DELETE", "/v1.0/postern/me/views/"+v["id"].(string), "")
	for n := range directory.MostViews {
		w.call(201, "POST", "/v1.0/postern/me/views", fmt.Sprintf(`{"page":"logs","name":"view %d","query":""}`, n))
	}
	w.refused(400, "POST", "/v1.0/postern/me/views", `{"page":"logs","name":"one more","query":""}`)

	w.token = w.signIn(ann, "User.Read")
	if all := list(w.call(200, "GET", "/v1.0/postern/me/views", "")); len(all) != 1 {
		t.Errorf("Ann sees %v", all)
	}
	w.call(204, "DELETE", "/v1.0/postern/me/views/"+v["id"].(string), "")
	w.refused(404, "DELETE", "/v1.0/postern/me/views/"+v["id"].(string), "")
	events, _, err := w.db.Events(t.Context(), w.tenant.ID, audit.KindDirectory, nil, nil, nil, 1000)
	check(t, err)
	for _, activity := range []string{audit.SaveView, audit.RemoveView} {
		told := 0
		for _, e := range events {
			if e.Change.Activity == activity && e.Change.By.User.ID == string(ann.ID) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%d events of %s", told, activity)
		}
	}
}

package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store/pgtest"
)

// onBoth runs test with a running server on each database.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	for name, database := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *server.Options) { o.Database = database(t) })
			w.server.Start()
			test(t, w)
		})
	}
}

// report verifies the log of the one tenant.
func (w *world) report() server.TenantReport {
	w.t.Helper()
	reports, err := server.VerifyLog(w.t.Context(), w.options, nil, false)
	if err != nil || len(reports) != 1 {
		w.t.Fatalf("the log does not verify: %+v, %v", reports, err)
	}
	return reports[0]
}

func TestOldEntriesArePrunedBesideARunningServerAndTheLogStillVerifies(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		token := w.appToken()
		ctx, stop := context.WithCancel(t.Context())
		l, wait := w.load(ctx, 2, token)
		defer wait()
		defer stop()
		l.more(t, http.StatusCreated, 20)
		w.seal()
		if _, err := server.PruneLog(t.Context(), w.options, time.Now().Add(time.Hour)); !errors.Is(err, server.ErrPruneFuture) {
			t.Errorf("the future: %v", err)
		}
		if all, err := server.PruneLog(t.Context(), w.options, time.Now().Add(-time.Hour)); err != nil || all[0].Removed != 0 {
			t.Errorf("nothing is an hour old: %+v, %v", all, err)
		}
		then := time.Now()
		l.more(t, http.StatusCreated, 20)
		w.seal()
		all, err := server.PruneLog(t.Context(), w.options, then)
		if err != nil || len(all) != 1 || all[0].Removed < 20 {
			t.Fatalf("%+v, %v", all, err)
		}
		l.more(t, http.StatusCreated, 5)
		stop()
		wait()
		w.seal()
		if r := w.report().Report; r.Pruned != all[0].Removed || r.Pruned != all[0].Before {
			t.Errorf("%+v after %+v", r, all)
		}
		again, err := server.PruneLog(t.Context(), w.options, then)
		if err != nil || again[0].Removed != 0 {
			t.Errorf("once more: %+v, %v", again, err)
		}
		if n := len(w.directoryAudits(token, "Prune log")); n != 1 {
			t.Errorf("%d events say that the log was pruned", n)
		}
	})
}

func TestAPersonIsErasedFromTheLogWhichStillVerifies(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		token := w.appToken()
		_, user := w.api(http.MethodPost, "/v1.0/users", token, `{
			"accountEnabled": true, "displayName": "Mira Okafor", "mailNickname": "mira", "userPrincipalName": "mira@contoso.example",
			"passwordProfile": {"password": "long and never used 1!"}}`)
		id := user["id"].(string)
		_, pass := w.api(http.MethodPost, "/v1.0/users/"+id+"/authentication/temporaryAccessPassMethods", token, `{"postern_reason": "lost her phone in Lisbon"}`)
		if a := w.signIn(w.get("/security-info").location, "mira@contoso.example", pass["temporaryAccessPass"].(string)); a.status != http.StatusSeeOther {
			t.Fatalf("sign-in: %d", a.status)
		}
		w.newBrowser()
		if a := w.signIn(w.get("/security-info").location, w.created.Administrator, w.created.Pass); a.status != http.StatusSeeOther {
			t.Fatalf("sign-in: %d", a.status)
		}
		w.seal()
		before := w.report().Report.Head.Size

		if _, err := server.EraseUser(t.Context(), w.options, "nobody@contoso.example"); !errors.Is(err, directory.ErrUserUnknown) {
			t.Errorf("nobody: %v", err)
		}
		if _, err := server.EraseUser(t.Context(), w.options, "01234567-89ab-cdef-0123-456789abcdef"); !errors.Is(err, server.ErrEraseWho) {
			t.Errorf("an id of nobody: %v", err)
		}
		n, err := server.EraseUser(t.Context(), w.options, "Mira@contoso.example")
		if err != nil || n < 3 {
			t.Fatalf("erased in %d entries: %v", n, err)
		}
		w.seal()
		r := w.report().Report
		if r.Erased != int64(n) || r.Head.Size != before+1 {
			t.Errorf("%+v after %d were erased of %d", r, n, before)
		}
		var out strings.Builder
		if err := server.ExportLog(t.Context(), w.options, 0, &out); err != nil {
			t.Fatal(err)
		}
		for _, personal := range []string{"Okafor", "mira@", "Lisbon"} {
			if strings.Contains(out.String(), personal) {
				t.Errorf("the log still has %q", personal)
			}
		}
		if !strings.Contains(out.String(), w.created.Administrator) {
			t.Error("somebody else was erased too")
		}
		_, found := w.api(http.MethodGet, "/v1.0/auditLogs/signIns?$filter=userId%20eq%20'"+id+"'", token, "")
		if text := asText(found); !strings.Contains(text, "(erased)") || strings.Contains(text, "mira") {
			t.Errorf("Graph shows %s", text)
		}
		_, found = w.api(http.MethodGet, "/v1.0/auditLogs/signIns?$filter=userPrincipalName%20eq%20'mira@contoso.example'", token, "")
		if len(found["value"].([]any)) != 0 {
			t.Error("sign-ins are found by the erased name")
		}
		if again, err := server.EraseUser(t.Context(), w.options, id); err != nil || again != 0 {
			t.Errorf("by id, once more: %d, %v", again, err)
		}
	})
}

// seal seals all that is committed now.
func (w *world) seal() {
	w.t.Helper()
	if err := w.server.Sealed(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// directoryAudits are the audits of one activity.
func (w *world) directoryAudits(token, activity string) []any {
	w.t.Helper()
	status, found := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'"+strings.ReplaceAll(activity, " ", "%20")+"'", token, "")
	if status != http.StatusOK {
		w.t.Fatalf("audits: %d %v", status, found)
	}
	return found["value"].([]any)
}

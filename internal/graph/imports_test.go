package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph"
)

// rowsOf are rows of an import that adds people.
func rowsOf(from, to int) string {
	var all []string
	for n := from; n < to; n++ {
		all = append(all, fmt.Sprintf(`{"row": %d, "values": ["hr-%d", "n%d@contoso.example"]}`, n, n, n))
	}
	return `{"columns": ["externalId", "userPrincipalName"], "rows": [` + strings.Join(all, ",") + `]}`
}

func TestAnImportAnswersBeforeItsCallerGivesUp(t *testing.T) {
	w := newWorld(t, "User.ReadWrite.All")
	at, alone := time.Now(), sync.Mutex{} // rows are stored side by side
	w.api.Now = func() time.Time {
		alone.Lock()
		defer alone.Unlock()
		at = at.Add(500 * time.Millisecond)
		return at
	}
	const all = 50
	done, requests := 0, 0
	for ; done < all; requests++ {
		got := w.call(http.StatusOK, http.MethodPost, "/v1.0/postern/imports", rowsOf(done, all))
		rows, _ := got["rows"].([]any)
		if len(rows) == 0 || got["added"] != float64(len(rows)) {
			t.Fatalf("from %d: %v", done, got)
		}
		first, _ := rows[0].(map[string]any)
		if first["row"] != float64(done) {
			t.Fatalf("from %d the answer begins with %v", done, first)
		}
		done += len(rows)
	}
	if requests == 1 || requests == all {
		t.Errorf("%d rows took %d requests", all, requests)
	}
}

func TestRowsThatAreStoredSideBySideFindWhatEarlierOnesDid(t *testing.T) {
	w := newWorld(t, "User.ReadWrite.All")
	outcomes := func(body string) (all []string) {
		got := w.call(http.StatusOK, http.MethodPost, "/v1.0/postern/imports", body)
		rows, _ := got["rows"].([]any)
		for _, x := range rows {
			row, _ := x.(map[string]any)
			all = append(all, fmt.Sprint(row["outcome"], " ", row["managerMissing"]))
		}
		return all
	}
	want := func(name string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	want("managers before their people", outcomes(`{"columns": ["externalId", "userPrincipalName", "manager"], "rows": [
		{"values": ["1", "a@contoso.example", ""]}, {"values": ["2", "b@contoso.example", "A@contoso.example"]},
		{"values": ["3", "c@contoso.example", "2"]}, {"values": ["4", "d@contoso.example", "9"]}]}`),
		"added false", "added false", "added false", "added true")
	want("names that are handed on", outcomes(`{"columns": ["externalId", "userPrincipalName"], "rows": [
		{"values": ["4", "e@contoso.example"]}, {"values": ["3", "d@contoso.example"]}, {"values": ["2", "c@contoso.example"]}, {"values": ["1", "b@contoso.example"]}]}`),
		"changed false", "changed false", "changed false", "changed false")
	want("the same once more", outcomes(`{"columns": ["externalId", "userPrincipalName"], "rows": [
		{"values": ["4", "e@contoso.example"]}, {"values": ["1", "b@contoso.example"]}, {"values": ["5", "f@elsewhere.example"]}]}`),
		"left false", "left false", "refused false")
}

func TestAPersonIsImportedOnceByWhateverNames(t *testing.T) {
	w := newWorld(t, "User.ReadWrite.All")
	send := func(rows ...string) (all []string) {
		got := w.call(http.StatusOK, http.MethodPost, "/v1.0/postern/imports",
			`{"columns": ["externalId", "employeeId", "userPrincipalName", "jobTitle"], "rows": [`+strings.Join(rows, ",")+`]}`)
		for _, x := range got["rows"].([]any) {
			row := x.(map[string]any)
			said := fmt.Sprint(row["outcome"])
			if e, ok := row["error"].(map[string]any); ok {
				said += fmt.Sprint(" ", e["code"], " ", e["message"])
			}
			all = append(all, said)
		}
		return all
	}
	row := func(number int, external, employee, name, job string) string {
		return fmt.Sprintf(`{"row": %d, "values": [%q, %q, %q, %q]}`, number, external, employee, name, job)
	}
	send(row(1, "x-1", "e-1", "a@contoso.example", ""), row(2, "x-2", "e-2", "b@contoso.example", ""))
	far := []string{row(10, "", "e-1", "", "One")}
	for n := range 40 { // more than are stored side by side
		far = append(far, row(11+n, "", "", fmt.Sprintf("n%d@contoso.example", n), ""))
	}
	for name, c := range map[string]struct {
		rows   []string
		second int
	}{
		"side by side":     {[]string{row(10, "", "e-1", "", "One"), row(11, "", "", "A@contoso.example", "Two")}, 1},
		"by the source":    {[]string{row(10, "", "", "a@contoso.example", "One"), row(11, "x-1", "", "", "Two")}, 1},
		"far apart":        {append(far, row(99, "", "", "a@contoso.example", "Two")), 41},
		"tried once more":  {[]string{row(10, "", "e-1", "", "One"), row(11, "x-2", "", "a@contoso.example", "Two"), row(12, "x-2", "", "", "b")}, -1},
		"different people": {[]string{row(10, "", "e-1", "", "One"), row(11, "", "", "b@contoso.example", "Two")}, -1},
	} {
		got := send(c.rows...)
		for i, said := range got {
			const again = "refused importRow Row 10 is about the same person."
			if (i == c.second) != (said == again) {
				t.Errorf("%s: row %d was %q", name, i, said)
			}
		}
		if v := w.call(http.StatusOK, http.MethodGet, "/v1.0/users/a@contoso.example?$select=jobTitle", ""); v["jobTitle"] != "One" {
			t.Errorf("%s: the second row made %v", name, v)
		}
	}
}

// leaves is a store beside which the caller goes away.
type leaves struct {
	graph.Store
	leave func()
}

func (s leaves) UsersWith(ctx context.Context, tenant directory.TenantID, property, value string, limit int) ([]directory.User, error) {
	s.leave()
	return s.Store.UsersWith(ctx, tenant, property, value, limit)
}

func TestAnImportEndsQuietlyWhenItsCallerIsGone(t *testing.T) {
	w := newWorld(t, "User.ReadWrite.All")
	ctx, leave := context.WithCancel(t.Context())
	var log bytes.Buffer
	w.api.Store, w.api.Log = leaves{w.api.Store, leave}, slog.New(slog.NewTextHandler(&log, nil))
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1.0/postern/imports", strings.NewReader(rowsOf(0, 50)))
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if rec.Code == http.StatusOK || json.Valid(rec.Body.Bytes()) && strings.Contains(rec.Body.String(), `"rows"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log.String())
	}
}

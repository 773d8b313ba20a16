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

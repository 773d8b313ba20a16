package server_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// What anybody can make the server keep is small.
func TestNobodyFillsTheDiskByLargeRequests(t *testing.T) {
	w := newWorld(t)
	junk := strings.Repeat("x", 9<<10)
	form := pushed()
	form.Set("junk", junk)
	for name, a := range map[string]answer{
		"pushed":      w.post(w.parPath(), form),
		"authorize":   w.authorize(map[string][]string{"state": {junk}}),
		"device code": w.post("/"+w.created.TenantID+"/oauth2/v2.0/devicecode", map[string][]string{"client_id": {cli}, "scope": {"openid"}, "junk": {junk}}),
	} {
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "8 KiB") || strings.Contains(a.location, junk) {
			t.Errorf("%s: %d %.300s", name, a.status, a.body)
		}
	}
	form.Set("junk", strings.Repeat("x", 6<<10))
	w.push(form)
}

// One round removes more than a batch, so that a flood does not pile up.
func TestAFloodOfRequestsIsRemovedInOneRound(t *testing.T) {
	w := newWorld(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
		INSERT INTO pushed_request (tenant_id, id, secret_hash, app_id, expires_at, body) SELECT $1, i, '', '', 1, '{}' FROM n`,
		w.created.TenantID); err != nil {
		t.Fatal(err)
	}
	w.server.CleanOnce(t.Context())
	var left int
	if err := db.QueryRow(`SELECT COUNT(*) FROM pushed_request`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d requests are left, %v", left, err)
	}
}

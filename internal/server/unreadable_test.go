package server_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method/totp"
)

// TestAPersonSeesAndRemovesAMethodThatCantBeRead on their own page, where all their others stay.
func TestAPersonSeesAndRemovesAMethodThatCantBeRead(t *testing.T) {
	w := newWorld(t)
	w.enableCodes()
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.signInOwn(adminName, pass)
	w.addApp(time.Now(), totp.SHA1)
	w.addApp(time.Now(), totp.SHA1)
	ids := []string{}
	for _, one := range w.softwareOaths(adminName) {
		ids = append(ids, one.(map[string]any)["id"].(string))
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE credential SET body = '{"name":471104711047110}' WHERE id = $1`, ids[0]); err != nil {
		t.Fatal(err)
	}

	page := w.get("/security-info")
	if page.status != http.StatusOK || !strings.Contains(page.body, "Can’t be read") || !strings.Contains(page.body, "Pixel 9") {
		t.Fatalf("the page: %d\n%s", page.status, page.body)
	}
	one := w.get("/security-info/method/" + ids[0])
	if one.status != http.StatusOK || !strings.Contains(one.body, "it signs nobody in") || strings.Contains(one.body, "/security-info/rename") || strings.Contains(one.body, "471104711047110") {
		t.Errorf("its page: %d\n%s", one.status, one.body)
	}
	if a := w.post("/security-info/remove", url.Values{"method": {ids[0]}}); a.status != http.StatusSeeOther {
		t.Errorf("remove: %d\n%s", a.status, a.body)
	}
	if left := w.softwareOaths(adminName); len(left) != 1 || left[0].(map[string]any)["id"] != ids[1] {
		t.Errorf("left are %v", left)
	}
}

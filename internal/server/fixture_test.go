package server_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the fixture's database is opened directly

	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store"
)

// facts are what a fixture says of itself, in facts.json beside the data.
type facts struct {
	Created server.Created `json:"created"`
	User    string         `json:"user"` // Ada, who has a pass for many uses
	PassID  string         `json:"passId"`
	Pass    string         `json:"pass"`
	Session string         `json:"session"` // the value of Ada's session cookie
	Refresh string         `json:"refresh"` // a refresh token of hers
	Spent   string         `json:"spent"`   // a one-time pass that is used up
	Entries int            `json:"entries"` // of the log
}

const sessionCookie = "__Host-postern-session"

// fillWorld does what an organisation does in its first week, and returns what is known of it.
func fillWorld(t *testing.T, w *world) facts {
	t.Helper()
	token := w.appToken()
	f := facts{Created: w.created, User: w.createUser("ada")}
	bea, leaver := w.createUser("bea"), w.createUser("leaver")
	group := w.create("/v1.0/groups", `{"displayName":"Logistics","mailNickname":"logistics","securityEnabled":true,"mailEnabled":false}`)
	w.change(http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", reference(bea))
	w.change(http.MethodDelete, "/v1.0/users/"+leaver, "")
	issue := func(user, body string) (id, pass string) {
		t.Helper()
		status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", token, body)
		if status != http.StatusCreated {
			t.Fatalf("issue: %d %v", status, v)
		}
		return v["id"].(string), v["temporaryAccessPass"].(string)
	}
	f.PassID, f.Pass = issue("ada@contoso.example", `{"isUsableOnce":false,"postern_reason":"lost phone"}`)
	w.signIn(w.authorize(nil).location, "ada@contoso.example", "WRONGWRONG")
	w.newBrowser()
	_, tokens := w.token(redeem(w.code("ada@contoso.example", f.Pass)))
	f.Refresh, _ = tokens["refresh_token"].(string)
	f.Session = w.cookie(sessionCookie)
	_, f.Spent = issue("bea@contoso.example", `{"isUsableOnce":true}`)
	w.newBrowser()
	w.code("bea@contoso.example", f.Spent)
	if f.Refresh == "" || f.Session == "" {
		t.Fatalf("signing in gave no session or refresh token: %v", tokens)
	}
	return f
}

// cookie returns the value of one of the browser's cookies.
func (w *world) cookie(name string) string {
	w.t.Helper()
	u, err := url.Parse(w.site.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range w.browser.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// setCookie gives the browser a cookie.
func (w *world) setCookie(name, value string) {
	w.t.Helper()
	u, err := url.Parse(w.site.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	w.browser.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// awaitSeal returns when every event is sealed, with their number.
func (w *world) awaitSeal() (entries int) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for late := time.After(30 * time.Second); ; {
		var waiting int
		if err := db.QueryRow(`SELECT COUNT(*), COALESCE(SUM(position = -1), 0) FROM event`).Scan(&entries, &waiting); err != nil {
			w.t.Fatal(err)
		}
		if entries > 0 && waiting == 0 {
			return entries
		}
		select {
		case <-look.C:
		case <-late:
			w.t.Fatalf("%d of %d entries are not sealed", waiting, entries)
		}
	}
}

// hold makes what would end by itself last, so that a fixture is as good in ten years.
func hold(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "postern.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	end := time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, query := range []string{
		`UPDATE tap SET end_at = $1 WHERE NOT bootstrap`, `UPDATE session SET expires_at = $1`, `UPDATE token_family SET expires_at = $1`,
		`UPDATE single_use_token SET expires_at = $1`, `UPDATE application_secret SET end_at = $1`,
	} {
		if _, err := db.Exec(query, end.UnixMicro()); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"session", "token_family"} {
		holdPasses(t, db, table, end)
	}
	for _, query := range []string{`PRAGMA wal_checkpoint(TRUNCATE)`, `PRAGMA journal_mode(DELETE)`, `VACUUM`} {
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
}

// passEnd is the end of a pass in the documents of what came from it.
var passEnd = regexp.MustCompile(`"(end|passEnd)":"[^"]*"`)

func holdPasses(t *testing.T, db *sql.DB, table string, end time.Time) {
	t.Helper()
	rows, err := db.Query(`SELECT id, body FROM ` + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	held := map[string]string{}
	for rows.Next() {
		var id, body string
		if err := rows.Scan(&id, &body); err != nil {
			t.Fatal(err)
		}
		held[id] = passEnd.ReplaceAllString(body, `"$1":"`+end.Format(time.RFC3339)+`"`)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for id, body := range held {
		if _, err := db.Exec(`UPDATE `+table+` SET body = $1 WHERE id = $2`, body, id); err != nil {
			t.Fatal(err)
		}
	}
}

// pack writes the files of a fixture as small as they get.
func pack(t *testing.T, dir string, f facts) []byte {
	t.Helper()
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "facts.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(z)
	for _, name := range []string{"facts.json", "master.key", "postern.db"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// unpack makes a data directory of a fixture.
func unpack(t *testing.T, packed io.Reader) (dir string, f facts) {
	t.Helper()
	dir = t.TempDir()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if err == io.EOF { //nolint:errorlint // archive/tar returns it as it is
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return dir, f
}

// TestAFixtureOfThisReleaseCanBeMade makes the data directory that later releases upgrade in
// their tests. With POSTERN_FIXTURE=1 it is kept (docs/backup.md says when).
func TestAFixtureOfThisReleaseCanBeMade(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	f := fillWorld(t, w)
	f.Entries = w.awaitSeal()
	w.close()
	hold(t, w.options.Dir)
	packed := pack(t, w.options.Dir, f)
	if os.Getenv("POSTERN_FIXTURE") == "1" {
		name := filepath.Join("testdata", fmt.Sprintf("release-%d.tar.gz", store.Release))
		if err := os.WriteFile(name, packed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, again := unpack(t, bytes.NewReader(packed)); again != f {
		t.Errorf("what was packed is %+v, unpacked it is %+v", f, again)
	}
}

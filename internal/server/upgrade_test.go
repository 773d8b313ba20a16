package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store/pgtest"
)

// fixtures are the data directories of released schemas.
func fixtures(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", "release-*.tar.gz"))
	if err != nil || len(all) == 0 {
		t.Fatalf("there is no fixture: %v", err)
	}
	return all
}

func openFixture(t *testing.T, name string) (dir string, f facts) {
	t.Helper()
	packed, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	return unpack(t, packed)
}

// people hammer a server that is only just starting.
type people struct {
	client *http.Client
	base   string
	facts  facts
}

// token asks for a token as the application does that the older release made.
func (p people) token(ctx context.Context) error {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {p.facts.Created.ClientID}, "client_secret": {p.facts.Created.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default"},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/"+p.facts.Created.TenantID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		return errors.New(res.Status + " " + string(text))
	}
	return nil
}

func TestDataOfEveryReleaseIsUpgradedUnderLoad(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			dir, f := openFixture(t, name)
			w := &world{t: t, created: f.Created}
			l := server.Listen{Address: "127.0.0.1:0"}
			if err := l.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.options = server.Options{Dir: dir, PublicURL: "https://" + l.Address, Hold: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
			p := people{facts: f, base: w.options.PublicURL, client: &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // a server of this test, on loopback
			}}}
			// Requests come before the store is even open.
			var load sync.WaitGroup
			for range 16 {
				load.Go(func() {
					for range 5 {
						if err := p.token(t.Context()); err != nil {
							t.Errorf("a request during the upgrade: %v", err)
						}
					}
				})
			}
			ctx, stop := context.WithCancel(t.Context())
			var served sync.WaitGroup
			served.Go(func() {
				if err := server.Serve(ctx, w.options, l, func(*server.Server) {}); err != nil {
					t.Errorf("Serve: %v", err)
				}
			})
			load.Wait()
			stop()
			served.Wait()
			checkFixture(t, dir, "", f)
		})
	}
}

// checkFixture opens the data of a fixture at the front door.
func checkFixture(t *testing.T, dir, database string, f facts) {
	t.Helper()
	o := server.Options{Dir: dir, Database: database, Hold: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	if database == "" { // PostgreSQL's clock can't be set
		o.Wall = func() time.Time { return time.Now().AddDate(10, 0, 0) } // these tests run for a long time to come
	}
	w := openWorld(t, o, f.Created)
	if status, v := w.token(refresh(f.Refresh)); status != http.StatusOK {
		t.Errorf("a refresh token of the older release: %d %v", status, v)
	}
	w.setCookie(sessionCookie, f.Session)
	w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))
	w.newBrowser()
	w.code("ada@contoso.example", f.Pass)
	w.newBrowser()
	if a := w.signIn(w.authorize(nil).location, "bea@contoso.example", f.Spent); a.status != http.StatusBadRequest {
		t.Errorf("a pass that the older release saw spent: %d", a.status)
	}
	token := w.appToken()
	for _, path := range []string{"/v1.0/users", "/v1.0/groups", "/v1.0/auditLogs/signIns", "/v1.0/auditLogs/directoryAudits", "/v1.0/users/" + f.User} {
		status, v := w.api(http.MethodGet, path, token, "")
		list, isList := v["value"].([]any)
		if status != http.StatusOK || isList && len(list) == 0 {
			t.Errorf("%s: %d %v", path, status, v)
		}
	}
	// The command line may ask for what later releases added, and devices can join.
	_, grants := w.api(http.MethodGet, "/v1.0/oauth2PermissionGrants", token, "")
	if text, err := json.Marshal(grants); err != nil || !strings.Contains(string(text), "DeviceManagementConfiguration.ReadWrite.All") {
		t.Errorf("the grants are those of the older release: %v %s", err, text)
	}
	if a := w.get("/device/v1/" + f.Created.TenantID); a.status != http.StatusOK {
		t.Errorf("devices: %d %s", a.status, a.body)
	}
	w.change(http.MethodPatch, "/v1.0/users/"+f.User, `{"jobTitle":"Upgraded"}`)
	w.close()
	reports, err := server.VerifyLog(t.Context(), w.options, nil, false)
	if err != nil || int(reports[0].Report.Head.Size) < f.Entries {
		t.Errorf("log verify: %+v, %v", reports, err)
	}
}

func TestDataOfEveryReleaseIsMigratedToPostgreSQL(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			dir, f := openFixture(t, name)
			to := pgtest.Open(t)
			if _, err := server.Migrate(t.Context(), server.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)}, to); err != nil {
				t.Fatal(err)
			}
			checkFixture(t, dir, to, f)
		})
	}
}

package server_test

import (
	"bufio"
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/server"
)

// scrape returns every metric with its value, by name and labels.
func (w *world) scrape() (map[string]string, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.server.Metrics().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	all, whole := map[string]string{}, rec.Body.String()
	for lines := bufio.NewScanner(strings.NewReader(whole)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			cut := strings.LastIndexByte(line, ' ')
			all[line[:cut]] = line[cut+1:]
		}
	}
	return all, whole
}

func TestMetricsCountWhatHappensAndNamePeopleNowhere(t *testing.T) {
	w := newWorld(t)
	app := w.appToken()
	_, user := w.api(http.MethodPost, "/v1.0/users", app, `{
		"accountEnabled": true, "displayName": "Mira", "mailNickname": "mira", "userPrincipalName": "mira@contoso.example",
		"passwordProfile": {"password": "long and never used 1!"}}`)
	_, pass := w.api(http.MethodPost, "/v1.0/users/"+user["id"].(string)+"/authentication/temporaryAccessPassMethods", app, `{}`)
	w.signIn(w.get("/security-info").location, "mira@contoso.example", "wr0ngwr0ng")
	w.newBrowser()
	if a := w.signIn(w.get("/security-info").location, "mira@contoso.example", pass["temporaryAccessPass"].(string)); a.status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", a.status)
	}
	w.get("/no/such/page")
	w.get("/" + strings.Repeat("x", 30))

	all, whole := w.scrape()
	for name, want := range map[string]string{
		`postern_http_requests_total{route="POST /users/{id}/authentication/temporaryAccessPassMethods",status="201"}`: "1",
		`postern_http_requests_total{route="POST /{tenant}/oauth2/v2.0/token",status="200"}`:                           "1",
		`postern_http_requests_total{route="/",status="404"}`:                                                          "2",
		`postern_sign_ins_total{kind="interactiveUser",outcome="130503"}`:                                              "1",
		`postern_sign_ins_total{kind="interactiveUser",outcome="success"}`:                                             "1",
		`postern_sign_ins_total{kind="servicePrincipal",outcome="success"}`:                                            "1",
		`postern_passes_total{event="issued"}`:                                                                         "1",
		`postern_passes_total{event="failed"}`:                                                                         "1",
		`postern_passes_total{event="used"}`:                                                                           "1",
		`postern_gate_inside`:                                                                                          "0",
		`postern_gate_waiting`:                                                                                         "0",
		`postern_clock_wrong`:                                                                                          "0",
		`postern_throttle_refusals_total`:                                                                              "0",
		`postern_outbox_waiting`:                                                                                       "0",
	} {
		if all[name] != want {
			t.Errorf("%s is %q, want %s", name, all[name], want)
		}
	}
	for _, name := range []string{"postern_store_commit_seconds_count", "postern_store_commit_changes_count", "postern_log_seal_lag_seconds", "go_goroutines"} {
		if all[name] == "" || all[name] == "0" {
			t.Errorf("%s is %q", name, all[name])
		}
	}
	for _, secret := range []string{"mira", "contoso", w.created.TenantID, user["id"].(string), "127.0.0.1", "xxxxx"} {
		if strings.Contains(whole, secret) {
			t.Errorf("the metrics contain %q", secret)
		}
	}
	if t.Failed() {
		t.Log(whole)
	}
}

func TestEveryRecordOfARequestHasItsCorrelationIDOnce(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(server.LogHandler(slog.NewJSONHandler(&out, nil)))
	ctx := request.With(t.Context(), request.Facts{CorrelationID: "c0rrelation"})
	log.With("a", 1).InfoContext(ctx, "one")
	log.InfoContext(ctx, "two", "correlation_id", "c0rrelation")
	log.Info("three")
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		want := 1
		if i == 2 {
			want = 0
		}
		if n := strings.Count(line, "c0rrelation"); n != want {
			t.Errorf("%d times in %s", n, line)
		}
	}
}

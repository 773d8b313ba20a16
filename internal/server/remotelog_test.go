package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/server"
)

func TestTheLogIsVerifiedThroughGraph(t *testing.T) {
	w := newWorld(t)
	w.issue(`{}`)
	w.seal()
	token := w.appToken()
	page := func(from string) answer {
		r := w.request(http.MethodGet, "/v1.0/postern/log?from="+from, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return w.do(r)
	}
	for _, from := range []string{"", "x", "-2", "0&to=1"} {
		if a := page(from); a.status != http.StatusBadRequest || !strings.Contains(a.body, "from") {
			t.Errorf("from=%s: %d %s", from, a.status, a.body)
		}
	}
	forge := false
	fetch := func(_ context.Context, from int64) ([]byte, error) {
		body := page(fmt.Sprint(from)).body
		if forge {
			body = strings.Replace(body, "success", "failure", 1)
		}
		return []byte(body), nil
	}
	reports, err := server.VerifyRemoteLog(t.Context(), fetch, []io.Reader{}, false)
	if err != nil || len(reports) != 1 || reports[0].Tenant != w.created.TenantID || reports[0].Report.Head.Size == 0 || reports[0].Problem != "" {
		t.Errorf("got %+v, %v", reports, err)
	}
	forge = true
	if reports, err := server.VerifyRemoteLog(t.Context(), fetch, nil, false); !errors.Is(err, audit.ErrTampered) || len(reports) != 1 || reports[0].Problem == "" {
		t.Errorf("a forged entry: %+v, %v", reports, err)
	}
}

// TestTheStatusOfTheLogSaysHowFarItIsSealed asks before anything is sealed, after, while something
// waits, and after somebody touched the store.
func TestTheStatusOfTheLogSaysHowFarItIsSealed(t *testing.T) {
	witnesses, err := server.ParseWitnesses([]string{"file:" + filepath.Join(t.TempDir(), "witness")})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *server.Options) { o.Witnesses = witnesses })
	token := w.appToken()
	status := func() map[string]any {
		code, v := w.api(http.MethodGet, "/v1.0/postern/log/status", token, "")
		if code != http.StatusOK {
			t.Fatalf("the status answers %d %v", code, v)
		}
		return v
	}
	w.seal()
	w.issue(`{}`)
	waiting := status()
	if waiting["unsealed"].(float64) < 1 || waiting["oldestUnsealedInSeconds"] == nil {
		t.Errorf("while an entry waits: %v", waiting)
	}
	w.seal()
	sealed := status()
	checkpoint, _ := sealed["checkpoint"].(map[string]any)
	if sealed["unsealed"] != 0.0 || sealed["oldestUnsealedInSeconds"] != nil || checkpoint["signatureValid"] != true || checkpoint["size"] != sealed["size"] || checkpoint["signedDateTime"] == nil {
		t.Errorf("when all is sealed: %v", sealed)
	}
	one, _ := sealed["witnesses"].([]any)
	if len(one) != 1 || one[0].(map[string]any)["kind"] != "file" || one[0].(map[string]any)["told"] != nil {
		t.Errorf("the witnesses are %v", one)
	}

	_, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$top=1", token, "")
	id := v["value"].([]any)[0].(map[string]any)["id"].(string)
	proof := func() map[string]any {
		code, p := w.api(http.MethodGet, "/v1.0/postern/log/proof/"+id, token, "")
		if code != http.StatusOK {
			t.Fatalf("the proof answers %d %v", code, p)
		}
		return p
	}
	if p := proof(); p["included"] != true || p["position"] == nil || p["root"] != checkpoint["root"] {
		t.Errorf("the proof is %v", p)
	}
	if code, _ := w.api(http.MethodGet, "/v1.0/postern/log/proof/00000000-0000-4000-8000-000000000000", token, ""); code != http.StatusNotFound {
		t.Errorf("an entry that is not there: %d", code)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	forge := func(statement string) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	forge(`UPDATE event SET body = REPLACE(body, 'success', 'failure') WHERE id = '` + id + `'`)
	if p := proof(); p["included"] != false {
		t.Errorf("the proof of a forged entry is %v", p)
	}
	forge(`UPDATE log_head SET size = size - 1`)
	if s := status(); s["checkpoint"].(map[string]any)["signatureValid"] != false {
		t.Errorf("after the head was moved: %v", s)
	}
}

package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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

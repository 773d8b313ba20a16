package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/server"
)

func TestANearlyFullDiskRefusesStrangersFirst(t *testing.T) {
	w := newWorld(t)
	app := w.appToken()
	signedIn := w.browser
	if a := w.signIn(w.get("/security-info").location, w.created.Administrator, w.created.Pass); a.status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", a.status)
	}
	w.newBrowser()
	begun := w.authorize(nil)

	w.server.SetFree(1<<20, 1<<40)
	w.server.Look(t.Context())
	if a := w.post(begun.location, url.Values{"username": {"mira@contoso.example"}}); a.status != http.StatusSeeOther {
		t.Errorf("a sign-in that has begun: %d", a.status)
	}
	w.browser = signedIn
	if a := w.get("/security-info"); a.status != http.StatusOK {
		t.Errorf("a person who is signed in: %d", a.status)
	}
	if status, v := w.api(http.MethodPost, "/v1.0/users/"+w.created.Administrator+"/authentication/temporaryAccessPassMethods", app, `{}`); status != http.StatusCreated {
		t.Errorf("the helpdesk: %d %v", status, v)
	}
	w.newBrowser()
	a := w.authorize(nil)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `data-error="diskNearlyFull"`) {
		t.Errorf("a stranger: %d\n%s", a.status, a.body)
	}
	if status, said := w.ready(); status != http.StatusOK || !strings.Contains(said, "nearly full") {
		t.Errorf("readyz: %d %s", status, said)
	}

	w.server.SetFree(1<<39, 1<<40)
	w.server.Look(t.Context())
	if a := w.authorize(nil); a.status >= http.StatusBadRequest {
		t.Errorf("with room again: %d", a.status)
	}
}

func TestASmallDiskHasASmallReserve(t *testing.T) {
	for _, tt := range []struct {
		name        string
		free, total uint64
		low         bool
	}{
		{"a large disk with 300 MiB", 300 << 20, 1 << 40, false},
		{"a large disk with 200 MiB", 200 << 20, 1 << 40, true},
		{"a disk of 100 MiB with 6", 6 << 20, 100 << 20, false},
		{"a disk of 100 MiB with 4", 4 << 20, 100 << 20, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if low := server.Low(tt.free, tt.total); low != tt.low {
				t.Errorf("low: %t", low)
			}
		})
	}
}

func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

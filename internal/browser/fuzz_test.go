package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/token"
)

// FuzzCookies sends whatever a browser, or somebody who set cookies for it, could send.
func FuzzCookies(f *testing.F) {
	o := token.Opaque{Tenant: "8c85cb83-de71-48f7-8879-69a5f3d56026", ID: "07a05152-6918-45f3-99de-fed5bbaee2e1"}
	text, err := o.Reveal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", "")
	f.Add(sessionCookie+"="+text, "07a05152")
	f.Add(sessionCookie+"="+strings.Repeat(text+".", 9), "07a05152")
	f.Add(transactionPrefix+"07a05152="+text+"; "+placeCookie+"="+strings.Repeat("A", 43), "07a05152")
	f.Add(transactionPrefix+"07a05153="+text, "07a05153")
	f.Add(transactionPrefix+"../../..="+text, "../../..")
	f.Add(`a="b;c"; `+sessionCookie+`="`+text+`"`, "07A05152")
	f.Fuzz(func(t *testing.T, header, name string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Cookie", header)
		sessions := Sessions(r)
		if len(sessions) > maxSessions {
			t.Errorf("%d sessions", len(sessions))
		}
		for _, s := range sessions {
			if text, err := s.Reveal(); err != nil || !strings.Contains(header, text) {
				t.Errorf("a session that was not sent: %q %v", text, err)
			}
		}
		if held, err := Transaction(r, name); err == nil && (HandleName(held) != name || !strings.Contains(header, transactionPrefix+name)) {
			t.Errorf("%q opens %s", name, held.ID)
		}
		w := httptest.NewRecorder()
		place := KeepPlace(w, r)
		if len(place) != 43 {
			t.Errorf("a place of %d characters", len(place))
		}
		if err := KeepTransaction(w, r, o, time.Minute); err != nil {
			t.Error(err)
		}
		if err := AddSession(w, r, o, time.Time{}); err != nil {
			t.Error(err)
		}
		for _, line := range w.Header().Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") {
				t.Errorf("Set-Cookie: %q %v", line, err)
			}
		}
	})
}

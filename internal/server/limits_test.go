package server_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// bomb is megabytes of zeros, zipped.
func bomb(t *testing.T) string {
	t.Helper()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(bytes.Repeat([]byte{' '}, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped.String()
}

func TestBodiesThatAreTooMuchAreRefusedEverywhere(t *testing.T) {
	w := newWorld(t)
	app := w.appToken()
	form, inJSON := "application/x-www-form-urlencoded", "application/json"
	token := "/" + w.created.TenantID + "/oauth2/v2.0/token"
	authorize := "/" + w.created.TenantID + "/oauth2/v2.0/authorize"
	page := w.get("/security-info").location
	large := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		name, path, kind, encoding, body string
		want                             int
	}{
		{"Graph, too large", "/v1.0/groups", inJSON, "", `{"displayName": "` + strings.Repeat(large, 5) + `"}`, http.StatusRequestEntityTooLarge},
		{"Graph, a gzip bomb", "/v1.0/groups", inJSON, "gzip", bomb(t), http.StatusRequestEntityTooLarge},
		{"Graph, too deep", "/v1.0/groups", inJSON, "", strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), http.StatusBadRequest},
		{"Graph, not UTF-8", "/v1.0/groups", inJSON, "", "{\"displayName\": \"\xff\"}", http.StatusBadRequest},
		{"Graph, broken gzip", "/v1.0/groups", inJSON, "gzip", "hello", http.StatusBadRequest},
		{"Graph, an unknown encoding", "/v1.0/groups", inJSON, "br", "hello", http.StatusUnsupportedMediaType},
		{"Graph, a form", "/v1.0/groups", form, "", "a=b", http.StatusUnsupportedMediaType},
		{"Graph, an unknown member", "/v1.0/groups", inJSON, "", `{"displayNam": "x"}`, http.StatusBadRequest},
		{"Graph, a wrong type", "/v1.0/groups", inJSON, "", `{"displayName": 7}`, http.StatusBadRequest},
		{"token, too large", token, form, "", "grant_type=" + large, http.StatusRequestEntityTooLarge},
		{"token, zipped", token, form, "gzip", bomb(t), http.StatusBadRequest},
		{"token, JSON", token, inJSON, "", "{}", http.StatusBadRequest},
		{"token, not UTF-8", token, form, "", "grant_type=%ff%fe", http.StatusBadRequest},
		{"token, too many parameters", token, form, "", strings.Repeat("a=&", 10_000), http.StatusBadRequest},
		{"authorize, too large", authorize, form, "", "client_id=" + large, http.StatusRequestEntityTooLarge},
		{"authorize, not UTF-8", authorize, form, "", "client_id=%ff", http.StatusBadRequest},
		{"a page, too large", page, form, "", "username=" + large, http.StatusRequestEntityTooLarge},
		{"a page, zipped", page, form, "gzip", bomb(t), http.StatusBadRequest},
		{"a page, broken", page, form, "", "username=%zz", http.StatusBadRequest},
		{"a page, NUL", page, form, "", "username=a%00%40contoso.example", http.StatusBadRequest},
		{"a page, multipart", page, "multipart/form-data; boundary=x", "", "--x--", http.StatusBadRequest},
		{"an address, not UTF-8", "/%ff/oauth2/v2.0/token", form, "", "grant_type=x", http.StatusBadRequest},
		{"an address, NUL", authorize + "?client_id=%00", form, "", "", http.StatusBadRequest},
		{"Graph, an address with NUL", "/v1.0/groups?$filter=displayName%20eq%20'%00'", inJSON, "", "{}", http.StatusBadRequest},
		{"a page, not UTF-8", page, form, "", "username=%ff%40contoso.example", http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.request(http.MethodPost, tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			if tt.encoding != "" {
				r.Header.Set("Content-Encoding", tt.encoding)
			}
			if strings.HasPrefix(tt.path, "/v1.0") {
				r.Header.Set("Authorization", "Bearer "+app)
			}
			if a := w.do(r); a.status != tt.want {
				t.Errorf("%d, want %d\n%.600s", a.status, tt.want, a.body)
			}
		})
	}
	if strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Errorf("one of them is a bug's:\n%.2000s", w.log.String())
	}
	if a := w.post(page, url.Values{"username": {"mira@contoso.example"}}); a.status != http.StatusSeeOther {
		t.Errorf("the page afterwards: %d", a.status)
	}
}

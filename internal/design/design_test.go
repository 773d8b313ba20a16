package design

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAssets(t *testing.T) {
	all := Collect()
	css, err := all.Path("components.css")
	if err != nil {
		t.Fatal(err)
	}
	icons, _ := all.Path("icons.svg")
	tests := []struct {
		name, method, path string
		status             int
		contentType        string
	}{
		{"a style sheet", "GET", css, 200, "text/css; charset=utf-8"},
		{"the icons", "GET", icons, 200, "image/svg+xml"},
		{"the head of a style sheet", "HEAD", css, 200, "text/css; charset=utf-8"},
		{"another hash", "GET", "/assets/components.0123456789abcdef.css", 404, "text/plain; charset=utf-8"},
		{"no hash", "GET", "/assets/components.css", 404, "text/plain; charset=utf-8"},
		{"the folder", "GET", "/assets/", 404, "text/plain; charset=utf-8"},
		{"a way out of the folder", "GET", "/assets/../words.go", 404, "text/plain; charset=utf-8"},
		{"a post", "POST", css, 405, "text/plain; charset=utf-8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(test.method, "/", nil)
			r.URL.Path = test.path
			all.ServeHTTP(w, r)
			if w.Code != test.status || w.Header().Get("Content-Type") != test.contentType {
				t.Errorf("%d %s, want %d %s", w.Code, w.Header().Get("Content-Type"), test.status, test.contentType)
			}
			kept := w.Header().Get("Cache-Control") == "public, max-age=31536000, immutable"
			if kept != (test.status == http.StatusOK) {
				t.Errorf("Cache-Control is %q", w.Header().Get("Cache-Control"))
			}
		})
	}
}

func TestAssetsHaveATypeAndContent(t *testing.T) {
	all := Collect()
	server := httptest.NewServer(all)
	defer server.Close()
	for name, a := range all.byName {
		response, err := http.Get(server.URL + a.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != string(a.content) || response.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d bytes of type %q, %v", name, len(body), response.Header.Get("Content-Type"), err)
		}
	}
}

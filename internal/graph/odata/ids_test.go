package odata_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/request"
)

func TestTag(t *testing.T) {
	for _, c := range []struct{ name, sent, echoed string }{
		{"a GUID is echoed", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{"none becomes the request-id", "", zeroID},
		{"64 characters are echoed", strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"65 characters are not", strings.Repeat("a", 65), zeroID},
		{"a line break adds no header", "abc\r\nSet-Cookie: a=b", zeroID},
		{"markup is not echoed", "<script>", zeroID},
		{"letters beyond ASCII are not echoed", "ünïcode", zeroID},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/v1.0/me", nil)
			r.Header["Client-Request-Id"] = []string{c.sent}
			var seen odata.IDs
			w := serve(func(_ http.ResponseWriter, r *http.Request) { seen = odata.IDsFrom(r.Context()) }, r)
			if want := (odata.IDs{Request: zeroID, Client: c.echoed, At: nine}); seen != want {
				t.Errorf("the handler sees %+v, want %+v", seen, want)
			}
			for name, want := range map[string]string{
				"request-id": zeroID, "client-request-id": c.echoed, "Cache-Control": "no-store",
				"Date": "Tue, 03 Feb 2026 09:00:00 GMT", "Set-Cookie": "",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestTagTakesTheIDsThatTheRequestHas(t *testing.T) {
	r := httptest.NewRequest("GET", "/v1.0/me", nil)
	r.Header.Set("client-request-id", "another")
	r = r.WithContext(request.With(r.Context(), request.Facts{RequestID: "one", CorrelationID: "two"}))
	w := serve(func(http.ResponseWriter, *http.Request) {}, r)
	if a, b := w.Header().Get("request-id"), w.Header().Get("client-request-id"); a != "one" || b != "two" {
		t.Errorf("got %q and %q, want one and two", a, b)
	}
}

func TestTagWithoutRandomnessServesNothing(t *testing.T) {
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
	w := httptest.NewRecorder()
	odata.Tag(next, iotest.ErrReader(errors.New("dry")), time.Now).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusInternalServerError || w.Body.Len() != 0 {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

package design_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/postern-id/postern/internal/design"
)

func TestFilesArePackedForBrowsersThatTakeIt(t *testing.T) {
	assets := design.Collect()
	path, err := assets.Path("components.css")
	if err != nil {
		t.Fatal(err)
	}
	get := func(accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if accept != "" {
			r.Header.Set("Accept-Encoding", accept)
		}
		w := httptest.NewRecorder()
		assets.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %d, Vary %q", accept, w.Code, w.Header().Get("Vary"))
		}
		return w
	}
	plain := get("").Body.Bytes()
	for _, accept := range []string{"gzip", "br;q=1.0, GZIP;q=0.8", "deflate,gzip"} {
		w := get(accept)
		if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) || w.Body.Len() > len(plain)/2 {
			t.Errorf("%q: %v, %d bytes of %d", accept, w.Header(), w.Body.Len(), len(plain))
			continue
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q: what comes out is something else: %v", accept, err)
		}
	}
	for _, accept := range []string{"", "br", "gzip;q=0", "identity, gzip; q=0.0", "x-gzip-like"} {
		if w := get(accept); w.Header().Get("Content-Encoding") != "" || !bytes.Equal(w.Body.Bytes(), plain) {
			t.Errorf("%q: %v", accept, w.Header())
		}
	}
}

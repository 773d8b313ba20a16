//go:build otel

package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestASpanOfARequestReachesTheCollector(t *testing.T) {
	got := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if unzip, err := gzip.NewReader(r.Body); err == nil {
			body = unzip
		}
		data, _ := io.ReadAll(body)
		got <- data
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_SERVICE_NAME", "postern-test")
	end, err := beginTraces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/signin?t=secret", nil)
	r.RemoteAddr = "192.0.2.7:1"
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	_, done := beginSpan(r)
	done("GET /signin", http.StatusOK)
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := <-got
	for _, want := range []string{"GET /signin", "postern-test"} {
		if !bytes.Contains(sent, []byte(want)) {
			t.Errorf("the span lacks %q", want)
		}
	}
	for _, secret := range []string{"secret", "192.0.2.7"} {
		if bytes.Contains(sent, []byte(secret)) {
			t.Errorf("the span has %q", secret)
		}
	}
}

//go:build otel

package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

func spans() []*tracepb.ResourceSpans {
	return []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "GET /signin"}}}}}}
}

func TestSpansReachTheAddressThatTheVariablesSay(t *testing.T) {
	tries := 0
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got tracepb.TracesData
		if err != nil || proto.Unmarshal(body, &got) != nil || !proto.Equal(got.GetResourceSpans()[0], spans()[0]) {
			t.Errorf("sent %q (%v)", body, err)
		}
		if r.URL.Path != "/otlp/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("X-Key") != "a b" {
			t.Errorf("asked %s with %v", r.URL.Path, r.Header)
		}
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer at.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", at.URL+"/otlp/")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=a%20b")
	c, err := newCollector()
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	if err := c.UploadTraces(t.Context(), spans()); err != nil || tries != 2 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

func TestACollectorThatRefusesIsNotAskedAgain(t *testing.T) {
	tries := 0
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer at.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", at.URL)
	c, err := newCollector()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.UploadTraces(t.Context(), spans()); err == nil || !strings.Contains(err.Error(), "401") || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

func TestWrongVariablesOfTracesAreNamed(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon", "OTEL_EXPORTER_OTLP_COMPRESSION": "zip",
		"OTEL_EXPORTER_OTLP_HEADERS": "secret", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
			t.Setenv(name, value)
			if _, err := newCollector(); err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		})
	}
}

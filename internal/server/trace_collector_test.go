//go:build otel

package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func spans() []sdktrace.ReadOnlySpan {
	id := func(b byte) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: b}, TraceFlags: trace.FlagsSampled})
	}
	return tracetest.SpanStubs{{
		Name: "GET /signin", SpanContext: id(2), Parent: id(3), SpanKind: trace.SpanKindServer,
		StartTime: time.Unix(1, 5), EndTime: time.Unix(2, 0), Status: sdktrace.Status{Code: codes.Error},
		Attributes: []attribute.KeyValue{attribute.String("http.route", "GET /signin"), attribute.Int("http.response.status_code", 500)},
		Resource:   resource.NewSchemaless(attribute.String("service.name", "postern")), InstrumentationScope: instrumentation.Scope{Name: "here"},
	}}.Snapshots()
}

// inJSON is spans as the specification writes them.
const inJSON = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"postern"}}]},` +
	`"scopeSpans":[{"scope":{"name":"here"},"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002",` +
	`"parentSpanId":"0000000000000003","flags":1,"name":"GET /signin","kind":2,"startTimeUnixNano":"1000000005","endTimeUnixNano":"2000000000",` +
	`"attributes":[{"key":"http.route","value":{"stringValue":"GET /signin"}},{"key":"http.response.status_code","value":{"intValue":"500"}}],` +
	`"status":{"code":2}}]}]}]}`

func TestSpansReachTheAddressThatTheVariablesSay(t *testing.T) {
	tries := 0
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != inJSON {
			t.Errorf("sent %q (%v)", body, err)
		}
		if r.URL.Path != "/otlp/v1/traces" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Key") != "a b" {
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
	if err := c.ExportSpans(t.Context(), spans()); err != nil || tries != 2 {
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
	if err := c.ExportSpans(t.Context(), spans()); err == nil || !strings.Contains(err.Error(), "401") || tries != 1 {
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

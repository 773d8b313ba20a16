//go:build otel

package server

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A spanExport is an ExportTraceServiceRequest as OTLP writes it in JSON: ids in hex, times and
// integers as decimal texts, enumerations as numbers.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
type spanExport struct {
	ResourceSpans []resourceSpans `json:"resourceSpans"`
}

type resourceSpans struct {
	Resource   attributed   `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
}

type scopeSpans struct {
	Scope scope      `json:"scope"`
	Spans []sentSpan `json:"spans"`
}

type attributed struct {
	Attributes []sentAttribute `json:"attributes,omitempty"`
}

type scope struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type sentSpan struct {
	TraceID    string `json:"traceId"`
	SpanID     string `json:"spanId"`
	ParentID   string `json:"parentSpanId,omitempty"`
	TraceState string `json:"traceState,omitempty"`
	Flags      int    `json:"flags"`
	Name       string `json:"name"`
	Kind       int    `json:"kind"`
	Start      string `json:"startTimeUnixNano"`
	End        string `json:"endTimeUnixNano"`
	attributed
	Status sentStatus `json:"status,omitzero"`
}

type sentStatus struct {
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

type sentAttribute struct {
	Key   string    `json:"key"`
	Value sentValue `json:"value"`
}

type sentValue struct {
	Text    *string  `json:"stringValue,omitempty"`
	Integer *string  `json:"intValue,omitempty"`
	Number  *float64 `json:"doubleValue,omitempty"`
	Truth   *bool    `json:"boolValue,omitempty"`
}

// exportOf is the request for spans of one program and, as all of ours are, of one scope.
func exportOf(spans []sdktrace.ReadOnlySpan) spanExport {
	of := spans[0].InstrumentationScope()
	sent := scopeSpans{Scope: scope{of.Name, of.Version}}
	for _, s := range spans {
		sent.Spans = append(sent.Spans, sentOf(s))
	}
	return spanExport{[]resourceSpans{{attributed{attributesOf(spans[0].Resource().Attributes())}, []scopeSpans{sent}}}}
}

func sentOf(s sdktrace.ReadOnlySpan) sentSpan {
	c := s.SpanContext()
	out := sentSpan{
		TraceID: c.TraceID().String(), SpanID: c.SpanID().String(), TraceState: c.TraceState().String(), Flags: int(c.TraceFlags()),
		Name: s.Name(), Kind: int(s.SpanKind()), Start: nanos(s.StartTime()), End: nanos(s.EndTime()), attributed: attributed{attributesOf(s.Attributes())},
	}
	if p := s.Parent(); p.HasSpanID() {
		out.ParentID = p.SpanID().String()
	}
	switch status := s.Status(); status.Code { // OTLP counts otherwise than the library
	case codes.Ok:
		out.Status.Code = 1
	case codes.Error:
		out.Status = sentStatus{2, status.Description}
	}
	return out
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func attributesOf(all []attribute.KeyValue) []sentAttribute {
	var out []sentAttribute
	for _, a := range all {
		var v sentValue
		switch a.Value.Type() {
		case attribute.INT64:
			text := strconv.FormatInt(a.Value.AsInt64(), 10)
			v.Integer = &text
		case attribute.FLOAT64:
			n := a.Value.AsFloat64()
			v.Number = &n
		case attribute.BOOL:
			b := a.Value.AsBool()
			v.Truth = &b
		default:
			text := a.Value.String()
			v.Text = &text
		}
		out = append(out, sentAttribute{string(a.Key), v})
	}
	return out
}

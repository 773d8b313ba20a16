//go:build otel

package server

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/internal/request"
)

// beginTraces sends a span of each request by OTLP over HTTP to where the variables
// OTEL_EXPORTER_OTLP_… say, and nothing unless one names an endpoint. OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_BSP_… count too.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func beginTraces(ctx context.Context) (end func(context.Context) error, err error) {
	none := func(context.Context) error { return nil }
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return none, nil
	}
	to, err := newCollector()
	if err != nil || to == nil {
		return none, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "postern")), resource.WithFromEnv())
	if err != nil {
		return none, fmt.Errorf("send traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(to), sdktrace.WithResource(about))
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}

var propagator = propagation.TraceContext{}

// beginSpan begins the span of a request. Nothing in it is about a person: the route, the
// method, the status and the ids that the log has too.
func beginSpan(r *http.Request) (ctx context.Context, end func(route string, status int)) {
	ctx = propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := otel.Tracer("github.com/postern-id/postern").Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(route string, status int) {
		facts := request.From(ctx)
		span.SetName(route)
		span.SetAttributes(
			attribute.String("http.request.method", r.Method), attribute.String("http.route", route),
			attribute.Int("http.response.status_code", status),
			attribute.String("postern.correlation_id", facts.CorrelationID), attribute.String("postern.request_id", facts.RequestID),
		)
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

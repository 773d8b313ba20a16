//go:build otel

package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A collector takes spans by OTLP over HTTP, in JSON. The exporter of OpenTelemetry does the
// same and brings gRPC and protobuf along, a twelfth of the program.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp
type collector struct {
	address  string
	headers  http.Header
	timeout  time.Duration
	compress bool
	pause    time.Duration // before a busy collector is asked again; it doubles
	client   *http.Client
}

// newCollector reads the variables of the OTLP exporter; nil when none names an endpoint.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func newCollector() (*collector, error) {
	c := &collector{address: os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), timeout: 10 * time.Second, pause: time.Second, headers: http.Header{}}
	if base := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); c.address == "" && base != "" {
		c.address = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if c.address == "" {
		return nil, nil //nolint:nilnil // nobody takes spans
	}
	if u, err := url.Parse(c.address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the endpoint of traces %q is no http or https address", c.address)
	}
	if text := setting("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("the timeout of traces %q is no number of milliseconds", text)
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	switch text := setting("COMPRESSION"); text {
	case "", "none":
	case "gzip":
		c.compress = true
	default:
		return nil, fmt.Errorf("the compression of traces is gzip or none, not %q", text)
	}
	for pair := range strings.SplitSeq(setting("HEADERS"), ",") {
		name, value, ok := strings.Cut(pair, "=")
		if plain, err := url.PathUnescape(strings.TrimSpace(value)); ok && err == nil {
			c.headers.Set(strings.TrimSpace(name), plain)
		} else if strings.TrimSpace(pair) != "" {
			return nil, errors.New("the headers of traces are no list of name=value") // the value may be a secret
		}
	}
	if err := c.trust(setting("CERTIFICATE")); err != nil {
		return nil, fmt.Errorf("the certificate of traces: %w", err)
	}
	return c, nil
}

// setting is a variable for traces, or else for everything.
func setting(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

// trust makes the client believe the authorities in a file alone; those of the system without one.
func (c *collector) trust(file string) error {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	c.client = &http.Client{Transport: transport}
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s has no certificate", file)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return nil
}

// ExportSpans implements sdktrace.SpanExporter. Who is busy is asked again until the time is over.
func (c *collector) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(exportOf(spans))
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	if c.compress {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body) // a buffer takes everything
		_ = w.Close()
		body = packed.Bytes()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for wait := c.pause; ; wait *= 2 {
		status, err := c.post(ctx, body)
		switch status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		default:
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// Shutdown implements sdktrace.SpanExporter.
func (c *collector) Shutdown(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}

func (c *collector) post(ctx context.Context, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header = c.headers.Clone()
	r.Header.Set("Content-Type", "application/json")
	if c.compress {
		r.Header.Set("Content-Encoding", "gzip")
	}
	res, err := c.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if res.StatusCode/100 != 2 {
		return res.StatusCode, fmt.Errorf("the collector answers %s", res.Status)
	}
	return res.StatusCode, nil
}

package graphclient

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"
)

// NewHTTP returns a client that waits 30 seconds at most, follows no redirect (a token goes
// only where it was meant to) and, where caFile is not empty, also trusts the certificates
// in that PEM file.
func NewHTTP(caFile string) (*http.Client, error) {
	if caFile == "" {
		return Trusting(nil), nil
	}
	raw, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
	}
	return Trusting(pool), nil
}

// Trusting returns a client like that of NewHTTP which trusts roots, or those of the system
// where roots is nil.
func Trusting(roots *x509.CertPool) *http.Client {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			IdleConnTimeout: 30 * time.Second, // by the wall's clock: none is used after a machine slept
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip returns the answer to r, read whole and closed, or what a person may be told of
// why none came: ErrUnreachable, ErrCertificate or ErrAnswer.
func RoundTrip(client *http.Client, r *http.Request) (*http.Response, []byte, error) {
	return roundTrip(client, r)
}

// Unreachable says why no answer to r came.
func Unreachable(r *http.Request, err error) error { return unreachable(r, err) }

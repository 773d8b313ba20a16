// Package live runs the built program as its operators and users do: real processes, real
// sockets, TLS under the local CA, HTTP from outside. Tests of races, crashes and faults and
// the benchmarks stand on it; it knows nothing of the program's inside.
package live

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Build builds the program of this module into dir and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "postern")
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "github.com/postern-id/postern/cmd/postern"}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // fixed words and a folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build postern: %w\n%s", err, out)
	}
	return path, nil
}

// Created is what init told.
type Created struct {
	TenantID      string `json:"tenantId"`
	Administrator string `json:"adminUserPrincipalName"`
	Pass          string `json:"temporaryAccessPass"`
	CACertificate string `json:"caCertificate"`
	ClientID      string `json:"clientId"`
	ClientSecret  string `json:"clientSecret"`
}

// House is a tenant that init made, and where it is kept.
type House struct {
	Created
	Program  string
	Dir      string // data directory
	Database string // postgres:// URL; empty is SQLite in Dir

	client *http.Client // trusts the local CA and follows no redirect
}

// Domain is the tenant's.
const Domain = "contoso.example"

// Init makes a tenant with passes enabled and an application with every Graph permission.
func Init(ctx context.Context, program, dir, database string) (*House, error) {
	h := &House{Program: program, Dir: dir, Database: database}
	out, err := h.Run(ctx, "init", "--domain", Domain, "--enable-tap", "--app", "proof", "--json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(out), &h.Created); err != nil {
		return nil, fmt.Errorf("init said %q: %w", out, err)
	}
	ca, err := os.ReadFile(h.CACertificate)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the local CA's file holds no certificate")
	}
	h.client = &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, MaxIdleConnsPerHost: 256,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return h, nil
}

// Run runs one command on the house's data and returns what it printed.
func (h *House) Run(ctx context.Context, args ...string) (string, error) {
	cmd := h.command(ctx, args...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("postern %s: %w\n%s%s", args[0], err, out.String(), words.String())
	}
	return out.String(), nil
}

func (h *House) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append(args, "--data", h.Dir)
	if h.Database != "" {
		args = append(args, "--database", h.Database)
	}
	cmd := exec.CommandContext(ctx, h.Program, args...) //nolint:gosec // the program that was just built
	// Settings of the machine stay out.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POSTERN_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// Forget closes the connections to servers that are gone.
func (h *House) Forget() { h.client.CloseIdleConnections() }

// Client trusts the local CA, follows no redirect and sends no cookies.
func (h *House) Client() *http.Client { return h.client }

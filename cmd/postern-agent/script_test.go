//go:build linux

package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"postern-agent": func() {
			code := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
			if code != program.Done {
				fmt.Fprintf(os.Stderr, "exit code %d\n", code)
			}
			os.Exit(code)
		},
	})
}

// TestScripts runs testdata/script/*.txtar, each against a server and a TPM of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Setup: func(e *testscript.Env) error { return start(t, e) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until},
	})
}

// start runs a server with a tenant, and a TPM. $PASS gets admin@contoso.example in, once.
func start(t *testing.T, e *testscript.Env) error {
	chip := tpmtest.New(t)
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	e.Defer(site.Close)
	o := server.Options{
		Dir: t.TempDir(), PublicURL: site.URL, Hold: time.Millisecond, TPMRoots: chip.CA(), Log: slog.New(slog.DiscardHandler),
	}
	created, err := server.Init(t.Context(), o, server.NewTenant{Domain: "contoso.example", Admin: "admin", TimeZone: "UTC", EnableTAP: true})
	if err != nil {
		return err
	}
	s, err := server.Open(t.Context(), o)
	if err != nil {
		return err
	}
	e.Defer(func() { _ = s.Close() })
	site.Config.Handler = s.Handler()
	ca := filepath.Join(e.WorkDir, "ca.pem")
	settings := filepath.Join(e.WorkDir, "agent.yaml")
	// The path of a socket has 107 bytes at most.
	state, err := os.MkdirTemp("", "agent") //nolint:usetesting // see above
	if err != nil {
		return err
	}
	e.Defer(func() { _ = os.RemoveAll(state) })
	for name, value := range map[string]string{
		"SITE": site.URL, "CA": ca, "TENANT": created.TenantID, "PASS": created.Pass, "STATE": state, "CONFIG": settings, "TPM": chip.Where(),
	} {
		e.Setenv(name, value)
	}
	text := fmt.Sprintf("state: %s\ntpm: %s\nca: %s\nsocket: off\nnames-socket: off\ngreeter-socket: off\n", state, chip.Where(), ca)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(e.WorkDir, "pass.txt"), []byte(created.Pass+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600)
}

// until repeats a command until it succeeds and its output has a text: until TEXT COMMAND….
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT COMMAND…")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("%v never said %q", args[1:], args[0])
}

package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

// asPostern is the variable that makes the test program be postern.
const asPostern = "POSTERN_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asPostern) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){
		"postern": func() {
			code := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
			if code != program.Done {
				fmt.Fprintf(os.Stderr, "exit code %d\n", code)
			}
			os.Exit(code)
		},
		"browse":   browse,
		"approve":  approve,
		"addcodes": addCodes,
	})
}

// TestScripts runs testdata/script/*.txtar, each against a server of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		return start(t, e)
	}})
}

// start runs a server with a tenant and an application, and puts what a script needs to be
// that application into its environment. $PASS gets admin@contoso.example in, once.
func start(t *testing.T, e *testscript.Env) error {
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	e.Defer(site.Close)
	o := server.Options{Dir: t.TempDir(), PublicURL: site.URL, Hold: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	created, err := server.Init(t.Context(), o, server.NewTenant{
		Domain: "contoso.example", Admin: "admin", TimeZone: "UTC", EnableTAP: true, App: "automation",
	})
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
	for name, value := range map[string]string{
		"POSTERN_SERVER": site.URL, "POSTERN_CA": ca, "POSTERN_TENANT": created.TenantID,
		"POSTERN_CLIENT_ID": created.ClientID, "POSTERN_CLIENT_SECRET": created.ClientSecret,
		"XDG_CONFIG_HOME": filepath.Join(e.WorkDir, "config"), "HOME": e.WorkDir,
		"SITE": site.URL, "CA": ca, "PASS": created.Pass, "BROWSER": "browse",
	} {
		e.Setenv(name, value)
	}
	return os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600)
}

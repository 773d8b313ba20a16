package cli_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli"
	"github.com/postern-id/postern/internal/server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postern": func() {
		root := &cobra.Command{Use: "postern", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(cli.Commands()...)
		root.SetOut(os.Stdout)
		err := root.ExecuteContext(context.Background())
		if err == nil {
			return
		}
		fmt.Fprintln(os.Stderr, "postern:", err)
		if e, ok := errors.AsType[*cli.Error](err); ok {
			fmt.Fprintf(os.Stderr, "exit code %d\n", e.Code)
		}
		os.Exit(1)
	}})
}

// TestScripts runs testdata/*.txtar, each against a server of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(e *testscript.Env) error {
		return start(t, e)
	}})
}

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
	e.Setenv("POSTERN_SERVER", site.URL)
	e.Setenv("POSTERN_CA", ca)
	e.Setenv("POSTERN_TENANT", created.TenantID)
	e.Setenv("POSTERN_CLIENT_ID", created.ClientID)
	e.Setenv("POSTERN_CLIENT_SECRET", created.ClientSecret)
	return os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600)
}

package server_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/server"
)

func TestWhoTrustedAServerTrustsItAfterARestore(t *testing.T) {
	w := newWorld(t)
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, false)
	read := func(dir, name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "tls", name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	dir := w.options.Dir
	fresh := t.TempDir()
	copyFile(t, filepath.Join(dir, keyring.MasterKeyFile), filepath.Join(fresh, keyring.MasterKeyFile))
	restore := func() {
		t.Helper()
		o := w.options
		o.Dir = fresh
		if _, err := server.Restore(t.Context(), o, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}); err != nil {
			t.Fatal(err)
		}
	}
	restore()
	for _, name := range []string{"ca.pem", "ca.key"} {
		if !bytes.Equal(read(dir, name), read(fresh, name)) {
			t.Errorf("%s is another one", name)
		}
	}
	if info, err := os.Stat(filepath.Join(fresh, "tls", "ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(fresh, "tls", "ca.pem"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	restore()
	if string(read(fresh, "ca.pem")) != "mine" {
		t.Error("a CA that was there was replaced")
	}
}

// TestServeTakesTheAddressThatInitWasGiven: by another one every scope and audience with the address is of no resource.
func TestServeTakesTheAddressThatInitWasGiven(t *testing.T) {
	w := newWorld(t)
	w.close()
	serve := func(publicURL string) (at string) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		o := w.options
		o.PublicURL = publicURL
		if err := server.Serve(ctx, o, server.Listen{Address: "127.0.0.1:0"}, func(s *server.Server) { at = s.PublicURL(); stop() }); err != nil {
			t.Fatal(err)
		}
		return at
	}
	if got := serve(""); got != w.options.PublicURL {
		t.Errorf("after init at %s: %s", w.options.PublicURL, got)
	}
	const moved = "https://id.contoso.example"
	if got := []string{serve(moved), serve("")}; got[0] != moved || got[1] != moved {
		t.Errorf("after it moved: %v", got)
	}
	o := w.options
	o.PublicURL = ""
	again, err := server.Init(t.Context(), o, server.NewTenant{Domain: "fabrikam.example", Admin: "admin", TimeZone: "UTC"})
	if err != nil || again.PublicURL != moved {
		t.Errorf("a second tenant is told %s, %v", again.PublicURL, err)
	}
	if got := serve(""); got != moved {
		t.Errorf("after a second tenant: %s", got)
	}
}

func TestRecoverTellsWhereTheServerWasLast(t *testing.T) {
	w := newWorld(t)
	w.close()
	o := w.options
	recovered := func() string {
		t.Helper()
		created, err := server.Recover(t.Context(), o, w.created.Administrator, false)
		if err != nil {
			t.Fatal(err)
		}
		return created.PublicURL
	}
	o.PublicURL = ""
	if got := recovered(); got != w.options.PublicURL {
		t.Errorf("before it ever ran: %s", got)
	}
	served := w.options
	served.PublicURL = "https://id.contoso.example"
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if err := server.Serve(ctx, served, server.Listen{Address: "127.0.0.1:0"}, func(*server.Server) { stop() }); err != nil {
		t.Fatal(err)
	}
	if got := recovered(); got != served.PublicURL {
		t.Errorf("afterwards: %s", got)
	}
	o.PublicURL = "https://other.contoso.example"
	if got := recovered(); got != o.PublicURL {
		t.Errorf("where one is named: %s", got)
	}
}

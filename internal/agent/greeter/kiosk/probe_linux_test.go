package kiosk_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
)

func TestWithoutNamespacesThereIsNoBrowser(t *testing.T) {
	for _, bwrap := range []string{"/bin/false", "/nonexistent/bwrap"} {
		if err := kiosk.Probe(t.Context(), bwrap); !errors.Is(err, kiosk.ErrNamespaces) {
			t.Errorf("%s: %v", bwrap, err)
		}
	}
	if path, err := exec.LookPath("bwrap"); err == nil {
		if err := kiosk.Probe(t.Context(), path); err != nil {
			t.Error(err)
		}
	}
}

func TestABrowserThatEndsIsTold(t *testing.T) {
	b, err := kiosk.Start(kiosk.Sandbox{Bwrap: "/bin/false"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Watch(t.Context()); !errors.Is(err, kiosk.ErrEnded) {
		t.Error(err)
	}
}

func TestABrowserThatWasEndedIsNoTrouble(t *testing.T) {
	ever := filepath.Join(t.TempDir(), "bwrap")
	if err := os.WriteFile(ever, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := kiosk.Start(kiosk.Sandbox{Bwrap: ever})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Watch(ctx); err != nil {
		t.Error(err)
	}
}

// The first moments count: bwrap takes nobody with it before the namespaces are there.
func TestABrowserThatHasHardlyBegunIsEndedToo(t *testing.T) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("bwrap is not installed")
	}
	for i := range 40 {
		b, err := kiosk.Start(kiosk.Sandbox{Bwrap: bwrap, Self: "/bin/sleep", Chromium: "x", Lang: "en"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(i) * 200 * time.Microsecond)
		began := time.Now()
		b.End()
		if took := time.Since(began); took > 3*time.Second {
			t.Fatalf("after %d it took %s", i, took)
		}
	}
}

package greeter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
)

func TestAGreeterEndsWithItsCompositor(t *testing.T) {
	dir := t.TempDir()
	display, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "d"))
	must(t, err)
	connected := make(chan net.Conn, 1)
	go func() {
		conn, err := display.Accept()
		if err == nil {
			connected <- conn
		}
	}()
	done := make(chan error, 1)
	go func() {
		done <- Run(t.Context(), Options{Agent: filepath.Join(dir, "none"), Runtime: dir, Display: filepath.Join(dir, "d"), Log: slog.New(slog.DiscardHandler)})
	}()
	_ = (<-connected).Close()
	if err := <-done; !errors.Is(err, errCompositor) {
		t.Error(err)
	}
	_ = display.Close()
	if err := Run(context.WithoutCancel(t.Context()), Options{Runtime: dir, Display: filepath.Join(dir, "d"), Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a greeter without a compositor")
	}
}

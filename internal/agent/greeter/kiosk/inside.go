package kiosk

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Inside runs in a browser's namespaces: it makes the profile, passes connections to listen on
// to the unix socket to, and runs the browser until it ends.
func Inside(ctx context.Context, listen, to, profile string, browser []string, out io.Writer) error {
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o600); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	go relays(ctx, l, to)
	cmd := exec.CommandContext(ctx, browser[0], browser[1:]...) //nolint:gosec // the greeter's own command line
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

func relays(ctx context.Context, l net.Listener, to string) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = near.Close() }()
			far, err := (&net.Dialer{}).DialContext(ctx, "unix", to)
			if err != nil {
				return
			}
			defer func() { _ = far.Close() }()
			var both sync.WaitGroup
			pass := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				if half, ok := to.(interface{ CloseWrite() error }); ok {
					_ = half.CloseWrite()
				}
			}
			both.Go(func() { pass(far, near) })
			both.Go(func() { pass(near, far) })
			both.Wait()
		}()
	}
}

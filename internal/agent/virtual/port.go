package virtual

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// listen takes a port of this machine's own, the same as the last time where it is free.
// Nobody else's machine reaches it.
func listen(ctx context.Context, dir string) (net.Listener, error) {
	file := filepath.Join(dir, "port")
	var config net.ListenConfig
	if port, err := os.ReadFile(file); err == nil {
		if l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(port)))); err == nil {
			return l, nil
		}
	}
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err == nil {
		err = os.WriteFile(file, []byte(port+"\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// keyOf is what opens the lock screen in a browser: who can't read the folder can't guess it.
func keyOf(dir string) (string, error) {
	file := filepath.Join(dir, "key")
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = []byte(rand.Text())
		err = os.WriteFile(file, key, 0o600)
	}
	return string(key), err
}

package peer

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Listen makes a socket that everybody may connect to, in a folder that only root writes. One
// that is left of a program that was killed goes.
func Listen(ctx context.Context, path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // programs of all users connect
		return nil, err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil { //nolint:gosec // see above
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Of tells who is at the other end (SO_PEERCRED, unix(7)).
func Of(c net.Conn) (Process, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return Process{}, fmt.Errorf("%T is no unix socket", c)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return Process{}, err
	}
	var cred *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Process{}, err
	}
	if failed != nil {
		return Process{}, failed
	}
	return Process{UID: cred.Uid, PID: cred.Pid}, nil
}

package kiosk

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Inside runs in a browser's namespaces: it makes the profile, opens the two doors of which
// the browser knows, hands them out, and runs the browser until it ends.
func Inside(ctx context.Context, listen, profile string, browser []string, out io.Writer) error {
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o600); err != nil {
		return err
	}
	if err := handOut(listen); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, browser[0], browser[1:]...) //nolint:gosec // the greeter's own command line
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

// handOut gives the listening sockets for pages and for windows to who is outside, and keeps none.
func handOut(listen string) error {
	conn, err := connOf(os.NewFile(way, "way"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	at, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return err
	}
	pages, err := net.ListenTCP("tcp", at)
	if err != nil {
		return err
	}
	defer func() { _ = pages.Close() }()
	windows, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(runtime, display), Net: "unix"})
	if err != nil {
		return err
	}
	windows.SetUnlinkOnClose(false)
	defer func() { _ = windows.Close() }()
	var d doors
	if d[0], err = pages.File(); err != nil {
		return err
	}
	defer d.close()
	if d[1], err = windows.File(); err != nil {
		return err
	}
	return d.send(conn)
}

// doors are the two listening sockets inside: for what the browser loads, and for its windows.
type doors [2]*os.File

func (d doors) close() {
	for _, one := range d {
		if one != nil {
			_ = one.Close()
		}
	}
}

// send passes the doors on (SCM_RIGHTS, unix(7)), with one byte.
func (d doors) send(to *net.UnixConn) error {
	_, _, err := to.WriteMsgUnix([]byte{0}, unix.UnixRights(int(d[0].Fd()), int(d[1].Fd())), nil)
	return err
}

// errNoDoors says that something else came, whose first byte is in the text.
var errNoDoors = errors.New("no doors")

// receive takes the doors, or the first byte of what comes instead.
func receive(from *net.UnixConn) (d doors, first []byte, err error) {
	text, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(len(d)*4))
	n, m, _, _, err := from.ReadMsgUnix(text, rights)
	if err != nil {
		return d, nil, err
	}
	if n == 0 {
		return d, nil, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil || len(messages) != 1 {
		return d, text[:n], errors.Join(errNoDoors, err)
	}
	all, err := unix.ParseUnixRights(&messages[0])
	for i, fd := range all {
		if i < len(d) {
			d[i] = os.NewFile(uintptr(fd), "door")
		}
	}
	if err != nil || len(all) != len(d) {
		d.close()
		return doors{}, text[:n], errors.Join(errNoDoors, err)
	}
	return d, nil, nil
}

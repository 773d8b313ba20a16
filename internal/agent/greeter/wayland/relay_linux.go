package wayland

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	mostFiles = 28 // libwayland's, in one message
	mostConns = 16 // of one browser
)

// Relay passes on what clients who connect to l and the compositor at display say, until ctx
// ends, and returns when all are gone. Refused is told why a client was sent away.
func Relay(ctx context.Context, l net.Listener, display string, refused func(error)) {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	places := make(chan struct{}, mostConns)
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
		default:
			_ = near.Close()
			continue
		}
		all.Go(func() {
			defer func() { <-places }()
			if err := relay(ctx, near, display); err != nil && ctx.Err() == nil {
				refused(err)
			}
		})
	}
}

// relay serves one client. How either side ends is no error.
func relay(ctx context.Context, near net.Conn, display string) error {
	client, ok := near.(*net.UnixConn)
	if !ok {
		return errors.Join(errMessage, near.Close())
	}
	compositor, err := (&net.Dialer{}).DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: display, Net: "unix"})
	if err != nil {
		return errors.Join(err, near.Close())
	}
	ends := func() { _, _ = client.Close(), compositor.Close() }
	stop := context.AfterFunc(ctx, ends)
	defer stop()
	var f filter
	var both sync.WaitGroup
	why := make([]error, 2)
	both.Go(func() { defer ends(); why[0] = pass(compositor, client, f.request) })
	both.Go(func() { defer ends(); why[1] = pass(client, compositor, f.event) })
	both.Wait()
	for _, err := range why {
		if errors.Is(err, errMessage) || errors.Is(err, errBind) {
			return err
		}
	}
	return nil
}

// pass passes messages on that may is for, with all files, until an end or an error.
func pass(to, from *net.UnixConn, may func([]byte) (bool, error)) error {
	var files []int // that wait for a message to go with
	defer func() { closeAll(files) }()
	in, rights := make([]byte, 2*mostMessage), make([]byte, unix.CmsgSpace(mostFiles*4))
	out := make([]byte, 0, len(in))
	have := 0
	for {
		n, m, flags, _, err := from.ReadMsgUnix(in[have:], rights)
		if err != nil {
			return err
		}
		more, err := filesOf(rights[:m])
		files = append(files, more...)
		switch {
		case n == 0:
			return io.EOF
		case err != nil || flags&unix.MSG_CTRUNC != 0 || len(files) > mostFiles:
			return errors.Join(errMessage, err)
		}
		have += n
		rest := in[:have]
		out = out[:0]
		for {
			n, err := size(rest)
			if err != nil {
				return err
			}
			if n == 0 || n > len(rest) {
				break
			}
			ok, err := may(rest[:n])
			if err != nil {
				return err
			}
			if ok {
				out = append(out, rest[:n]...)
			}
			rest = rest[n:]
		}
		have = copy(in, rest)
		if len(out) == 0 {
			continue
		}
		if err := send(to, out, files); err != nil {
			return err
		}
		closeAll(files)
		files = nil
	}
}

// send sends all of out, with files at its beginning.
func send(to *net.UnixConn, out []byte, files []int) error {
	var rights []byte
	if len(files) > 0 {
		rights = unix.UnixRights(files...)
	}
	n, _, err := to.WriteMsgUnix(out, rights, nil)
	if err == nil && n < len(out) {
		_, err = to.Write(out[n:])
	}
	return err
}

// filesOf are those that came with a message.
func filesOf(rights []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	var all []int
	for _, one := range messages {
		some, err := unix.ParseUnixRights(&one)
		if err != nil {
			return all, err
		}
		all = append(all, some...)
	}
	return all, err
}

func closeAll(files []int) {
	for _, fd := range files {
		_ = unix.Close(fd)
	}
}

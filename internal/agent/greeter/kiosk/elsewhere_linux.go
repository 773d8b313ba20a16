package kiosk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/fault"
)

// ErrAway says that web sign-in's browser can't be started as its own user. It is started as
// nobody else.
var ErrAway = &fault.Error{
	Kind: fault.Unavailable, Code: "browserAway",
	Text: "The browser of web sign-in can't be started.", Remedy: "systemctl start postern-web.socket",
}

// wanted is what the greeter sends: how the browser is to be. It ends with the connection.
type wanted struct {
	Policy  []byte   `json:"policy"`
	Lang    string   `json:"lang"`
	URL     string   `json:"url"`
	Name    string   `json:"name"`
	Devices []string `json:"devices"`
}

// ended is what the greeter is sent after the doors, or instead of them.
type ended struct {
	Hangs bool   `json:"hangs"`
	Said  string `json:"said"`
}

const (
	mostWanted   = 1 << 20 // bytes
	wantedWithin = 10 * time.Second
)

// Elsewhere starts a browser as the user of who serves socket, which has to be root's.
func Elsewhere(ctx context.Context, socket string, s Sandbox) (*Browser, error) {
	conn, err := (&net.Dialer{}).DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if from, err := peer.Of(conn); err != nil || from.UID != 0 {
		return nil, errors.Join(fmt.Errorf("%w: uid %d listens at %s", ErrAway, from.UID, socket), err, conn.Close())
	}
	if err := json.NewEncoder(conn).Encode(wanted{s.Policy, s.Lang, s.URL, s.Name, s.Devices}); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrAway, err), conn.Close())
	}
	b := &Browser{open: make(chan struct{}), done: make(chan struct{}), still: func() bool { return false }}
	var end ended
	b.said = func() string { return end.Said }
	b.end = func() { _ = conn.CloseWrite() }
	go func() {
		defer close(b.done)
		defer func() { _ = conn.Close() }()
		d, first, err := receive(conn)
		if err == nil {
			b.doors = d
			close(b.open)
		}
		rest, _ := io.ReadAll(io.LimitReader(conn, mostWanted)) // a service that was killed says nothing
		if json.Unmarshal(append(first, rest...), &end) == nil && end.Hangs {
			b.hung.Store(true)
		}
	}()
	return b, nil
}

// Serve runs the browser that somebody wants over conn, until it ends or conn does. Programs
// are those of own.
func Serve(ctx context.Context, conn *net.UnixConn, own Sandbox) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var want wanted
	if err := conn.SetReadDeadline(time.Now().Add(wantedWithin)); err != nil {
		return err
	}
	if err := json.NewDecoder(io.LimitReader(conn, mostWanted)).Decode(&want); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	own.Policy, own.Lang, own.URL, own.Name, own.Devices = want.Policy, want.Lang, want.URL, want.Name, want.Devices
	b, err := Start(own)
	if err != nil {
		return errors.Join(err, json.NewEncoder(conn).Encode(ended{Said: err.Error()}))
	}
	b.Asked() // the greeter hears whether it asks for anything
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	var all sync.WaitGroup
	all.Go(func() {
		select {
		case <-b.open:
			defer b.doors.close()
			if b.doors.send(conn) != nil {
				cancel()
			}
		case <-b.done:
		}
	})
	err = b.Watch(ctx)
	all.Wait()
	end := ended{Hangs: errors.Is(err, ErrHangs), Said: b.said()}
	return json.NewEncoder(conn).Encode(end)
}

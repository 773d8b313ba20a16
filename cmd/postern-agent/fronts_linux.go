package main

import (
	"net"
	"os"
	"sync/atomic"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/linux"
)

// defaultNames is where systemd's libraries look.
const defaultNames = linux.NamesSocket

// fronts serve PAM, the names of people and the sign-in screen, each unless its socket is off.
// The service manager is told once all of them listen.
func fronts(o agent.Options, s sockets) []agent.Front {
	var waiting atomic.Int32
	all := linux.Options{PAM: s.pam, Names: s.names, Log: o.Log, Ready: func() {
		if waiting.Add(-1) == 0 {
			if err := notify("READY=1"); err != nil {
				o.Log.Warn("the service manager is not told", "err", err)
			}
		}
	}}
	var out []agent.Front
	if s.names != off { // first: whoever signs in has a name
		out = append(out, linux.Names(all))
	}
	if s.pam != off {
		out = append(out, linux.PAM(all))
	}
	if s.greeter != off {
		out = append(out, linux.Greeter(all, linux.Seat{Socket: s.greeter, User: s.greeterUser, Session: s.session}))
	}
	waiting.Store(int32(len(out)))
	return out
}

// notify tells the service manager, where there is one (sd_notify(3)).
func notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte(state))
	return err
}

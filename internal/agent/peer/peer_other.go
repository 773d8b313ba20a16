//go:build !linux

package peer

import (
	"context"
	"errors"
	"net"
)

var errSystem = errors.New("these sockets are for Linux only")

// Listen fails: who connects can't be told here.
func Listen(context.Context, string) (net.Listener, error) { return nil, errSystem }

// Of fails: who connects can't be told here.
func Of(net.Conn) (Process, error) { return Process{}, errSystem }

// Behind knows of nobody here.
func Behind(p Process) uint32 { return p.UID }

//go:build unix

package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// alive looks, without waiting, whether PostgreSQL has closed a connection that comes out of
// the pool, so that after a restart nobody meets the dead ones. database/sql takes another
// for driver.ErrBadConn.
func alive(ctx context.Context, c *pgx.Conn) error {
	conn := c.PgConn().Conn()
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	switch n, err := peek(conn); {
	case errors.Is(err, syscall.EAGAIN):
		return nil // open, and nothing waits
	case err != nil || n == 0:
		return driver.ErrBadConn
	}
	// Something waits unread: a notice, or why the server closes.
	if c.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	return nil
}

// peek returns how many bytes wait, one at most: 0 without an error is the end. It uses
// Control and not Read, which would wait for a read that pgx has under way in the background.
func peek(conn net.Conn) (n int, err error) {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return 0, syscall.EAGAIN
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, err
	}
	lost := raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	if lost != nil {
		return 0, lost
	}
	return n, err
}

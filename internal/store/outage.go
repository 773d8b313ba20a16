package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/postern-id/postern/internal/fault"
)

// ErrAway says that the database went away, for a while as a rule. A change that it
// interrupts may have been kept; whoever repeats it finds out.
var ErrAway = &fault.Error{
	Kind: fault.Unavailable, Code: "storeAway", RetryAfter: 5,
	Text: "The database does not answer now.", Remedy: "Try again in a moment.",
}

// connectTimeout bounds how long a request waits for a database that is not there, unless
// the address says otherwise (connect_timeout).
const connectTimeout = 5 * time.Second

// openPool returns a pool of connections to the PostgreSQL database at url, whose errors say
// ErrAway when the database went away. That is told here, below database/sql, because a
// query can find out in many places: when it connects, sends, reads rows, or commits.
func openPool(url string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return sql.OpenDB(connector{stdlib.GetConnector(*config, stdlib.OptionResetSession(alive),
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }))}), nil
}

// cause returns what a connection failed for: the first line, since a host is tried in
// several ways.
func cause(err error) string {
	text := err.Error()
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		text = pg.Message
	} else if c, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		text = c.Unwrap().Error()
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return first
}

// away marks an error that says that the database went away.
func away(err error) error {
	if err == nil || errors.Is(err, driver.ErrBadConn) || errors.Is(err, ErrAway) {
		return err // database/sql tries again on ErrBadConn
	}
	if isAway(err) {
		return fmt.Errorf("%w (%w)", ErrAway, err)
	}
	return err
}

// lostConnection reports that the database went away. What was not asked to commit is undone.
func lostConnection(err error) bool {
	return errors.Is(err, ErrAway) || errors.Is(err, driver.ErrBadConn)
}

func isAway(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Class 57P is an operator's doing: shut down, crashed, starting. Class 08 is about
		// connections, 53300 says that there are too many of them.
		return strings.HasPrefix(pg.Code, "57P0") || strings.HasPrefix(pg.Code, "08") || pg.Code == "53300"
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errors.Is(err, context.DeadlineExceeded) && isConnect(err)
	}
	_, network := errors.AsType[net.Error](err)
	return network || isConnect(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}

func isConnect(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, away(err)
	}
	pg, ok := made.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("a connection is a %T", made)
	}
	return connection{pg}, nil
}

type connection struct{ *stdlib.Conn }

// BeginTx implements driver.ConnBeginTx.
func (c connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, o)
	if err != nil {
		return nil, away(err)
	}
	return transaction{tx}, nil
}

// ExecContext implements driver.ExecerContext.
func (c connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.Conn.ExecContext(ctx, query, args)
	return res, away(err)
}

// QueryContext implements driver.QueryerContext.
func (c connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	found, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, away(err)
	}
	return rows{found}, nil
}

// Ping implements driver.Pinger.
func (c connection) Ping(ctx context.Context) error { return away(c.Conn.Ping(ctx)) }

type transaction struct{ driver.Tx }

// Commit implements driver.Tx.
func (t transaction) Commit() error { return away(t.Tx.Commit()) }

type rows struct{ driver.Rows }

// Next implements driver.Rows.
func (r rows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == io.EOF { //nolint:errorlint // the end of the rows; wrapped it is the end of a connection
		return err
	}
	return away(err)
}

// Close implements driver.Rows. It reads what is left, and may find out then.
func (r rows) Close() error { return away(r.Rows.Close()) }

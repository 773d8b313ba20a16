package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// openLite opens an SQLite database whose connections keep their statements prepared: to
// parse one takes longer than to run it. (pgx does the same for PostgreSQL.)
func openLite(dsn string) *sql.DB { return sql.OpenDB(liteConnector{dsn}) }

// maxPrepared bounds the statements that a connection keeps. The text of a list query
// depends on what the caller asks for; the others are fewer than this.
const maxPrepared = 400

type liteConnector struct{ dsn string }

// Connect implements driver.Connector.
func (c liteConnector) Connect(context.Context) (driver.Conn, error) {
	made, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	full, ok := made.(fullConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a connection is a %T", made), made.Close())
	}
	return &liteConn{fullConn: full, kept: map[string]*preparedStatement{}}, nil
}

// Driver implements driver.Connector.
func (liteConnector) Driver() driver.Driver { return &sqlite.Driver{} }

// fullConn is what database/sql looks for in a connection and SQLite's driver has.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// liteConn keeps statements prepared. Like every driver.Conn it is used by one goroutine at
// a time.
type liteConn struct {
	fullConn
	kept map[string]*preparedStatement
}

// preparedStatement is a statement, busy while somebody reads its rows.
type preparedStatement struct {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	busy bool
}

// Close implements driver.Conn.
func (c *liteConn) Close() error { return errors.Join(c.forget(), c.fullConn.Close()) }

// forget closes all statements that nobody uses.
func (c *liteConn) forget() error {
	var all error
	for text, s := range c.kept {
		if !s.busy {
			all = errors.Join(all, s.Close())
			delete(c.kept, text)
		}
	}
	return all
}

// statement returns the kept statement of a text, or nil when it is in use.
func (c *liteConn) statement(ctx context.Context, query string) (*preparedStatement, error) {
	if s, ok := c.kept[query]; ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if len(c.kept) >= maxPrepared {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &preparedStatement{Stmt: made}
	var executes, queries bool
	s.StmtExecContext, executes = made.(driver.StmtExecContext)
	s.StmtQueryContext, queries = made.(driver.StmtQueryContext)
	if !executes || !queries {
		return nil, errors.Join(fmt.Errorf("a statement is a %T", made), made.Close())
	}
	c.kept[query] = s
	return s, nil
}

// worthKeeping reports whether a text is one statement that comes again: scripts, such as
// migrations, have no arguments.
func worthKeeping(query string, args []driver.NamedValue) bool {
	return len(args) > 0 || query == beginChange || query == endChange
}

// ExecContext implements driver.ExecerContext.
func (c *liteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !worthKeeping(query, args) {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *liteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !worthKeeping(query, args) {
		return c.fullConn.QueryContext(ctx, query, args)
	}
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.fullConn.QueryContext(ctx, query, args)
	}
	found, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &preparedRows{found, s}, nil
}

// preparedRows gives its statement back.
type preparedRows struct {
	driver.Rows
	of *preparedStatement
}

// Close implements driver.Rows.
func (r *preparedRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

package store

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
)

// alive asks PostgreSQL whether a connection that comes out of the pool still works.
func alive(ctx context.Context, c *pgx.Conn) error {
	if c.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	return nil
}

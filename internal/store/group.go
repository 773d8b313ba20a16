package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postern-id/postern/internal/audit"
)

// maxGroup bounds how many changes share one commit, and so how long the first one waits.
const maxGroup = 256

// How a change begins and ends within its group's transaction.
const (
	beginChange = "SAVEPOINT one"
	endChange   = "RELEASE one"
)

// change is one Write that waits for SQLite's writer.
type change struct {
	ctx  context.Context
	fn   func(context.Context, *Tx) error
	done chan error
	// events are what fn recorded.
	events []audit.Event
}

// enqueue hands fn to the writer and waits for the commit of its group. ctx bounds only
// the wait for a place in the queue.
func (db *DB) enqueue(ctx, whole context.Context, fn func(context.Context, *Tx) error) error {
	c := &change{ctx: whole, fn: fn, done: make(chan error, 1)}
	if err := db.accept(ctx, c); err != nil {
		return err
	}
	return <-c.done
}

// accept gives c a place in the queue. Once Close has the lock, the queue takes no more.
func (db *DB) accept(ctx context.Context, c *change) error {
	db.admit.RLock()
	defer db.admit.RUnlock()
	if db.closed {
		return errClosed
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case db.group <- c:
		return nil
	}
}

// runWriter is SQLite's single writer. It takes whatever waits, runs each change under a
// savepoint of its own, commits once, and only then answers. It ends when Close has closed
// the queue and everything in it is finished.
func (db *DB) runWriter() {
	defer db.writer.Done()
	for first := range db.group {
		db.commitGroup(db.gather(first))
	}
}

func (db *DB) gather(first *change) []*change {
	group := []*change{first}
	for len(group) < maxGroup {
		select {
		case c, open := <-db.group:
			if !open {
				return group
			}
			group = append(group, c)
		default:
			return group
		}
	}
	return group
}

func (db *DB) commitGroup(group []*change) {
	outcomes, committed := make([]error, len(group)), db.begin()
	err := db.inTransaction(func(conn *sql.Tx) error {
		for i, c := range group {
			var lost error
			if outcomes[i], lost = db.underSavepoint(conn, c); lost != nil {
				return lost
			}
		}
		return nil
	})
	if err == nil {
		committed(len(group))
	}
	for i, c := range group {
		if err != nil && outcomes[i] == nil {
			outcomes[i] = err
		}
		if outcomes[i] == nil {
			db.recorded(c.events)
		}
		c.done <- outcomes[i]
	}
}

func (db *DB) inTransaction(work func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(context.Background(), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := work(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// underSavepoint runs one change so that its failure leaves the rest of the group alone.
// lost says that the savepoint is gone: SQLite gave up the whole transaction, as it may when
// the disk is full, and nothing of the group may be committed.
func (db *DB) underSavepoint(conn *sql.Tx, c *change) (err, lost error) {
	if _, err := conn.ExecContext(c.ctx, beginChange); err != nil {
		return err, fmt.Errorf("begin a change: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a change: %v", p)
		}
		end := endChange
		if err != nil {
			end = "ROLLBACK TO one; RELEASE one"
		}
		if _, endErr := conn.ExecContext(c.ctx, end); endErr != nil {
			lost = fmt.Errorf("end a change: %w", endErr)
		}
	}()
	tx := &Tx{q: conn, db: db}
	err = c.fn(c.ctx, tx)
	c.events = tx.events
	return err, nil
}

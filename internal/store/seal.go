package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Log is the store as package audit seals and reads it.
type Log struct{ db *DB }

// Log returns the sealed log of all tenants.
func (db *DB) Log() Log { return Log{db} }

var hash64 = base64.RawURLEncoding

// Tenants implements audit.SealStore.
func (l Log) Tenants(ctx context.Context) ([]string, error) {
	rows, err := l.db.read.QueryContext(ctx, `
		SELECT t.tenant_id FROM tenant t
		WHERE EXISTS (SELECT 1 FROM event e WHERE e.tenant_id = t.tenant_id AND e.position = -1) ORDER BY t.tenant_id`)
	return collect(rows, err, scanOne[string])
}

// Head implements audit.SealStore and audit.Source.
func (l Log) Head(ctx context.Context, tenant string) (audit.Head, error) {
	return headOf(ctx, l.db.read, tenant)
}

func headOf(ctx context.Context, q querier, tenant string) (audit.Head, error) {
	h := audit.NewHead(tenant)
	var root string
	err := q.QueryRowContext(ctx, `SELECT epoch, size, root FROM log_head WHERE tenant_id = $1`, tenant).Scan(&h.Epoch, &h.Size, &root)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.Root, err = decodeHash(root)
	return h, err
}

func decodeHash(text string) (audit.Hash, error) {
	var h audit.Hash
	raw, err := hash64.DecodeString(text)
	if err != nil || len(raw) != len(h) {
		return h, fmt.Errorf("a hash of the log is malformed")
	}
	copy(h[:], raw)
	return h, nil
}

// Unsealed implements audit.SealStore.
func (l Log) Unsealed(ctx context.Context, tenant string, limit int) ([]audit.Entry, error) {
	rows, err := l.db.read.QueryContext(ctx, `
		SELECT id, kind, at, body FROM event
		WHERE tenant_id = $1 AND position = -1 ORDER BY at, id LIMIT $2`, tenant, limit)
	return collect(rows, err, func(r *sql.Rows) (audit.Entry, error) {
		e := audit.Entry{Tenant: tenant}
		var at int64
		var body string
		err := r.Scan(&e.ID, &e.Kind, &at, &body)
		e.At, e.Body = fromMicros(at), []byte(body)
		return e, err
	})
}

// Advance implements audit.SealStore.
func (l Log) Advance(ctx context.Context, s audit.Step) error {
	return l.db.swap(ctx, func(ctx context.Context, tx *Tx) error { return tx.advance(ctx, s) })
}

func (tx *Tx) advance(ctx context.Context, s audit.Step) error {
	tenant := s.From.Tenant
	if err := tx.moveHead(ctx, s.From, s.To); err != nil {
		return err
	}
	for i, id := range s.Entries {
		n, err := tx.exec(ctx, `
			UPDATE event SET position = $1 WHERE tenant_id = $2 AND id = $3 AND position = -1`,
			s.From.Size+int64(i), tenant, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return audit.ErrStale
		}
	}
	for i, h := range s.Hashes {
		if _, err := tx.exec(ctx, `INSERT INTO log_hash (tenant_id, position, hash) VALUES ($1, $2, $3)`,
			tenant, s.FirstHash+int64(i), hash64.EncodeToString(h[:])); err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, `INSERT INTO log_checkpoint (tenant_id, size, at, note) VALUES ($1, $2, $3, $4)`,
		tenant, s.To.Size, micros(s.At), string(s.Checkpoint))
	return err
}

// moveHead is the compare-and-swap: it returns audit.ErrStale when the head is not from.
func (tx *Tx) moveHead(ctx context.Context, from, to audit.Head) error {
	root := func(h audit.Head) string { return hash64.EncodeToString(h.Root[:]) }
	empty := audit.NewHead(from.Tenant)
	if from == empty { // there may be no row yet
		if _, err := tx.exec(ctx, `
			INSERT INTO log_head (tenant_id, epoch, size, root) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id) DO NOTHING`, from.Tenant, empty.Epoch, empty.Size, root(empty)); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `
		UPDATE log_head SET epoch = $1, size = $2, root = $3
		WHERE tenant_id = $4 AND epoch = $5 AND size = $6 AND root = $7`,
		to.Epoch, to.Size, root(to), from.Tenant, from.Epoch, from.Size, root(from))
	return changed(n, err, audit.ErrStale)
}

// Hashes implements audit.Hashes.
func (l Log) Hashes(ctx context.Context, tenant string, indexes []int64) ([]audit.Hash, error) {
	all := make([]audit.Hash, len(indexes))
	for i, index := range indexes {
		var text string
		err := l.db.read.QueryRowContext(ctx, `SELECT hash FROM log_hash WHERE tenant_id = $1 AND position = $2`, tenant, index).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			continue // a missing hash is the zero hash
		}
		if err != nil {
			return nil, err
		}
		if all[i], err = decodeHash(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

const entryColumns = `id, kind, at, body, personal`

func scanEntry(tenant string, scan func(...any) error, more ...any) (audit.Entry, error) {
	e := audit.Entry{Tenant: tenant}
	var at int64
	var body, personal string
	err := scan(append([]any{&e.ID, &e.Kind, &at, &body, &personal}, more...)...)
	e.At, e.Body, e.Personal = fromMicros(at), []byte(body), []byte(personal)
	return e, err
}

// Entry returns a committed entry, sealed or not.
func (l Log) Entry(ctx context.Context, tenant, id string) (audit.Entry, error) {
	row := l.db.read.QueryRowContext(ctx, `SELECT `+entryColumns+` FROM event WHERE tenant_id = $1 AND id = $2`, tenant, id)
	return scanEntry(tenant, row.Scan)
}

// Has reports whether an entry is committed, sealed or not.
func (l Log) Has(ctx context.Context, tenant, id string) (bool, error) {
	var n int
	err := l.db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM event WHERE tenant_id = $1 AND id = $2`, tenant, id).Scan(&n)
	return n > 0, err
}

// Sealed implements audit.Source.
func (l Log) Sealed(ctx context.Context, tenant string, from int64, limit int) ([]audit.SealedEntry, error) {
	rows, err := l.db.read.QueryContext(ctx, `
		SELECT `+entryColumns+`, position FROM event
		WHERE tenant_id = $1 AND position >= $2 ORDER BY position LIMIT $3`, tenant, max(0, from), limit)
	return collect(rows, err, func(r *sql.Rows) (audit.SealedEntry, error) {
		var s audit.SealedEntry
		var err error
		s.Entry, err = scanEntry(tenant, r.Scan, &s.Position)
		return s, err
	})
}

// Checkpoints implements audit.Source.
func (l Log) Checkpoints(ctx context.Context, tenant string, after int64, limit int) ([]audit.StoredCheckpoint, error) {
	rows, err := l.db.read.QueryContext(ctx, `
		SELECT size, note FROM log_checkpoint
		WHERE tenant_id = $1 AND size > $2 ORDER BY size LIMIT $3`, tenant, after, limit)
	return collect(rows, err, func(r *sql.Rows) (audit.StoredCheckpoint, error) {
		var c audit.StoredCheckpoint
		var note string
		err := r.Scan(&c.Size, &note)
		c.Note = []byte(note)
		return c, err
	})
}

// AccountEvents returns what happened lately to a person's account, newest first: limit of their
// sign-ins, and as many of the changes that were made to them, so that who unlocks a device many
// times a day still sees what else happened.
func (db *DB) AccountEvents(ctx context.Context, tenant directory.TenantID, user directory.UserID, limit int) ([]audit.Event, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+entryColumns+` FROM (
			SELECT * FROM (
				SELECT e.id, e.kind, e.at, e.body, e.personal FROM event e WHERE e.tenant_id = $1 AND e.kind = $2 AND e.user_id = $3
				ORDER BY e.at DESC LIMIT $4) AS mine_in
			UNION ALL
			SELECT * FROM (
				SELECT e.id, e.kind, e.at, e.body, e.personal FROM event_target t JOIN event e ON e.tenant_id = t.tenant_id AND e.id = t.event_id
				WHERE t.tenant_id = $1 AND t.target_id = $3 ORDER BY t.at DESC LIMIT $4) AS changes
		) AS mine ORDER BY at DESC, id`, tenant, string(audit.KindSignIn), user, limit)
	return collect(rows, err, func(r *sql.Rows) (audit.Event, error) {
		entry, err := scanEntry(string(tenant), r.Scan)
		if err != nil {
			return audit.Event{}, err
		}
		return audit.Open(entry)
	})
}

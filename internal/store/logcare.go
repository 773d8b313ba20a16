package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// PrunableBefore returns the position before which all entries of tenant are older than then:
// the size of a sealed batch, so that whole batches can go. It is 0 when nothing is old enough.
func (l Log) PrunableBefore(ctx context.Context, tenant string, then time.Time) (int64, error) {
	var young, last sql.NullInt64
	if err := l.db.read.QueryRowContext(ctx, `
		SELECT MIN(position) FROM event WHERE tenant_id = $1 AND position >= 0 AND at >= $2`, tenant, micros(then)).Scan(&young); err != nil {
		return 0, err
	}
	if !young.Valid { // all are old: the last batch stays, so that the log is never empty
		head, err := l.Head(ctx, tenant)
		if err != nil {
			return 0, err
		}
		young.Int64 = max(0, head.Size-1)
	}
	err := l.db.read.QueryRowContext(ctx, `
		SELECT MAX(size) FROM log_checkpoint WHERE tenant_id = $1 AND size <= $2`, tenant, young.Int64).Scan(&last)
	return last.Int64, err
}

// Prune removes the entries of the oldest batch that is still there and ends at or before the
// position, and returns how many; hashes and checkpoints stay. 0 says that none is left.
func (l Log) Prune(ctx context.Context, tenant string, before int64) (n int64, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n = 0
		var first sql.NullInt64
		if err := tx.q.QueryRowContext(ctx, `
			SELECT MIN(position) FROM event WHERE tenant_id = $1 AND position >= 0`, tenant).Scan(&first); err != nil {
			return err
		}
		var end int64
		err := tx.q.QueryRowContext(ctx, `
			SELECT size FROM log_checkpoint WHERE tenant_id = $1 AND size > $2 ORDER BY size LIMIT 1`, tenant, first.Int64).Scan(&end)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (end > before || !first.Valid) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			DELETE FROM event_target WHERE tenant_id = $1 AND event_id IN (
				SELECT id FROM event WHERE tenant_id = $1 AND position >= 0 AND position < $2)`, tenant, end); err != nil {
			return err
		}
		n, err = tx.exec(ctx, `DELETE FROM event WHERE tenant_id = $1 AND position >= 0 AND position < $2`, tenant, end)
		return err
	})
	return n, err
}

// Erase removes what is personal about the user from the entries of tenant that are about
// them, and records e first. It returns how many entries lost something. When it fails on the
// way it can be repeated.
func (l Log) Erase(ctx context.Context, tenant, user string, e audit.Event) (int, error) {
	if err := l.db.Record(ctx, e); err != nil {
		return 0, err
	}
	total, after := 0, ""
	for {
		ids, err := l.about(ctx, tenant, user, after)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		n, err := l.eraseIn(ctx, tenant, user, ids)
		if err != nil {
			return total, err
		}
		total, after = total+n, ids[len(ids)-1]
	}
}

// erasedAtOnce bounds how many entries one change erases in.
const erasedAtOnce = 200

// about returns ids of entries about the user, in order, after the given one.
func (l Log) about(ctx context.Context, tenant, user, after string) ([]string, error) {
	rows, err := l.db.read.QueryContext(ctx, `
		SELECT id FROM (
			SELECT id FROM event WHERE tenant_id = $1 AND kind = $2 AND user_id = $3 AND id > $4
			UNION SELECT id FROM event WHERE tenant_id = $1 AND kind = $5 AND actor_user_id = $3 AND id > $4
			UNION SELECT event_id FROM event_target WHERE tenant_id = $1 AND target_id = $3 AND event_id > $4
		) AS entries ORDER BY id LIMIT $6`,
		tenant, string(audit.KindSignIn), user, after, string(audit.KindDirectory), erasedAtOnce)
	return collect(rows, err, scanOne[string])
}

func (l Log) eraseIn(ctx context.Context, tenant, user string, ids []string) (n int, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n = 0
		for _, id := range ids {
			changed, err := tx.erase(ctx, tenant, user, id)
			if err != nil {
				return err
			}
			if changed {
				n++
			}
		}
		return nil
	})
	return n, err
}

// erase erases in one entry and stores its columns again. An entry that is gone meanwhile, or
// has nothing to erase, is passed over.
func (tx *Tx) erase(ctx context.Context, tenant, user, id string) (bool, error) {
	row := tx.q.QueryRowContext(ctx, `SELECT `+entryColumns+` FROM event WHERE tenant_id = $1 AND id = $2`, tenant, id)
	entry, err := scanEntry(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	erased, err := entry.Erase(user)
	if err != nil || string(erased.Personal) == string(entry.Personal) {
		return false, err
	}
	event, err := audit.Open(erased)
	if err != nil {
		return false, err
	}
	i := event.Index()
	if _, err = tx.exec(ctx, `
		UPDATE event SET personal = $1, user_principal_name = $2, user_display_name = $3, ip_address = $4, actor_user_principal_name = $5
		WHERE tenant_id = $6 AND id = $7`,
		string(erased.Personal), i.UPN, i.UserDisplayName, i.IPAddress, i.ActorUPN, tenant, id); err != nil {
		return false, fmt.Errorf("erase in entry %s: %w", id, err)
	}
	return true, nil
}

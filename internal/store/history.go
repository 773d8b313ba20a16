package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// History implements graph.Store. Each of the two indexes gives its newest alone, so that the
// cost is that of a page, however much is in the log.
func (db *DB) History(ctx context.Context, tenant directory.TenantID, user directory.UserID, after []any, limit int) ([]audit.Event, []any, error) {
	at, id, err := historyPosition(after)
	if err != nil {
		return nil, nil, err
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+entryColumns+` FROM event WHERE tenant_id = $1 AND id IN (
			SELECT id FROM (
				SELECT id, at FROM (
					SELECT id, at FROM event WHERE tenant_id = $1 AND kind = $2 AND user_id = $3 AND (at, id) < ($4, $5)
					ORDER BY at DESC, id DESC LIMIT $6) AS signins
				UNION
				SELECT id, at FROM (
					SELECT event_id AS id, at FROM event_target WHERE tenant_id = $1 AND target_id = $3 AND (at, event_id) < ($4, $5)
					ORDER BY at DESC, event_id DESC LIMIT $6) AS changes
				ORDER BY at DESC, id DESC LIMIT $6) AS newest)
		ORDER BY at DESC, id DESC`, tenant, string(audit.KindSignIn), user, at, id, limit+1)
	found, err := collect(rows, err, func(r *sql.Rows) (audit.Event, error) {
		entry, err := scanEntry(string(tenant), r.Scan)
		if err != nil {
			return audit.Event{}, err
		}
		return audit.Open(entry)
	})
	if err != nil || len(found) <= limit {
		return found, nil, err
	}
	last := found[limit-1]
	return found[:limit], []any{micros(last.At), last.ID}, nil
}

// forever is later than anything that happens.
var forever = micros(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))

func historyPosition(after []any) (at int64, id string, err error) {
	if after == nil {
		return forever, "", nil
	}
	if len(after) == 2 {
		switch v := after[0].(type) {
		case int64:
			at = v
		case float64: // it went through JSON
			at = int64(v)
		}
		id, _ = after[1].(string)
	}
	if at == 0 || id == "" {
		return 0, "", fmt.Errorf("a position of a history: %v", after)
	}
	return at, id, nil
}

package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
)

// below adds the ids of all that is in one of the groups, directly or through other groups, under
// a name. UNION, not UNION ALL: it ends even if there were a cycle.
func (q *query) below(name string, groups []string) {
	q.add(name, " (object_id) AS (SELECT object_id FROM group_link WHERE tenant_id = $1 AND relation = 'member' AND group_id IN (''")
	for _, id := range groups {
		q.add(", ", q.arg(id))
	}
	q.add(`)
		UNION
		SELECT l.object_id FROM `, name, ` CROSS JOIN group_link l
		WHERE l.group_id = `, name, `.object_id AND l.tenant_id = $1 AND l.relation = 'member')`)
}

// among begins a statement with the people of groups that are in none of excluded; what is
// selected of them, as u, is cut off by the limit that the caller adds.
func (db *DB) among(tenant directory.TenantID, columns string, groups, excluded []string) *query {
	q := db.newQuery(tenant, directory.KindUser)
	all := slices.Contains(groups, directory.AllUsers)
	q.add("WITH RECURSIVE ")
	q.below("excluded", excluded)
	if !all {
		q.add(", ")
		q.below("included", groups)
	}
	q.add(" SELECT ", columns, " FROM ")
	if all {
		q.add("directory_user u WHERE u.tenant_id = $1")
	} else {
		q.add("included i JOIN directory_user u ON u.tenant_id = $1 AND u.id = i.object_id WHERE 1 = 1")
	}
	if len(excluded) > 0 {
		q.add(" AND u.id NOT IN (SELECT object_id FROM excluded)")
	}
	return q
}

// PeopleIn implements graph.Scopes.
func (db *DB) PeopleIn(ctx context.Context, tenant directory.TenantID, groups []string, limit int) ([]directory.UserID, error) {
	q := db.among(tenant, "u.id", groups, nil)
	q.add(" LIMIT ", q.arg(limit))
	rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
	return collect(rows, err, scanOne[directory.UserID])
}

// CountIn implements graph.Scopes.
func (db *DB) CountIn(ctx context.Context, tenant directory.TenantID, groups, excluded []string, most int) (int, error) {
	inner := db.among(tenant, "1 AS one", groups, excluded)
	inner.add(" LIMIT ", inner.arg(most))
	var n int
	err := db.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM ("+inner.String()+") counted", inner.args...).Scan(&n)
	return n, err
}

// OutstandingPasses implements graph.Scopes.
func (db *DB) OutstandingPasses(ctx context.Context, tenant directory.TenantID, at time.Time, limit int) ([]tap.Pass, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+tapColumns+` FROM tap
		WHERE tenant_id = $1 AND end_at > $2 AND (used_at = 0 OR NOT single_use) AND incarnation = $3
		ORDER BY end_at LIMIT $4`, tenant, micros(at), db.Incarnation, limit)
	return collect(rows, err, listedPass(tenant))
}

// EventsAbout implements graph.Scopes.
func (db *DB) EventsAbout(ctx context.Context, tenant directory.TenantID, target string, before []any, limit int) ([]audit.Event, []any, error) {
	q := db.newQuery(tenant, "")
	q.add(`SELECT e.id, e.kind, e.at, e.body, e.personal FROM event_target t
		JOIN event e ON e.tenant_id = t.tenant_id AND e.id = t.event_id
		WHERE t.tenant_id = $1 AND t.target_id = `, q.arg(target))
	if len(before) == 2 {
		at := before[0]
		if f, ok := at.(float64); ok { // a time that went through JSON
			at = int64(f)
		}
		q.add(" AND (t.at, t.event_id) < (", q.arg(at), ", ", q.arg(before[1]), ")")
	}
	q.add(" ORDER BY t.at DESC, t.event_id DESC LIMIT ", q.arg(limit+1))
	rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
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
	found = found[:limit]
	last := found[limit-1]
	return found, []any{micros(last.At), last.ID}, nil
}

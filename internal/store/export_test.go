package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
)

// Exec runs one statement in a change of its own.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.Exec(ctx, query, args...) })
}

// Exec runs one statement in the change.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := tx.exec(ctx, query, args...)
	return err
}

// Number returns the one number that query selects.
func (db *DB) Number(ctx context.Context, query string, args ...any) (n int, err error) {
	return n, db.read.QueryRowContext(ctx, query, args...).Scan(&n)
}

// Number returns the one number that query selects, as the change sees it.
func (tx *Tx) Number(ctx context.Context, query string, args ...any) (n int, err error) {
	return n, tx.q.QueryRowContext(ctx, query, args...).Scan(&n)
}

// SpendPass marks p used for the transaction that reserved it.
func (db *DB) SpendPass(ctx context.Context, p tap.Pass, transaction string, at time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.spendPass(ctx, p.Tenant, p.User, p.ID, transaction, at)
	})
}

// Append commits entries of any tenants, and the tenants where they are not there.
func (l Log) Append(ctx context.Context, entries []audit.Entry) error {
	return l.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for _, e := range entries {
			if err := tx.Exec(ctx, `
				INSERT INTO tenant (tenant_id, display_name, created_at, body) VALUES ($1, '', 0, '{}')
				ON CONFLICT (tenant_id) DO NOTHING`, e.Tenant); err != nil {
				return err
			}
			if err := tx.Exec(ctx, `
				INSERT INTO event (tenant_id, id, kind, at, body, personal) VALUES ($1, $2, $3, $4, $5, $6)`,
				e.Tenant, e.ID, string(e.Kind), micros(e.At), string(e.Body), string(e.Personal)); err != nil {
				return err
			}
		}
		return nil
	})
}

// LookAtEvents bounds how many entries a page looks at.
func (db *DB) LookAtEvents(n int) { db.bounds.events = n }

// ErrClosed reports a change that came after Close.
var ErrClosed = errClosed

// Queue queues mail in the change.
func (tx *Tx) Queue(ctx context.Context, mails []outbox.Item) error { return tx.queue(ctx, mails) }

// A ColumnFact is a column of the schema.
type ColumnFact struct {
	Table, Name, Kind string
	Obligatory        bool // a row can't be added without it
}

// Columns returns the columns of the schema.
func (f *Filling) Columns(ctx context.Context) ([]ColumnFact, error) {
	query := `
		SELECT m.name, c.name, lower(c.type), c."notnull" <> 0 AND c.dflt_value IS NULL
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if f.postgres {
		query = `
			SELECT table_name, column_name, data_type, is_nullable = 'NO' AND column_default IS NULL
			FROM information_schema.columns WHERE table_schema = current_schema()`
	}
	rows, err := f.write.QueryContext(ctx, query)
	return collect(rows, err, func(r *sql.Rows) (c ColumnFact, err error) {
		err = r.Scan(&c.Table, &c.Name, &c.Kind, &c.Obligatory)
		return c, err
	})
}

// ExplainUsers returns the plan by which users are found.
func (db *DB) ExplainUsers(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (string, error) {
	q := db.newQuery(tenant, users.kind)
	q.add("EXPLAIN SELECT ", users.columns, " FROM ", users.table, " WHERE tenant_id = $1")
	users.source().narrow(q, match)
	rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
	lines, err := collect(rows, err, scanOne[string])
	return strings.Join(lines, "\n"), err
}

// BoundSearches sets how many holders of a word are gathered, and sorted, and how many people a page looks at.
func (db *DB) BoundSearches(gathered, sorted, walked int) {
	db.bounds.gathered, db.bounds.sorted, db.bounds.walked = gathered, sorted, walked
}

// PlansOfSearch returns the plan for each part of what a search finds, and for walking and gathering in the last one.
func (db *DB) PlansOfSearch(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (map[string]string, error) {
	words, _ := searchedIn(match)
	name, after := nameOf(words), []any{"b", "b"}
	plans := map[string]string{}
	for part, build := range map[string]func(*query) error{
		"begins": func(q *query) error { return users.source().begins(q, name, after, 51) },
		"named": func(q *query) error {
			return users.source().named(q, search{words: words, gathered: true}, name, after, 51)
		},
		"walk": func(q *query) error {
			from, end := foothold{property: 1, held: "marc", holder: "b"}, foothold{property: 1, held: "mario", holder: "c"}
			users.source().holders(q, words[0], words[1:], name, from, end, 51)
			return nil
		},
	} {
		q := db.newQuery(tenant, users.kind)
		q.add(map[bool]string{true: "EXPLAIN ", false: "EXPLAIN QUERY PLAN "}[db.postgres])
		if err := build(q); err != nil {
			return nil, err
		}
		rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
		lines, err := collect(rows, err, func(r *sql.Rows) (line string, err error) {
			if db.postgres {
				return line, r.Scan(&line)
			}
			return scanPlan(r)
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
		plans[part] = strings.Join(lines, "\n")
	}
	return plans, nil
}

// PlanOfLog returns the plan by which SQLite reads the entries of a page, once it knows which they are.
func (db *DB) PlanOfLog(ctx context.Context, tenant directory.TenantID, kind audit.Kind, match []filter.Bound) (string, error) {
	q := newEventQuery(db, tenant, kind, match, nil).lookUp([]spot{{1, "a"}, {2, "b"}})
	rows, err := db.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+q.String(), q.args...)
	lines, err := collect(rows, err, scanPlan)
	return strings.Join(lines, "\n"), err
}

func scanPlan(r *sql.Rows) (line string, err error) {
	var id, parent, unused int
	return line, r.Scan(&id, &parent, &unused, &line)
}

// PlanOfName returns the plan by which PostgreSQL finds somebody by a name.
func (db *DB) PlanOfName(ctx context.Context, tenant directory.TenantID, column string) (string, error) {
	query, args := `SELECT `+userColumns+` FROM directory_user WHERE tenant_id = $1 AND user_principal_name = $2`, []any{tenant, "p7"}
	if column != "user_principal_name" {
		query, args = usersWith(column), append(args, 2)
	}
	rows, err := db.read.QueryContext(ctx, "EXPLAIN "+query, args...)
	lines, err := collect(rows, err, func(r *sql.Rows) (line string, err error) { return line, r.Scan(&line) })
	return strings.Join(lines, "\n"), err
}

// PlansOfNames returns the plans by which SQLite finds people and groups by what a source calls them.
func (db *DB) PlansOfNames(ctx context.Context, tenant directory.TenantID, externalID filter.Bound) (map[string]string, error) {
	texts, args := map[string]string{}, map[string][]any{}
	for _, l := range []source{users.source(), groups.source()} {
		q := db.newQuery(tenant, l.kind)
		q.add("SELECT ", l.columns, " FROM ", l.table, " WHERE tenant_id = $1")
		l.narrow(q, []filter.Bound{externalID})
		if err := q.page(nil, nil, 10); err != nil {
			return nil, err
		}
		texts[l.table], args[l.table] = q.String(), q.args
	}
	for _, column := range []string{"external_id", "employee_id"} {
		texts[column], args[column] = usersWith(column), []any{tenant, "hr-1", 2}
	}
	plans := map[string]string{}
	for name, text := range texts {
		rows, err := db.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, args[name]...)
		lines, err := collect(rows, err, scanPlan)
		if err != nil {
			return nil, err
		}
		plans[name] = strings.Join(lines, "\n")
	}
	return plans, nil
}

// Gathers reports whether a search gathers those who have its rarest word, and does not walk.
func (db *DB) Gathers(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (bool, error) {
	words, _ := searchedIn(match)
	s, err := db.searchOf(ctx, tenant, users.kind, words)
	return s.gathered, err
}

// ExpiringTables are those whose rows go after a time.
func ExpiringTables() []string {
	all := make([]string, len(expiring))
	for i, x := range expiring {
		all[i] = x.table
	}
	return all
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/backup"
)

// Dump hands every row of the store to sink, as one moment saw them, while others go on
// writing. It holds one row at a time.
func (db *DB) Dump(ctx context.Context, sink backup.Sink) error {
	o := &sql.TxOptions{ReadOnly: true} // SQLite: a transaction that only reads sees one moment
	if db.postgres {
		// Not SERIALIZABLE, which may fail at any moment for the sake of writers elsewhere.
		o.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.read.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin the snapshot: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	tables, err := db.tables(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := dumpTable(ctx, tx, t, sink); err != nil {
			return fmt.Errorf("read table %s: %w", t.Name, err)
		}
	}
	return nil
}

func dumpTable(ctx context.Context, q querier, t backup.Table, sink backup.Sink) error {
	if err := sink.Begin(t); err != nil {
		return err
	}
	rows, err := q.QueryContext(ctx, `SELECT `+names(t)+` FROM `+t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	cells := make([]cell, len(t.Columns))
	into, values := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i, c := range t.Columns {
		cells[i].kind = c.Kind
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i := range cells {
			values[i] = cells[i].value
		}
		if err := sink.Row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A cell takes a column's value in the form of its kind.
type cell struct {
	kind  backup.Kind
	value any
}

// Scan implements sql.Scanner.
func (c *cell) Scan(v any) error {
	if v == nil {
		c.value = nil
		return nil
	}
	var err error
	switch c.kind {
	case backup.Text:
		var n sql.NullString
		err = n.Scan(v)
		c.value = n.String
	case backup.Integer:
		var n sql.NullInt64
		err = n.Scan(v)
		c.value = n.Int64
	default:
		var n sql.NullBool
		err = n.Scan(v)
		c.value = n.Bool
	}
	return err
}

func names(t backup.Table) string {
	all := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		all[i] = c.Name
	}
	return strings.Join(all, ", ")
}

// kinds are the types that migrations use, as both dialects name them.
var kinds = map[string]backup.Kind{"text": backup.Text, "bigint": backup.Integer, "boolean": backup.Boolean}

// tables returns the tables of the schema by name, with their columns in order, those of
// goose left out.
func (db *DB) tables(ctx context.Context, q querier) ([]backup.Table, error) {
	query := `
		SELECT m.name, c.name, lower(c.type) FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' ORDER BY m.name, c.cid`
	if db.postgres {
		query = `
			SELECT t.table_name, c.column_name, c.data_type FROM information_schema.tables t
			JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
			WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
			ORDER BY t.table_name COLLATE "C", c.ordinal_position`
	}
	rows, err := q.QueryContext(ctx, query)
	columns, err := collect(rows, err, func(r *sql.Rows) (found [3]string, err error) {
		err = r.Scan(&found[0], &found[1], &found[2])
		return found, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	var all []backup.Table
	for _, c := range columns {
		if strings.HasPrefix(c[0], "sqlite_") || strings.HasPrefix(c[0], "goose_") {
			continue
		}
		if len(all) == 0 || all[len(all)-1].Name != c[0] {
			all = append(all, backup.Table{Name: c[0]})
		}
		kind, ok := kinds[c[2]]
		if !ok {
			return nil, fmt.Errorf("column %s of %s has the type %s, which no backup holds", c[1], c[0], c[2])
		}
		last := &all[len(all)-1]
		last.Columns = append(last.Columns, backup.Column{Name: c[1], Kind: kind})
	}
	return all, nil
}

// Digests returns the digest of every table, as one moment saw them, without the rows of meta
// that every store writes itself.
func (db *DB) Digests(ctx context.Context) (map[string]backup.Digest, error) {
	var d backup.Digests
	if err := db.Dump(ctx, &others{Sink: &d}); err != nil {
		return nil, err
	}
	d.End()
	return d.Tables, nil
}

// others leaves out the rows of meta that every store writes itself.
type others struct {
	backup.Sink
	name int // the column of meta that has the name; -1 in other tables
}

// Begin implements backup.Sink.
func (o *others) Begin(t backup.Table) error {
	o.name = -1
	if t.Name == "meta" {
		o.name = slices.IndexFunc(t.Columns, func(c backup.Column) bool { return c.Name == "name" })
	}
	return o.Sink.Begin(t)
}

// Row implements backup.Sink.
func (o *others) Row(values []any) error {
	if o.name >= 0 && (values[o.name] == "release" || values[o.name] == unfinished) {
		return nil
	}
	return o.Sink.Row(values)
}

// like returns the table of all that has the name and the columns of t, and maybe more.
func like(all []backup.Table, t backup.Table) (backup.Table, bool) {
	i := slices.IndexFunc(all, func(known backup.Table) bool { return known.Name == t.Name })
	if i < 0 {
		return backup.Table{}, false
	}
	for _, c := range t.Columns {
		if !slices.Contains(all[i].Columns, c) {
			return backup.Table{}, false
		}
	}
	return all[i], true
}

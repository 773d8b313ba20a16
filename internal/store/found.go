package store

import (
	"context"
	"fmt"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// The parts of what a search finds, in their order, where nobody asks for another one. A whole list by name would have to
// look at everybody before the first Maria, or to sort all of them; and whoever types a name looks for who is called so.
const (
	partBegins = "begins" // those whose name begins with the words, by name
	partNamed  = "named"  // the others, by name, if a word has but a handful
	partSpread = "spread" // else as a walk along the holders of the rarest word comes to them
)

var byName = []filter.Order{{Property: &filter.Property{Column: "display_name"}}}

// find returns at most limit things that have all words, after a position, which begins with the part that it is in; and where
// the next page goes on.
func (l source) find(ctx context.Context, db *DB, tenant directory.TenantID, words []searched, after []any, limit int) (found []row, next []any, err error) {
	part := partBegins
	if after != nil {
		known := false
		if part, known = after[0].(string); !known || len(after) != 3 {
			return nil, nil, fmt.Errorf("a position of %d parts in a search", len(after))
		}
		after = after[1:]
	}
	name := nameOf(words)
	if part == partBegins && name != "" {
		q := db.newQuery(tenant, l.kind)
		if err := l.begins(q, name, after, limit+1); err != nil {
			return nil, nil, err
		}
		if found, err = l.read(ctx, db, tenant, q, partBegins); err != nil || len(found) > limit {
			found, next = cut(found, limit)
			return found, next, err
		}
	}
	if name != "" && len(found) == 0 {
		called, err := l.anyCalled(ctx, db, tenant, name)
		if err != nil {
			return nil, nil, err
		}
		if !called { // so nobody has to be left out below, which is looked up for each
			name = ""
		}
	}
	if part == partSpread {
		from, err := readFoothold(after, words)
		if err != nil {
			return nil, nil, err
		}
		return l.spread(ctx, db, tenant, words, name, from, nil, limit)
	}
	s, err := db.searchOf(ctx, tenant, l.kind, words)
	if err != nil || s.holders == 0 {
		return found, nil, err
	}
	if part == partBegins {
		if after = nil; s.holders > db.bounds.sorted {
			return l.spread(ctx, db, tenant, words, name, foothold{word: s.rarest}, found, limit)
		}
	}
	q := db.newQuery(tenant, l.kind)
	if err := l.named(q, s, name, after, limit-len(found)+1); err != nil {
		return nil, nil, err
	}
	others, err := l.read(ctx, db, tenant, q, partNamed)
	found, next = cut(append(found, others...), limit)
	return found, next, err
}

// cut leaves limit rows, and returns the position of the last if there were more.
func cut(found []row, limit int) ([]row, []any) {
	if len(found) <= limit {
		return found, nil
	}
	return found[:limit], found[limit-1].position
}

// begins selects along the index of names.
func (l source) begins(q *query, name string, after []any, limit int) error {
	q.add("SELECT ", l.columns, ", display_name, id FROM ", l.table, " WHERE tenant_id = $1 AND ")
	q.startsWith("display_name", name)
	return q.page(byName, after, limit)
}

// anyCalled reports whether the first part has anybody.
func (l source) anyCalled(ctx context.Context, db *DB, tenant directory.TenantID, name string) (bool, error) {
	q := db.newQuery(tenant, l.kind)
	if err := l.begins(q, name, nil, 1); err != nil {
		return false, err
	}
	some, err := l.read(ctx, db, tenant, q)
	return len(some) > 0, err
}

// named gathers a handful and sorts it.
func (l source) named(q *query, s search, name string, after []any, limit int) error {
	q.add("SELECT ", l.columns, ", display_name, id FROM ", l.table, " WHERE tenant_id = $1")
	q.search(search{words: s.words, rarest: s.rarest, gathered: true}, l.table)
	q.notCalled(l.table, l.table+".id", name)
	return q.page(byName, after, limit)
}

// notCalled leaves out who came in the first part. It is looked up, so that a walk reads no row for it.
func (q *query) notCalled(table, id, name string) {
	if name == "" {
		return
	}
	q.add(" AND NOT EXISTS (SELECT 1 FROM ", table, " AS called WHERE called.tenant_id = $1 AND called.id = ", id, " AND ")
	q.startsWith("called.display_name", name)
	q.alone()
	q.add(")")
}

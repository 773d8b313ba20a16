package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/directory"
)

// A foothold is how far a walk along those who have a word has come. Which word it goes along is kept, because another
// one may be the rarest by the next page.
type foothold struct {
	word     int    // which of them, the longest first
	property int    // which of its properties
	held     string // by the last one: it begins with the word; empty before the first of the property
	holder   string
}

// mark is what a position begins with that is in the word and property of f.
func (f foothold) mark() string { return fmt.Sprintf("%d %d ", f.word, f.property) }

func (f foothold) position() []any { return []any{partSpread, f.mark() + f.held, f.holder} }

var errFoothold = errors.New("a position in a search that this search has not")

func readFoothold(position []any, words []searched) (foothold, error) {
	text, isText := position[0].(string)
	holder, isID := position[1].(string)
	parts := strings.SplitN(text, " ", 3)
	if !isText || !isID || len(parts) != 3 {
		return foothold{}, errFoothold
	}
	word, err := strconv.Atoi(parts[0])
	property, failed := strconv.Atoi(parts[1])
	if err != nil || failed != nil || word < 0 || word >= len(words) || property < 0 {
		return foothold{}, errFoothold
	}
	return foothold{word, property, parts[2], holder}, nil
}

// spread adds to found those who have all words, as it comes to them along the holders of one of the words, which it
// looks at one after the other in the order of the index: so it costs what it shows and what it passes over, and that is bounded.
func (l source) spread(
	ctx context.Context, db *DB, tenant directory.TenantID, words []searched, name string, from foothold, found []row, limit int,
) ([]row, []any, error) {
	words = longestFirst(words)
	along, others := words[from.word], without(words, from.word)
	for left := db.bounds.walked; from.property < len(along.distinct()); from = (foothold{word: from.word, property: from.property + 1}) {
		end, looked, err := db.stretch(ctx, tenant, l.kind, along, from, left)
		if err != nil {
			return nil, nil, err
		}
		q := db.newQuery(tenant, l.kind)
		l.holders(q, along, others, name, from, end, limit-len(found)+1)
		some, err := l.read(ctx, db, tenant, q, partSpread)
		if err != nil {
			return nil, nil, err
		}
		if found = append(found, some...); len(found) > limit {
			found, next := cut(found, limit)
			return found, next, nil
		}
		if left -= looked; left <= 0 {
			return found, end.position(), nil
		}
	}
	return found, nil, nil
}

// stretch returns where a walk is when it has passed over the next n, at most, and how many these are.
func (db *DB) stretch(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, along searched, from foothold, n int) (foothold, int, error) {
	end := foothold{word: from.word, property: from.property}
	q := db.newQuery(tenant, kind)
	q.add("SELECT word, object_id FROM object_word WHERE ")
	q.along(along, from, end)
	q.add(" ORDER BY word, object_id LIMIT 1 OFFSET ", q.arg(n-1))
	err := db.read.QueryRowContext(ctx, q.String(), q.args...).Scan(&end.held, &end.holder)
	if !errors.Is(err, sql.ErrNoRows) {
		return end, n, err
	}
	q = db.newQuery(tenant, kind)
	q.add("SELECT COUNT(*) FROM object_word WHERE ")
	q.along(along, from, end)
	err = db.read.QueryRowContext(ctx, q.String(), q.args...).Scan(&n)
	return end, n, err
}

// along adds the condition for holders of w behind from and up to end, where these have one. SQLite is given each end once: it
// takes the first that it finds.
func (q *query) along(w searched, from, end foothold) {
	q.add("tenant_id = $1 AND kind = ", q.arg(q.kind), " AND property = ", q.arg(w.distinct()[from.property]))
	switch {
	case q.postgres:
		q.add(" AND ")
		q.startsWith("word", w.word)
	case from.holder == "":
		q.add(" AND word >= ", q.arg(w.word))
	}
	if from.holder != "" {
		q.add(" AND (word, object_id) > (", q.arg(from.held), ", ", q.arg(from.holder), ")")
	}
	if end.holder != "" {
		q.add(" AND (word, object_id) <= (", q.arg(end.held), ", ", q.arg(end.holder), ")")
	} else if !q.postgres {
		q.add(" AND word < ", q.arg(after(w.word)))
	}
}

// holders selects the next who have others, too.
func (l source) holders(q *query, along searched, others []searched, name string, from, end foothold, limit int) {
	q.add("SELECT ", l.columns, ", ", q.arg(from.mark()), " || held, id FROM (SELECT word AS held, object_id AS holder FROM object_word WHERE ")
	q.along(along, from, end)
	q.add(") AS holders CROSS JOIN ", l.table, " WHERE tenant_id = $1 AND id = holder")
	q.metBefore(along, from.property)
	for _, w := range others {
		q.has(w, "holder")
	}
	q.notCalled(l.table, "holder", name)
	q.add(" ORDER BY held, holder LIMIT ", q.arg(limit))
}

// metBefore leaves out to whom the walk came by another property, or by another word of this one.
func (q *query) metBefore(along searched, property int) {
	all := along.distinct()
	if property > 0 {
		q.add(" AND NOT (", always)
		q.has(searched{properties: all[:property], word: along.word}, "holder")
		q.add(")")
	}
	q.add(" AND NOT EXISTS (SELECT 1 FROM object_word WHERE tenant_id = $1 AND object_id = holder AND kind = ", q.arg(q.kind), " AND property = ", q.arg(all[property]), " AND ")
	q.startsWith("word", along.word)
	q.add(" AND word < held")
	q.alone()
	q.add(")")
}

package store

import (
	"context"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// A searched word begins a word of one of properties.
type searched struct {
	properties []string
	word       string
}

// searchedBy returns the words that e asks for, all of which a thing must have; ok is false when e
// is anything else.
func searchedBy(e filter.Expr) (all []searched, ok bool) {
	switch e := e.(type) {
	case filter.HasWords:
		for _, word := range e.Words {
			all = append(all, searched{[]string{e.Property.Name}, word})
		}
		return all, true
	case filter.Or:
		var one searched
		for _, term := range e {
			w, ok := term.(filter.HasWords)
			if !ok || len(w.Words) != 1 || one.word != "" && w.Words[0] != one.word {
				return nil, false
			}
			one.word, one.properties = w.Words[0], append(one.properties, w.Property.Name)
		}
		return []searched{one}, len(e) > 0
	case filter.And:
		for _, term := range e {
			more, ok := searchedBy(term)
			if !ok {
				return nil, false
			}
			all = append(all, more...)
		}
		return all, true
	}
	return nil, false
}

// A search is what a list is searched for. There are two ways to look: to gather the few that
// have a word and sort them, or to walk along the order and look at each, which ends soon when
// many have it. Neither is quick for the other's case.
type search struct {
	words  []searched
	gather bool
}

const (
	// few is how many words of people may match for them to be gathered, one word alone.
	few = 30000
	// fewTogether is the same for the rarest of several words: where each is common, walking to a
	// page of those who have all of them may take long.
	fewTogether = 150000
)

// searchOf takes what is searched for out of match, and decides how.
func (db *DB) searchOf(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, match []filter.Bound) (s search, rest []filter.Bound, err error) {
	for _, b := range match {
		if words, ok := searchedBy(b.Root()); ok {
			s.words = append(s.words, words...)
		} else {
			rest = append(rest, b)
		}
	}
	limit := few
	if len(s.words) > 1 {
		limit = fewTogether
	}
	for _, w := range s.words {
		q := db.newQuery(tenant, kind)
		q.add("SELECT COUNT(*) FROM (")
		q.having(w)
		q.add(" LIMIT ", q.arg(limit+1), ") AS some")
		var n int
		if err := db.read.QueryRowContext(ctx, q.String(), q.args...).Scan(&n); err != nil {
			return s, nil, err
		}
		if s.gather = n <= limit; s.gather {
			break
		}
	}
	return s, rest, nil
}

// having selects the ids of those who have w, some more than once.
func (q *query) having(w searched) {
	for i, property := range w.properties {
		if i > 0 {
			q.add(" UNION ALL ")
		}
		q.add("SELECT object_id FROM object_word WHERE tenant_id = $1 AND kind = ", q.arg(q.kind), " AND property = ", q.arg(property), " AND ")
		q.startsWith("word", w.word)
	}
}

// search adds the conditions of s for the rows of table.
func (q *query) search(s search, table string) {
	q.gathered = s.gather && len(s.words) > 0
	for _, w := range s.words {
		if s.gather {
			q.add(" AND id IN (SELECT object_id FROM (")
			q.having(w)
			q.add(") AS holders)")
			continue
		}
		q.add(" AND (")
		for i, property := range slices.Compact(slices.Sorted(slices.Values(w.properties))) {
			if i > 0 {
				q.add(" OR ")
			}
			q.add("EXISTS (SELECT 1 FROM object_word WHERE tenant_id = $1 AND object_id = ", table, ".id AND kind = ", q.arg(q.kind), " AND property = ", q.arg(property), " AND ")
			q.startsWith("word", w.word)
			q.add(")")
		}
		q.add(")")
	}
}

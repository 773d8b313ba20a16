package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// A searched word begins a word of one of properties.
type searched struct {
	properties []string
	word       string
}

// searchedIn takes the words that are searched for out of match.
func searchedIn(match []filter.Bound) (words []searched, rest []filter.Bound) {
	for _, b := range match {
		if more, ok := searchedBy(b.Root()); ok {
			words = append(words, more...)
		} else {
			rest = append(rest, b)
		}
	}
	return words, rest
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

// A search is what a list is searched for, the longest word first. Where the list has an order there are two ways to
// look: to gather the few that have the rarest word and look at each, or to walk along the order and look at each,
// which ends soon when many fit. Neither is quick for the other's case.
type search struct {
	words    []searched
	rarest   int  // which of words
	holders  int  // of the rarest word, some counted more than once; they are not counted beyond what is gathered
	gathered bool // they are few enough
}

// bounds are how much a page of a list looks at, at most.
type bounds struct {
	// gathered is how many holders of a word are gathered.
	gathered int
	// sorted is how many of them are sorted by name; and no rarer word is looked for than this.
	sorted int
	// walked is how many holders of a word one page of a search looks at, one after the other, where all words are
	// common and few things have all of them. Such a page may be short, and says where it goes on.
	walked int
	// events is how many entries one page of a filtered log looks at, whatever the filter: a page of what is rare may
	// be short, or empty, and say where it goes on.
	events int
}

var usualBounds = bounds{gathered: 30000, sorted: 2000, walked: 3000, events: 10000}

// mostCounted is how many words are counted at most, the longest first.
const mostCounted = 8

// searchOf counts who has words, as far as it matters.
func (db *DB) searchOf(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, words []searched) (search, error) {
	most := db.bounds.gathered
	s := search{words: longestFirst(words), holders: most + 1}
	for i, w := range s.words[:min(len(s.words), mostCounted)] {
		q := db.newQuery(tenant, kind)
		q.add("SELECT COUNT(*) FROM (")
		q.having(w)
		q.add(" LIMIT ", q.arg(most+1), ") AS counted")
		var n int
		if err := db.read.QueryRowContext(ctx, q.String(), q.args...).Scan(&n); err != nil {
			return s, err
		}
		if n < s.holders {
			s.holders, s.rarest = n, i
		}
		if n <= db.bounds.sorted {
			break
		}
	}
	s.gathered = len(s.words) > 0 && s.holders <= most
	return s, nil
}

func longestFirst(words []searched) []searched {
	return slices.SortedStableFunc(slices.Values(words), func(a, b searched) int { return cmp.Compare(len(b.word), len(a.word)) })
}

// without returns words but the one at i.
func without(words []searched, i int) []searched { return slices.Delete(slices.Clone(words), i, i+1) }

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

// distinct are the properties of w, in an order that is always the same.
func (w searched) distinct() []string {
	return slices.Compact(slices.Sorted(slices.Values(w.properties)))
}

// has adds the condition that the thing with that id has w, which is a look-up for each.
func (q *query) has(w searched, id string) {
	q.add(" AND (")
	for i, property := range w.distinct() {
		if i > 0 {
			q.add(" OR ")
		}
		q.add("EXISTS (SELECT 1 FROM object_word WHERE tenant_id = $1 AND object_id = ", id, " AND kind = ", q.arg(q.kind), " AND property = ", q.arg(property), " AND ")
		q.startsWith("word", w.word)
		q.alone()
		q.add(")")
	}
	q.add(")")
}

// alone keeps PostgreSQL from gathering all that a condition is looked up in.
func (q *query) alone() {
	if q.postgres {
		q.add(" OFFSET 0")
	}
}

// search adds the conditions of s for the rows of table.
func (q *query) search(s search, table string) {
	words := s.words
	if q.gathered = s.gathered; q.gathered {
		q.add(" AND id IN (SELECT object_id FROM (")
		q.having(words[s.rarest])
		q.add(") AS holders)")
		words = without(words, s.rarest)
	}
	for _, w := range words {
		q.has(w, table+".id")
	}
}

// nameOf returns what a name begins with that has words in their order; "" where it is not names that are
// searched, or not only.
func nameOf(words []searched) string {
	var all []string
	for _, w := range words {
		if !slices.Contains(w.properties, "displayName") {
			return ""
		}
		all = append(all, w.word)
	}
	return strings.Join(all, " ")
}

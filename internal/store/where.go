package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// A query is a statement under way. SQLite numbers $n by where it first appears, so text
// and arguments grow together, from left to right.
type query struct {
	strings.Builder
	args     []any
	postgres bool
	kind     directory.ObjectKind // whose words $search looks at
	gathered bool                 // rows are gathered by words and sorted, not walked in order
}

// newQuery begins a statement whose $1 is the tenant.
func (db *DB) newQuery(tenant directory.TenantID, kind directory.ObjectKind) *query {
	return &query{args: []any{tenant}, postgres: db.postgres, kind: kind}
}

// arg adds an argument and returns its placeholder.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *query) add(parts ...string) {
	for _, p := range parts {
		q.WriteString(p)
	}
}

// match adds " AND (…)" for b, in which every Property.Column is a column of the table. No
// column is NULL: text that is not set is empty and a time 0, which stand for null here, so
// conditions are two-valued as package filter wants them.
func (q *query) match(b filter.Bound) {
	if b.Root() != nil {
		q.add(" AND ")
		q.expr(b.Root())
	}
}

func (q *query) expr(e filter.Expr) {
	switch e := e.(type) {
	case filter.And:
		q.join(e, " AND ")
	case filter.Or:
		q.join(e, " OR ")
	case filter.Not:
		q.add("NOT (")
		q.expr(e.Expr)
		q.add(")")
	case filter.Compare:
		q.compare(e.Property, e.Op, e.Value)
	case filter.In:
		q.add("(")
		for i, v := range e.Values {
			if i > 0 {
				q.add(" OR ")
			}
			q.compare(e.Property, filter.Eq, v)
		}
		q.add(")")
	case filter.Match:
		q.prefix(e)
	case filter.HasWords:
		q.words(e)
	case filter.Any:
		q.any(e)
	default:
		q.add(never)
	}
}

const (
	never  = "1 = 0"
	always = "1 = 1"
)

func (q *query) join(terms []filter.Expr, word string) {
	q.add("(")
	for i, t := range terms {
		if i > 0 {
			q.add(word)
		}
		q.expr(t)
	}
	q.add(")")
}

var operators = map[filter.Op]string{
	filter.Eq: " = ", filter.Ne: " <> ", filter.Gt: " > ", filter.Ge: " >= ", filter.Lt: " < ", filter.Le: " <= ",
}

func (q *query) compare(p *filter.Property, op filter.Op, v filter.Value) {
	if p.Column == resultColumn || strings.HasSuffix(p.Column, "/") || p.Column == "error_code" && op == filter.Ne {
		q.compareMark(filter.Compare{Property: p, Op: op, Value: v})
		return
	}
	if p.Column == "member_id" {
		q.hasMember(op, v)
		return
	}
	switch v := v.(type) {
	case filter.Null:
		q.isNull(p, op == filter.Eq)
	case filter.String:
		q.text(p, op, keep(p.Column, string(v)))
	case filter.GUID:
		q.text(p, op, string(v))
	case filter.Bool:
		q.add("(", p.Column, operators[op], q.arg(bool(v)), ")")
	case filter.Int:
		q.add("(", p.Column, operators[op], q.arg(int64(v)), ")")
	case filter.Time:
		q.time(p, op, v.At)
	default:
		q.add(never)
	}
}

// hasMember finds groups by one of those who are in them.
func (q *query) hasMember(op filter.Op, v filter.Value) {
	id, ok := v.(filter.String)
	if op != filter.Eq || !ok {
		q.add(never)
		return
	}
	q.add("(id IN (SELECT group_id FROM group_link WHERE tenant_id = $1 AND object_id = ", q.arg(filter.Fold(string(id))), " AND relation = 'member'))")
}

// compareMark compares what the log keeps as a mark of an entry.
func (q *query) compareMark(e filter.Compare) {
	mark, value, has := markOf(e)
	text, isText := e.Value.(filter.String)
	code, isCode := e.Value.(filter.Int)
	switch {
	case has:
		q.marked(true, mark+value)
	case isText && e.Property.Column == resultColumn && strings.EqualFold(string(text), audit.Success):
		q.marked(false, audit.MarkFailedChange)
	case isCode && e.Property.Column == "error_code":
		q.add("(error_code", operators[e.Op], q.arg(int64(code)), ")")
	default:
		q.add(never)
	}
}

func (q *query) isNull(p *filter.Property, is bool) {
	word := map[bool]string{true: " = ", false: " <> "}[is]
	switch p.Type {
	case filter.TypeString, filter.TypeGUID:
		q.add("(", p.Column, word, "'')")
	case filter.TypeTime:
		q.add("(", p.Column, word, "0)")
	default:
		q.add(map[bool]string{true: never, false: always}[is])
	}
}

// text compares text that is set. Only Eq and Ne mean the same in every collation, so a
// schema offers nothing else for text.
func (q *query) text(p *filter.Property, op filter.Op, value string) {
	switch {
	case value == "" && op == filter.Eq:
		q.add(never)
	case value == "" && op == filter.Ne:
		q.add(always)
	case op == filter.Eq && p.Column == "external_id": // as in usersWith
		q.add("(external_id = ", q.arg(value), " AND external_id <> '')")
	case op == filter.Eq || op == filter.Ne:
		q.add("(", p.Column, operators[op], q.arg(value), ")")
	default:
		q.add(never)
	}
}

// time compares in microseconds, which is how times are kept, a finer value exactly.
func (q *query) time(p *filter.Property, op filter.Op, at time.Time) {
	us, exact := at.UnixMicro(), at.Nanosecond()%1000 == 0
	switch {
	case exact && us == 0 && op == filter.Eq:
		q.add(never)
		return
	case exact && us == 0 && op == filter.Ne:
		q.add(always)
		return
	case exact:
	case op == filter.Eq:
		q.add(never)
		return
	case op == filter.Ne:
		q.add(always)
		return
	case op == filter.Ge:
		op = filter.Gt
	case op == filter.Lt:
		op = filter.Le
	}
	q.add("(", p.Column, operators[op], q.arg(us))
	if op != filter.Ne {
		q.add(" AND ", p.Column, " <> 0")
	}
	q.add(")")
}

// prefix adds the condition of startsWith. A schema offers neither endsWith nor contains.
func (q *query) prefix(e filter.Match) {
	text := keep(e.Property.Column, e.Text)
	switch {
	case e.Op != filter.StartsWith:
		q.add(never)
	case text == "":
		q.isNull(e.Property, false)
	default:
		q.startsWith(e.Property.Column, text)
	}
}

// startsWith is a range on SQLite, which compares bytes. PostgreSQL compares by the
// database's collation, where a prefix is no range; LIKE holds in each of them, and with
// the collation C it uses the index, too.
func (q *query) startsWith(column, prefix string) {
	if q.postgres {
		escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(prefix)
		q.add("(", column, " LIKE ", q.arg(escaped+"%"), ` ESCAPE '\')`)
		return
	}
	q.add("(", column, " >= ", q.arg(prefix), " AND ", column, " < ", q.arg(after(prefix)), ")")
}

// after returns the first string, by bytes, behind all that start with prefix.
func after(prefix string) string {
	b := []byte(prefix)
	b[len(b)-1]++ // UTF-8 has no byte 0xFF
	return string(b)
}

// words adds the condition of $search: each word begins one of the property.
func (q *query) words(e filter.HasWords) {
	q.add("(")
	for i, w := range e.Words {
		if i > 0 {
			q.add(" AND ")
		}
		q.add("id IN (SELECT object_id FROM object_word WHERE tenant_id = $1 AND kind = ", q.arg(q.kind),
			" AND property = ", q.arg(e.Property.Name), " AND ")
		q.startsWith("word", w)
		q.add(")")
	}
	q.add(")")
}

// any looks into the table of targets for a collection of that name; any other collection
// has one element, in its column.
func (q *query) any(e filter.Any) {
	if e.Property.Column != "event_target" {
		q.expr(e.Expr)
		return
	}
	q.add("EXISTS (SELECT 1 FROM event_target t WHERE t.tenant_id = $1 AND t.at = event.at AND t.event_id = event.id AND ")
	q.expr(e.Expr)
	q.add(")")
}

// exactly are the columns that keep text as it is; all others keep it folded.
var exactly = []string{"user_display_name", "app_display_name", "client_app_used", "activity", "category", "service", "event_type", "consent_type", "external_id", "number", "state", "quarter"}

func keep(column, text string) string {
	if slices.Contains(exactly, column) {
		return text
	}
	return filter.Fold(text)
}

// page adds " AND …, ORDER BY … LIMIT" for the part of the result after a position.
func (q *query) page(order []filter.Order, position []any, limit int) (err error) {
	return q.pageBy("id", order, position, limit)
}

// pageBy is page for rows whose id is in another column.
func (q *query) pageBy(id string, order []filter.Order, position []any, limit int) (err error) {
	column, descending := sortedBy(order)
	direction, beyond := "", " > "
	if descending {
		direction, beyond = " DESC", " < "
	}
	sort := column
	if q.gathered && !q.postgres { // keeps SQLite from walking along the order nevertheless
		sort, id = "+"+column, "+"+id
	}
	if position != nil {
		if len(position) != 2 {
			return fmt.Errorf("a position of %d parts", len(position))
		}
		value := position[0]
		if f, ok := value.(float64); ok { // a time that went through JSON
			value = int64(f)
		}
		q.add(" AND (", sort, ", ", id, ")", beyond, "(", q.arg(value), ", ", q.arg(position[1]), ")")
	}
	q.add(" ORDER BY ", sort, direction, ", ", id, direction, " LIMIT ", q.arg(limit))
	return nil
}

// sortedBy returns the column that a result is sorted by, before the id.
func sortedBy(order []filter.Order) (column string, descending bool) {
	if len(order) == 0 {
		return "id", false
	}
	return order[0].Property.Column, order[0].Descending
}

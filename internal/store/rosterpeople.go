package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// SpanAfter implements roster.People.
func (db *DB) SpanAfter(ctx context.Context, tenant directory.TenantID, after directory.UserID, n int) (roster.Span, error) {
	span := roster.Span{After: after}
	err := db.read.QueryRowContext(ctx, `SELECT id FROM directory_user WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`, tenant, after, n-1).Scan(&span.Last)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return span, err
}

// PeopleOfSpan implements roster.People.
func (db *DB) PeopleOfSpan(ctx context.Context, tenant directory.TenantID, in roster.Span, at time.Time) ([]roster.Person, error) {
	r := &rollCall{db: db, tenant: tenant, at: at}
	r.about = func(q *query, column string) {
		q.add(column, " > ", q.arg(in.After))
		if in.Last != "" { // in words that an index understands
			q.add(" AND ", column, " <= ", q.arg(in.Last))
		}
	}
	q := db.newQuery(tenant, directory.KindUser)
	q.add(selectPeople, " AND ")
	r.about(q, "id")
	q.add(" ORDER BY id")
	if err := r.people(ctx, q); err != nil || len(r.all) == 0 {
		return nil, err
	}
	return r.all, r.rest(ctx)
}

// PeopleOf implements roster.People.
func (db *DB) PeopleOf(ctx context.Context, tenant directory.TenantID, ids []directory.UserID, at time.Time) ([]roster.Person, error) {
	var all []roster.Person
	for some := range slices.Chunk(slices.Sorted(slices.Values(ids)), method.MostAtOnce) {
		q := db.amongUsers(tenant, some, selectPeople+" AND id IN ")
		q.add(" ORDER BY id")
		r := &rollCall{db: db, tenant: tenant, at: at}
		if err := r.people(ctx, q); err != nil {
			return nil, err
		}
		r.about = func(q *query, column string) {
			q.add(column, " IN ")
			reading{users: some}.list(q)
		}
		if err := r.rest(ctx); err != nil {
			return nil, err
		}
		all = append(all, r.all...)
	}
	return all, nil
}

const selectPeople = `SELECT id, user_principal_name, account_enabled, user_type, manager_id FROM directory_user WHERE tenant_id = $1`

// amongUsers begins a statement whose last word is IN, and the list of users.
func (db *DB) amongUsers(tenant directory.TenantID, users []directory.UserID, parts ...string) *query {
	return reading{db: db, tenant: tenant, users: users}.query(parts...)
}

// rollCall reads what people have, table by table, each in the order of its index: a chunk of
// people is a few walks along indexes and not a look-up for each of them.
type rollCall struct {
	db     *DB
	tenant directory.TenantID
	at     time.Time
	all    []roster.Person // by id
	// about adds the condition that a column has the id of one of them.
	about func(q *query, column string)
	// powers are those of groups, as they were met.
	powers map[directory.GroupID][]power
}

// A power is a group that somebody is in, and what it gives them.
type power struct {
	group    directory.GroupID
	role     sql.NullString
	protects bool
}

func (r *rollCall) people(ctx context.Context, q *query) error {
	rows, err := r.db.read.QueryContext(ctx, q.String(), q.args...)
	r.all, err = collect(rows, err, func(row *sql.Rows) (roster.Person, error) {
		var p roster.Person
		var kind string
		err := row.Scan(&p.User, &p.UPN, &p.Enabled, &kind, &p.Manager)
		p.Guest = strings.EqualFold(kind, "guest")
		return p, err
	})
	return err
}

func (r *rollCall) rest(ctx context.Context) error {
	for _, read := range []func(context.Context) error{r.credentials, r.passes, r.pins, r.owned, r.registered, r.links, r.roles} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// of returns the person with the id, or nil.
func (r *rollCall) of(id directory.UserID) *roster.Person {
	i, ok := slices.BinarySearchFunc(r.all, id, func(p roster.Person, id directory.UserID) int { return strings.Compare(string(p.User), string(id)) })
	if !ok {
		return nil
	}
	return &r.all[i]
}

// skip leaves out a row that can't be read, and notes whose it is: one such row must not keep everybody else
// from being looked at, nor pass for what it is not.
func (r *rollCall) skip(user *directory.UserID, err error) error {
	row, ok := errors.AsType[*unreadable](err)
	if !ok {
		return err
	}
	if p := r.of(*user); p != nil {
		p.Unreadable = append(p.Unreadable, row.what+" "+row.id)
	}
	*user = ""
	return nil
}

// walk reads rows about the people: parts, the condition, and what follows.
func walk[T any](ctx context.Context, r *rollCall, selected, column, after string, scan func(*sql.Rows) (T, error)) ([]T, error) {
	q := r.db.newQuery(r.tenant, directory.KindUser)
	q.add(selected)
	r.about(q, column)
	q.add(after)
	rows, err := r.db.read.QueryContext(ctx, q.String(), q.args...)
	return collect(rows, err, scan)
}

func (r *rollCall) credentials(ctx context.Context) error {
	found, err := walk(ctx, r, "SELECT "+credentialColumns+" FROM credential WHERE tenant_id = $1 AND ", "user_id", " ORDER BY user_id, created_at, id",
		func(row *sql.Rows) (method.Credential, error) {
			c, err := scanCredential(r.tenant, row.Scan)
			return c, r.skip(&c.User, err)
		})
	for _, c := range found {
		if p := r.of(c.User); p != nil {
			p.Credentials = append(p.Credentials, c)
		}
	}
	return err
}

func (r *rollCall) passes(ctx context.Context) error {
	type pass struct {
		user directory.UserID
		roster.Pass
	}
	found, err := walk(ctx, r, `SELECT user_id, start_at, end_at, single_use, bootstrap, used_at, incarnation FROM tap WHERE tenant_id = $1 AND `, "user_id", "",
		func(row *sql.Rows) (pass, error) {
			var p pass
			var from, until, used int64
			var incarnation string
			err := row.Scan(&p.user, &from, &until, &p.Once, &p.Bootstrap, &used, &incarnation)
			if p.Once && used != 0 || incarnation != r.db.Incarnation || until <= micros(r.at) {
				p.user = ""
			}
			p.From, p.Until = fromMicros(from), fromMicros(until)
			return p, err
		})
	for _, one := range found {
		if p := r.of(one.user); p != nil {
			p.Registration.Pass, p.Pass = true, &one.Pass
		}
	}
	return err
}

// A machine is a device of a person.
type machine struct {
	user directory.UserID
	roster.Device
}

func (r *rollCall) scanMachine(row *sql.Rows, more ...any) (machine, error) {
	var m machine
	d, err := scanDevice(r.tenant, func(to ...any) error {
		return row.Scan(slices.Concat([]any{&m.user}, more, to)...)
	})
	m.Device.Device = d
	return m, r.skip(&m.user, err)
}

func (r *rollCall) add(found []machine) {
	for _, m := range found {
		if d := m.Device.Device; d.HandedOver() && d.Owner != m.user {
			continue // they were at it before its owner
		}
		p := r.of(m.user)
		if p == nil || len(p.Devices) >= roster.MostDevices || slices.ContainsFunc(p.Devices, func(d roster.Device) bool { return d.ID == m.ID }) {
			continue
		}
		p.Devices = append(p.Devices, m.Device)
	}
}

const ofDevice = `d.id, d.body, d.owner_id, d.seen_at, d.version`

func (r *rollCall) pins(ctx context.Context) error {
	found, err := walk(ctx, r, `SELECT c.user_id, c.id, c.device_id, c.user_id, c.method_id, c.created_at, c.body, `+ofDevice+`
		FROM pin_container c CROSS JOIN device d WHERE c.tenant_id = $1 AND d.tenant_id = $1 AND d.id = c.device_id AND c.method_id <> '' AND `, "c.user_id", "",
		func(row *sql.Rows) (machine, error) {
			var m machine
			c, err := scanContainer(r.tenant, func(to ...any) error {
				var inner error
				m, inner = r.scanMachine(row, to...)
				return inner
			})
			m.PIN, m.Software = true, c.Software != nil
			return m, r.skip(&m.user, err)
		})
	r.add(found)
	for _, m := range found {
		if p := r.of(m.user); p != nil {
			p.PIN = true
		}
	}
	return err
}

func (r *rollCall) owned(ctx context.Context) error {
	found, err := walk(ctx, r, "SELECT d.owner_id, "+ofDevice+" FROM device d WHERE d.tenant_id = $1 AND ", "d.owner_id", "",
		func(row *sql.Rows) (machine, error) { return r.scanMachine(row) })
	r.add(found)
	return err
}

func (r *rollCall) registered(ctx context.Context) error {
	found, err := walk(ctx, r, "SELECT u.user_id, "+ofDevice+" FROM device_user u CROSS JOIN device d WHERE u.tenant_id = $1 AND d.tenant_id = $1 AND d.id = u.device_id AND ", "u.user_id", "",
		func(row *sql.Rows) (machine, error) { return r.scanMachine(row) })
	r.add(found)
	return err
}

// links reads the groups that people are in or own, and what these give them.
func (r *rollCall) links(ctx context.Context) error {
	type link struct {
		user     directory.UserID
		group    directory.GroupID
		relation string
	}
	found, err := walk(ctx, r, `SELECT object_id, group_id, relation FROM group_link WHERE tenant_id = $1 AND object_kind = 'user' AND `, "object_id", "",
		func(row *sql.Rows) (link, error) {
			var l link
			err := row.Scan(&l.user, &l.group, &l.relation)
			return l, err
		})
	if err != nil {
		return err
	}
	r.powers = map[directory.GroupID][]power{}
	for _, l := range found {
		p := r.of(l.user)
		if p == nil || l.relation != "member" && l.relation != "owner" {
			continue
		}
		up, err := r.powersOf(ctx, l.group)
		if err != nil {
			return err
		}
		for _, one := range up {
			if l.relation == "owner" { // of the group itself, not of those that it is in
				p.RoleAssignableGroup = p.RoleAssignableGroup || one.group == l.group && one.protects
				continue
			}
			if p.Groups == nil {
				p.Groups = map[directory.GroupID]bool{}
			}
			p.Groups[one.group] = true
			p.RoleAssignableGroup = p.RoleAssignableGroup || one.protects
			if one.role.Valid {
				p.Roles = append(p.Roles, directory.RoleID(one.role.String))
			}
		}
	}
	return nil
}

// powersOf are those of a group and of all that it is in. UNION ends even if there were a cycle.
func (r *rollCall) powersOf(ctx context.Context, group directory.GroupID) ([]power, error) {
	if known, ok := r.powers[group]; ok {
		return known, nil
	}
	rows, err := r.db.read.QueryContext(ctx, `
		WITH RECURSIVE up (id) AS (SELECT id FROM directory_group WHERE tenant_id = $1 AND id = $2
			UNION
			SELECT l.group_id FROM up CROSS JOIN group_link l WHERE l.object_id = up.id AND l.tenant_id = $1 AND l.relation = 'member')
		SELECT up.id, a.role_id, COALESCE(g.role_assignable, FALSE) FROM up
		LEFT JOIN role_assignment a ON a.tenant_id = $1 AND a.principal_id = up.id
		LEFT JOIN directory_group g ON g.tenant_id = $1 AND g.id = up.id`, r.tenant, group)
	found, err := collect(rows, err, func(row *sql.Rows) (power, error) {
		var p power
		err := row.Scan(&p.group, &p.role, &p.protects)
		return p, err
	})
	r.powers[group] = found
	return found, err
}

// roles reads those that people hold by themselves.
func (r *rollCall) roles(ctx context.Context) error {
	type holding struct {
		user directory.UserID
		role directory.RoleID
	}
	found, err := walk(ctx, r, "SELECT principal_id, role_id FROM role_assignment WHERE tenant_id = $1 AND ", "principal_id", "",
		func(row *sql.Rows) (holding, error) {
			var h holding
			err := row.Scan(&h.user, &h.role)
			return h, err
		})
	for _, h := range found {
		if p := r.of(h.user); p != nil {
			p.Roles = append(p.Roles, h.role)
		}
	}
	return err
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// RegistrationsOf implements method.Registrations.
func (db *DB) RegistrationsOf(ctx context.Context, tenant directory.TenantID, users []directory.UserID, at time.Time) (map[directory.UserID]method.Registration, error) {
	if len(users) > method.MostAtOnce {
		return nil, fmt.Errorf("registrations of %d people at once", len(users))
	}
	r := reading{db: db, tenant: tenant, users: users, all: map[directory.UserID]method.Registration{}}
	for _, read := range []func(context.Context) error{
		r.credentials, r.pins, func(ctx context.Context) error { return r.passes(ctx, at) }, r.powers, r.owned,
	} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	return r.all, nil
}

// reading is one call of RegistrationsOf.
type reading struct {
	db     *DB
	tenant directory.TenantID
	users  []directory.UserID
	all    map[directory.UserID]method.Registration
}

// query begins a statement with what stands before the list of people, and the list. Its length is
// always the same, so that statements stay prepared; what is left over is empty and nobody's id.
func (r reading) query(parts ...string) *query {
	q := r.db.newQuery(r.tenant, directory.KindUser)
	q.add(parts...)
	r.list(q)
	return q
}

// list adds the list of people.
func (r reading) list(q *query) {
	for i := range method.MostAtOnce {
		separator, id := ", ", directory.UserID("")
		if i == 0 {
			separator = "("
		}
		if i < len(r.users) {
			id = r.users[i]
		}
		q.add(separator, q.arg(id))
	}
	q.add(")")
}

func (r reading) change(user directory.UserID, to func(*method.Registration)) {
	one := r.all[user]
	to(&one)
	r.all[user] = one
}

func (r reading) credentials(ctx context.Context) error {
	q := r.query("SELECT ", credentialColumns, " FROM credential WHERE tenant_id = $1 AND user_id IN ")
	q.add(" ORDER BY user_id, created_at, id")
	rows, err := r.db.read.QueryContext(ctx, q.String(), q.args...)
	found, err := collect(rows, err, func(row *sql.Rows) (method.Credential, error) {
		c, err := scanCredential(r.tenant, row.Scan)
		return c, listed(err)
	})
	for _, c := range found {
		r.change(c.User, func(one *method.Registration) { one.Credentials = append(one.Credentials, c) })
	}
	return err
}

func (r reading) pins(ctx context.Context) error {
	q := r.query("SELECT DISTINCT user_id FROM pin_container WHERE tenant_id = $1 AND user_id IN ")
	q.add(" AND method_id <> ''")
	return r.mark(ctx, q, func(one *method.Registration) { one.PIN = true })
}

func (r reading) passes(ctx context.Context, at time.Time) error {
	q := r.query("SELECT user_id FROM tap WHERE tenant_id = $1 AND user_id IN ")
	q.add(" AND end_at > ", q.arg(micros(at)), " AND (used_at = 0 OR NOT single_use) AND incarnation = ", q.arg(r.db.Incarnation))
	return r.mark(ctx, q, func(one *method.Registration) { one.Pass = true })
}

func (r reading) mark(ctx context.Context, q *query, as func(*method.Registration)) error {
	rows, err := r.db.read.QueryContext(ctx, q.String(), q.args...)
	found, err := collect(rows, err, scanOne[directory.UserID])
	for _, u := range found {
		r.change(u, as)
	}
	return err
}

// powers reads groups and roles: what a person is, from themselves upwards, and which roles
// each of that holds. UNION, not UNION ALL: it ends even if there were a cycle. CROSS JOIN keeps
// SQLite from walking all links of a tenant and looking for each among the people.
func (r reading) powers(ctx context.Context) error {
	type power struct {
		user      directory.UserID
		principal string
		role      sql.NullString
		protects  bool
	}
	q := r.query("WITH RECURSIVE up (user_id, principal_id) AS (SELECT id, id FROM directory_user WHERE tenant_id = $1 AND id IN ")
	q.add(`
			UNION
			SELECT up.user_id, l.group_id FROM up CROSS JOIN group_link l
			WHERE l.object_id = up.principal_id AND l.tenant_id = $1 AND l.relation = 'member')
		SELECT up.user_id, up.principal_id, r.role_id, COALESCE(g.role_assignable, FALSE) FROM up
		LEFT JOIN role_assignment r ON r.tenant_id = $1 AND r.principal_id = up.principal_id
		LEFT JOIN directory_group g ON g.tenant_id = $1 AND g.id = up.principal_id`)
	rows, err := r.db.read.QueryContext(ctx, q.String(), q.args...)
	found, err := collect(rows, err, func(row *sql.Rows) (power, error) {
		var p power
		err := row.Scan(&p.user, &p.principal, &p.role, &p.protects)
		return p, err
	})
	for _, p := range found {
		r.change(p.user, func(one *method.Registration) {
			if string(p.user) != p.principal {
				if one.Groups == nil {
					one.Groups = map[directory.GroupID]bool{}
				}
				one.Groups[directory.GroupID(p.principal)] = true
			}
			one.RoleAssignableGroup = one.RoleAssignableGroup || p.protects
			if p.role.Valid {
				one.Roles = append(one.Roles, directory.RoleID(p.role.String))
			}
		})
	}
	return err
}

// owned marks who owns a role-assignable group.
func (r reading) owned(ctx context.Context) error {
	q := r.query(`SELECT DISTINCT l.object_id FROM group_link l JOIN directory_group g ON g.tenant_id = $1 AND g.id = l.group_id
		WHERE l.tenant_id = $1 AND l.relation = 'owner' AND g.role_assignable AND l.object_id IN `)
	return r.mark(ctx, q, func(one *method.Registration) { one.RoleAssignableGroup = true })
}

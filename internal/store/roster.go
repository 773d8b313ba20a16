package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// RosterMark implements roster.Store.
func (db *DB) RosterMark(ctx context.Context, tenant directory.TenantID) (roster.Mark, error) {
	return rosterMark(ctx, db.read, tenant)
}

func rosterMark(ctx context.Context, q querier, tenant directory.TenantID) (roster.Mark, error) {
	var m roster.Mark
	var began, whole, ended int64
	err := q.QueryRowContext(ctx, `
		SELECT version, rules, rush, after_id, began_at, whole_at, ended_at, since, whole_since FROM roster_mark WHERE tenant_id = $1`, tenant).
		Scan(&m.Version, &m.Rules, &m.Rush, &m.After, &began, &whole, &ended, &m.Since, &m.WholeSince)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	m.Began, m.Whole, m.Ended = fromMicros(began), fromMicros(whole), fromMicros(ended)
	return m, err
}

// RosterTicket implements roster.Store.
func (db *DB) RosterTicket(ctx context.Context, tenant directory.TenantID) (roster.Ticket, error) {
	var ticket roster.Ticket
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.q.QueryRowContext(ctx, `
			INSERT INTO roster_ticket (tenant_id, n) VALUES ($1, 1)
			ON CONFLICT (tenant_id) DO UPDATE SET n = roster_ticket.n + 1 RETURNING n`, tenant).Scan(&ticket)
	})
	return ticket, err
}

// SweepRoster implements roster.Store.
func (db *DB) SweepRoster(ctx context.Context, tenant directory.TenantID, from, to roster.Mark, found roster.Finding, now time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.moveRoster(ctx, tenant, from, to); err != nil {
			return err
		}
		span := func(parts ...string) *query {
			q := db.newQuery(tenant, directory.KindUser)
			q.add(parts...)
			q.add(" WHERE tenant_id = $1 AND user_id > ", q.arg(from.After))
			if to.After != "" { // in words that an index understands: a chunk reads no more than a chunk
				q.add(" AND user_id <= ", q.arg(to.After))
			}
			return q
		}
		q := span("SELECT state, user_id FROM roster")
		rows, err := tx.q.QueryContext(ctx, q.String(), q.args...)
		known, err := rosterIn(rows, err)
		if err != nil {
			return err
		}
		// Who was told of meanwhile was looked at later. The floor refuses whatever a note older than it would.
		q = span("SELECT user_id FROM roster_note")
		q.add(" AND ticket > ", q.arg(found.Ticket))
		rows, err = tx.q.QueryContext(ctx, q.String(), q.args...)
		later, err := collect(rows, err, scanOne[directory.UserID])
		if err != nil {
			return err
		}
		q = span("DELETE FROM roster_note")
		q.add(" AND ticket < ", q.arg(to.Floor(to.After)))
		if _, err := tx.exec(ctx, q.String(), q.args...); err != nil {
			return err
		}
		maps.DeleteFunc(known, isIn(later))
		return tx.saveRoster(ctx, tenant, known, allBut(later, found.States), now)
	})
}

// moveRoster is a compare-and-swap by the version.
func (tx *Tx) moveRoster(ctx context.Context, tenant directory.TenantID, from, to roster.Mark) error {
	if from.Version == 0 {
		if _, err := tx.exec(ctx, `
			INSERT INTO roster_mark (tenant_id, version, rules, rush, after_id, began_at, whole_at, ended_at, since, whole_since) VALUES ($1, 0, '', FALSE, '', 0, 0, 0, 0, 0)
			ON CONFLICT (tenant_id) DO NOTHING`, tenant); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `
		UPDATE roster_mark SET version = $1, rules = $2, rush = $3, after_id = $4, began_at = $5, whole_at = $6, ended_at = $7, since = $8, whole_since = $9
		WHERE tenant_id = $10 AND version = $11`,
		to.Version, to.Rules, to.Rush, to.After, micros(to.Began), micros(to.Whole), micros(to.Ended), to.Since, to.WholeSince, tenant, from.Version)
	return changed(n, err, roster.ErrStale)
}

// SetRoster implements roster.Store.
func (db *DB) SetRoster(ctx context.Context, tenant directory.TenantID, ids []directory.UserID, found roster.Finding, now time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		mark, err := rosterMark(ctx, tx.q, tenant)
		if err != nil {
			return err
		}
		ids := slices.DeleteFunc(slices.Sorted(slices.Values(ids)), func(id directory.UserID) bool { return mark.Floor(id) > found.Ticket })
		known, mine := roster.States{}, roster.States{}
		var notes [][]any
		for chunk := range slices.Chunk(slices.Compact(ids), method.MostAtOnce) {
			q := db.amongUsers(tenant, chunk, "SELECT user_id FROM roster_note WHERE tenant_id = $1 AND user_id IN ")
			q.add(" AND ticket > ", q.arg(found.Ticket))
			rows, err := tx.q.QueryContext(ctx, q.String(), q.args...)
			later, err := collect(rows, err, scanOne[directory.UserID])
			if err != nil {
				return err
			}
			q = db.amongUsers(tenant, chunk, "SELECT state, user_id FROM roster WHERE tenant_id = $1 AND user_id IN ")
			rows, err = tx.q.QueryContext(ctx, q.String(), q.args...)
			some, err := rosterIn(rows, err)
			if err != nil {
				return err
			}
			for _, id := range chunk {
				if slices.Contains(later, id) {
					continue
				}
				notes = append(notes, []any{tenant, id, found.Ticket})
				if state, ok := some[id]; ok {
					known[id] = state
				}
				if state, ok := found.States[id]; ok {
					mine[id] = state
				}
			}
		}
		if err := tx.put(ctx, putNote, notes); err != nil {
			return err
		}
		return tx.saveRoster(ctx, tenant, known, mine, now)
	})
}

// allBut returns the states of all but some.
func allBut(some []directory.UserID, states roster.States) roster.States {
	if len(some) == 0 {
		return states
	}
	rest := maps.Clone(states)
	maps.DeleteFunc(rest, isIn(some))
	return rest
}

func isIn(some []directory.UserID) func(directory.UserID, recovery.State) bool {
	has := make(map[directory.UserID]bool, len(some))
	for _, id := range some {
		has[id] = true
	}
	return func(id directory.UserID, _ recovery.State) bool { return has[id] }
}

func rosterIn(rows *sql.Rows, err error) (roster.States, error) {
	found, err := collect(rows, err, scanPosition)
	all := make(roster.States, len(found))
	for _, p := range found {
		all[p.User] = p.State
	}
	return all, err
}

func scanPosition(r *sql.Rows) (roster.Position, error) {
	var p roster.Position
	err := r.Scan(&p.State, &p.User)
	return p, err
}

// atOnce is how many people one statement stores. To run a statement takes longer than to add
// a row to it.
const atOnce = 50

var putState, putNote = puts("roster", "state"), puts("roster_note", "ticket")

// puts are statements that put a column of one person or of many.
func puts(table, column string) map[int]string {
	all := map[int]string{}
	for _, n := range []int{1, atOnce} {
		q := &query{}
		for i := range n {
			separator := ", ("
			if i == 0 {
				separator = " ("
			}
			q.add(separator, q.arg(nil), ", ", q.arg(nil), ", ", q.arg(nil), ")")
		}
		all[n] = "INSERT INTO " + table + " (tenant_id, user_id, " + column + ") VALUES" + q.String() + " ON CONFLICT (tenant_id, user_id) DO UPDATE SET " + column + " = excluded." + column
	}
	return all
}

// put runs one of puts for all rows.
func (tx *Tx) put(ctx context.Context, statements map[int]string, rows [][]any) error {
	for len(rows) > 0 {
		n := 1
		if len(rows) >= atOnce {
			n = atOnce
		}
		if _, err := tx.exec(ctx, statements[n], slices.Concat(rows[:n]...)...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// saveRoster turns what is known into states, and keeps the counts. What is the same is not written.
func (tx *Tx) saveRoster(ctx context.Context, tenant directory.TenantID, known, states roster.States, now time.Time) error {
	more := map[recovery.State]int{}
	var put, lost []directory.UserID
	for id, state := range states {
		if was := known[id]; was != state {
			more[was]--
			more[state]++
			put = append(put, id)
			if isLost(was, state) {
				lost = append(lost, id)
			}
		}
	}
	slices.Sort(put)
	slices.Sort(lost)
	if err := tx.tellLost(ctx, tenant, lost, now); err != nil {
		return err
	}
	rows := make([][]any, len(put))
	for i, id := range put {
		rows[i] = []any{tenant, id, states[id]}
	}
	if err := tx.put(ctx, putState, rows); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if _, ok := states[id]; ok {
			continue
		}
		more[known[id]]--
		if _, err := tx.exec(ctx, `DELETE FROM roster WHERE tenant_id = $1 AND user_id = $2`, tenant, id); err != nil {
			return err
		}
	}
	for _, state := range slices.Sorted(maps.Keys(more)) {
		if state == "" || more[state] == 0 {
			continue
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO roster_count (tenant_id, state, n) VALUES ($1, $2, $3)
			ON CONFLICT (tenant_id, state) DO UPDATE SET n = roster_count.n + excluded.n`, tenant, state, more[state]); err != nil {
			return err
		}
	}
	return nil
}

// RosterCounts implements roster.Store.
func (db *DB) RosterCounts(ctx context.Context, tenant directory.TenantID) (map[recovery.State]int, error) {
	type pair struct {
		state recovery.State
		n     int
	}
	rows, err := db.read.QueryContext(ctx, `SELECT state, n FROM roster_count WHERE tenant_id = $1 AND n <> 0`, tenant)
	found, err := collect(rows, err, func(r *sql.Rows) (pair, error) {
		var p pair
		err := r.Scan(&p.state, &p.n)
		return p, err
	})
	all := map[recovery.State]int{}
	for _, p := range found {
		all[p.state] = p.n
	}
	return all, err
}

// Roster implements roster.Store. Of several states each is read by itself, so that no more
// rows are read than shown.
func (db *DB) Roster(ctx context.Context, tenant directory.TenantID, states []recovery.State, after roster.Position, limit int) ([]roster.Position, error) {
	if states == nil {
		rows, err := db.read.QueryContext(ctx, `
			SELECT state, user_id FROM roster WHERE tenant_id = $1 AND (state, user_id) > ($2, $3) ORDER BY state, user_id LIMIT $4`,
			tenant, after.State, after.User, limit)
		return collect(rows, err, scanPosition)
	}
	var all []roster.Position
	for _, state := range slices.Sorted(slices.Values(states)) {
		if strings.Compare(string(state), string(after.State)) < 0 || len(all) >= limit {
			continue
		}
		from := directory.UserID("")
		if state == after.State {
			from = after.User
		}
		rows, err := db.read.QueryContext(ctx, `
			SELECT state, user_id FROM roster WHERE tenant_id = $1 AND state = $2 AND user_id > $3 ORDER BY user_id LIMIT $4`,
			tenant, state, from, limit-len(all))
		some, err := collect(rows, err, scanPosition)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

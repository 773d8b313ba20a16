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
	var m roster.Mark
	var began, whole, ended int64
	err := db.read.QueryRowContext(ctx, `
		SELECT version, rules, rush, after_id, began_at, whole_at, ended_at FROM roster_mark WHERE tenant_id = $1`, tenant).
		Scan(&m.Version, &m.Rules, &m.Rush, &m.After, &began, &whole, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	m.Began, m.Whole, m.Ended = fromMicros(began), fromMicros(whole), fromMicros(ended)
	return m, err
}

// SweepRoster implements roster.Store.
func (db *DB) SweepRoster(ctx context.Context, tenant directory.TenantID, from, to roster.Mark, states roster.States, now time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.moveRoster(ctx, tenant, from, to); err != nil {
			return err
		}
		q := db.newQuery(tenant, directory.KindUser)
		q.add("SELECT state, user_id FROM roster WHERE tenant_id = $1 AND user_id > ", q.arg(from.After))
		if to.After != "" { // in words that an index understands: a chunk reads no more than a chunk
			q.add(" AND user_id <= ", q.arg(to.After))
		}
		rows, err := tx.q.QueryContext(ctx, q.String(), q.args...)
		known, err := rosterIn(rows, err)
		if err != nil {
			return err
		}
		return tx.saveRoster(ctx, tenant, known, states, now)
	})
}

// moveRoster is a compare-and-swap by the version.
func (tx *Tx) moveRoster(ctx context.Context, tenant directory.TenantID, from, to roster.Mark) error {
	if from.Version == 0 {
		if _, err := tx.exec(ctx, `
			INSERT INTO roster_mark (tenant_id, version, rules, rush, after_id, began_at, whole_at, ended_at) VALUES ($1, 0, '', FALSE, '', 0, 0, 0)
			ON CONFLICT (tenant_id) DO NOTHING`, tenant); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `
		UPDATE roster_mark SET version = $1, rules = $2, rush = $3, after_id = $4, began_at = $5, whole_at = $6, ended_at = $7
		WHERE tenant_id = $8 AND version = $9`,
		to.Version, to.Rules, to.Rush, to.After, micros(to.Began), micros(to.Whole), micros(to.Ended), tenant, from.Version)
	return changed(n, err, roster.ErrStale)
}

// SetRoster implements roster.Store.
func (db *DB) SetRoster(ctx context.Context, tenant directory.TenantID, ids []directory.UserID, states roster.States, now time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		known, mine := roster.States{}, roster.States{}
		for chunk := range slices.Chunk(ids, method.MostAtOnce) {
			q := db.amongUsers(tenant, chunk, "SELECT state, user_id FROM roster WHERE tenant_id = $1 AND user_id IN ")
			rows, err := tx.q.QueryContext(ctx, q.String(), q.args...)
			some, err := rosterIn(rows, err)
			if err != nil {
				return err
			}
			maps.Copy(known, some)
			for _, id := range chunk {
				if state, ok := states[id]; ok {
					mine[id] = state
				}
			}
		}
		return tx.saveRoster(ctx, tenant, known, mine, now)
	})
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

var insertRoster = func() map[int]string {
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
		all[n] = "INSERT INTO roster (tenant_id, user_id, state) VALUES" + q.String() + " ON CONFLICT (tenant_id, user_id) DO UPDATE SET state = excluded.state"
	}
	return all
}()

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
	for len(put) > 0 {
		n := 1
		if len(put) >= atOnce {
			n = atOnce
		}
		args := make([]any, 0, 3*n)
		for _, id := range put[:n] {
			args = append(args, tenant, id, states[id])
		}
		if _, err := tx.exec(ctx, insertRoster[n], args...); err != nil {
			return err
		}
		put = put[n:]
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

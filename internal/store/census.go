package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/postern-id/postern/internal/report"
)

// CensusMark implements report.Store.
func (db *DB) CensusMark(ctx context.Context, tenant string, kind report.Kind) (report.Mark, error) {
	var m report.Mark
	var began, whole, ended int64
	err := db.read.QueryRowContext(ctx, `
		SELECT version, after_id, began_at, whole_at, ended_at FROM census_mark WHERE tenant_id = $1 AND kind = $2`,
		tenant, kind).Scan(&m.Version, &m.After, &began, &whole, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	m.Began, m.Whole, m.Ended = fromMicros(began), fromMicros(whole), fromMicros(ended)
	return m, err
}

// CensusRound implements report.Store.
func (db *DB) CensusRound(ctx context.Context, tenant string, kind report.Kind, from, to report.Mark, states map[string]report.State) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.moveCensus(ctx, tenant, kind, from, to); err != nil {
			return err
		}
		query, args := `SELECT object_id, state FROM census WHERE tenant_id = $1 AND kind = $2 AND object_id > $3`, []any{tenant, kind, from.After}
		if to.After != "" { // in words that an index understands: a step reads no more than a step
			query, args = query+` AND object_id <= $4`, append(args, to.After)
		}
		rows, err := tx.q.QueryContext(ctx, query, args...)
		known, err := statesIn(rows, err)
		if err != nil {
			return err
		}
		return tx.saveStates(ctx, tenant, kind, known, states)
	})
}

// moveCensus is a compare-and-swap by the version.
func (tx *Tx) moveCensus(ctx context.Context, tenant string, kind report.Kind, from, to report.Mark) error {
	if from.Version == 0 {
		if _, err := tx.exec(ctx, `
			INSERT INTO census_mark (tenant_id, kind, version, after_id, began_at, whole_at, ended_at) VALUES ($1, $2, 0, '', 0, 0, 0)
			ON CONFLICT (tenant_id, kind) DO NOTHING`, tenant, kind); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `
		UPDATE census_mark SET version = $1, after_id = $2, began_at = $3, whole_at = $4, ended_at = $5
		WHERE tenant_id = $6 AND kind = $7 AND version = $8`,
		to.Version, to.After, micros(to.Began), micros(to.Whole), micros(to.Ended), tenant, kind, from.Version)
	return changed(n, err, report.ErrStale)
}

// CensusSet implements report.Store.
func (db *DB) CensusSet(ctx context.Context, tenant string, kind report.Kind, states map[string]report.State) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		known := map[string]report.State{}
		for id := range states {
			var s report.State
			err := tx.q.QueryRowContext(ctx, `SELECT state FROM census WHERE tenant_id = $1 AND kind = $2 AND object_id = $3`, tenant, kind, id).Scan(&s)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			known[id] = s
		}
		return tx.saveStates(ctx, tenant, kind, known, states)
	})
}

func statesIn(rows *sql.Rows, err error) (map[string]report.State, error) {
	type pair struct {
		id    string
		state report.State
	}
	found, err := collect(rows, err, func(r *sql.Rows) (pair, error) {
		var p pair
		err := r.Scan(&p.id, &p.state)
		return p, err
	})
	all := map[string]report.State{}
	for _, p := range found {
		all[p.id] = p.state
	}
	return all, err
}

// saveStates turns what is known into states, and keeps the counts. What is the same is not written.
func (tx *Tx) saveStates(ctx context.Context, tenant string, kind report.Kind, known, states map[string]report.State) error {
	more := map[report.State]int{}
	ids := slices.Sorted(maps.Keys(states))
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if _, ok := states[id]; !ok {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		was, is := known[id], states[id]
		if was == is {
			continue
		}
		more[was]--
		more[is]++
		var err error
		if is == "" {
			_, err = tx.exec(ctx, `DELETE FROM census WHERE tenant_id = $1 AND kind = $2 AND object_id = $3`, tenant, kind, id)
		} else {
			_, err = tx.exec(ctx, `
				INSERT INTO census (tenant_id, kind, object_id, state) VALUES ($1, $2, $3, $4)
				ON CONFLICT (tenant_id, kind, object_id) DO UPDATE SET state = excluded.state`, tenant, kind, id, is)
		}
		if err != nil {
			return err
		}
	}
	for _, state := range slices.Sorted(maps.Keys(more)) {
		if state == "" || more[state] == 0 {
			continue
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO census_count (tenant_id, kind, state, n) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, kind, state) DO UPDATE SET n = census_count.n + excluded.n`, tenant, kind, state, more[state]); err != nil {
			return err
		}
	}
	return nil
}

// CensusCounts implements report.Store.
func (db *DB) CensusCounts(ctx context.Context, tenant string, kind report.Kind) (map[report.State]int, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT state, n FROM census_count WHERE tenant_id = $1 AND kind = $2 AND n <> 0`, tenant, kind)
	type pair struct {
		state report.State
		n     int
	}
	found, err := collect(rows, err, func(r *sql.Rows) (pair, error) {
		var p pair
		err := r.Scan(&p.state, &p.n)
		return p, err
	})
	all := map[report.State]int{}
	for _, p := range found {
		all[p.state] = p.n
	}
	return all, err
}

// CensusList implements graph.Reports.
func (db *DB) CensusList(ctx context.Context, tenant string, kind report.Kind, state report.State, after string, limit int) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT object_id FROM census WHERE tenant_id = $1 AND kind = $2 AND state = $3 AND object_id > $4 ORDER BY object_id LIMIT $5`,
		tenant, kind, state, after, limit)
	return collect(rows, err, scanOne[string])
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// Kinds of rule.
const (
	rulePolicy   = "policy"
	ruleLocation = "location"
	ruleStrength = "strength"
	ruleContext  = "context"
)

// AccessVersion implements access.Store.
func (db *DB) AccessVersion(ctx context.Context, tenant directory.TenantID) (int64, error) {
	var version int64
	err := db.read.QueryRowContext(ctx, `SELECT version FROM access_version WHERE tenant_id = $1`, tenant).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// AccessRules implements access.Store.
func (db *DB) AccessRules(ctx context.Context, tenant directory.TenantID) (access.Rules, error) {
	return accessRules(ctx, db.read, tenant)
}

// accessRules reads version and rules in one statement, so that they are of one moment.
func accessRules(ctx context.Context, q querier, tenant directory.TenantID) (access.Rules, error) {
	var all access.Rules
	rows, err := q.QueryContext(ctx, `
		SELECT v.version, COALESCE(r.kind, ''), COALESCE(r.id, ''), COALESCE(r.version, 0), COALESCE(r.body, '')
		FROM access_version v LEFT JOIN access_rule r ON r.tenant_id = v.tenant_id
		WHERE v.tenant_id = $1 ORDER BY r.created_at, r.id`, tenant)
	_, err = collect(rows, err, func(r *sql.Rows) (struct{}, error) {
		var kind, id, body string
		var version int64
		err := r.Scan(&all.Version, &kind, &id, &version, &body)
		if err == nil && kind != "" {
			if err = addRule(&all, kind, version, []byte(body)); err != nil {
				err = fmt.Errorf("read %s %s: %w", kind, id, err)
			}
		}
		return struct{}{}, err
	})
	return all, err
}

// keptStrength is a strength with its combinations as text.
type keptStrength struct {
	access.Strength
	Combinations []string `json:"allowedCombinations"`
}

func addRule(all *access.Rules, kind string, version int64, body []byte) error {
	switch kind {
	case rulePolicy:
		p := access.Policy{Version: version}
		err := json.Unmarshal(body, &p)
		all.Policies = append(all.Policies, p)
		return err
	case ruleLocation:
		l := access.Location{Version: version}
		err := json.Unmarshal(body, &l)
		all.Locations = append(all.Locations, l)
		return err
	case ruleContext:
		c := access.ContextClass{Version: version}
		err := json.Unmarshal(body, &c)
		all.Contexts = append(all.Contexts, c)
		return err
	}
	var s keptStrength
	if err := json.Unmarshal(body, &s); err != nil {
		return err
	}
	s.Version = version
	for _, text := range s.Combinations {
		modes, ok := access.ParseModes(text)
		if !ok {
			return fmt.Errorf("unknown combination %q", text)
		}
		s.Strength.Combinations = append(s.Strength.Combinations, modes)
	}
	all.Strengths = append(all.Strengths, s.Strength)
	return nil
}

// ruleOf returns what c is about, with what is kept of it.
func ruleOf(c access.Change) (kind, id string, created time.Time, body any) {
	switch {
	case c.Policy != nil:
		return rulePolicy, c.Policy.ID, c.Policy.CreatedAt, c.Policy
	case c.Location != nil:
		return ruleLocation, c.Location.ID, c.Location.CreatedAt, c.Location
	case c.Context != nil:
		return ruleContext, c.Context.ID, c.Context.CreatedAt, c.Context
	}
	s := keptStrength{Strength: *c.Strength}
	for _, modes := range c.Strength.Combinations {
		s.Combinations = append(s.Combinations, modes.String())
	}
	return ruleStrength, s.ID, s.CreatedAt, s
}

// ChangeAccess implements access.Store.
func (db *DB) ChangeAccess(ctx context.Context, tenant directory.TenantID, decide func(access.Rules) (access.Change, error)) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `
			INSERT INTO access_version (tenant_id, version) VALUES ($1, 1)
			ON CONFLICT (tenant_id) DO UPDATE SET version = access_version.version + 1`, tenant); err != nil { // one at a time
			return err
		}
		there, err := accessRules(ctx, tx.q, tenant)
		if err != nil {
			return err
		}
		c, err := decide(there)
		if err != nil {
			return err
		}
		if err := tx.storeRule(ctx, tenant, c); err != nil {
			return err
		}
		return tx.append(ctx, c.Event)
	})
}

func (tx *Tx) storeRule(ctx context.Context, tenant directory.TenantID, c access.Change) error {
	kind, id, created, rule := ruleOf(c)
	if c.Remove {
		_, err := tx.exec(ctx, `DELETE FROM access_rule WHERE tenant_id = $1 AND kind = $2 AND id = $3`, tenant, kind, id)
		return err
	}
	body, err := json.Marshal(rule)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO access_rule (tenant_id, kind, id, created_at, version, body) VALUES ($1, $2, $3, $4, 1, $5)
		ON CONFLICT (tenant_id, kind, id) DO UPDATE SET version = access_rule.version + 1, body = excluded.body`,
		tenant, kind, id, micros(created), string(body))
	return err
}

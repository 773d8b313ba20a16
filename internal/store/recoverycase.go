package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
)

const caseColumns = `id, number, user_id, state, opened_at, version, body`

func scanCase(tenant directory.TenantID, scan func(...any) error) (recovery.Case, error) {
	c := recovery.Case{Tenant: tenant}
	var body string
	var opened int64
	if err := scan(&c.ID, &c.Number, &c.User, &c.State, &opened, &c.Version, &body); err != nil {
		return c, err
	}
	c.OpenedAt = fromMicros(opened)
	whole := c
	if err := json.Unmarshal([]byte(body), &whole); err != nil {
		c.Unreadable = true
		return c, &unreadable{"recovery case", c.ID}
	}
	return whole, nil
}

// listedCase scans the rows of a list whose reader knows what an unreadable case means.
func listedCase(tenant directory.TenantID) func(*sql.Rows) (recovery.Case, error) {
	return func(r *sql.Rows) (recovery.Case, error) {
		c, err := scanCase(tenant, r.Scan)
		return c, listed(err)
	}
}

var recoveryCases = listing[recovery.Case]{table: "recovery_case", columns: caseColumns, scan: scanCase}

// notByItself is when something happens that does not happen by itself.
const notByItself = math.MaxInt64

// caseTimes are when c does something by itself, and its end, [caseKept] after which it is
// forgotten; that of one which goes sooner is told as earlier.
func caseTimes(c recovery.Case) (due, over int64) {
	due, over = notByItself, notByItself
	if at := c.Due(); !at.IsZero() {
		due = micros(at)
	}
	switch {
	case c.Unheard():
		over = micros(c.ClosedAt.Add(unheardKept - caseKept))
	case c.State.Over():
		over = micros(c.ClosedAt)
	}
	return due, over
}

func passOfCase(c recovery.Case) string {
	if c.Pass == nil {
		return ""
	}
	return c.Pass.ID
}

// OpenCase implements recovery.Cases.
func (db *DB) OpenCase(ctx context.Context, c recovery.Case, e recovery.Effects) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchUser(ctx, c.Tenant, c.User); err != nil {
			return err
		}
		living, err := livingCases(ctx, tx.q, c.Tenant, c.User)
		if err != nil {
			return err
		}
		out, err := c.Room(living)
		if err != nil {
			return err
		}
		due, over := caseTimes(c)
		n, err := tx.exec(ctx, `
			INSERT INTO recovery_case (tenant_id, id, number, user_id, state, pass_id, opened_at, due_at, over_at, version, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10) ON CONFLICT DO NOTHING`,
			c.Tenant, c.ID, c.Number, c.User, c.State, passOfCase(c), micros(c.OpenedAt), due, over, string(body))
		if err := changed(n, err, recovery.ErrNumber); err != nil {
			return err
		}
		if err := tx.take(ctx, c, e); err != nil || out < 0 {
			return err
		}
		return tx.supersede(ctx, living[out], e.At)
	})
}

// livingCases are the cases of a person that wait for somebody, oldest first.
func livingCases(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID) ([]recovery.Case, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+caseColumns+` FROM recovery_case WHERE tenant_id = $1 AND user_id = $2 AND over_at = $3 ORDER BY opened_at, id`, tenant, user, int64(notByItself))
	return collect(rows, err, func(r *sql.Rows) (recovery.Case, error) { return scanCase(tenant, r.Scan) })
}

// Case implements recovery.Cases.
func (db *DB) Case(ctx context.Context, tenant directory.TenantID, id string) (recovery.Case, error) {
	return caseBy(ctx, db.read, tenant, "id", id)
}

// CaseByNumber implements recovery.Cases.
func (db *DB) CaseByNumber(ctx context.Context, tenant directory.TenantID, number string) (recovery.Case, error) {
	return caseBy(ctx, db.read, tenant, "number", number)
}

// CaseOfPass implements recovery.Cases.
func (db *DB) CaseOfPass(ctx context.Context, tenant directory.TenantID, pass string) (recovery.Case, error) {
	if pass == "" {
		return recovery.Case{}, recovery.ErrUnknown
	}
	return caseBy(ctx, db.read, tenant, "pass_id", pass)
}

func caseBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (recovery.Case, error) {
	c, err := scanCase(tenant, q.QueryRowContext(ctx, `SELECT `+caseColumns+` FROM recovery_case WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, recovery.ErrUnknown
	}
	return c, err
}

// mostPassCases bounds how many cases of a person are looked at for what they still mean.
const mostPassCases = 200

// PassCases implements recovery.Cases.
func (db *DB) PassCases(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]recovery.Case, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+caseColumns+` FROM recovery_case WHERE tenant_id = $1 AND user_id = $2 AND pass_id <> '' ORDER BY opened_at DESC, id LIMIT $3`, tenant, user, mostPassCases)
	return collect(rows, err, listedCase(tenant))
}

// ListCases implements recovery.Cases.
func (db *DB) ListCases(
	ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int,
) ([]recovery.Case, []any, error) {
	if len(order) == 0 {
		order = recovery.NewestFirst
	}
	return list(ctx, db, tenant, recoveryCases, match, order, after, limit)
}

// SaveCase implements recovery.Cases.
func (db *DB) SaveCase(ctx context.Context, c recovery.Case, e recovery.Effects) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchUser(ctx, c.Tenant, c.User); err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			return err
		}
		if err := tx.saveCase(ctx, c); err != nil {
			return err
		}
		return tx.take(ctx, c, e)
	})
}

// IssueCase implements recovery.Cases.
func (db *DB) IssueCase(ctx context.Context, c recovery.Case, p tap.Pass, e recovery.Effects) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchUser(ctx, c.Tenant, c.User); err != nil {
			return err
		}
		if err := tx.unchanged(ctx, c.Tenant, e.Read); err != nil {
			return err
		}
		if err := tx.saveCase(ctx, c); err != nil {
			return err
		}
		others, err := livingCases(ctx, tx.q, c.Tenant, c.User)
		if err != nil {
			return err
		}
		for _, other := range others {
			if other.ID == c.ID {
				continue
			}
			if err := tx.supersede(ctx, other, e.At); err != nil {
				return err
			}
		}
		if err := tx.putPass(ctx, p); err != nil {
			return err
		}
		return tx.take(ctx, c, e)
	})
}

// unchanged is recovery.ErrChanged when one of the people that somebody read has another version by now.
func (tx *Tx) unchanged(ctx context.Context, tenant directory.TenantID, read map[directory.UserID]int64) error {
	for id, version := range read {
		var now int64
		err := tx.q.QueryRowContext(ctx, `SELECT version FROM directory_user WHERE tenant_id = $1 AND id = $2`, tenant, id).Scan(&now)
		if errors.Is(err, sql.ErrNoRows) || err == nil && now != version {
			return recovery.ErrChanged
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saveCase stores c if its version is the stored one.
func (tx *Tx) saveCase(ctx context.Context, c recovery.Case) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	due, over := caseTimes(c)
	n, err := tx.exec(ctx, `
		UPDATE recovery_case SET state = $1, pass_id = $2, due_at = $3, over_at = $4, body = $5, version = version + 1
		WHERE tenant_id = $6 AND id = $7 AND version = $8`,
		c.State, passOfCase(c), due, over, string(body), c.Tenant, c.ID, c.Version)
	return changed(n, err, recovery.ErrChanged)
}

// supersede cancels a case that waits, since another one of the person goes first.
func (tx *Tx) supersede(ctx context.Context, c recovery.Case, at time.Time) error {
	next, ended := c.Superseded(at)
	if !ended {
		return nil
	}
	return tx.noteCase(ctx, next, next.Noted(audit.CaseCancelled, at, audit.KeyValue{Key: "Outcome", Value: string(next.Outcome)}))
}

// noteCase stores what the store itself notes of a case.
func (tx *Tx) noteCase(ctx context.Context, c recovery.Case, e audit.Event) error {
	if err := tx.saveCase(ctx, c); err != nil {
		return err
	}
	return tx.append(ctx, e)
}

// take does what goes with a change of c.
func (tx *Tx) take(ctx context.Context, c recovery.Case, e recovery.Effects) error {
	// What somebody did comes first, and then what it led to.
	if err := tx.queue(ctx, e.Mails); err != nil {
		return err
	}
	if err := tx.appendAll(ctx, e.Events); err != nil {
		return err
	}
	for _, m := range e.Messages {
		if err := tx.queueMessage(ctx, c.Tenant, m, e.At); err != nil {
			return err
		}
	}
	var err error
	switch {
	case e.Quarantine != nil:
		_, err = tx.quarantine(ctx, *e.Quarantine)
	case e.Release != nil:
		_, err = tx.release(ctx, *e.Release)
	case e.Revert != nil:
		_, err = tx.revert(ctx, *e.Revert)
	case c.Pass != nil && e.EndPass:
		err = tx.endCasePass(ctx, c, e.At)
	}
	return err
}

// endCasePass removes the pass of c, if it is still there.
func (tx *Tx) endCasePass(ctx context.Context, c recovery.Case, at time.Time) error {
	p, err := passOf(ctx, tx.q, c.Tenant, c.User)
	if err = listed(err); err == nil && p.ID == c.Pass.ID {
		err = tx.removePass(ctx, p, at)
	}
	if errors.Is(err, tap.ErrNone) {
		return nil
	}
	return err
}

// caseOfPass returns the case of a pass; false for a pass without one.
func (tx *Tx) caseOfPass(ctx context.Context, tenant directory.TenantID, pass string) (recovery.Case, bool, error) {
	if pass == "" {
		return recovery.Case{}, false, nil
	}
	c, err := caseBy(ctx, tx.q, tenant, "pass_id", pass)
	if errors.Is(err, recovery.ErrUnknown) {
		return c, false, nil
	}
	return c, err == nil, err
}

// passUsed notes in the case of a pass that it was used.
func (tx *Tx) passUsed(ctx context.Context, tenant directory.TenantID, pass string, at time.Time) error {
	c, ok, err := tx.caseOfPass(ctx, tenant, pass)
	if !ok {
		return err
	}
	if c, ok = c.WithUse(at); !ok {
		return nil
	}
	return tx.noteCase(ctx, c, c.Noted(audit.CaseUsed, at))
}

// passRegistered notes in the case of a pass that something was registered with it.
func (tx *Tx) passRegistered(ctx context.Context, tenant directory.TenantID, pass string, r recovery.Registered) error {
	c, ok, err := tx.caseOfPass(ctx, tenant, pass)
	if !ok {
		return err
	}
	if c, ok = c.WithRegistered(r); !ok {
		return nil
	}
	return tx.noteCase(ctx, c, c.EventOf(r))
}

// passGone notes in the case of a pass that it was removed or replaced, if that case can be read: a pass ends
// all the same.
func (tx *Tx) passGone(ctx context.Context, tenant directory.TenantID, pass string, at time.Time) error {
	c, ok, err := tx.caseOfPass(ctx, tenant, pass)
	if !ok {
		return listed(err)
	}
	if c, ok = c.WithoutPass(at); !ok {
		return nil
	}
	activity := audit.CaseClosed
	if c.State == recovery.Cancelled {
		activity = audit.CaseCancelled
	}
	return tx.noteCase(ctx, c, c.Noted(activity, at, audit.KeyValue{Key: "Outcome", Value: string(c.Outcome)}))
}

// DueCases implements recovery.Cases.
func (db *DB) DueCases(ctx context.Context, tenant directory.TenantID, now time.Time, limit int) ([]recovery.Case, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+caseColumns+` FROM recovery_case WHERE tenant_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3`, tenant, micros(now), limit)
	return collect(rows, err, listedCase(tenant))
}

// The newest events that name a case: of those that failed, or of the others.
const (
	caseEvents = `SELECT event_id FROM (SELECT t.event_id FROM event_target t WHERE t.tenant_id = $1 AND t.target_id = $2 AND `
	caseFailed = `EXISTS (SELECT 1 FROM event_target f WHERE f.tenant_id = $1 AND f.target_id = $3 AND f.at = t.at AND f.event_id = t.event_id)
		ORDER BY t.at DESC, t.event_id DESC LIMIT `
)

// CaseEvents implements recovery.Cases.
func (db *DB) CaseEvents(ctx context.Context, tenant directory.TenantID, id string, steps, refused int) ([]audit.SealedEntry, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id, kind, at, body, personal, position FROM event WHERE tenant_id = $1 AND id IN (
			`+caseEvents+`NOT `+caseFailed+`$4) AS steps UNION ALL `+caseEvents+caseFailed+`$5) AS refused)
		ORDER BY at, id`, tenant, id, audit.MarkFailedChange, steps, refused)
	return collect(rows, err, sealedOf(tenant))
}

const recoveryPolicyID = "recovery"

// RecoveryPolicy implements recovery.Cases.
func (db *DB) RecoveryPolicy(ctx context.Context, tenant directory.TenantID) (recovery.Policy, error) {
	return recoveryPolicyOf(ctx, db.read, tenant)
}

func recoveryPolicyOf(ctx context.Context, q querier, tenant directory.TenantID) (recovery.Policy, error) {
	var p recovery.Policy
	r, err := policyOf(ctx, q, tenant, recoveryPolicyID, &p)
	if err != nil || r.Version == 0 {
		return recovery.DefaultPolicy(), err
	}
	p.ModifiedAt, p.Version = r.ModifiedAt, r.Version
	return p, nil
}

// SaveRecoveryPolicy implements recovery.Cases.
func (db *DB) SaveRecoveryPolicy(ctx context.Context, tenant directory.TenantID, p recovery.Policy, e audit.Event) error {
	return db.savePolicy(ctx, tenant, recoveryPolicyID, method.Revision{ModifiedAt: p.ModifiedAt, Version: p.Version}, p, recovery.ErrPolicyChanged, e)
}

// SignInBehind implements graph.Store.
func (db *DB) SignInBehind(ctx context.Context, tenant directory.TenantID, family string) (recovery.SignIn, error) {
	s, _, err := scanSession(tenant, db.read.QueryRowContext(ctx, `
		SELECT `+sessionColumns+` FROM session WHERE tenant_id = $1 AND ended_at = 0 AND id = (
			SELECT session_id FROM token_family WHERE tenant_id = $1 AND id = $2)`, tenant, family).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return recovery.SignIn{}, nil // a device code, or a session that is over: nothing is proved
	}
	return recovery.SignInOf(s), err
}

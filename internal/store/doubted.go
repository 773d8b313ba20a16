package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
)

// endDoubted ends the passes of others that nobody used yet, and that whoever is uprooted issued, or let be issued
// by their word in a case, since they got the pass that is found to be an impostor's; and those of which nobody can
// tell. A row of somebody else that can't be read never stops this: the impostor would stay.
func (tx *Tx) endDoubted(ctx context.Context, c roots, since time.Time) error {
	rows, err := tx.q.QueryContext(ctx, `
		SELECT `+tapColumns+` FROM tap WHERE tenant_id = $1 AND user_id <> $2 AND used_at = 0 AND created_at >= $3 AND end_at > $4
		ORDER BY user_id`, c.tenant, c.user, micros(since), micros(c.at))
	passes, err := collect(rows, err, listedPass(c.tenant))
	if err != nil {
		return err
	}
	for _, p := range passes {
		doubt, err := tx.doubts(ctx, c, p, since)
		if err != nil {
			return err
		}
		if !doubt {
			continue
		}
		if err := tx.touchUser(ctx, c.tenant, p.User); err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			return err
		}
		if err := tx.removePass(ctx, p, c.at); err != nil {
			return err
		}
		if err := tx.append(ctx, doubted(c, p)); err != nil {
			return err
		}
	}
	return nil
}

// doubts reports whether p may be there by whoever is uprooted.
func (tx *Tx) doubts(ctx context.Context, c roots, p tap.Pass, since time.Time) (bool, error) {
	switch {
	case p.Unreadable || p.Issuer.User == c.user:
		return true, nil
	case p.Case == "":
		return false, nil
	}
	of, err := caseBy(ctx, tx.q, c.tenant, "id", p.Case)
	if errors.Is(err, recovery.ErrUnknown) {
		return false, nil
	}
	return of.Unreadable || of.Spoke(c.user, since), listed(err)
}

// doubted is the event of a pass that ends so; it is in the timeline of the case that was denied.
func doubted(c roots, p tap.Pass) audit.Event {
	e := audit.Change{
		Activity: audit.PassRemoved, Category: audit.CategoryUserManagement, Service: audit.ServicePostern,
		Operation: audit.OperationDelete, Result: audit.Success, ResultReason: "Who issued it or spoke for it may have been an impostor",
		Targets: []audit.Target{{ID: string(p.User), Type: audit.TargetUser}, {ID: string(c.user), Type: audit.TargetUser}},
		Details: []audit.KeyValue{{Key: audit.DetailPass, Value: p.ID}},
	}
	if c.seed.Case != "" {
		e.Targets = append(e.Targets, audit.Target{ID: c.seed.Case, Type: audit.TargetOther})
		e.Details = append(e.Details, audit.KeyValue{Key: audit.DetailCase, Value: c.seed.Case})
	}
	return audit.Event{Tenant: string(c.tenant), ID: uuid.NewString(), At: c.at, CorrelationID: uuid.NewString(), Change: &e}
}

// beganAt is when what is uprooted began: with the pass of its case, with the pass if it is still there, or else
// with the first of what came from it.
func (tx *Tx) beganAt(ctx context.Context, c roots, gone method.Estate, pass tap.Pass, there bool) (time.Time, error) {
	of, found, err := tx.caseOfPass(ctx, c.tenant, c.seed.Pass)
	switch {
	case listed(err) != nil:
		return time.Time{}, err
	case found:
		return of.Pass.At, nil
	case there:
		return pass.CreatedAt, nil
	case of.Unreadable:
		return of.OpenedAt, nil
	}
	return gone.Since(), nil
}

package store

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
)

// FormerAddresses are the mail addresses that a person had for a while and lost a short time before at.
func (db *DB) FormerAddresses(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT address FROM address_change WHERE tenant_id = $1 AND user_id = $2 AND gone AND ends_at > $3 ORDER BY address`, tenant, user, micros(at))
	return collect(rows, err, scanOne[string])
}

// noteAddresses notes for recovery.Policy.ContactDelay which mail addresses of a person went, and which
// came. What goes on the first day of an account was a mistake, and nobody's for a while. One that comes and goes within that time is forgotten: nobody had it for long, and nobody is to fill
// the list. One that comes back is as before. What is compared is every letter: any fold takes two for one.
func (tx *Tx) noteAddresses(ctx context.Context, before, after directory.User, at time.Time) error {
	was, is := before.Addresses(), after.Addresses()
	went := slices.DeleteFunc(slices.Clone(was), func(a string) bool { return slices.Contains(is, a) })
	came := slices.DeleteFunc(slices.Clone(is), func(a string) bool { return slices.Contains(was, a) })
	if len(went)+len(came) == 0 {
		return nil
	}
	policy, err := recoveryPolicyOf(ctx, tx.q, before.Tenant)
	if err != nil {
		return err
	}
	until := at.Add(policy.ContactDelay())
	fresh := recovery.New(before, at)
	for _, a := range went {
		if err := tx.noteAddress(ctx, before, a, true, until.After(at) && !fresh, at, until); err != nil {
			return err
		}
	}
	first := len(was) == 0 && fresh // Graph may set them by a second request
	for _, a := range came {
		if err := tx.noteAddress(ctx, before, a, false, until.After(at) && !first, at, until); err != nil {
			return err
		}
	}
	return nil
}

// noteAddress notes that an address came or went, or, when it did the contrary a short time before, that nothing did.
func (tx *Tx) noteAddress(ctx context.Context, u directory.User, address string, gone, keep bool, at, until time.Time) error {
	n, err := tx.exec(ctx, `DELETE FROM address_change WHERE tenant_id = $1 AND user_id = $2 AND address = $3 AND gone = $4 AND ends_at > $5`,
		u.Tenant, u.ID, address, !gone, micros(at))
	if err != nil || n > 0 || !keep {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO address_change (tenant_id, user_id, address, gone, ends_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, user_id, address) DO UPDATE SET gone = excluded.gone, ends_at = excluded.ends_at`,
		u.Tenant, u.ID, address, gone, micros(until))
	return err
}

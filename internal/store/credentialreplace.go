package store

import (
	"context"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
)

// ReplaceCredential implements method.Store.
func (db *DB) ReplaceCredential(ctx context.Context, c method.Credential, in method.Replacement, e audit.Event, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchUser(ctx, c.Tenant, c.User); err != nil {
			return err
		}
		user, err := userBy(ctx, tx.q, c.Tenant, "id", string(c.User))
		if err != nil {
			return err
		}
		if err := tx.originStands(ctx, c, user); err != nil {
			return err
		}
		c, err := tx.rooted(ctx, c)
		if err != nil { // before what it replaces goes
			return err
		}
		if in.Old != "" {
			if err := tx.dropCredential(ctx, c, in); err != nil {
				return err
			}
		}
		if err := tx.insertCredential(ctx, c); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// dropCredential removes the credential that c replaces, and what came from it. The session
// that is kept came from c from now on.
func (tx *Tx) dropCredential(ctx context.Context, c method.Credential, in method.Replacement) error {
	n, err := tx.exec(ctx, `DELETE FROM credential WHERE tenant_id = $1 AND id = $2 AND user_id = $3`, c.Tenant, in.Old, c.User)
	if err := changed(n, err, method.ErrNone); err != nil {
		return err
	}
	if in.Keep != "" {
		if _, err := tx.exec(ctx, `
			UPDATE session_credential SET credential_id = $1 WHERE tenant_id = $2 AND credential_id = $3 AND session_id = $4`,
			c.ID, c.Tenant, in.Old, in.Keep); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE session SET body = REPLACE(body, $1, $2) WHERE tenant_id = $3 AND id = $4 AND user_id = $5`,
			in.Old, c.ID, c.Tenant, in.Keep, c.User); err != nil {
			return err
		}
	}
	return tx.endSessionsFrom(ctx, method.Credential{Tenant: c.Tenant, ID: in.Old, User: c.User}, c.CreatedAt, "methodReplaced")
}

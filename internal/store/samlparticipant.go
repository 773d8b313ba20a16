package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/samlidp"
	"github.com/postern-id/postern/internal/signin"
)

// Participate implements samlidp.Store. A session that ended meanwhile gives nothing: it is
// signin.ErrGone.
func (db *DB) Participate(ctx context.Context, p samlidp.Participant, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO saml_participant (tenant_id, session_id, app_id, user_id, name_id, format, expires_at)
			SELECT tenant_id, id, $1, user_id, $2, $3, $4 FROM session
			WHERE tenant_id = $5 AND id = $6 AND user_id = $7 AND ended_at = 0
			ON CONFLICT (tenant_id, session_id, app_id) DO UPDATE
			SET name_id = excluded.name_id, format = excluded.format, expires_at = excluded.expires_at`,
			p.App, p.Name, p.Format, micros(p.ExpiresAt), p.Tenant, p.Session, p.User)
		if err := changed(n, err, signin.ErrGone); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// ParticipantsOf implements samlidp.Store.
func (db *DB) ParticipantsOf(ctx context.Context, tenant directory.TenantID, session string) ([]samlidp.Participant, error) {
	return db.participants(ctx, participants+` AND p.session_id = $2`+inOrder, tenant, session)
}

// Participant implements samlidp.Store.
func (db *DB) Participant(ctx context.Context, tenant directory.TenantID, session string, app directory.AppID) (samlidp.Participant, error) {
	all, err := db.participants(ctx, `
		SELECT session_id, app_id, user_id, name_id, format, expires_at FROM saml_participant
		WHERE tenant_id = $1 AND session_id = $2 AND app_id = $3`, tenant, session, app)
	if err == nil && len(all) == 0 {
		err = samlidp.ErrNoPart
	}
	if err != nil {
		return samlidp.Participant{}, err
	}
	return all[0], nil
}

// ParticipantsBy implements samlidp.Store.
func (db *DB) ParticipantsBy(ctx context.Context, tenant directory.TenantID, app directory.AppID, name string) ([]samlidp.Participant, error) {
	return db.participants(ctx, participants+` AND p.app_id = $2 AND p.name_id = $3`+inOrder, tenant, app, name)
}

// participants are those in sessions that live, of which one logout looks at a hundred.
const (
	participants = `
		SELECT p.session_id, p.app_id, p.user_id, p.name_id, p.format, p.expires_at FROM saml_participant p
		JOIN session s ON s.tenant_id = p.tenant_id AND s.id = p.session_id
		WHERE p.tenant_id = $1 AND s.ended_at = 0`
	inOrder = ` ORDER BY p.session_id, p.app_id LIMIT 100`
)

func (db *DB) participants(ctx context.Context, query string, tenant directory.TenantID, args ...any) ([]samlidp.Participant, error) {
	rows, err := db.read.QueryContext(ctx, query, append([]any{tenant}, args...)...)
	all, err := collect(rows, err, func(r *sql.Rows) (samlidp.Participant, error) {
		p := samlidp.Participant{Tenant: tenant}
		var end int64
		err := r.Scan(&p.Session, &p.App, &p.User, &p.Name, &p.Format, &end)
		p.ExpiresAt = fromMicros(end)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list who had part in a session: %w", err)
	}
	return all, nil
}

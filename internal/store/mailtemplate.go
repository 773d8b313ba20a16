package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// MailTemplates implements letter.Store.
func (db *DB) MailTemplates(ctx context.Context, tenant directory.TenantID, kind string) ([]letter.Template, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT kind, language, modified_at, version, body FROM mail_template
		WHERE tenant_id = $1 AND ($2 = '' OR kind = $2) ORDER BY kind, language`, tenant, kind)
	return collect(rows, err, func(r *sql.Rows) (letter.Template, error) {
		var t letter.Template
		var modified int64
		var body string
		if err := r.Scan(&t.Kind, &t.Language, &modified, &t.Version, &body); err != nil {
			return t, err
		}
		t.ModifiedAt = fromMicros(modified)
		return decoded(&t, body)
	})
}

// SaveMailTemplate implements letter.Store.
func (db *DB) SaveMailTemplate(ctx context.Context, tenant directory.TenantID, t letter.Template, e audit.Event) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if t.Version == 0 {
			if err := tx.roomFor(ctx, tenant, "mail_template", letter.MostTemplates, letter.ErrMany); err != nil {
				return err
			}
			n, err := tx.exec(ctx, `
				INSERT INTO mail_template (tenant_id, kind, language, modified_at, version, body) VALUES ($1, $2, $3, $4, 1, $5)
				ON CONFLICT (tenant_id, kind, language) DO NOTHING`, tenant, t.Kind, t.Language, micros(t.ModifiedAt), string(body))
			if err := changed(n, err, directory.ErrChanged); err != nil {
				return err
			}
			return tx.append(ctx, e)
		}
		n, err := tx.exec(ctx, `
			UPDATE mail_template SET modified_at = $1, version = version + 1, body = $2
			WHERE tenant_id = $3 AND kind = $4 AND language = $5 AND version = $6`,
			micros(t.ModifiedAt), string(body), tenant, t.Kind, t.Language, t.Version)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// DeleteMailTemplate implements letter.Store.
func (db *DB) DeleteMailTemplate(ctx context.Context, tenant directory.TenantID, t letter.Template, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM mail_template WHERE tenant_id = $1 AND kind = $2 AND language = $3 AND version = $4`,
			tenant, t.Kind, t.Language, t.Version)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/webhook"
)

const (
	webhookColumns = `w.id, w.created_at, w.stamp, w.enabled, w.secret, w.previous_secret, w.previous_until, w.body`
	healthColumns  = `COALESCE(h.failures, 0), COALESCE(h.paused_until, 0)`
	webhookTables  = ` FROM webhook w LEFT JOIN webhook_health h ON h.tenant_id = w.tenant_id AND h.webhook_id = w.id`
)

// scanWebhook reads webhookColumns and healthColumns, and what more says after them.
func scanWebhook(tenant directory.TenantID, scan func(...any) error, more ...any) (webhook.Webhook, error) {
	w := webhook.Webhook{Tenant: tenant}
	var created, until, paused int64
	var body string
	into := []any{&w.ID, &created, &w.Stamp, &w.Enabled, &w.Secret, &w.Previous, &until, &body, &w.Failures, &paused}
	if err := scan(append(into, more...)...); err != nil {
		return w, err
	}
	w.CreatedAt, w.PreviousUntil, w.PausedUntil = fromMicros(created), fromMicros(until), fromMicros(paused)
	return decoded(&w, body)
}

// Webhooks implements webhook.Webhooks.
func (db *DB) Webhooks(ctx context.Context, tenant directory.TenantID) ([]webhook.Webhook, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+webhookColumns+`, `+healthColumns+webhookTables+` WHERE w.tenant_id = $1 ORDER BY w.created_at, w.id`, tenant)
	return collect(rows, err, func(r *sql.Rows) (webhook.Webhook, error) { return scanWebhook(tenant, r.Scan) })
}

// Webhook implements webhook.Webhooks.
func (db *DB) Webhook(ctx context.Context, tenant directory.TenantID, id string) (webhook.Webhook, error) {
	row := db.read.QueryRowContext(ctx, `
		SELECT `+webhookColumns+`, `+healthColumns+webhookTables+` WHERE w.tenant_id = $1 AND w.id = $2`, tenant, id)
	w, err := scanWebhook(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return w, webhook.ErrUnknown
	}
	return w, err
}

// PutWebhook implements webhook.Webhooks.
func (db *DB) PutWebhook(ctx context.Context, w webhook.Webhook, e audit.Event) error {
	body, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if w.Stamp == 0 {
			if err := tx.roomFor(ctx, w.Tenant, "webhook", webhook.MostWebhooks, webhook.ErrMany); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, `
				INSERT INTO webhook (tenant_id, id, created_at, stamp, enabled, secret, previous_secret, previous_until, body)
				VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8)`,
				w.Tenant, w.ID, micros(w.CreatedAt), w.Enabled, w.Secret, w.Previous, micros(w.PreviousUntil), string(body)); err != nil {
				return err
			}
			return tx.append(ctx, e)
		}
		n, err := tx.exec(ctx, `
			UPDATE webhook SET stamp = stamp + 1, enabled = $1, secret = $2, previous_secret = $3, previous_until = $4, body = $5
			WHERE tenant_id = $6 AND id = $7 AND stamp = $8`,
			w.Enabled, w.Secret, w.Previous, micros(w.PreviousUntil), string(body), w.Tenant, w.ID, w.Stamp)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		if err := tx.setHealth(ctx, w.Tenant, w.ID, 0, time.Time{}); err != nil { // it may be another receiver now
			return err
		}
		return tx.append(ctx, e)
	})
}

// DeleteWebhook implements webhook.Webhooks.
func (db *DB) DeleteWebhook(ctx context.Context, w webhook.Webhook, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM webhook WHERE tenant_id = $1 AND id = $2 AND stamp = $3`, w.Tenant, w.ID, w.Stamp)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		for _, table := range []string{"webhook_health", "webhook_delivery"} {
			if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE tenant_id = $1 AND webhook_id = $2`, w.Tenant, w.ID); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

// tellWebhooks queues e for those who subscribed to it.
func (tx *Tx) tellWebhooks(ctx context.Context, e audit.Event) error {
	t := webhook.TypeOf(e)
	if t == "" {
		return nil
	}
	return tx.queueMessage(ctx, directory.TenantID(e.Tenant), webhook.Tell(t, e), e.At)
}

func (tx *Tx) queueMessage(ctx context.Context, tenant directory.TenantID, m webhook.Message, now time.Time) error {
	rows, err := tx.q.QueryContext(ctx, `SELECT `+webhookColumns+`, 0, 0 FROM webhook w WHERE w.tenant_id = $1 AND w.enabled`, tenant)
	all, err := collect(rows, err, func(r *sql.Rows) (webhook.Webhook, error) { return scanWebhook(tenant, r.Scan) })
	if err != nil {
		return err
	}
	for _, w := range all {
		if !w.Wants(m.Type) {
			continue
		}
		d, j, err := webhook.New(m, w, now)
		if err != nil {
			return err
		}
		if err := tx.putDelivery(ctx, d, j); err != nil {
			return err
		}
	}
	return nil
}

// tellLost tells of people who have no way back in any more. Who is looked at for the first time
// has lost nothing.
func (tx *Tx) tellLost(ctx context.Context, tenant directory.TenantID, users []directory.UserID, now time.Time) error {
	if len(users) == 0 {
		return nil
	}
	lost := webhook.Lost{Tenant: string(tenant), Count: len(users)}
	for _, id := range users[:min(len(users), webhook.MostLost)] {
		lost.Users = append(lost.Users, string(id))
	}
	return tx.queueMessage(ctx, tenant, webhook.Message{Type: webhook.ReadinessLost, At: now, Data: lost}, now)
}

func isLost(was, is recovery.State) bool {
	before, _, known := was.Read()
	after, _, _ := is.Read()
	return known && before.Grade() != recovery.NoWay && after.Grade() == recovery.NoWay
}

func (tx *Tx) putDelivery(ctx context.Context, d webhook.Delivery, j jobs.Job) error {
	if _, err := tx.exec(ctx, `
		INSERT INTO webhook_delivery (tenant_id, id, webhook_id, type, created_at, state, body) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.Tenant, d.ID, d.Webhook, string(d.Type), micros(d.CreatedAt), string(d.State), d.Body); err != nil {
		return err
	}
	return tx.enqueue(ctx, j)
}

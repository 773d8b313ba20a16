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
	"github.com/postern-id/postern/internal/webhook"
)

const deliveryColumns = `d.id, d.webhook_id, d.type, d.created_at, d.state, d.attempts, d.ended_at, d.round, d.tries, d.body`

// A deliveryRow is what scanning a delivery fills.
type deliveryRow struct {
	d              webhook.Delivery
	created, ended int64
	tries          string
}

func (r *deliveryRow) into() []any {
	return []any{&r.d.ID, &r.d.Webhook, &r.d.Type, &r.created, &r.d.State, &r.d.Attempts, &r.ended, &r.d.Round, &r.tries, &r.d.Body}
}

func (r *deliveryRow) delivery(tenant directory.TenantID) (webhook.Delivery, error) {
	r.d.Tenant, r.d.CreatedAt, r.d.EndedAt = tenant, fromMicros(r.created), fromMicros(r.ended)
	return r.d, json.Unmarshal([]byte(r.tries), &r.d.Tries)
}

func scanDelivery(tenant directory.TenantID, scan func(...any) error) (webhook.Delivery, error) {
	var r deliveryRow
	if err := scan(r.into()...); err != nil {
		return webhook.Delivery{}, err
	}
	d, err := r.delivery(tenant)
	return d, err
}

// Of a webhook, the newest first.
const (
	deliveriesOf      = `SELECT ` + deliveryColumns + ` FROM webhook_delivery d WHERE d.tenant_id = $1 AND d.webhook_id = $2`
	deliveriesAfter   = ` AND (d.created_at, d.id) < ($3, $4) ORDER BY d.created_at DESC, d.id DESC LIMIT $5`
	deliveriesInState = ` AND d.state = $6`
)

// Deliveries implements webhook.Webhooks.
func (db *DB) Deliveries(
	ctx context.Context, tenant directory.TenantID, of string, state webhook.State, after []any, limit int,
) ([]webhook.Delivery, []any, error) {
	at, id, err := historyPosition(after)
	if err != nil {
		return nil, nil, err
	}
	query, args := deliveriesOf+deliveriesAfter, []any{tenant, of, at, id, limit + 1}
	if state != "" {
		query, args = deliveriesOf+deliveriesInState+deliveriesAfter, append(args, string(state))
	}
	rows, err := db.read.QueryContext(ctx, query, args...)
	found, err := collect(rows, err, func(r *sql.Rows) (webhook.Delivery, error) { return scanDelivery(tenant, r.Scan) })
	if err != nil || len(found) <= limit {
		return found, nil, err
	}
	last := found[limit-1]
	return found[:limit], []any{micros(last.CreatedAt), last.ID}, nil
}

// Delivery implements webhook.Webhooks.
func (db *DB) Delivery(ctx context.Context, tenant directory.TenantID, of, id string) (webhook.Delivery, error) {
	row := db.read.QueryRowContext(ctx, deliveriesOf+` AND d.id = $3`, tenant, of, id)
	d, err := scanDelivery(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, webhook.ErrDeliveryUnknown
	}
	return d, err
}

// QueueDelivery implements webhook.Webhooks.
func (db *DB) QueueDelivery(ctx context.Context, d webhook.Delivery, j jobs.Job, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.putDelivery(ctx, d, j); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// SendAgain implements webhook.Webhooks.
func (db *DB) SendAgain(ctx context.Context, d webhook.Delivery, now time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.setHealth(ctx, d.Tenant, d.Webhook, 0, time.Time{}); err != nil {
			return err
		}
		if d.State == webhook.Waiting {
			n, err := tx.exec(ctx, `
				UPDATE job SET due_at = $1 WHERE tenant_id = $2 AND kind = $3 AND unique_key = $4 AND state = $5`,
				micros(now), d.Tenant, webhook.JobKind, d.JobKey(), string(jobs.Waiting))
			if err := changed(n, err, webhook.ErrDeliveryUnknown); err != nil {
				return err
			}
			return tx.append(ctx, e)
		}
		n, err := tx.exec(ctx, `
			UPDATE webhook_delivery SET state = $1, ended_at = 0, round = round + 1 WHERE tenant_id = $2 AND id = $3 AND round = $4 AND state = $5`,
			string(webhook.Waiting), d.Tenant, d.ID, d.Round, string(d.State))
		if err := changed(n, err, webhook.ErrDeliveryUnknown); err != nil {
			return err
		}
		d.Round++
		j, err := d.Job(now)
		if err != nil {
			return err
		}
		if err := tx.enqueue(ctx, j); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// DeliveryOf implements webhook.Queue.
func (db *DB) DeliveryOf(ctx context.Context, tenant directory.TenantID, id string) (webhook.Delivery, webhook.Webhook, error) {
	var r deliveryRow
	row := db.read.QueryRowContext(ctx, `
		SELECT `+webhookColumns+`, `+healthColumns+`, `+deliveryColumns+webhookTables+`
		JOIN webhook_delivery d ON d.tenant_id = w.tenant_id AND d.webhook_id = w.id WHERE d.tenant_id = $1 AND d.id = $2`, tenant, id)
	w, err := scanWebhook(tenant, row.Scan, r.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r.d, w, webhook.ErrDeliveryUnknown
	}
	if err != nil {
		return r.d, w, err
	}
	d, err := r.delivery(tenant)
	return d, w, err
}

// KeepTry implements webhook.Queue.
func (db *DB) KeepTry(ctx context.Context, d webhook.Delivery, pause time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.keepDelivery(ctx, d); err != nil {
			return err
		}
		if !pause.IsZero() {
			return tx.pauseWebhook(ctx, d, pause)
		}
		var failures, paused int64
		err := tx.q.QueryRowContext(ctx, `
			SELECT failures, paused_until FROM webhook_health WHERE tenant_id = $1 AND webhook_id = $2`, d.Tenant, d.Webhook).Scan(&failures, &paused)
		if errors.Is(err, sql.ErrNoRows) || err == nil && failures == 0 && paused == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.setHealth(ctx, d.Tenant, d.Webhook, 0, time.Time{})
	})
}

func (tx *Tx) keepDelivery(ctx context.Context, d webhook.Delivery) error {
	tries, err := json.Marshal(d.Tries)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		UPDATE webhook_delivery SET state = $1, attempts = $2, ended_at = $3, tries = $4
		WHERE tenant_id = $5 AND id = $6 AND round = $7 AND state = $8`,
		string(d.State), d.Attempts, micros(d.EndedAt), string(tries), d.Tenant, d.ID, d.Round, string(webhook.Waiting))
	return err
}

func (tx *Tx) pauseWebhook(ctx context.Context, d webhook.Delivery, until time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO webhook_health (tenant_id, webhook_id, failures, paused_until) VALUES ($1, $2, 0, $3)
		ON CONFLICT (tenant_id, webhook_id) DO UPDATE SET paused_until = excluded.paused_until`, d.Tenant, d.Webhook, micros(until))
	return err
}

func (tx *Tx) setHealth(ctx context.Context, tenant directory.TenantID, id string, failures int, paused time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO webhook_health (tenant_id, webhook_id, failures, paused_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, webhook_id) DO UPDATE SET failures = excluded.failures, paused_until = excluded.paused_until`,
		tenant, id, failures, micros(paused))
	return err
}

// GiveUp implements webhook.Queue.
func (db *DB) GiveUp(ctx context.Context, d webhook.Delivery, most int, off func(webhook.Webhook) audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.keepDelivery(ctx, d); err != nil {
			return err
		}
		row := tx.q.QueryRowContext(ctx, `
			SELECT `+webhookColumns+`, `+healthColumns+webhookTables+` WHERE w.tenant_id = $1 AND w.id = $2`, d.Tenant, d.Webhook)
		w, err := scanWebhook(d.Tenant, row.Scan)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !w.Enabled {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.setHealth(ctx, d.Tenant, d.Webhook, w.Failures+1, w.PausedUntil); err != nil {
			return err
		}
		if w.Failures+1 < most {
			return nil
		}
		if _, err := tx.exec(ctx, `
			UPDATE webhook SET enabled = FALSE, stamp = stamp + 1 WHERE tenant_id = $1 AND id = $2`, d.Tenant, d.Webhook); err != nil {
			return err
		}
		return tx.append(ctx, off(w))
	})
}

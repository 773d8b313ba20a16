package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Append records e in this change. It gets its place in the log when it is sealed.
func (tx *Tx) append(ctx context.Context, e audit.Event) error {
	entry, err := e.Seal(tx.db.rand)
	if err != nil {
		return fmt.Errorf("seal event: %w", err)
	}
	i := e.Index()
	if _, err := tx.exec(ctx, `
		INSERT INTO event (tenant_id, id, kind, at, body, personal, event_type, user_id,
			user_principal_name, user_display_name, app_id, app_display_name, ip_address,
			client_app_used, error_code, correlation_id, activity, category, service,
			actor_user_id, actor_user_principal_name, actor_app_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		entry.Tenant, entry.ID, string(entry.Kind), micros(entry.At), string(entry.Body), string(entry.Personal),
		i.EventType, i.UserID, i.UPN, i.UserDisplayName, i.AppID, i.AppDisplayName, i.IPAddress,
		i.ClientAppUsed, i.ErrorCode, i.CorrelationID, i.Activity, i.Category, i.Service,
		i.ActorUserID, i.ActorUPN, i.ActorAppID); err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	for _, target := range slices.Concat(i.TargetIDs, i.Marks) {
		if _, err := tx.exec(ctx, `
			INSERT INTO event_target (tenant_id, target_id, at, event_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, target_id, at, event_id) DO NOTHING`,
			entry.Tenant, target, micros(entry.At), entry.ID); err != nil {
			return fmt.Errorf("record target: %w", err)
		}
	}
	tx.events = append(tx.events, e)
	if err := tx.tellWebhooks(ctx, e); err != nil {
		return err
	}
	return tx.tellDevices(ctx, e)
}

// RecordSignIn implements signin.Store.
func (db *DB) RecordSignIn(ctx context.Context, e audit.Event) error { return db.Record(ctx, e) }

// Record records events that change nothing else.
func (db *DB) Record(ctx context.Context, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for _, e := range events {
			if err := tx.append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// RecordNew records the events whose ids are not in the log yet.
func (db *DB) RecordNew(ctx context.Context, tenant directory.TenantID, events ...audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for _, e := range events {
			var known int
			err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM event WHERE tenant_id = $1 AND id = $2`, tenant, e.ID).Scan(&known)
			if err == nil && known == 0 {
				err = tx.append(ctx, e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// micros is how times are stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros reverses micros.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

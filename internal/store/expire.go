package store

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/webhook"
)

// How long cases of recovery stay after their end: longer than any dispute window; and those that
// anybody could open and nobody said anything about.
const (
	caseKept    = 400 * 24 * time.Hour
	unheardKept = 30 * 24 * time.Hour
)

// expiring are the tables whose rows mean nothing after a time, with the column that says
// when and how long rows stay after it so that a late use still gets its proper answer.
var expiring = []struct {
	table, key, column string
	keep               time.Duration
}{
	{"signin_transaction", "id", "expires_at", time.Hour},
	{"session", "id", "expires_at", 24 * time.Hour},
	{"session_credential", "session_id", "expires_at", 24 * time.Hour},
	{"saml_participant", "session_id", "expires_at", 0},
	{"token_family", "id", "expires_at", 24 * time.Hour},
	{"single_use_token", "id", "expires_at", 24 * time.Hour},
	{"device_code", "id", "expires_at", time.Hour},
	{"pushed_request", "id", "expires_at", 5 * time.Minute},
	{"phone_request", "user_id", "ends_at", 48 * time.Hour}, // what “this wasn't me” holds back is over by then
	{"phone_enrolment", "id", "ends_at", time.Hour},
	{"throttle", "bucket", "updated_at", 48 * time.Hour},
	{"familiar_place", "place_hash", "last_at", 400 * 24 * time.Hour},
	{"last_sighting", "user_id", "at", access.SightingKept},
	{"device_change", "version", "at", 24 * time.Hour},
	{"console_row", "id", "ends_at", 0},
	{"tally", "name", "day", 400 * 24 * time.Hour},
	{"handover", "id", "ends_at", 30 * 24 * time.Hour}, // so that a replayed link is still known, and logged
	{"presentation", "id", "ends_at", time.Hour},
	{"recovery_case", "id", "over_at", caseKept},
	{"contact_change", "user_id", "changed_at", 400 * 24 * time.Hour},
	{"address_change", "user_id", "ends_at", 0},
	{"drill_practice", "id", "ends_at", 400 * 24 * time.Hour}, // a year's reports, side by side
	{"drill", "id", "ends_at", 400 * 24 * time.Hour},
	{"seen_id", "id", "until_at", 0},
	{"lifecycle_task", "id", "created_at", 400 * 24 * time.Hour},
	{"lifecycle_person", "id", "scheduled_at", 400 * 24 * time.Hour}, // the schedule looks back for days
	{"webhook_delivery", "id", "created_at", webhook.Keep},
	{"lifecycle_run", "id", "scheduled_at", 400 * 24 * time.Hour},
}

// RemoveExpired deletes rows that mean nothing any more, at most limit a table, and reports
// whether a table may have more of them.
func (db *DB) RemoveExpired(ctx context.Context, tenant directory.TenantID, now time.Time, limit int) (more bool, err error) {
	for _, x := range expiring {
		before := micros(now.Add(-x.keep))
		var waiting int
		if err := db.read.QueryRowContext(ctx, `
			SELECT COUNT(*) FROM (SELECT 1 AS one FROM `+x.table+` WHERE tenant_id = $1 AND `+x.column+` < $2 LIMIT 1) AS waiting`,
			tenant, before).Scan(&waiting); err != nil {
			return false, fmt.Errorf("look for ended rows in %s: %w", x.table, err)
		}
		if waiting == 0 {
			continue
		}
		if err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
			n, err := tx.exec(ctx, `
				DELETE FROM `+x.table+` WHERE tenant_id = $1 AND `+x.column+` < $2 AND `+x.key+` IN (
					SELECT `+x.key+` FROM `+x.table+` WHERE tenant_id = $1 AND `+x.column+` < $2 LIMIT $3)`,
				tenant, before, limit)
			more = more || n >= int64(limit)
			if err == nil && x.table == "device_code" {
				err = tx.removeStaleUserCodes(ctx, tenant)
			}
			return err
		}); err != nil {
			return false, fmt.Errorf("remove ended rows of %s: %w", x.table, err)
		}
	}
	return more, nil
}

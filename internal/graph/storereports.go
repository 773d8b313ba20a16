package graph

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/roster"
	"github.com/postern-id/postern/internal/report"
)

// Reports reads what was counted. Nothing here costs more the more is stored.
type Reports interface {
	report.Store
	roster.Store
	roster.People

	// CensusList returns at most limit ids of objects in a state, after one, in order.
	CensusList(ctx context.Context, tenant string, kind report.Kind, state report.State, after string, limit int) ([]string, error)
	// RefusedOften returns people whose passes were refused often in a row, last since then, most
	// tries first.
	RefusedOften(ctx context.Context, tenant directory.TenantID, since time.Time, limit int) ([]report.Subject, error)
	// Starters returns people whose first day is in the span and who have neither a pass at now
	// nor a method, who starts first first.
	Starters(ctx context.Context, tenant directory.TenantID, from, until, now time.Time, limit int) ([]report.Subject, error)
	// Waiting counts what waits, to a thousand.
	Waiting(ctx context.Context, tenant directory.TenantID, now time.Time) (report.Waiting, error)
}

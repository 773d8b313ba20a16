package alone

import (
	"context"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/console"
)

// maxRows bounds the memory; the ones that end first go first.
const maxRows = 1000

// memory keeps sessions while the program runs.
type memory struct {
	mu   sync.Mutex
	rows map[string]console.Row
}

func name(tenant, id string) string { return tenant + " " + id }

// PutConsole implements console.Sessions.
func (m *memory) PutConsole(_ context.Context, row console.Row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.rows[name(row.Tenant, row.ID)]
	switch {
	case row.Version != 0 && !ok:
		return console.ErrSignedOut
	case row.Version != kept.Version:
		return console.ErrHeld
	}
	row.Version++
	m.rows[name(row.Tenant, row.ID)] = row
	for len(m.rows) > maxRows {
		first := ""
		for key, one := range m.rows {
			if first == "" || one.EndsAt.Before(m.rows[first].EndsAt) {
				first = key
			}
		}
		delete(m.rows, first)
	}
	return nil
}

// Console implements console.Sessions.
func (m *memory) Console(_ context.Context, tenant, id string, now time.Time) (console.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[name(tenant, id)]
	if !ok || !row.EndsAt.After(now) {
		return console.Row{}, console.ErrSignedOut
	}
	return row, nil
}

// HoldConsole implements console.Sessions.
func (m *memory) HoldConsole(_ context.Context, row console.Row, now, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.rows[name(row.Tenant, row.ID)]
	switch {
	case !ok:
		return console.ErrSignedOut
	case kept.Version != row.Version, kept.HeldUntil.After(now):
		return console.ErrHeld
	}
	kept.HeldUntil = until
	m.rows[name(row.Tenant, row.ID)] = kept
	return nil
}

// TakeConsole implements console.Sessions.
func (m *memory) TakeConsole(_ context.Context, tenant, id string, now time.Time) (console.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[name(tenant, id)]
	delete(m.rows, name(tenant, id))
	if !ok || !row.EndsAt.After(now) {
		return console.Row{}, console.ErrSignedOut
	}
	return row, nil
}

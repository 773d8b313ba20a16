package server

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/store"
)

const (
	cleanUpEvery = 10 * time.Second
	cleanUpBatch = 500
	// passRetention is how long a pass stays listed after its end.
	passRetention = 30 * 24 * time.Hour
	// restorable is how long a deleted object can be restored, as at Entra.
	restorable = 30 * 24 * time.Hour
	// mailRetention is how long it stays known that a mail was sent or given up.
	mailRetention = 30 * 24 * time.Hour
	// jobRetention is how long jobs stay after their end, the dead ones included.
	jobRetention = 30 * 24 * time.Hour
)

// cleanUp notes the expiry of passes, and removes what has ended, until ctx ends.
func (s *Server) cleanUp(ctx context.Context) {
	tick := time.NewTicker(cleanUpEvery)
	defer tick.Stop()
	for {
		s.cleanOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) cleanOnce(ctx context.Context) {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		s.options.Log.ErrorContext(ctx, "clean-up failed", "err", err)
		return
	}
	for _, tenant := range append(tenants, directory.NoTenant) {
		if err := s.cleanTenant(ctx, tenant); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "clean-up failed", "tenant_id", tenant, "err", err)
		}
	}
}

func (s *Server) cleanTenant(ctx context.Context, tenant directory.TenantID) error {
	now := s.watch.clock.Trusted() // what is removed does not come back when the clock is set right
	ended, err := s.db.EndedPasses(ctx, tenant, now, cleanUpBatch)
	if err != nil {
		return err
	}
	for _, p := range ended {
		if err := s.db.NoteExpiry(ctx, p, passEvent(p, audit.PassExpired, now)); err != nil {
			return err
		}
	}
	if _, err := s.db.RemoveEnded(ctx, tenant, now.Add(-passRetention), cleanUpBatch, func(p tap.Pass) audit.Event {
		return passEvent(p, audit.PassRemoved, now)
	}); err != nil {
		return err
	}
	if _, err := s.db.RemoveMail(ctx, tenant, now.Add(-mailRetention), cleanUpBatch); err != nil {
		return err
	}
	if _, err := s.db.RemoveJobs(ctx, tenant, now.Add(-jobRetention), cleanUpBatch); err != nil {
		return err
	}
	var unread error
	if tenant != directory.NoTenant {
		switch err := s.cases.Sweep(ctx, tenant); {
		case errors.Is(err, directory.ErrUnreadable): // the rest is cleaned all the same
			unread = err
		case err != nil:
			return err
		}
		if err := s.drills().Sweep(ctx, tenant); err != nil {
			return err
		}
		if err := s.drills().Plan(ctx, tenant); err != nil {
			return err
		}
		if err := s.rotateOld(ctx, tenant); err != nil {
			return err
		}
		if err := s.purge(ctx, tenant, now); err != nil {
			return err
		}
	}
	return errors.Join(unread, s.removeExpired(ctx, tenant, now))
}

// removeExpired removes what anybody can make without a sign-in, too: it must go faster than
// it comes. Batches are small, so that nobody waits for a long change.
func (s *Server) removeExpired(ctx context.Context, tenant directory.TenantID, now time.Time) error {
	for until := time.Now().Add(cleanUpEvery); ; {
		more, err := s.db.RemoveExpired(ctx, tenant, now, cleanUpBatch)
		if err != nil || !more || time.Now().After(until) {
			return err
		}
	}
}

// purge removes for good what can't be restored any more.
func (s *Server) purge(ctx context.Context, tenant directory.TenantID, now time.Time) error {
	gone, err := s.db.BuriedBefore(ctx, tenant, now.Add(-restorable), cleanUpBatch)
	if err != nil {
		return err
	}
	for _, b := range gone {
		// A service principal may have gone with its application a moment ago.
		if err := s.db.Purge(ctx, tenant, b.ID, purgeEvent(tenant, b, now)); err != nil && !errors.Is(err, directory.ErrObjectUnknown) {
			return err
		}
	}
	return nil
}

// purgeEvent is an event about a deleted object that nobody did.
func purgeEvent(tenant directory.TenantID, b store.Buried, now time.Time) audit.Event {
	change := map[directory.ObjectKind]audit.Change{
		directory.KindUser:             {Activity: audit.HardDeleteUser, Category: audit.CategoryUserManagement},
		directory.KindGroup:            {Activity: audit.HardDeleteGroup, Category: audit.CategoryGroupManagement},
		directory.KindApplication:      {Activity: audit.HardDeleteApplication, Category: audit.CategoryApplicationManagement},
		directory.KindServicePrincipal: {Activity: audit.RemoveServicePrincipal, Category: audit.CategoryApplicationManagement},
	}[b.Kind]
	kind := map[directory.ObjectKind]string{
		directory.KindUser: audit.TargetUser, directory.KindGroup: audit.TargetGroup,
		directory.KindApplication: audit.TargetApplication, directory.KindServicePrincipal: audit.TargetServicePrincipal,
	}[b.Kind]
	change.Service, change.Operation, change.Result = audit.ServiceCoreDirectory, audit.OperationDelete, audit.Success
	change.Targets = []audit.Target{{ID: b.ID, Type: kind, DisplayName: b.DisplayName}}
	change.Details = []audit.KeyValue{{Key: "reason", Value: "deleted 30 days ago"}}
	return audit.Event{Tenant: string(tenant), ID: uuid.NewString(), At: now, CorrelationID: uuid.NewString(), Change: &change}
}

// passEvent is an event about a pass that nobody did.
func passEvent(p tap.Pass, activity string, now time.Time) audit.Event {
	return audit.Event{
		Tenant: string(p.Tenant), ID: uuid.NewString(), At: now, CorrelationID: p.ID,
		Change: &audit.Change{
			Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate, Result: audit.Success,
			Targets: []audit.Target{{ID: string(p.User), Type: audit.TargetUser}},
			Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: p.ID}},
		},
	}
}

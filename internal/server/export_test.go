package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Look looks once at clock, database and disk, as the work in the background does.
func (s *Server) Look(ctx context.Context) { s.look(ctx) }

// CleanOnce cleans up once.
func (s *Server) CleanOnce(ctx context.Context) { s.cleanOnce(ctx) }

// SetFree makes the disk of the data directory have free of total bytes.
func (s *Server) SetFree(free, total uint64) {
	s.watch.disk.free = func(string) (uint64, uint64, error) { return free, total, nil }
}

// Low reports whether free of total bytes are few.
func Low(free, total uint64) bool {
	d := disk{free: func(string) (uint64, uint64, error) { return free, total, nil }}
	d.look()
	return d.err() != nil
}

// Metrics serves what Prometheus would get.
func (s *Server) Metrics() http.Handler {
	return s.metrics
}

// Witnessed seals the log and brings its checkpoints to the witnesses, once.
func (s *Server) Witnessed(ctx context.Context) error {
	err := s.Sealed(ctx)
	for _, c := range s.couriers() {
		err = errors.Join(err, c.Round(ctx))
	}
	return err
}

// Sealed seals what is committed.
func (s *Server) Sealed(ctx context.Context) error {
	tenants, err := s.tenantNames(ctx)
	for _, tenant := range tenants {
		err = errors.Join(err, s.sealed(ctx, tenant))
	}
	return err
}

// Deliver tries once to send what is due.
func (s *Server) Deliver(ctx context.Context) error { return s.courier.Deliver(ctx) }

// TellApplications tells applications what is due of logouts.
func (s *Server) TellApplications(ctx context.Context) error { return s.notifier.Tell(ctx) }

// SetMethodPolicy replaces the policy of a method.
func (s *Server) SetMethodPolicy(ctx context.Context, tenant, id string, body any) error {
	from, err := s.db.MethodPolicy(ctx, directory.TenantID(tenant), id, &struct{}{})
	if err != nil {
		return err
	}
	from.ModifiedAt = s.now()
	return s.db.SaveMethodPolicy(ctx, directory.TenantID(tenant), id, from, body, audit.Event{
		Tenant: tenant, ID: uuid.NewString(), At: s.now(), CorrelationID: uuid.NewString(), Change: &audit.Change{Activity: audit.MethodsPolicyUpdate},
	})
}

// Counted counts the whole log, and looks at all people and devices once.
func (s *Server) Counted(ctx context.Context) error {
	if err := s.Sealed(ctx); err != nil {
		return err
	}
	return errors.Join(s.counting.follower.Round(ctx), s.counting.census.Round(ctx), s.counting.sweep.Round(ctx))
}

// FollowUpstreams reads the metadata of identity providers once.
func (s *Server) FollowUpstreams(ctx context.Context) { s.followOnce(ctx) }

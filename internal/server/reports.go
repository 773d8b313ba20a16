package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/postern-id/postern/internal/clock"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/recovery/roster"
	"github.com/postern-id/postern/internal/report"
)

// counting keeps the reports of all tenants.
type counting struct {
	follower *report.Follower
	census   *report.Census
	sweep    *roster.Sweep
}

func (s *Server) newCounting(api *graph.API) counting {
	census := &report.Census{Looker: graph.Looker{API: api}, Store: s.db, Tenants: s.tenantNames, Now: s.now, Log: s.options.Log}
	sweep := &roster.Sweep{Looker: graph.Roll{API: api}, Store: s.db, Tenants: s.tenantNames, Now: s.now, Log: s.options.Log}
	told := func(ctx context.Context, tenant string, touched map[report.Kind][]string) {
		census.Told(ctx, tenant, touched)
		sweep.Told(ctx, directory.TenantID(tenant), touched[report.People])
	}
	return counting{census: census, sweep: sweep, follower: &report.Follower{
		Log: s.db.Log(), Store: s.db, Tenants: s.tenantNames, Zone: s.zone, Now: s.now, Told: told, Logs: s.options.Log,
	}}
}

func (s *Server) zone(ctx context.Context, tenant string) (*time.Location, error) {
	t, err := s.db.Tenant(ctx, directory.TenantID(tenant))
	return t.Location(), err
}

// certificateEnd is when the certificate ends that is served, in seconds since 1970; 0 when
// it renews itself.
type certificateEnd struct{ at atomic.Int64 }

func (e *certificateEnd) set(at time.Time) { e.at.Store(at.Unix()) }

// health is what attention is told of the server.
func (s *Server) health() graph.Health {
	var h graph.Health
	switch verdict := s.watch.clock.Verdict(); {
	case verdict.Err != nil:
		h.Clock = codeOf(verdict.Err)
	case verdict.Ahead > 0:
		h.Clock = clockAhead
	}
	if err := s.watch.disk.err(); err != nil {
		h.Disk = codeOf(err)
	}
	if at := s.served.at.Load(); at != 0 {
		h.CertificateEnds = time.Unix(at, 0).UTC()
	}
	return h
}

// clockAhead says that the clock runs ahead of the time mark, which is no fault of its own.
const clockAhead = "clockAhead"

func codeOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Code
	}
	return clock.ErrOff.Code
}

package drill

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

// sampleJob asks the sample of a quarter.
const sampleJob = "drill.sample"

// Kinds are the jobs that drills are done by.
func (s Service) Kinds() []jobs.Kind { return []jobs.Kind{{Name: sampleJob, Do: s.sample}} }

// Plan queues the sample of the quarter where the schedule wants one and there is none yet. Of any
// number of servers one asks.
func (s Service) Plan(ctx context.Context, tenant directory.TenantID) error {
	schedule, err := s.Store.DrillSchedule(ctx, tenant)
	if err != nil || !schedule.Enabled {
		return err
	}
	t, err := s.People.Tenant(ctx, tenant)
	if err != nil {
		return err
	}
	now := s.Now()
	q := QuarterOf(now, t.Location())
	done, err := s.Store.Sampled(ctx, tenant, q)
	if err != nil || done {
		return err
	}
	j, err := jobs.New(tenant, sampleJob, string(q), q, now, now)
	if err != nil {
		return err
	}
	return s.Store.QueueJobs(ctx, []jobs.Job{j})
}

// sample does a job. Done again, it finds that the quarter has its sample.
func (s Service) sample(ctx context.Context, j jobs.Job) error {
	schedule, err := s.Store.DrillSchedule(ctx, j.Tenant)
	if err != nil || !schedule.Enabled {
		return err
	}
	_, err = s.Sample(ctx, Order{Tenant: j.Tenant, Where: schedule.Where, Days: schedule.Days, By: Actor, Name: Actor.App.DisplayName}, schedule.Size)
	if errors.Is(err, ErrQuarter) {
		return nil
	}
	return err
}

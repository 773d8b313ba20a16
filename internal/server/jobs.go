package server

import (
	"math/rand/v2"
	"slices"

	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/report"
)

// newWorker does what is queued. A new kind of job is one line here.
func (s *Server) newWorker() *jobs.Worker {
	return &jobs.Worker{
		Store: s.db, Now: s.now, Chance: rand.Float64, Log: s.options.Log,
		Kinds: slices.Concat(s.workflows.Kinds(), s.drills().Kinds(), []jobs.Kind{{Name: report.AlarmJob, Do: s.alarm}}),
	}
}

package server

import (
	"math/rand/v2"

	"github.com/postern-id/postern/internal/jobs"
)

// newWorker does what is queued. A new kind of job is one line here.
func (s *Server) newWorker() *jobs.Worker {
	return &jobs.Worker{
		Store: s.db, Now: s.now, Chance: rand.Float64, Log: s.options.Log,
		Kinds: append(s.workflows.Kinds(), s.drills().Kinds()...),
	}
}

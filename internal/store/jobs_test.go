package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/jobs/jobstest"
)

func TestStoresKeepTheContractOfJobs(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			jobstest.Store(t, func(t testing.TB) jobstest.Fixture {
				c := d.place(t)
				return &signIns{fixture{open(t, c), c}}
			})
		})
	}
}

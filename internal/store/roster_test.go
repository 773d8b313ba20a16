package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/recovery/roster"
	"github.com/postern-id/postern/internal/recovery/roster/rostertest"
)

func TestStoresKeepTheContractOfTheRoster(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			rostertest.Store(t, func(t testing.TB) roster.Store { return open(t, d.place(t)) })
		})
	}
}

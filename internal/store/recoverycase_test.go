package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/recovery/recoverytest"
)

func TestStoresKeepTheContractOfRecoveryCases(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			recoverytest.Store(t, func(t testing.TB) recoverytest.Fixture {
				c := d.place(t)
				return passes{fixture{open(t, c), c}}
			})
		})
	}
}

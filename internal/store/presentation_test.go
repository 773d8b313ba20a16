package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/recovery/presentation/presentationtest"
)

func TestStoresKeepTheContractOfPresentations(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			presentationtest.Store(t, func(t testing.TB) presentationtest.Fixture {
				c := d.place(t)
				return passes{fixture{open(t, c), c}}
			})
		})
	}
}

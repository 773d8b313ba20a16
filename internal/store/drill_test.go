package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/drill/drilltest"
)

func TestStoresKeepTheContractOfDrills(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			drilltest.Store(t, func(t testing.TB) drilltest.Fixture {
				c := d.place(t)
				return drillBench{passes{fixture{open(t, c), c}}}
			})
		})
	}
}

// drillBench is the fixture of drilltest.
type drillBench struct{ passes }

func (f drillBench) OpenCase(t testing.TB, c recovery.Case) {
	t.Helper()
	if err := f.passes.OpenCase(t.Context(), c, recovery.Effects{}); err != nil {
		t.Fatal(err)
	}
}

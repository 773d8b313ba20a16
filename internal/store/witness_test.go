package store_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/store"
)

func TestHowFarAWitnessWasToldOnlyGrows(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		log, tenant := open(t, c).Log(), uuid.NewString()
		if _, ok, err := log.Told(t.Context(), tenant, "file"); ok || err != nil {
			t.Errorf("a new witness was told: %t, %v", ok, err)
		}
		for _, size := range []int64{3, 9, 5} {
			if err := log.SetTold(t.Context(), tenant, "file", size); err != nil {
				t.Fatal(err)
			}
		}
		if size, ok, err := log.Told(t.Context(), tenant, "file"); size != 9 || !ok || err != nil {
			t.Errorf("%d, %t, %v", size, ok, err)
		}
		for _, other := range []struct{ tenant, name string }{{uuid.NewString(), "file"}, {tenant, "syslog"}} {
			if _, ok, err := log.Told(t.Context(), other.tenant, other.name); ok || err != nil {
				t.Errorf("another one was told: %t, %v", ok, err)
			}
		}
	})
}

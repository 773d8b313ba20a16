package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/store"
)

func TestOfTwoChangesOfTheJoinPolicyOneCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant, _ := fleet(t, c, 1)
		first, err := db.JoinPolicy(t.Context(), tenant)
		if err != nil || first.Quota != 50 || first.Version != 0 {
			t.Fatalf("a new tenant has %+v, %v", first, err)
		}
		for round := range 2 { // of none before, and of one before
			now, err := db.JoinPolicy(t.Context(), tenant)
			if err != nil {
				t.Fatal(err)
			}
			outcomes := make(chan error, 8)
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					mine := now
					mine.Quota = 100*round + i
					outcomes <- db.SaveJoinPolicy(t.Context(), tenant, mine, change(tenant))
				})
			}
			all.Wait()
			close(outcomes)
			saved := 0
			for err := range outcomes {
				if err == nil {
					saved++
				} else if !errors.Is(err, directory.ErrJoinPolicyChanged) {
					t.Errorf("round %d: %v", round, err)
				}
			}
			if saved != 1 {
				t.Errorf("round %d: %d changes were saved", round, saved)
			}
		}
	})
}

func TestADeviceThatIsRefusedStaysSoHoweverItJoins(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant, d := fleet(t, c, 1)
		d.Approval = directory.Refused
		if err := db.UpdateDevice(t.Context(), d, nine, change(tenant)); err != nil {
			t.Fatal(err)
		}
		again := d
		again.ID, again.DeviceID, again.Approval, again.TrustType = "other", "other", directory.Approved, directory.TrustRegistered
		if _, err := db.JoinDevice(t.Context(), again, 50, nil); !errors.Is(err, directory.ErrDeviceRefused) {
			t.Errorf("joining again: %v", err)
		}
		if now, err := db.Device(t.Context(), tenant, d.ID); err != nil || now.Approval != directory.Refused || now.TrustType != d.TrustType {
			t.Errorf("it is %+v, %v", now, err)
		}
	})
}

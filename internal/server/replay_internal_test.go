package server

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// A restore tells of every change that took something away and that its event says too little of.
func TestWhatARestoreCantTakeAwayAgainIsLeftToPeople(t *testing.T) {
	s := &Server{now: time.Now}
	for _, activity := range []string{
		audit.SetRecoveryPolicy, audit.UpdateWebhook, audit.RotateWebhook, audit.TurnOffWebhook, audit.PrepareDevice, audit.HandOverDevice,
	} {
		e := audit.Event{Tenant: "t", Change: &audit.Change{Activity: activity, Operation: audit.OperationUpdate, Result: audit.Success}}
		if err := s.removeAgain(t.Context(), e); !errors.Is(err, errByHand) {
			t.Errorf("%s: %v", activity, err)
		}
	}
	for operation, want := range map[string]error{
		audit.OperationDelete: errByHand, audit.OperationUnassign: errByHand, audit.OperationAdd: errNoRemoval, audit.OperationUpdate: errNoRemoval,
	} {
		e := audit.Event{Tenant: "t", Change: &audit.Change{Activity: "Another one", Operation: operation, Result: audit.Success}}
		if err := s.removeAgain(t.Context(), e); !errors.Is(err, want) {
			t.Errorf("what nobody knows, %s: %v", operation, err)
		}
	}
}

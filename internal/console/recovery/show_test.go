package recovery

import (
	"testing"

	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/recovery"
)

func TestALinkThatIsPressedOnceMoreIsNoRefusal(t *testing.T) {
	for code, want := range map[string]bool{recovery.ErrStopped.Code: true, recovery.ErrDecided.Code: false} {
		o := graphclient.Object{"additionalDetails": []any{map[string]any{"key": "caseNumber", "value": "R-AAAAAA"}, map[string]any{"key": "Refused with", "value": code}}}
		if got := repeated(o); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
}

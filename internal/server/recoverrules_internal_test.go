package server

import (
	"strings"
	"testing"
)

func TestAReasonSaysOnceThatAccessWasRecoveredAndStaysShortEnough(t *testing.T) {
	long := strings.Repeat("x", longestReason)
	for reason, want := range map[string]string{
		"Ticket 4711":                     "Ticket 4711; " + recoveredReason,
		"Ticket 4711; " + recoveredReason: "Ticket 4711; " + recoveredReason,
		recoveredReason:                   recoveredReason,
		long:                              long,
	} {
		if got := alsoRecovered(reason); got != want {
			t.Errorf("%q becomes %q", reason, got)
		}
	}
}

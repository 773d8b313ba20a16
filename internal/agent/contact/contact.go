// Package contact decides for how long a device may be used without its server: a number of
// days from the last time that the server signed, by whatever clock says more (rule 9 of
// docs/threat-model.md). It is pure; who keeps the mark is package agent.
package contact

import (
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/fault"
)

// A Mark is one contact with the server, by all clocks.
type Mark struct {
	Server time.Time  `json:"server"` // that the server signed
	Wall   time.Time  `json:"wall"`   // of this machine then
	Chip   *tpm.Clock `json:"chip,omitempty"`
}

// Reading is what the clocks say now. Chip is nil without a TPM.
type Reading struct {
	Wall time.Time
	Chip *tpm.Clock
}

// Faults of being offline.
var (
	ErrTooLong = &fault.Error{
		Kind: fault.Forbidden, Code: "offlineTooLong",
		Text: "This device has been without its organisation's server for too long.", Remedy: "Connect it to the network, then sign in.",
	}
	ErrNever = &fault.Error{
		Kind: fault.Forbidden, Code: "offlineNever",
		Text: "Signing in without the server is not allowed on this device.", Remedy: "Connect it to the network, then sign in.",
	}
	ErrClock = &fault.Error{
		Kind: fault.Forbidden, Code: "offlineClock",
		Text: "The clock of this device was set back, so nobody can sign in without the server.", Remedy: "Set the clock right, or connect the device to the network.",
	}
)

// slack is how far a machine's clock may be behind the server's without having been set back.
const slack = 2 * time.Minute

// Left returns how long the device may go on without its server, where policy gives it days,
// or why it may not.
func Left(m Mark, days int, now Reading) (time.Duration, error) {
	if days <= 0 || m.Server.IsZero() {
		return 0, ErrNever
	}
	if now.Wall.Before(m.Server.Add(-slack)) {
		return 0, ErrClock
	}
	gone := now.Wall.Sub(m.Server)
	if m.Chip != nil {
		if now.Chip == nil || now.Chip.Ran < m.Chip.Ran || now.Chip.Resets < m.Chip.Resets {
			return 0, ErrClock // another TPM, or none
		}
		gone = max(gone, now.Chip.Ran-m.Chip.Ran)
	}
	left := time.Duration(days)*24*time.Hour - gone
	if left <= 0 {
		return 0, ErrTooLong.With("", fmt.Sprintf("This device has been without its organisation's server for %d days; %d are allowed.", int(gone/(24*time.Hour)), days))
	}
	return left, nil
}

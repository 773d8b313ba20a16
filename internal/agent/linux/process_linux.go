package linux

import (
	"os"
	"strings"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/ticket"
)

// lives tells whether the very process that a ticket was issued to is there.
func lives(p ticket.Process) bool {
	s, ok := peer.StatOf(p.PID)
	return ok && s.Started == p.Started
}

// bootID is the id of this boot of the machine (random(4)).
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

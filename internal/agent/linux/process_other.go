//go:build !linux

package linux

import "github.com/postern-id/postern/internal/agent/ticket"

func lives(ticket.Process) bool { return false }

func bootID() string { return "" }

package pam

import (
	"slices"

	"github.com/postern-id/postern/internal/agent/peer"
)

// terminalOf returns where a process runs, or nothing when that can't be told.
func terminalOf(p peer.Process, tty string) terminal {
	own, ok := peer.StatOf(p.PID)
	if !ok || tty == "" {
		return terminal{}
	}
	leader, ok := peer.StatOf(own.Session)
	if !ok {
		return terminal{}
	}
	return terminal{tty: tty, session: own.Session, started: leader.Started}
}

// cameOverNetwork tells whether a server of remote logins is among the ancestors of a process:
// sudo does not say so. A terminal multiplexer hides it; docs/linux.md says so.
func cameOverNetwork(p peer.Process) bool {
	for pid, depth := p.PID, 0; pid > 1 && depth < 64; depth++ {
		s, ok := peer.StatOf(pid)
		if !ok {
			return false
		}
		if slices.Contains(servers, s.Command) {
			return true
		}
		pid = s.Parent
	}
	return false
}

// servers are programs, as the kernel names them (15 characters), that sign people in from afar.
var servers = []string{"sshd", "sshd-session", "cockpit-session", "cockpit-bridge", "xrdp-sesman", "xrdp-sesexec", "dropbear", "in.telnetd", "telnetd"}

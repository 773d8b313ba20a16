package pam

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/agent/peer"
)

// terminalOf returns where a process runs, or nothing when that can't be told.
func terminalOf(p peer.Process, tty string) terminal {
	own, ok := statOf(p.PID)
	if !ok || tty == "" {
		return terminal{}
	}
	leader, ok := statOf(own.session)
	if !ok {
		return terminal{}
	}
	return terminal{tty: tty, session: own.session, started: leader.started}
}

// cameOverNetwork tells whether a server of remote logins is among the ancestors of a process:
// sudo does not say so. A terminal multiplexer hides it; docs/linux.md says so.
func cameOverNetwork(p peer.Process) bool {
	for pid, depth := p.PID, 0; pid > 1 && depth < 64; depth++ {
		s, ok := statOf(pid)
		if !ok {
			return false
		}
		if slices.Contains(servers, s.command) {
			return true
		}
		pid = s.parent
	}
	return false
}

// servers are programs, as the kernel names them (15 characters), that sign people in from afar.
var servers = []string{"sshd", "sshd-session", "cockpit-session", "cockpit-bridge", "xrdp-sesman", "xrdp-sesexec", "dropbear", "in.telnetd", "telnetd"}

type stat struct {
	command         string
	parent, session int32
	started         uint64
}

// statOf reads /proc/PID/stat, proc(5).
func statOf(pid int32) (stat, bool) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/stat")
	if err != nil {
		return stat{}, false
	}
	return parseStat(string(data))
}

// parseStat reads fields 2, 4, 6 and 22. The command may hold spaces and parentheses.
func parseStat(line string) (stat, bool) {
	from, to := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if from < 0 || to < from {
		return stat{}, false
	}
	fields := strings.Fields(line[to+1:])
	if len(fields) < 20 {
		return stat{}, false
	}
	parent, err1 := strconv.ParseInt(fields[1], 10, 32)
	session, err2 := strconv.ParseInt(fields[3], 10, 32)
	started, err3 := strconv.ParseUint(fields[19], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return stat{}, false
	}
	return stat{command: line[from+1 : to], parent: int32(parent), session: int32(session), started: started}, true
}

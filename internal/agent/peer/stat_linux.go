package peer

import (
	"os"
	"strconv"
	"strings"
)

// A Stat is what the kernel says of a process.
type Stat struct {
	Command         string // 15 characters at most
	Parent, Session int32
	Started         uint64 // clock ticks after boot
}

// StatOf reads /proc/PID/stat, proc(5).
func StatOf(pid int32) (Stat, bool) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/stat")
	if err != nil {
		return Stat{}, false
	}
	return parseStat(string(data))
}

// parseStat reads fields 2, 4, 6 and 22. The command may hold spaces and parentheses.
func parseStat(line string) (Stat, bool) {
	from, to := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if from < 0 || to < from {
		return Stat{}, false
	}
	fields := strings.Fields(line[to+1:])
	if len(fields) < 20 {
		return Stat{}, false
	}
	parent, err1 := strconv.ParseInt(fields[1], 10, 32)
	session, err2 := strconv.ParseInt(fields[3], 10, 32)
	started, err3 := strconv.ParseUint(fields[19], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Stat{}, false
	}
	return Stat{Command: line[from+1 : to], Parent: int32(parent), Session: int32(session), Started: started}, true
}

// Behind returns whose program a process of root is: the user who started it, by its real uid
// or by that of the nearest ancestor who is not root; 0 for one of the machine's own. su and
// sudo are root's towards others, and anybody runs them.
func Behind(p Process) uint32 {
	if p.UID != 0 {
		return p.UID
	}
	for pid, depth := p.PID, 0; pid > 1 && depth < 16; depth++ {
		uid, ok := realUID(pid)
		if !ok || uid != 0 {
			return uid
		}
		s, ok := StatOf(pid)
		if !ok {
			return 0
		}
		pid = s.Parent
	}
	return 0
}

// realUID reads the first number of the line Uid of /proc/PID/status, proc(5).
func realUID(pid int32) (uint32, bool) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/status")
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(data), "\nUid:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, false
	}
	uid, err := strconv.ParseUint(fields[0], 10, 32)
	return uint32(uid), err == nil
}

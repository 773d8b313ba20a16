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

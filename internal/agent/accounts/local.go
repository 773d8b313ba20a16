package accounts

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Machine reads the machine's own accounts from /etc/passwd and /etc/group: the files, and
// not NSS, which would ask this program. It reads a file again when it has changed.
type Machine struct {
	Passwd, Group string // paths

	mu            sync.Mutex
	users, groups table
}

// Etc is the machine that this program runs on.
func Etc() *Machine { return &Machine{Passwd: "/etc/passwd", Group: "/etc/group"} }

type table struct {
	changed time.Time
	names   map[string]bool
	numbers map[uint32]bool
}

// UserNamed implements Local.
func (m *Machine) UserNamed(name string) bool { return m.read(&m.users, m.Passwd).names[name] }

// UserNumbered implements Local.
func (m *Machine) UserNumbered(uid uint32) bool { return m.read(&m.users, m.Passwd).numbers[uid] }

// GroupNamed implements Local.
func (m *Machine) GroupNamed(name string) bool { return m.read(&m.groups, m.Group).names[name] }

// GroupNumbered implements Local.
func (m *Machine) GroupNumbered(gid uint32) bool { return m.read(&m.groups, m.Group).numbers[gid] }

func (m *Machine) read(t *table, path string) table {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		return *t // a machine without the file has no such accounts
	}
	if t.names != nil && info.ModTime().Equal(t.changed) {
		return *t
	}
	f, err := os.Open(path)
	if err != nil {
		return *t
	}
	defer func() { _ = f.Close() }() // only read
	next := table{changed: info.ModTime(), names: map[string]bool{}, numbers: map[uint32]bool{}}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		parts := strings.Split(lines.Text(), ":")
		if len(parts) < 3 {
			continue
		}
		next.names[parts[0]] = true
		if n, err := strconv.ParseUint(parts[2], 10, 32); err == nil {
			next.numbers[uint32(n)] = true
		}
	}
	*t = next
	return next
}

package userdb

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Local is who lives on this machine without a tenant.
type Local struct {
	Users, Groups map[string]bool
	UIDs, GIDs    map[uint32]bool
}

// Etc reads the files of this machine.
func Etc() (Local, error) { return ReadLocal("/etc/passwd", "/etc/group") }

// ReadLocal reads the files of passwd(5) and group(5).
func ReadLocal(passwd, group string) (Local, error) {
	var l Local
	var err error
	if l.Users, l.UIDs, err = readNames(passwd); err != nil {
		return l, err
	}
	l.Groups, l.GIDs, err = readNames(group)
	return l, err
}

func readNames(file string) (map[string]bool, map[uint32]bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, fmt.Errorf("local accounts: %w", err)
	}
	defer func() { _ = f.Close() }()
	found, numbers := map[string]bool{}, map[uint32]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20) // groups may have many members
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), ":", 4)
		if len(fields) < 4 {
			continue
		}
		found[fields[0]] = true
		if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			numbers[uint32(n)] = true
		}
	}
	return found, numbers, lines.Err()
}

// reserved tells whether a name is one of the system's, also where no file has it: accounts
// that distributions make or know, and names of groups that hand out a part of the machine.
// A person of such a name has no account here.
func reserved(name string) bool {
	switch name {
	case "root", "nobody", "nogroup", "daemon", "bin", "sys", "sync", "adm", "wheel", "sudo", "shadow",
		"disk", "kmem", "tty", "docker", "lxd", "libvirt", "operator", "staff", "users", "postern", "self", "all":
		return true
	}
	return strings.HasPrefix(name, "systemd-") || strings.HasPrefix(name, "_")
}

// givesRights tells whether a group gives rights by its name where a person of that name has
// none: sudoers of older Ubuntu lists %admin. Most tenants have a person called admin, so they
// get an account, and their own group another name.
func givesRights(group string) bool { return group == "admin" }

// kept tells whether a number is one of the system's (systemd, "Users, Groups, UIDs and GIDs
// on systemd Systems").
func kept(n uint32) bool {
	switch {
	case n < 1000, // system accounts
		n >= 60001 && n <= 65535, // homes, dynamic users, nobody, and 16-bit -1
		n >= 524288:              // containers, foreign images, and -1
		return true
	}
	return false
}

func equalFold(a, b string) bool { return a != "" && strings.EqualFold(a, b) }

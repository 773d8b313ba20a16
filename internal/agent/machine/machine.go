// Package machine reads what the machine tells of itself: its name, its system, its maker.
package machine

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Facts are what the server is told of a machine. Any but System may be empty.
type Facts struct {
	Name    string // of the host
	System  string // Linux, Windows or macOS
	Release string // such as Debian GNU/Linux 12
	Maker   string
	Model   string
	Boot    string // id of this boot
}

var systems = map[string]string{"linux": "Linux", "windows": "Windows", "darwin": "macOS"}

// Read reads them.
func Read() Facts {
	f := Facts{System: systems[runtime.GOOS], Release: release("/etc/os-release")}
	if f.System == "" {
		f.System = runtime.GOOS
	}
	if name, err := os.Hostname(); err == nil {
		f.Name, _, _ = strings.Cut(name, ".")
	}
	if f.Name == "" {
		f.Name = "device"
	}
	f.Maker, f.Model = line("/sys/class/dmi/id/sys_vendor"), line("/sys/class/dmi/id/product_name")
	f.Boot = line("/proc/sys/kernel/random/boot_id")
	return f
}

// line is the first line of a small file, made of what can be printed.
func line(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.ToValidUTF8(strings.TrimSpace(first[:min(len(first), 100)]), "")
}

// release reads PRETTY_NAME of os-release(5).
func release(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			if plain, err := strconv.Unquote(value); err == nil {
				return plain
			}
			return strings.Trim(value, `'"`)
		}
	}
	return ""
}

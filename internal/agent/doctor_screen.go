package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/device"
)

// screenParts are the programs of the sign-in screen (docs/linux.md), and their packages.
var screenParts = []struct{ file, pack string }{
	{"/usr/lib/postern/greeter", "postern-greeter"},
	{"greetd", "greetd"},
	{"sway", "sway"},
	{"bwrap", "bubblewrap"},
	{"chromium", "chromium"},
}

// lookScreen looks for the parts of the sign-in screen. A machine without a display has none.
func lookScreen(*patient) (device.Check, string, string) {
	var missing []string
	for _, one := range screenParts {
		if _, err := exec.LookPath(one.file); err == nil {
			continue
		}
		if _, err := exec.LookPath("/usr/sbin/" + one.file); err != nil { // which is not in everybody's PATH
			missing = append(missing, one.pack)
		}
	}
	switch {
	case len(missing) == 0 && !exists([]string{filepath.Dir(kiosk.Socket)}, filepath.Base(kiosk.Socket)):
		return device.Fail, "The browser of web sign-in can't be started: " + kiosk.Socket + " is not there.", "systemctl start postern-web.socket"
	case len(missing) == 0:
		return device.Pass, "greetd shows the sign-in screen.", ""
	case missing[0] == screenParts[0].pack:
		return device.Warn, "The sign-in screen is not installed: people sign in by text.", "apt install ./postern-greeter_*.deb"
	}
	return device.Fail, "The sign-in screen lacks " + strings.Join(missing, ", ") + ".", "apt install " + strings.Join(missing, " ")
}

// fences are the settings of the kernel that keep unprivileged people from making namespaces:
// user_namespaces(7), and those of Debian and Ubuntu.
var fences = []struct{ file, bad, fix string }{
	{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "an AppArmor profile for /usr/bin/bwrap with the rule userns"},
}

// lookNamespaces reports whether the browsers of the sign-in screen can be fenced. Without a
// fence there is no screen.
func lookNamespaces(*patient) (device.Check, string, string) {
	if _, err := os.Stat(screenParts[0].file); err != nil {
		return "", "", ""
	}
	for _, one := range fences {
		text, err := os.ReadFile(one.file)
		if err == nil && strings.TrimSpace(string(text)) == one.bad {
			return device.Fail, "Browsers can't be fenced, so that there is no sign-in screen: " + one.file + " is " + one.bad + ".", one.fix
		}
	}
	return device.Pass, "Browsers can be fenced.", ""
}

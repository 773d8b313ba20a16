package agent

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/postern-id/postern/internal/device"
)

// An offender is a setting of other software or of a hardening guide that is known to keep
// people from signing in.
type offender struct {
	files []string // globs, in the order in which they count
	line  string   // regular expression, where its lines matter; the first that fits counts, as in sshd_config(5)
	bad   string   // what the line may not be; empty: the line itself is bad
	link  string   // where a symbolic link may not lead: regular expression
	what  string
	fix   string
}

var sshd = []string{"/etc/ssh/sshd_config.d/*.conf", "/etc/ssh/sshd_config"}

var offenders = []offender{
	{
		files: []string{"/etc/systemd/system/display-manager.service"}, link: `/(?:gdm3?|lightdm|sddm|xdm|lxdm|slim)\.service$`,
		what: "Another display manager shows its own sign-in screen", fix: "systemctl disable it, then systemctl enable --force greetd",
	},
	{
		files: []string{
			"/etc/systemd/system/greetd.service", "/etc/systemd/system/postern-web.socket", "/etc/systemd/system/postern-web@.service",
			"/etc/systemd/system/postern-agent.service",
		},
		link: `^/dev/null$`,
		what: "A unit of the sign-in screen is masked", fix: "systemctl unmask it",
	},
	{
		files: sshd, line: `(?i)^\s*(?:KbdInteractiveAuthentication|ChallengeResponseAuthentication)\s+(\S+)`, bad: "no",
		what: "sshd asks nobody for a pass", fix: "set KbdInteractiveAuthentication yes",
	},
	{
		files: sshd, line: `(?i)^\s*UsePAM\s+(\S+)`, bad: "no",
		what: "sshd goes past PAM, so that nobody of the organisation signs in, and disabled people with a key do", fix: "set UsePAM yes",
	},
	{
		files: []string{"/etc/security/access.conf"}, line: `^\s*-\s*:\s*(ALL)\b`,
		what: "pam_access lets only listed people in", fix: "add a line for the organisation's people before it",
	},
	{
		files: []string{"/etc/pam.d/common-auth"}, line: `^[^#]*(pam_faillock\.so)`,
		what: "pam_faillock counts beside the device PIN's own counter, and locks an account that the PIN does not", fix: "take it out of common-auth; PINs and passes are counted already",
	},
	{
		files: []string{"/etc/systemd/system/*/nscd.service"}, what: "nscd remembers who is not there, for minutes", fix: "systemctl disable --now nscd",
	},
	{
		files: []string{"/etc/usbguard/rules.conf"}, line: `^\s*(reject|block)\b`,
		what: "usbguard keeps security keys away that it does not list", fix: "usbguard allow-device, for the keys that people have",
	},
}

// lookConflicts looks for known offenders on this machine.
func lookConflicts(*patient) (device.Check, string, string) {
	if runtime.GOOS != "linux" {
		return "", "", ""
	}
	return conflicts("/")
}

func conflicts(root string) (device.Check, string, string) {
	var found, fixes []string
	for _, one := range offenders {
		if at := one.at(root); at != "" {
			found = append(found, one.what+" ("+at+").")
			fixes = append(fixes, one.fix+".")
		}
	}
	if found == nil {
		return device.Pass, "No other software or setting that is known to be in the way.", ""
	}
	return device.Warn, strings.Join(found, " "), strings.Join(fixes, " ")
}

// at is the file that offends, or empty.
func (o offender) at(root string) string {
	for _, path := range o.there(root) {
		shown := "/" + strings.TrimPrefix(strings.TrimPrefix(path, root), "/")
		switch {
		case o.link != "":
			if to, err := os.Readlink(path); err == nil && regexp.MustCompile(o.link).MatchString(to) {
				return shown
			}
		case o.line == "":
			return shown
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			if m := regexp.MustCompile("(?m)" + o.line).FindSubmatch(text); m != nil {
				if o.bad == "" || strings.EqualFold(string(m[1]), o.bad) {
					return shown
				}
				return "" // what comes first holds
			}
		}
	}
	return ""
}

// there are the files that there are, in order.
func (o offender) there(root string) []string {
	var all []string
	for _, pattern := range o.files {
		if found, err := filepath.Glob(filepath.Join(root, pattern)); err == nil {
			all = append(all, found...)
		}
	}
	return all
}

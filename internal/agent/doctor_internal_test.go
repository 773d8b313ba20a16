package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/device"
)

func TestABrowserThatDoesNotStartFails(t *testing.T) {
	for script, want := range map[string]device.Check{"echo Chromium 156.0": device.Pass, "exit 1": device.Fail, "kill -SEGV $$": device.Fail} {
		path := filepath.Join(t.TempDir(), "chromium")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if state, detail, fix := tryBrowser(path); state != want || detail == "" || (fix == "") != (want == device.Pass) {
			t.Errorf("%q: %s %s %s", script, state, detail, fix)
		}
	}
}

func TestKnownOffendersAreFound(t *testing.T) {
	const units = "/etc/systemd/system/"
	tests := []struct {
		name, path, text, link string
		want                   bool
	}{
		{"another display manager", units + "display-manager.service", "", "/lib/systemd/system/gdm.service", true},
		{"greetd", units + "display-manager.service", "", "/lib/systemd/system/greetd.service", false},
		{"a masked socket", units + "postern-web.socket", "", "/dev/null", true},
		{"Debian's sshd", "/etc/ssh/sshd_config", "UsePAM yes\nKbdInteractiveAuthentication no\n", "", true},
		{"sshd that asks", "/etc/ssh/sshd_config", "#KbdInteractiveAuthentication no\nKbdInteractiveAuthentication yes\nKbdInteractiveAuthentication no\n", "", false},
		{"sshd without PAM", "/etc/ssh/sshd_config.d/hardening.conf", "usepam NO\n", "", true},
		{"pam_access", "/etc/security/access.conf", "+:root:LOCAL\n-:ALL:ALL\n", "", true},
		{"its example", "/etc/security/access.conf", "#-:ALL:ALL\n", "", false},
		{"faillock", "/etc/pam.d/common-auth", "auth required pam_faillock.so preauth\n", "", true},
		{"nscd", units + "multi-user.target.wants/nscd.service", "x", "", true},
		{"usbguard", "/etc/usbguard/rules.conf", "allow id 1d6b:0002\nblock\n", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, tt.path)
			err := os.MkdirAll(filepath.Dir(path), 0o700)
			if err == nil && tt.link != "" {
				err = os.Symlink(tt.link, path)
			} else if err == nil {
				err = os.WriteFile(path, []byte(tt.text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			state, detail, fix := conflicts(root)
			if (state == device.Warn) != tt.want || (fix != "") != tt.want || tt.want && !strings.Contains(detail, "("+tt.path+")") {
				t.Errorf("%s: %s %s", state, detail, fix)
			}
		})
	}
	if state, _, _ := conflicts(t.TempDir()); state != device.Pass {
		t.Errorf("an empty machine: %s", state)
	}
}

func TestADeviceSaysWhatItsPlatformLacks(t *testing.T) {
	for system, want := range map[string]device.Check{"linux": device.Pass, "windows": device.Warn, "darwin": device.Warn} {
		if state, detail, _ := platform(system); state != want || detail == "" {
			t.Errorf("%s: %s %s", system, state, detail)
		}
	}
}

package kiosk

import (
	"path/filepath"
	"strconv"
)

// A Sandbox is one browser and what it may see.
type Sandbox struct {
	Bwrap    string // the programs
	Chromium string
	Self     string // postern-agent

	Policy []byte // Chromium's
	Lang   string // of the browser's own words
	URL    string
	Name   string // by which the compositor knows its windows: Lock or Web

	// Devices are the files of security keys and cameras that pages of the identity provider
	// may need. The lock screen's browser has none.
	Devices []string
}

// Socket is where web sign-in's browser is started as a user of its own: the service manager
// listens there, lets greetd's user connect alone, and starts Serve for each connection.
const Socket = "/run/postern-web.sock"

// Names of the browsers' windows, which the compositor's settings have, too.
const (
	Lock = "postern-lock" // covers the screen
	Web  = "postern-web"  // leaves room for the way back
)

// Paths inside.
const (
	home    = "/home/kiosk"
	profile = home + "/profile"
	runtime = "/run/kiosk"
	self    = runtime + "/postern-agent"
	display = "wayland-0"
)

// Files that are open in a browser's namespaces from the start.
const (
	way    = 3 // a socket, for the doors
	policy = 4 // Chromium's policy
)

// machine are the files of this machine that a browser needs: fonts, certificates, and what
// libraries read. None of them says who else is here.
var machine = []string{
	"/etc/fonts", "/etc/ssl/certs", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime",
	"/etc/locale.alias", "/etc/mime.types", "/etc/pki", "/etc/nsswitch.conf", "/etc/gtk-3.0", "/usr/share/postern/kiosk",
}

// Args is the command line.
func (s Sandbox) Args() []string {
	a := []string{
		s.Bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
		"--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/home", "--dir", home, "--dir", runtime,
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		if target, err := filepath.EvalSymlinks("/" + name); err == nil && target != "/"+name {
			a = append(a, "--symlink", "usr/"+name, "/"+name)
		} else {
			a = append(a, "--ro-bind-try", "/"+name, "/"+name)
		}
	}
	for _, path := range machine {
		a = append(a, "--ro-bind-try", path, path)
	}
	if len(s.Devices) > 0 {
		// A security key is found by what the kernel and udev say of it.
		a = append(a, "--ro-bind", "/sys", "/sys", "--ro-bind-try", "/run/udev/data", "/run/udev/data")
		for _, path := range s.Devices {
			a = append(a, "--dev-bind-try", path, path)
		}
	}
	a = append(a,
		"--ro-bind-data", strconv.Itoa(policy), "/etc/chromium/policies/managed/postern.json", "--ro-bind", s.Self, self,
		"--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", home, "--setenv", "XDG_RUNTIME_DIR", runtime,
		"--setenv", "WAYLAND_DISPLAY", display, "--setenv", "LANG", lang(s.Lang)+".UTF-8", "--setenv", "LANGUAGE", s.Lang,
		"--setenv", "CHROME_DESKTOP", s.Name+".desktop",
		"--chdir", home, "--",
		self, "greeter", "inside", "--listen", "127.0.0.1:"+strconv.Itoa(Port), "--profile", profile, "--",
	)
	return append(a, s.browser()...)
}

func lang(l string) string {
	if l == "de" {
		return "de_DE"
	}
	return "C"
}

func (s Sandbox) browser() []string {
	a := []string{
		s.Chromium,
		"--ozone-platform=wayland", "--user-data-dir=" + profile, "--lang=" + s.Lang,
		"--no-first-run", "--no-default-browser-check", "--disable-gpu", "--password-store=basic",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-breakpad",
		"--disable-logging", "--log-level=3", // what pages write is nobody's business
		"--disable-domain-reliability", "--disable-client-side-phishing-detection", "--disable-pinch", "--overscroll-history-navigation=0",
		"--no-pings", "--disable-features=Translate,MediaRouter,OptimizationHints",
	}
	if s.Name == Lock {
		return append(a, "--kiosk", s.URL)
	}
	return append(a, "--app="+s.URL) // a window without tabs and address, which the compositor knows as chrome-…
}

// preferences leave the frame of windows to the compositor, which draws none.
const preferences = `{"browser":{"custom_chrome_frame":false}}`

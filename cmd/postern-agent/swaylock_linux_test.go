package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
)

// Colours of a desk: what a person works with, and what swaylock covers it with.
const (
	desktop = "#D04020"
	covered = "#0B2B34"
)

// A session is locked by Debian's swaylock, with Debian's file of PAM and the keys of
// docs/linux.md. It opens by the PIN; who forgot that goes back to the sign-in screen.
func TestInsideSwaylockOpensByPIN(t *testing.T) {
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("POSTERN_SOAK=1 runs it: two sessions that are locked again and again")
	}
	g := newStage(t)
	linuxtest.Need(t, "swaylock", "swaybg")
	g.desk()
	g.begin()
	g.sees("Locked").types().sees("Sign in ·").types().sees("Enter your pass").types(g.pass)
	g.sees("You’re signed in").types().sees("Choose a new PIN").types("246810", "246810")
	g.screenIs(desktop)

	g.locks().presses("F5", "F6").enters("111111")
	g.until("wrong PIN that is told", func() bool { return strings.Contains(g.opened(), "pam_authenticate failed") })
	// It was counted once: another one here leaves three of five.
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Expect("Device PIN").Say("111111").Expect("3 tries are left").Ends(1)
	g.screenIs(covered)
	g.enters("246810").opens(1)
	// What was typed meanwhile did not reach the session; now it does.
	g.presses("F5")
	g.until("key that the session has", func() bool { return g.wrote("a key of the session") > 0 })
	if n := g.wrote("a key of the session"); n != 1 {
		t.Errorf("the session had the key %d times, once while it was locked", n)
	}

	// Switch to greeter: there web sign-in is.
	g.locks().presses("super+shift+Escape")
	g.sees("Locked").goes("Tab", "Tab", "Tab", "Tab", "Return").sees("Sign in ·")
	g.goes("Escape").sees("Locked").types("246810")
	g.screenIs(desktop)

	// Without a network.
	g.unplug()
	g.locks().enters("246810").opens(2)

	// This sway opens a session whose lock was killed. Then the session ends.
	g.locks()
	locker, err := os.ReadFile(filepath.Join(g.dir, "locker"))
	linuxtest.Must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(locker)))
	linuxtest.Must(t, err)
	linuxtest.Must(t, unix.Kill(pid, unix.SIGKILL))
	g.sees("Locked")
}

// desk makes sessions of a compositor, in the place of a script that only tells whose it is.
func (g *stage) desk() {
	g.t.Helper()
	text, err := os.ReadFile("../../docs/linux.md")
	linuxtest.Must(g.t, err)
	config := "xwayland disable\noutput * background " + desktop + " solid_color\nbindsym F5 exec echo a key of the session >>" + g.dir + "/opened\nset $mod Mod4\n"
	for line := range strings.Lines(string(text)) {
		key, is := strings.CutPrefix(line, "    bindsym ")
		if !is {
			continue
		}
		config += "bindsym " + key
		if command, is := strings.CutPrefix(key, "$mod+Escape "); is {
			config += "bindsym --locked F6 " + command // a second one, beside the lock
		}
	}
	linuxtest.Write(g.t, filepath.Join(g.dir, "desk.conf"), config, 0o644)
	// What swaylock is, says and ends with can be read. Arguments and code are passed on.
	linuxtest.Write(g.t, filepath.Join(g.dir, "desk/swaylock"), "#!/bin/sh\nexec 2>>"+g.dir+"/opened\n/usr/bin/swaylock --debug --color '"+covered+
		"' \"$@\" &\necho $! >"+g.dir+"/locker\nwait $!\ncode=$?\necho \"swaylock ended with $code\" >&2\nexit $code\n", 0o755)
	linuxtest.Write(g.t, filepath.Join(g.dir, "locker"), "", 0o666)
	linuxtest.Write(g.t, filepath.Join(g.dir, "session"), "#!/bin/sh\nexport PATH="+g.dir+"/desk:/usr/bin:/bin XDG_RUNTIME_DIR=$(mktemp -d) DISPLAY="+g.display+
		" WLR_BACKENDS=x11 WLR_RENDERER=pixman\nsway -c "+g.dir+"/desk.conf\nrm -r \"$XDG_RUNTIME_DIR\"\n", 0o755)
}

// locks has the session be locked, as its person does.
func (g *stage) locks() *stage {
	g.t.Helper()
	g.presses("super+Escape")
	g.screenIs(covered)
	return g
}

// enters types into a lock that shows no field.
func (g *stage) enters(secret string) *stage {
	g.t.Helper()
	g.x("xdotool", "type", "--delay", "20", secret)
	return g.presses("Return")
}

// opens waits until swaylock has let somebody in for the nth time.
func (g *stage) opens(n int) {
	g.t.Helper()
	g.until("end of the lock", func() bool { return g.wrote("swaylock ended with 0") == n })
	g.screenIs(desktop)
}

// wrote is how often a session wrote a line.
func (g *stage) wrote(line string) int { return strings.Count(g.opened(), line+"\n") }

// screenIs waits until the corner of the display has a colour.
func (g *stage) screenIs(colour string) {
	g.t.Helper()
	g.until("screen in "+colour, func() bool {
		return strings.Contains(string(g.x("import", "-window", "root", "-crop", "1x1+8+8", "-depth", "8", "txt:-")), colour)
	})
}

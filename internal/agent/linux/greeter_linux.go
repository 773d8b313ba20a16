package linux

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/greeter"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/agent/network"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// Seat says where the sign-in screen is, and what comes after it.
type Seat struct {
	Socket  string // for the greeter; the one for its pages is beside it
	User    string // whom greetd runs the greeter as
	Session string // command; empty for the first Wayland session of this machine
}

// Greeter serves the sign-in screen of this machine's one seat.
func Greeter(o Options, seat Seat) agent.Front {
	return func(ctx context.Context, a *agent.Agent) error {
		who, err := user.Lookup(seat.User)
		if unknown := user.UnknownUserError(""); errors.As(err, &unknown) {
			o.Log.InfoContext(ctx, "no sign-in screen: greetd's user is not there", "user", seat.User)
			o.Ready()
			<-ctx.Done()
			return nil
		}
		if err != nil {
			return err
		}
		uid, err := strconv.ParseUint(who.Uid, 10, 32)
		if err != nil {
			return err
		}
		host := &greeter.Host{
			Tickets: a.Tickets, Boot: bootID(), UID: uint32(uid), Log: o.Log, Machine: machine{},
			Session: func() (greeter.Session, error) { return session(seat.Session, sessions) },
			Site:    func() (kiosk.Site, error) { return site(a) },
		}
		options := lockscreen.Options{Agent: a, Seat: host, Log: o.Log}
		if networks, err := network.Open(ctx); err == nil {
			options.Network = networks
			defer func() { _ = networks.Close() }()
		} else {
			o.Log.InfoContext(ctx, "no choice of a network on the sign-in screen", "err", err)
		}
		screen, err := lockscreen.New(options)
		if err != nil {
			return err
		}
		defer screen.Close()
		control, err := peer.Listen(ctx, seat.Socket)
		if err != nil {
			return err
		}
		pages, err := peer.Listen(ctx, greeter.ScreenSocket(seat.Socket))
		if err != nil {
			return errors.Join(err, control.Close())
		}
		o.Ready()
		return host.Serve(ctx, screen, control, pages)
	}
}

// site is what web sign-in may open, by the policy as it is now.
func site(a *agent.Agent) (kiosk.Site, error) {
	d, err := a.Device()
	if err != nil {
		return kiosk.Site{}, err
	}
	settings := d.Settings("")
	return kiosk.Site{
		Server: d.Identity().Server, Redirect: greeter.Redirect, CA: d.Roots(),
		Hosts:  settings[devicepolicy.WebSignInAllowedURLs].Value.List(),
		Camera: settings[devicepolicy.WebcamDomains].Value.List(),
	}, nil
}

// sessions is where desktops say how they are started.
const sessions = "/usr/share/wayland-sessions"

// session is command, or the first desktop of folder.
func session(command, folder string) (greeter.Session, error) {
	if command != "" {
		return greeter.Session{Cmd: []string{command}}, nil
	}
	found, err := filepath.Glob(filepath.Join(folder, "*.desktop")) // in order
	if err != nil {
		return greeter.Session{}, err
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if s, ok := desktop(string(text)); ok {
			return s, nil
		}
	}
	return greeter.Session{}, greeter.ErrNoSession
}

// desktop reads a desktop entry:
// https://specifications.freedesktop.org/desktop-entry-spec/latest/
func desktop(text string) (greeter.Session, bool) {
	s := greeter.Session{Env: []string{"XDG_SESSION_TYPE=wayland"}}
	group := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			group = line
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if group != "[Desktop Entry]" {
			continue
		}
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "Exec":
			s.Cmd = []string{value}
		case "DesktopNames":
			s.Env = append(s.Env, "XDG_CURRENT_DESKTOP="+strings.ReplaceAll(strings.Trim(value, ";"), ";", ":"))
		case "Hidden", "NoDisplay":
			if value == "true" {
				return greeter.Session{}, false
			}
		}
	}
	return s, s.Cmd != nil && !strings.ContainsRune(s.Cmd[0], '%')
}

// machine is switched off by the service manager.
type machine struct{}

// CanPower implements greeter.Machine.
func (machine) CanPower() bool {
	_, err := os.Stat("/run/systemd/system") // sd_booted(3)
	return err == nil
}

// Power implements greeter.Machine.
func (m machine) Power(ctx context.Context, a lockscreen.Action) error {
	verb := map[lockscreen.Action]string{lockscreen.Off: "poweroff", lockscreen.Restart: "reboot"}[a]
	if verb == "" || !m.CanPower() {
		return lockscreen.ErrNoPower
	}
	return exec.CommandContext(ctx, "systemctl", "--no-ask-password", verb).Run() //nolint:gosec // one of the two words above
}

package virtual

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/device"
)

// A session is somebody's desktop.
type session struct {
	Account device.Account
	Opening lockscreen.Opening
	Since   time.Time // by the device's clock
	Locked  bool
}

// seat is where people sit: one browser of this machine, which shows everything.
type seat struct{ d *Device }

// Redirect implements lockscreen.Seat. It has no path, as every tenant knows the agent.
func (s seat) Redirect() string { return s.d.origin }

// Show implements lockscreen.Seat: the browser that shows the lock screen goes there itself.
func (s seat) Show(ctx context.Context, p lockscreen.Page) (string, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.web = ctx
	return p.URL, nil
}

// Hide implements lockscreen.Seat.
func (s seat) Hide() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.web = nil
}

// showing reports whether a web sign-in is under way.
func (d *Device) showing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.web != nil && d.web.Err() == nil
}

// Open implements lockscreen.Seat: it unlocks the session that the person has, or opens one
// and ends that of anybody else.
func (s seat) Open(_ context.Context, o lockscreen.Opening) (string, error) {
	d := s.d
	if err := furnish(d.Home(o.Account.UserName)); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = &session{Account: o.Account, Opening: o, Since: d.now()}
	return desktopPath, nil
}

// Power implements lockscreen.Seat. A device that is switched off starts again at once: nobody
// could press its button.
func (s seat) Power(ctx context.Context, a lockscreen.Action) error {
	s.d.diary.note("The device was switched off and on", string(a))
	return s.d.restart(context.WithoutCancel(ctx), func() error { return nil })
}

// Facts implements lockscreen.Seat.
func (s seat) Facts() lockscreen.Facts {
	f := lockscreen.Facts{Name: s.d.o.Name, CanPower: true}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if s.d.session != nil && s.d.session.Locked {
		f.Locked = s.d.session.Account.ID
	}
	return f
}

// desktop returns who works at the desktop now; nil while it is locked, or nobody does.
func (d *Device) desktop() *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil || d.session.Locked {
		return nil
	}
	one := *d.session
	return &one
}

// lock locks the desktop. What runs there goes on.
func (d *Device) lock() {
	d.mu.Lock()
	if d.session != nil {
		d.session.Locked = true
		d.diary.note("Session locked for "+d.session.Account.UserName, "")
	}
	d.mu.Unlock()
	d.toLockScreen()
}

// signOut ends the session.
func (d *Device) signOut(why string) {
	d.mu.Lock()
	if d.session != nil {
		d.diary.note("Session ended for "+d.session.Account.UserName, why)
		d.session = nil
	}
	d.mu.Unlock()
	d.toLockScreen()
}

func (d *Device) toLockScreen() {
	if m := d.machine(); m != nil {
		m.screen.Lock()
	}
}

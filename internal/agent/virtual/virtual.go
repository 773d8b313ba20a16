// Package virtual is a device without a machine: the real agent with a TPM in software, its
// lock screen in any browser of this machine, a drawn desktop after sign-in, and a bench to
// break things on. Only the opener of sessions differs from a real device. `postern dev`
// starts two of them; docs/virtual-devices.md is the page for who tries them out.
//
//	Open ──▶ Serve ─┬─▶ Join (where it has not)      a browser ──▶ lock screen ──▶ desktop
//	                └─▶ the agent runs                                  └── bench ──┘
//
// It listens on the loopback address only, for browsers that know its key.
package virtual

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/swtpm"
	"github.com/postern-id/postern/internal/graphclient"
)

// Options say what a device is. All are required.
type Options struct {
	Dir    string // folder of its own; made where it is missing
	Name   string // such as LAP-0417
	Server string // public URL of the server that it joins
	CA     []byte // PEM, of that server
	// Owner joins it, with Pass.
	Owner   string
	Pass    graphclient.Secret
	Log     *slog.Logger
	Version string // of the program
}

// A Device is one virtual device. Close it.
type Device struct {
	o        Options
	key      string // opens the lock screen in a browser
	origin   string // http://localhost:PORT
	listener net.Listener
	cable    cable
	ahead    atomic.Int64 // time.Duration: how far its clock is ahead
	diary    *diary
	log      *slog.Logger
	chip     *swtpm.Machine // nil without one

	power sync.Mutex // held while it is switched on or off
	over  bool       // Serve has ended; guarded by power

	mu      sync.Mutex
	on      *machine        // nil while it is off
	session *session        // nil when nobody is signed in
	web     context.Context //nolint:containedctx // of the web sign-in that is under way; nil without one
}

// A machine is a device that is switched on.
type machine struct {
	start  string // tells this start from every other one
	agent  *agent.Agent
	screen *lockscreen.Screen
	pages  http.Handler // of the screen
	stop   context.CancelFunc
	ended  chan struct{}
}

// Open makes the device ready to be served: its TPM runs, and it has a port.
func Open(ctx context.Context, o Options) (*Device, error) {
	d := &Device{o: o}
	d.diary = newDiary(o.Log.With("device", o.Name).Handler(), d.now, d.userName)
	d.log = slog.New(d.diary)
	for _, dir := range []string{d.state(), d.chipState()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	var err error
	if d.key, err = keyOf(o.Dir); err != nil {
		return nil, err
	}
	if d.listener, err = listen(ctx, o.Dir); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(d.listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, d.listener.Close())
	}
	d.origin = "http://localhost:" + port
	if d.chip, err = swtpm.New(d.chipState()); err != nil {
		d.chip = nil
		if !errors.Is(err, swtpm.ErrNone) { // the rest can be tried all the same
			d.log.WarnContext(ctx, "the software TPM does not start; the device does without", "err", err)
		}
	}
	return d, nil
}

func (d *Device) state() string     { return filepath.Join(d.o.Dir, "agent") }
func (d *Device) chipState() string { return filepath.Join(d.o.Dir, "tpm") }

// Home is where a person's files are, who goes by that user name.
func (d *Device) Home(userName string) string { return filepath.Join(d.o.Dir, "home", userName) }

// URL opens the lock screen in a browser.
func (d *Device) URL() string { return d.origin + "/enter/" + d.key }

// Name is the device's.
func (d *Device) Name() string { return d.o.Name }

// Storage says where the device's keys are: in a TPM of software, or in a file.
func (d *Device) Storage() string {
	if d.chip == nil {
		return "no TPM: install swtpm for one"
	}
	return "software TPM"
}

// now is the time by the device's clock.
func (d *Device) now() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }

func (d *Device) where() string {
	if d.chip == nil {
		return agent.Software
	}
	return d.chip.Where()
}

// Serve switches the device on, has it join where it has not, calls ready, and serves until
// ctx ends. A device that can't join is served all the same: its lock screen says why.
func (d *Device) Serve(ctx context.Context, ready func(error)) error {
	if err := d.switchOn(ctx); err != nil {
		return err
	}
	web := &http.Server{
		Handler: d.Handler(), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(d.listener) }()
	ready(d.settle(ctx))
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = web.Close() // streams of pages would never drain
	}
	d.power.Lock()
	defer d.power.Unlock()
	d.over = true
	d.switchOff()
	return err
}

// Close lets go of what Open took.
func (d *Device) Close() error {
	err := d.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // Serve did
	}
	if d.chip != nil {
		err = errors.Join(err, d.chip.Close())
	}
	return err
}

// switchOn starts the agent and its lock screen. They end with ctx.
func (d *Device) switchOn(ctx context.Context) error {
	a, err := agent.Open(agent.Options{
		State: d.state(), TPM: d.where(), CA: d.o.CA, Now: d.now, Log: d.log, Dial: d.cable.dial, Version: d.o.Version,
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", d.o.Name, err)
	}
	ctx, stop := context.WithCancel(ctx)
	m := &machine{start: rand.Text(), agent: a, stop: stop, ended: make(chan struct{})}
	if m.screen, err = lockscreen.New(lockscreen.Options{Agent: a, Seat: seat{d}, Now: d.now, Log: d.log, Key: d.key}); err != nil {
		stop()
		return errors.Join(err, a.Close())
	}
	m.pages = m.screen.Handler()
	unwatch := a.Watch(func(c agent.Change) {
		if c == agent.DeviceEnded {
			go d.signOut("the server refuses this device") // watchers must not wait
		}
	})
	d.mu.Lock()
	d.on, d.session = m, nil
	d.mu.Unlock()
	go func() {
		defer close(m.ended)
		defer unwatch()
		_ = a.Run(ctx) // ends with ctx only
	}()
	return nil
}

// switchOff ends the agent, its lock screen and the session.
func (d *Device) switchOff() {
	d.mu.Lock()
	m := d.on
	d.on, d.session = nil, nil
	d.mu.Unlock()
	if m == nil {
		return
	}
	m.stop()
	<-m.ended
	m.screen.Close()
	if err := m.agent.Close(); err != nil {
		d.log.Warn("not closed", "err", err)
	}
}

// restart switches the device off and on again; between does what needs it to be off.
func (d *Device) restart(ctx context.Context, between func() error) error {
	d.power.Lock()
	defer d.power.Unlock()
	if d.over {
		return errOff
	}
	d.switchOff()
	return errors.Join(between(), d.switchOn(ctx))
}

// userName is the name of a person whom the device knows by their object id.
func (d *Device) userName(id string) string {
	m := d.machine()
	if m == nil {
		return ""
	}
	joined, err := m.agent.Device()
	if err != nil || joined.Accounts == nil {
		return ""
	}
	account, err := joined.Accounts.Find(id)
	if err != nil || account.ID != id {
		return ""
	}
	return account.UserName
}

func (d *Device) machine() *machine {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on
}

// settle has the device join if it has not, or can't be used as it is.
func (d *Device) settle(ctx context.Context) error {
	a := d.machine().agent
	joined, err := a.Device()
	if err == nil && joined.Identity().Server != d.o.Server { // the server moved to another port
		if err := a.Leave(ctx, true); err != nil {
			return err
		}
		return d.join(ctx)
	}
	if err == nil {
		err = a.Contact(ctx)
	}
	if err == nil || !errors.Is(err, identity.ErrNotJoined) && !errors.Is(err, tpm.ErrForeign) && a.Usable() == nil {
		return err
	}
	return d.join(ctx)
}

// join has the device join, or join again.
func (d *Device) join(ctx context.Context) error {
	m := d.machine()
	if m == nil {
		return errOff
	}
	err := m.agent.Join(ctx, agent.Join{
		Server: d.o.Server, UPN: d.o.Owner, DisplayName: d.o.Name, SignIn: agent.WithPass(d.o.Owner, d.o.Pass),
	})
	if err != nil {
		d.log.ErrorContext(ctx, "not joined", "err", err)
		return fmt.Errorf("%s can't join: %w", d.o.Name, err)
	}
	d.log.InfoContext(ctx, "the device has joined", "server", d.o.Server)
	return nil
}

var errOff = errors.New("the device is switched off")

// Package agent wires the device side together, as package server does for the server: the
// TPM, what the device keeps on its disk, the way to the server, people and their PINs. It
// reads from the top: open, join, run, leave. Front ends (PAM, the lock screen, NSS) ask the
// [Agent] who may sign in and how; they decide nothing. docs/agent.md is the administrator's
// page.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/agent/ticket"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// Options say where the agent keeps things. State and Log are required.
type Options struct {
	State string // folder that only its owner enters
	TPM   string // auto, device:FILE, unix:SOCKET or software; empty is auto
	CA    []byte // PEM, trusted beside the system's and the CA of the join
	// LocalPolicy is a file with the values of the machine's owner; it may be missing.
	LocalPolicy string
	Now         func() time.Time
	Log         *slog.Logger
	// Patience is how long a call waits for a server that is busy or away.
	Patience time.Duration
	// Dial is the machine's network; nil is the system's.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Version string // of the program
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TPM == "" {
		o.TPM = "auto"
	}
	return o
}

// client returns an HTTP client on the machine's network that trusts ca, in PEM.
func (o Options) client(ca []byte) (*http.Client, error) {
	c, err := link.Client(ca)
	if err != nil || o.Dial == nil {
		return c, err
	}
	if t, ok := c.Transport.(*http.Transport); ok {
		t.DialContext = o.Dial
	}
	return c, nil
}

// Software is the value of Options.TPM for a device that does without.
const Software = "software"

// Faults of the agent itself.
var (
	ErrRunning = &fault.Error{
		Kind: fault.Conflict, Code: "agentRunning",
		Text: "Another postern-agent works with this device's state.", Remedy: "Stop it, or use its commands status, leave and repair.",
	}
	ErrJoined = &fault.Error{
		Kind: fault.Conflict, Code: "deviceJoined",
		Text: "This device has joined an organisation already.", Remedy: "Run postern-agent leave first.",
	}
)

// Agent is the agent of one device. It is safe for concurrent use. Close it.
type Agent struct {
	options Options
	files   *disk.Dir
	lock    *flock.Flock
	Tickets *ticket.Box // hand-over from the lock screen to PAM

	mu      sync.RWMutex
	names   *names.Pins // nil when they can't be read: trouble says why
	device  *Device     // nil until the device has joined
	trouble error       // why a joined device can't be opened
	yielded *time.Timer // set while a join has the state
	changed chan struct{}

	watch     watchers
	pace      pace
	connected atomic.Bool

	unfinished unfinished
	elevations elevations
	work       sync.Mutex // one contact with the server, join or repair at a time
}

// Open opens the state of a device, joined or not. A joined device whose key can't be used is
// opened, too, so that repair can mend it: see Trouble.
func Open(o Options) (*Agent, error) {
	o = o.filled()
	files, err := disk.Open(o.State)
	if err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(o.State, ".lock"))
	if err := take(lock); err != nil {
		return nil, err
	}
	a := &Agent{
		options: o, files: files, lock: lock, changed: make(chan struct{}, 1),
		Tickets: newTickets(o.Now),
	}
	a.elevations.open(files)
	a.load()
	return a, nil
}

// lockFor is how long the state is waited for: commands that only look hold it for a moment.
const lockFor = 2 * time.Second

// take locks the state, or reports that another process keeps it.
func take(lock *flock.Flock) error {
	ctx, stop := context.WithTimeout(context.Background(), lockFor)
	defer stop()
	_, err := lock.TryLockContext(ctx, 20*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrRunning
	}
	if err != nil {
		return fmt.Errorf("lock the state: %w", err)
	}
	return nil
}

// load opens the device that the disk names.
func (a *Agent) load() {
	var d *Device
	pins, err := a.openNames()
	if err == nil {
		d, err = openDevice(a.options, a.files, pins)
	}
	a.mu.Lock()
	former := a.device
	a.device, a.trouble = d, err
	if errors.Is(err, identity.ErrNotJoined) {
		a.trouble = nil
	}
	a.mu.Unlock()
	if former != nil {
		former.close()
	}
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// openNames reads whose names and numbers are, which a join may have changed meanwhile.
func (a *Agent) openNames() (*names.Pins, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.names != nil {
		return a.names, a.names.Read()
	}
	var err error
	a.names, err = names.Open(a.files)
	return a.names, err
}

// Names is whose names and numbers are on this device.
func (a *Agent) Names() (*names.Pins, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.names == nil {
		return nil, a.trouble
	}
	return a.names, nil
}

// Device returns the device as it is joined, identity.ErrNotJoined, or why it can't be used.
func (a *Agent) Device() (*Device, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	switch {
	case a.device != nil:
		return a.device, nil
	case a.trouble != nil:
		return nil, a.trouble
	}
	return nil, identity.ErrNotJoined
}

// Close lets the TPM and the state go.
func (a *Agent) Close() error {
	a.elevations.close()
	a.mu.Lock()
	d := a.device
	a.device = nil
	a.mu.Unlock()
	if d != nil {
		d.close()
	}
	return a.lock.Unlock()
}

// yieldFor is how long a join may have the state: as long as people may take to sign in.
const yieldFor = browserTime + time.Minute

// Yield lets the state go, so that another process can join the device, until Resume or for a
// quarter of an hour.
func (a *Agent) Yield() error {
	a.work.Lock()
	defer a.work.Unlock()
	a.release()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.yielded != nil {
		a.yielded.Stop()
	}
	a.trouble = ErrYielded
	a.yielded = time.AfterFunc(yieldFor, func() { _ = a.Resume() }) // one that can't is told by Device
	return a.lock.Unlock()
}

// ErrYielded says that the device is being joined.
var ErrYielded = &fault.Error{
	Kind: fault.Unavailable, Code: "agentYielded",
	Text: "This device is being joined.", Remedy: "Wait until postern-agent join has ended.",
}

// Resume takes the state again, as the join left it.
func (a *Agent) Resume() error {
	a.work.Lock()
	defer a.work.Unlock()
	a.mu.Lock()
	was := a.yielded
	a.mu.Unlock()
	if was == nil {
		return nil
	}
	held, err := a.lock.TryLock()
	if err != nil || !held {
		was.Reset(time.Minute) // the join goes on
		return errors.Join(err, ErrRunning)
	}
	was.Stop()
	a.mu.Lock()
	a.yielded = nil
	a.mu.Unlock()
	a.load()
	a.watch.tell(DeviceChanged)
	return nil
}

// openTPM opens what where names; nil for a device that does without. auto, too, does
// without where there is none, unless the device has used one.
func openTPM(where string, used device.Storage) (*tpm.TPM, error) {
	if where == Software || used == device.Software {
		if used == device.TPM {
			return nil, tpm.ErrNone.With("", "The device's key is in a TPM, which --tpm software does without.")
		}
		return nil, nil //nolint:nilnil // a device without a TPM
	}
	chip, err := tpm.Open(where)
	if errors.Is(err, tpm.ErrNone) && where == "auto" && used == "" {
		return nil, nil //nolint:nilnil // see above
	}
	return chip, err
}

// server is an address without a slash at its end.
func server(address string) string { return strings.TrimRight(strings.TrimSpace(address), "/") }

// quietly runs f with what is left of ctx, and logs what goes wrong.
func (a *Agent) quietly(ctx context.Context, what string, f func(context.Context) error) {
	if err := f(ctx); err != nil && ctx.Err() == nil {
		a.options.Log.WarnContext(ctx, what, "err", err)
	}
}

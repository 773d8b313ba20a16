package virtual

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/fault"
)

// aheadBy is how far the bench moves the clock.
const aheadBy = 2 * time.Hour

// A blow is one way to break a device, or to mend what was broken.
type blow struct {
	Name  string // stable: in forms and addresses
	Icon  string
	Title string
	Hint  string
	do    func(*Device, context.Context) (said string, err error)
	shown func(*Device) bool // nil: always
}

// blows are what the bench offers, in its order.
var blows = []blow{
	{"wipe", "erase", "Wipe the PIN container", "As if set up anew", (*Device).wipe, nil},
	{"corrupt", "caution", "Corrupt the container", "Flips one byte", (*Device).corrupt, nil},
	{"unplug", "offline", "Unplug the network", "Until you plug it in", (*Device).unplug, func(d *Device) bool { return !d.cable.unplugged() }},
	{"plug", "network", "Plug the network in", "It is unplugged", (*Device).plug, func(d *Device) bool { return d.cable.unplugged() }},
	{"clear", "chip", "Clear the TPM", "All keys are gone; the device starts anew", (*Device).clear, func(d *Device) bool { return d.chip != nil }},
	{"ahead", "clock", "Move the clock", "Two hours ahead", (*Device).moveAhead, func(d *Device) bool { return d.ahead.Load() == 0 }},
	{"back", "clock", "Set the clock right", "It is two hours ahead", (*Device).moveBack, func(d *Device) bool { return d.ahead.Load() != 0 }},
	{"crash", "globe", "Crash the browser", "During web sign-in", (*Device).crash, nil},
	{"join", "device", "Join the device again", "It is not what the server knows", (*Device).joinAgain, (*Device).lost},
}

// Faults of the bench.
var (
	ErrNothingToBreak = &fault.Error{
		Kind: fault.Conflict, Code: "benchNoPIN",
		Text: "There is no PIN on this device yet.", Remedy: "Sign in and set one up first.",
	}
	ErrNoBrowser = &fault.Error{
		Kind: fault.Conflict, Code: "benchNoBrowser",
		Text: "No web sign-in is under way on this device.", Remedy: "Start one on the lock screen, then crash the browser from here.",
	}
)

// containers are the files of the PINs on the device.
func (d *Device) containers() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(d.state(), "containers", "*.json"))
	if err == nil && len(files) == 0 {
		err = ErrNothingToBreak
	}
	return files, err
}

func (d *Device) wipe(context.Context) (string, error) {
	files, err := d.containers()
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	return "The PIN container was wiped", err
}

// corrupt flips the first byte: what follows is no container any more.
func (d *Device) corrupt(context.Context) (string, error) {
	files, err := d.containers()
	for _, file := range files {
		err = errors.Join(err, flip(file))
	}
	return "One byte of the PIN container was flipped", err
}

func flip(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	one := make([]byte, 1)
	_, err = f.ReadAt(one, 0)
	if err == nil {
		one[0] ^= 0xff
		_, err = f.WriteAt(one, 0)
	}
	return errors.Join(err, f.Close())
}

func (d *Device) unplug(context.Context) (string, error) {
	d.cable.unplug()
	return "The network was unplugged", nil
}

func (d *Device) plug(context.Context) (string, error) {
	d.cable.plug()
	return "The network was plugged in", nil
}

// clear does as the firmware does: the TPM forgets all, while the machine is off.
func (d *Device) clear(ctx context.Context) (string, error) {
	// The machine that starts anew lives on after this request.
	ctx = context.WithoutCancel(ctx)
	return "The TPM was cleared, and the device restarted", d.restart(ctx, d.chip.Clear)
}

func (d *Device) moveAhead(context.Context) (string, error) {
	d.ahead.Store(int64(aheadBy))
	return fmt.Sprintf("The clock was moved %.0f hours ahead", aheadBy.Hours()), nil
}

func (d *Device) moveBack(context.Context) (string, error) {
	d.ahead.Store(0)
	return "The clock was set right", nil
}

// crash ends the browser of web sign-in, as if it had stopped. What it still sends is the
// answer to nothing.
func (d *Device) crash(context.Context) (string, error) {
	m := d.machine()
	if m == nil {
		return "", errOff
	}
	if !d.showing() {
		return "", ErrNoBrowser
	}
	m.screen.Crashed(errCrashed)
	return "The sign-in browser was crashed", nil
}

var errCrashed = errors.New("crashed on the test bench")

// lost reports whether the device has to join again before anybody can use it.
func (d *Device) lost() bool {
	m := d.machine()
	if m == nil {
		return false
	}
	joined, err := m.agent.Device()
	if err != nil {
		return errors.Is(err, identity.ErrNotJoined) || errors.Is(err, identity.ErrBroken)
	}
	return joined.Identity().Ended != "" || joined.CheckKey() != nil
}

func (d *Device) joinAgain(ctx context.Context) (string, error) {
	return "The device joined again", d.join(ctx)
}

// errBench says that something could not be broken, for reasons that the log has.
var errBench = &fault.Error{Kind: fault.Unavailable, Code: "benchFailed", Text: "That did not work.", Remedy: "See what the agent says."}

// faultOf is err as the page may say it.
func faultOf(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return errBench
}

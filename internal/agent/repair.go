package agent

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// Repairs is what repair found, part by part, up to the first that it could not mend.
type Repairs struct {
	OK    bool     `json:"ok"` // all parts work now
	Parts []Repair `json:"parts"`
}

// Repair is one part of the device.
type Repair struct {
	Part   string `json:"part"`  // tpm, container, registration, policy or clock
	State  Mended `json:"state"` // how it is now
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what a person has to do
	// Stable names of what Detail and Fix say, for who says it in another language: those of
	// findings, of fixes, and codes of faults. Empty where there is none.
	Code    string `json:"code,omitempty"`
	FixCode string `json:"fixCode,omitempty"`
}

// A sentence is one that repair says, by its stable name.
type sentence struct{ code, text string }

// What a person may have to do.
var (
	joinAnew  = sentence{"joinAnew", "Run postern-agent join: it makes a new key, and people set up new PINs."}
	joinAgain = sentence{"joinAgain", "Run postern-agent join."}
	checkDisk = sentence{"checkDisk", "Check the disk."}
	newPIN    = sentence{"newPIN", "Sign in by web sign-in and set up a new PIN."}
	setClock  = sentence{"setClock", clockFix}
	asItSays  = sentence{} // what the error says
)

// Mended says how a part is.
type Mended string

// The states of a part.
const (
	Sound  Mended = "sound"
	Fixed  Mended = "fixed"
	Broken Mended = "broken"
)

// Repair finds the first broken part among TPM, container, registration, policy and clock,
// and mends it, then looks on. What needs a person it says, and stops there: what comes after
// can't be judged before.
func (a *Agent) Repair(ctx context.Context) (Repairs, error) {
	a.work.Lock()
	defer a.work.Unlock()
	if _, err := a.Device(); err != nil && !errors.Is(err, identity.ErrNotJoined) {
		a.load() // a TPM that was away may be back
	}
	if _, err := a.Device(); errors.Is(err, identity.ErrNotJoined) || errors.Is(err, identity.ErrBroken) {
		return Repairs{}, err
	}
	out := Repairs{OK: true}
	for _, part := range []struct {
		name string
		mend func(context.Context, *Agent) Repair
	}{
		{"tpm", mendTPM}, {"container", mendContainers}, {"registration", mendRegistration}, {"policy", mendPolicy}, {"clock", mendClock},
	} {
		r := part.mend(ctx, a)
		r.Part = part.name
		out.Parts = append(out.Parts, r)
		if r.State == Fixed {
			a.options.Log.InfoContext(ctx, "repaired", "part", r.Part, "detail", r.Detail)
		}
		if r.State == Broken {
			out.OK = false
			break
		}
	}
	a.watch.tell(DeviceChanged)
	return out, nil
}

func sound(code, detail string) Repair { return Repair{State: Sound, Code: code, Detail: detail} }

func fixed(code, detail string, then sentence) Repair {
	return Repair{State: Fixed, Code: code, Detail: detail, FixCode: then.code, Fix: then.text}
}

// broken tells what a person has to do; fix is for errors that do not say it.
func broken(err error, fix sentence) Repair {
	r := Repair{State: Broken, Detail: err.Error(), Fix: fix.text, FixCode: fix.code}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		r.Detail, r.Code = f.Text, f.Code
		if f.Remedy != "" && fix == asItSays {
			r.Fix, r.FixCode = f.Remedy, f.Code
		}
	}
	return r
}

func mendTPM(_ context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, asItSays)
	}
	if d.chip == nil {
		return sound("noTPM", "This device does without a TPM.")
	}
	if err := d.chip.Holds(d.Identity().Key); err != nil {
		return broken(err, joinAnew)
	}
	return sound("tpmWorks", "The TPM works and holds the device's key.")
}

// mendContainers drops PINs that can never open again: a file that can't be read, a counter
// that is gone, a key of another TPM. Web sign-in, then a new PIN, is the way on.
func mendContainers(ctx context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, asItSays)
	}
	users, err := d.PINs.Containers.Users()
	if err != nil {
		return broken(err, checkDisk)
	}
	dropped := 0
	for _, user := range users {
		err := d.checkContainer(user)
		if err == nil {
			continue
		}
		if !errors.Is(err, container.ErrBroken) && !errors.Is(err, tpm.ErrForeign) {
			return broken(err, asItSays)
		}
		if err := d.PINs.Forget(ctx, user); err != nil {
			return broken(err, asItSays)
		}
		dropped++
		a.watch.tell(PINChanged)
	}
	if dropped > 0 {
		return fixed("pinRemoved", "A damaged PIN was removed.", newPIN)
	}
	return sound("pinsWork", "Every PIN can be used.")
}

func (d *Device) checkContainer(user string) error {
	c, err := d.PINs.Containers.Find(user)
	if err != nil {
		return err
	}
	if _, _, err := d.PINs.Containers.Left(c); err != nil {
		return err
	}
	return d.PINs.Containers.Holds(c)
}

// mendRegistration has the server look at the device, and renews a certificate that ended.
func mendRegistration(ctx context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, asItSays)
	}
	_, err = d.Link.Policy(ctx, "")
	switch {
	case errors.Is(err, directory.ErrDeviceDisabled), errors.Is(err, directory.ErrDevicePending), errors.Is(err, directory.ErrDeviceRefused):
		return broken(errors.Join(err, a.end(ctx, d, err)), asItSays)
	case refusedDevice(err):
		return broken(errors.Join(err, a.end(ctx, d, err)), joinAgain)
	case err != nil:
		return broken(err, asItSays)
	}
	mended := false
	if d.Identity().Ended != "" {
		if err := d.change(func(i *identity.Identity) { i.Ended = "" }); err != nil {
			return broken(err, checkDisk)
		}
		mended = true
	}
	if a.options.Now().After(d.Identity().CertificateEnds()) || certifies(d.Identity().Certificate, d.Identity(), d.chip) != nil {
		if err := d.change(func(i *identity.Identity) { i.RenewAt = time.Time{} }); err != nil {
			return broken(err, checkDisk)
		}
		mended = true
	}
	if err := a.renew(ctx, d); err != nil {
		return broken(err, asItSays)
	}
	if mended {
		return fixed("deviceTaken", "The server takes this device again.", sentence{})
	}
	return sound("deviceKnown", "The server knows this device.")
}

func mendPolicy(ctx context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, asItSays)
	}
	d.mu.RLock()
	trouble := d.policyTrouble
	d.mu.RUnlock()
	if err := a.readPolicy(ctx, d); err != nil {
		return broken(err, asItSays)
	}
	if trouble != nil {
		return fixed("policyFetched", "The policy was fetched anew.", sentence{})
	}
	return sound("policySigned", "The policy is the one that the server signed.")
}

func mendClock(_ context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, asItSays)
	}
	if off := d.Link.Offset().Abs(); off > 5*time.Minute {
		return Repair{
			State: Broken, Code: "clockOff", Detail: "The clock is " + off.Round(time.Second).String() + " off the server's.",
			Fix: setClock.text, FixCode: setClock.code,
		}
	}
	return sound("clockRight", "The clock is that of the server.")
}

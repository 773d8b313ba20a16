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
}

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

func sound(detail string) Repair { return Repair{State: Sound, Detail: detail} }

// broken tells what a person has to do; fix is for errors that do not say it.
func broken(err error, fix string) Repair {
	r := Repair{State: Broken, Detail: err.Error(), Fix: fix}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		r.Detail = f.Text
		if f.Remedy != "" && fix == "" {
			r.Fix = f.Remedy
		}
	}
	return r
}

func mendTPM(_ context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, "")
	}
	if d.chip == nil {
		return sound("This device does without a TPM.")
	}
	if err := d.chip.Holds(d.Identity().Key); err != nil {
		return broken(err, "Run postern-agent join: it makes a new key, and people set up new PINs.")
	}
	return sound("The TPM works and holds the device's key.")
}

// mendContainers drops PINs that can never open again: a file that can't be read, a counter
// that is gone, a key of another TPM. Web sign-in, then a new PIN, is the way on.
func mendContainers(ctx context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, "")
	}
	users, err := d.PINs.Containers.Users()
	if err != nil {
		return broken(err, "Check the disk.")
	}
	dropped := 0
	for _, user := range users {
		err := d.checkContainer(user)
		if err == nil {
			continue
		}
		if !errors.Is(err, container.ErrBroken) && !errors.Is(err, tpm.ErrForeign) {
			return broken(err, "")
		}
		if err := d.PINs.Forget(ctx, user); err != nil {
			return broken(err, "")
		}
		dropped++
		a.watch.tell(PINChanged)
	}
	if dropped > 0 {
		return Repair{State: Fixed, Detail: "A damaged PIN was removed.", Fix: "Sign in by web sign-in and set up a new PIN."}
	}
	return sound("Every PIN can be used.")
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
		return broken(err, "")
	}
	_, err = d.Link.Policy(ctx, "")
	switch {
	case errors.Is(err, directory.ErrDeviceDisabled), errors.Is(err, directory.ErrDevicePending), errors.Is(err, directory.ErrDeviceRefused):
		return broken(errors.Join(err, a.end(ctx, d, err)), "")
	case refusedDevice(err):
		return broken(errors.Join(err, a.end(ctx, d, err)), "Run postern-agent join.")
	case err != nil:
		return broken(err, "")
	}
	mended := false
	if d.Identity().Ended != "" {
		if err := d.change(func(i *identity.Identity) { i.Ended = "" }); err != nil {
			return broken(err, "Check the disk.")
		}
		mended = true
	}
	if a.options.Now().After(d.Identity().CertificateEnds()) || certifies(d.Identity().Certificate, d.Identity(), d.chip) != nil {
		if err := d.change(func(i *identity.Identity) { i.RenewAt = time.Time{} }); err != nil {
			return broken(err, "Check the disk.")
		}
		mended = true
	}
	if err := a.renew(ctx, d); err != nil {
		return broken(err, "")
	}
	if mended {
		return Repair{State: Fixed, Detail: "The server takes this device again."}
	}
	return sound("The server knows this device.")
}

func mendPolicy(ctx context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, "")
	}
	d.mu.RLock()
	trouble := d.policyTrouble
	d.mu.RUnlock()
	if err := a.readPolicy(ctx, d); err != nil {
		return broken(err, "")
	}
	if trouble != nil {
		return Repair{State: Fixed, Detail: "The policy was fetched anew."}
	}
	return sound("The policy is the one that the server signed.")
}

func mendClock(_ context.Context, a *Agent) Repair {
	d, err := a.Device()
	if err != nil {
		return broken(err, "")
	}
	if off := d.Link.Offset().Abs(); off > 5*time.Minute {
		return Repair{State: Broken, Detail: "The clock is " + off.Round(time.Second).String() + " off the server's.", Fix: clockFix}
	}
	return sound("The clock is that of the server.")
}

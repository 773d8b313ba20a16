package agent

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/agent/accounts"
	"github.com/postern-id/postern/internal/agent/habits"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/policy"
)

// Leave takes the device out of the organisation, there and here: PINs, policy, accounts,
// key. When the server can't be reached nothing changes, unless force says that the device
// is to be forgotten here all the same.
func (a *Agent) Leave(ctx context.Context, force bool) error {
	a.work.Lock()
	defer a.work.Unlock()
	d, err := a.Device()
	if errors.Is(err, identity.ErrNotJoined) || err != nil && !force {
		return err
	}
	if d != nil {
		err := d.Link.Leave(ctx)
		if err != nil && !refusedDevice(err) && !force {
			return err
		}
		a.dropPINs(ctx, d)
	}
	a.release()
	err = errors.Join(policy.Forget(a.files), a.files.Remove(markFile), accounts.Forget(a.files), habits.Forget(a.files))
	if err == nil {
		err = identity.Forget(a.files) // last: until then leave can be done again
	}
	a.load()
	a.watch.tell(DeviceEnded)
	return err
}

// dropPINs gives the TPM's memory back. The server has forgotten the PINs with the device.
func (a *Agent) dropPINs(ctx context.Context, d *Device) {
	users, err := d.PINs.Containers.Users()
	if err != nil {
		a.options.Log.WarnContext(ctx, "PINs not removed", "err", err)
	}
	for _, user := range users {
		a.quietly(ctx, "PIN not removed", func(ctx context.Context) error { return d.PINs.Forget(ctx, user) })
	}
}

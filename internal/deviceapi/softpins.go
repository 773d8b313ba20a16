package deviceapi

import (
	"net/http"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
)

// tryPIN serves POST /device/v1/{tenant}/containers/{id}/try: a PIN was typed at a device
// without a TPM. Nobody has signed in yet: the device asks, and each try counts.
func (a *API) tryPIN(c *call) (int, any, error) {
	var in device.TryRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	id := c.Request.PathValue("id")
	box, err := a.PINs.Store.Container(c.Context(), c.Tenant.ID, id)
	if err == nil && box.Device != c.device.ID {
		err = hello.ErrNone
	}
	if err != nil {
		return 0, nil, err
	}
	settings, err := a.effective(c.Context(), c.device, box.User)
	if err != nil {
		return 0, nil, err
	}
	tried, shares, err := a.PINs.Try(c.Context(), c.device, pinSettings(settings), id, in.Verifier, in.Next, func(box hello.Container) audit.Event {
		return a.pinEvent(c, directory.User{ID: box.User}, box, audit.Change{
			Activity: audit.PINStopped, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		})
	})
	return http.StatusOK, device.TryAnswer{Right: tried.Right, Share: shares.Present, Next: shares.Next, Left: tried.Left}, err
}

// releasePIN serves POST /device/v1/{tenant}/containers/{id}/release: the recovery secret of a
// forgotten PIN, for a device without a TPM.
func (a *API) releasePIN(c *call) (int, any, error) {
	var in device.ReleaseRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	r, err := a.pinRequest(c)
	if err != nil {
		return 0, nil, err
	}
	sealed, err := a.PINs.Recover(c.Context(), r, c.Request.PathValue("id"), hello.Recovery{Sealed: in.Sealed, To: in.To, Next: in.Next},
		func(what hello.Reset) audit.Event { return a.resetEvent(c, what) })
	return http.StatusOK, device.ReleaseAnswer{Sealed: sealed}, err
}

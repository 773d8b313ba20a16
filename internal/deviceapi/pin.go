package deviceapi

import (
	"net/http"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/method/hello"
)

// pin serves GET /device/v1/{tenant}/containers/{id}: whether a PIN of this device still
// counts, and which key is behind it. A device asks after it was not connected, before anybody
// types it offline, and when it does not know whether the server took a new key.
func (a *API) pin(c *call) (int, any, error) {
	box, err := a.PINs.Store.Container(c.Context(), c.Tenant.ID, c.Request.PathValue("id"))
	if err == nil && (box.Device != c.device.ID || box.Method == "") {
		err = hello.ErrNone
	}
	return http.StatusOK, device.KeyAnswer{MethodID: box.Method, Key: box.Key}, err
}

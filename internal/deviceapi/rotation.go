package deviceapi

import (
	"net/http"
	"strconv"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey"
)

// beginRotation serves POST /device/v1/{tenant}/containers/{id}/rotation: what the key is made
// from that takes the place of one under a former root.
func (a *API) beginRotation(c *call) (int, any, error) {
	r, err := a.pinRequest(c)
	if err != nil {
		return 0, nil, err
	}
	box, reset, share, err := a.PINs.BeginRotation(c.Context(), r, c.Request.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	out, err := a.madeFrom(c, box, reset)
	out.Share = share
	return http.StatusCreated, out, err
}

// rotatePIN serves PUT /device/v1/{tenant}/containers/{id}/rotation: the new key, for which the
// former one stands.
func (a *API) rotatePIN(c *call) (int, any, error) {
	var in device.RotateRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	r, err := a.pinRequest(c)
	if err != nil {
		return 0, nil, err
	}
	next := hello.Successor{
		Creation: pinkey.Creation{Public: in.Public, CertifyInfo: in.CertifyInfo, Signature: in.Signature}, By: in.By,
	}
	if in.Guard != nil {
		next.Software = &hello.SoftwareKey{Public: in.Public, Proof: in.Signature, Guard: *in.Guard}
	}
	box, err := a.PINs.Rotate(c.Context(), r, c.Request.PathValue("id"), next, func(former, now hello.Container) audit.Event {
		e := a.pinEvent(c, r.User, now, audit.Change{
			Activity: audit.PINKeyReplaced, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
			ResultReason: "The root of its reset key was replaced",
		})
		e.Change.Details = append(e.Change.Details,
			audit.KeyValue{Key: "Former reset version", Value: strconv.Itoa(former.Version)},
			audit.KeyValue{Key: "Reset version", Value: strconv.Itoa(now.Version)})
		return e
	})
	return http.StatusOK, device.KeyAnswer{MethodID: box.Method}, err
}

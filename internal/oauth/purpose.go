package oauth

import (
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/signin"
)

// fitsPurpose reports oautherr.ErrPurpose when the session of a pass for one purpose is no answer to q. It is one
// to nothing but the request that the device of the purpose pushed, signed by its own key, to
// which the code is bound: then the tokens are worth nothing elsewhere (docs/threat-model.md, rule 6).
func fitsPurpose(session signin.Session, q authRequest, protocol string) error {
	if session.Purpose == "" {
		return nil
	}
	f := Family{Protocol: protocol}
	same := q.Device != nil && session.Device != nil && q.Device.ID == session.Device.ID
	if !same || f.byDeviceCode() || q.Thumbprint == "" || !session.Purpose.Fits(q.Client, q.Device) {
		return oautherr.ErrPurpose
	}
	return nil
}

// fitsKey reports oautherr.ErrPurpose when a grant of a family with a purpose is not bound to the key of
// the purpose's device.
func fitsKey(f Family, g Grant) error {
	if f.Purpose != "" && (!f.DeviceProved || g.Thumbprint == "" || f.byDeviceCode() || !f.Purpose.Fits(f.App, f.Device)) {
		return oautherr.ErrPurpose
	}
	return nil
}

package graph

import (
	"errors"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
)

// passPurpose reads what a pass is to be for: general, registerMethods, or signIn or resetPin on
// one device, which is there and switched on.
func (a *API) passPurpose(c *call, body *odata.Object, in *tap.Request) error {
	var kind, device string
	body.String("postern_purpose", &kind)
	body.String("postern_deviceId", &device)
	if kind == general {
		kind = ""
	}
	in.Purpose = tap.Purpose(kind)
	switch {
	case in.Purpose != in.Purpose.Kind(): // its device goes into a property of its own
		return tap.ErrPurpose
	case device == "":
		return nil // tap.Decide says whether there can be such a pass
	}
	d, err := a.Store.DeviceByDeviceID(c.ctx(), c.tenant.ID, strings.ToLower(device))
	if errors.Is(err, directory.ErrDeviceUnknown) || err == nil && d.Usable() != nil {
		return tap.ErrPurpose.With("postern_deviceId", "There is no such device, or it is switched off or waits for approval.")
	}
	in.Purpose, in.Device = in.Purpose.On(d.DeviceID), d.DisplayName
	return err
}

// general is the purpose of a pass for any sign-in, in Graph's manner of naming it.
const general = "general"

// purposeName is the kind of p as it is read.
func purposeName(p tap.Purpose) string {
	if p == "" {
		return general
	}
	return string(p.Kind())
}

// purposeChange is what the event of a new pass says of its purpose.
func purposeChange(p tap.Pass) []audit.ModifiedProperty {
	if p.Purpose == "" {
		return nil
	}
	all := []audit.ModifiedProperty{{DisplayName: "postern_purpose", OldValue: "[]", NewValue: quoted(string(p.Purpose.Kind()))}}
	if id := p.Purpose.DeviceID(); id != "" {
		all = append(all, audit.ModifiedProperty{DisplayName: "postern_deviceId", OldValue: "[]", NewValue: quoted(id)})
	}
	return all
}

package devices

import (
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrNameTyped says that a name that was to be typed is another one.
var ErrNameTyped = &fault.Error{
	Kind: fault.Invalid, Code: "consoleNameTyped",
	Text: "That is not the name of what would be deleted.", Remedy: "Type it as it is shown.",
}

// deeds are what can be done with a device, with the action that each takes.
var deeds = map[string]struct {
	action string
	change graphclient.Object // nil deletes
}{
	"approve":    {"approveDevice", graphclient.Object{"postern_approvalState": "approved"}},
	"refuse":     {"approveDevice", graphclient.Object{"postern_approvalState": "refused"}},
	"switch-on":  {"switchDevice", graphclient.Object{"accountEnabled": true}},
	"switch-off": {"switchDevice", graphclient.Object{"accountEnabled": false}},
	"rename":     {"updateDevice", graphclient.Object{}},
	"delete":     {"deleteDevice", nil},
}

type deedPage struct { // deed.html
	console.Frame
	Deed    string
	Device  device
	Guests  []guest
	Crowded bool
	Typed   string
}

// File implements console.Page.
func (deedPage) File() string { return "deed.html" }

// Harms reports whether the deed takes something away.
func (p deedPage) Harms() bool {
	return p.Deed == "refuse" || p.Deed == "switch-off" || p.Deed == "delete"
}

// deedOf reads what is to be done with which device.
func deedOf(c *console.Call) (deedPage, error) {
	p := deedPage{Frame: c.Frame("devices"), Deed: c.R.PathValue("deed")}
	deed, ok := deeds[p.Deed]
	if !ok {
		return p, console.ErrNowhere
	}
	if !c.May(deed.action) {
		return p, console.ErrNotYours
	}
	o, err := c.Graph.OwnDevice(c.Context(), c.R.PathValue("id"))
	if err != nil {
		return p, err
	}
	p.Device = deviceOf(o)
	if p.Deed == "rename" {
		p.Typed = o.Text("displayName")
	}
	p.Guests, p.Crowded, err = guestsOf(c, p.Device.Text("id"), nil)
	return p, err
}

// askDeed says what will happen, before it does.
func askDeed(c *console.Call) error {
	p, err := deedOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

func doDeed(c *console.Call) error {
	p, err := deedOf(c)
	if err != nil {
		return err
	}
	id, change := p.Device.Text("id"), deeds[p.Deed].change
	switch p.Typed = c.Form("name"); {
	case p.Deed == "rename":
		err = c.Graph.UpdateDevice(c.Context(), id, graphclient.Object{"displayName": p.Typed})
	case change != nil:
		err = c.Graph.UpdateDevice(c.Context(), id, change)
	case !console.SameName(p.Typed, p.Device.Text("displayName")):
		err = ErrNameTyped
	default:
		err = c.Graph.DeleteDevice(c.Context(), id)
	}
	if err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		return c.Show(http.StatusBadRequest, p)
	}
	if p.Deed == "delete" {
		return c.Go(root, "device_delete")
	}
	return c.Go(root+"/"+id, "device_"+p.Deed)
}

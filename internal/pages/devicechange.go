package pages

import (
	"slices"

	"github.com/postern-id/postern/internal/audit"
)

// pinRemovals are why PINs go.
var pinRemovals = []string{audit.ReasonUserDeletedHello, audit.ReasonAdminDeletedHello, audit.ReasonDeviceDeletedHello}

// deviceChange returns the key of the words for a change of a person's PINs and devices, or "".
func deviceChange(c *audit.Change) string {
	switch {
	case c.Result == audit.Failure:
		return ""
	case c.Activity == audit.PINReset:
		return "change_pin_reset"
	case c.Activity == audit.PINKeyReplaced:
		return "change_pin_key"
	case c.Activity == audit.PINStopped:
		return "change_pin_stopped"
	case c.Activity == audit.RegisterDevice:
		return "change_device_joined"
	case c.ResultReason == audit.ReasonUserRegisteredHello:
		return "change_pin_set"
	case slices.Contains(pinRemovals, c.ResultReason):
		return "change_pin_removed"
	}
	return ""
}

// deviceName returns what the device of a change is called, or "".
func deviceName(c *audit.Change) string {
	for _, t := range c.Targets {
		if t.Type == audit.TargetDevice {
			return t.DisplayName
		}
	}
	return ""
}

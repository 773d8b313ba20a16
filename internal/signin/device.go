package signin

import (
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// A Device is the joined device at whose lock screen or console a person signs in. It is
// known by a proof of its key and by nothing else: what a browser says of itself is a claim.
type Device struct {
	ID              directory.DeviceObjectID `json:"id"`
	DeviceID        string                   `json:"deviceId"`
	DisplayName     string                   `json:"displayName"`
	OperatingSystem string                   `json:"operatingSystem"`
	TrustType       directory.TrustType      `json:"trustType"`
	// TriesKeys says that its agent makes keys on trial in drills.
	TriesKeys bool `json:"triesKeys,omitempty"`
}

// DeviceOf returns what a sign-in keeps of a device.
func DeviceOf(d directory.Device) *Device {
	return &Device{ID: d.ID, DeviceID: d.DeviceID, DisplayName: d.DisplayName, OperatingSystem: d.OperatingSystem, TrustType: d.TrustType}
}

// Name is the display name of d, empty for none.
func (d *Device) Name() string {
	if d == nil {
		return ""
	}
	return d.DisplayName
}

// Surface says where a sign-in is shown.
type Surface string

// The surfaces.
const (
	SurfaceBrowser     Surface = "browser"
	SurfaceLockScreen  Surface = "lockScreen"  // of a joined device
	SurfaceTextConsole Surface = "textConsole" // of a device, joined or about to
	SurfaceConsole     Surface = "console"     // a browser, for the administrators' console
)

// Surface returns where t is shown.
func (t Transaction) Surface() Surface {
	switch {
	case t.Text:
		return SurfaceTextConsole
	case t.Device != nil:
		return SurfaceLockScreen
	}
	return SurfaceOf(t.Application.ID)
}

// SurfaceOf is the surface of an application in a browser.
func SurfaceOf(app directory.AppID) Surface {
	if app == directory.ConsoleAppID {
		return SurfaceConsole
	}
	return SurfaceBrowser
}

// Describe puts d into a sign-in event; nil leaves the event as it is.
func (d *Device) Describe(in *audit.SignIn) {
	if d == nil {
		return
	}
	in.DeviceID, in.DeviceDisplayName, in.DeviceTrustType = d.DeviceID, d.DisplayName, string(d.TrustType)
	in.OperatingSystem = d.OperatingSystem
}

package signin

import (
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// A Purpose limits what a Temporary Access Pass is for, and with it the proof, the session and
// every token that come from it; empty means any sign-in. It is registerMethods, or signIn or
// resetPin and the id of one device:
//
//	registerMethods
//	signIn:1f0c8a3e-…
//	resetPin:1f0c8a3e-…
//
// What it is for is decided here alone. A purpose that this program does not know is for nothing.
type Purpose string

// The kinds of purpose.
const (
	RegisterMethods Purpose = "registerMethods"
	SignIn          Purpose = "signIn"   // on one device
	ResetPIN        Purpose = "resetPin" // on one device
)

// On is p on a device.
func (p Purpose) On(deviceID string) Purpose { return p + ":" + Purpose(deviceID) }

// Kind is p without its device.
func (p Purpose) Kind() Purpose {
	kind, _, _ := strings.Cut(string(p), ":")
	return Purpose(kind)
}

// DeviceID is the device of p, or empty.
func (p Purpose) DeviceID() string {
	_, device, _ := strings.Cut(string(p), ":")
	return device
}

// Valid reports whether p is empty or a purpose that there is.
func (p Purpose) Valid() bool {
	switch p.Kind() {
	case "", RegisterMethods:
		return p == p.Kind()
	case SignIn, ResetPIN:
		id, err := uuid.Parse(p.DeviceID())
		return err == nil && id.String() == p.DeviceID()
	}
	return false
}

// Fits reports whether a sign-in to app may be proved with p, and go on in a session of it. device
// is the joined device whose key proved the request, or nil: what a browser says of itself
// counts for nothing (docs/threat-model.md, rule 6).
func (p Purpose) Fits(app directory.AppID, device *Device) bool {
	switch {
	case p == "":
		return true
	case !p.Valid():
		return false
	case p == RegisterMethods:
		return app == directory.PagesAppID && device == nil
	}
	return app == directory.AgentAppID && device != nil && device.DeviceID == p.DeviceID()
}

// Registers reports whether methods may be added in a session of p.
func (p Purpose) Registers() bool { return p == "" || p == RegisterMethods }

// SetsPIN reports whether the PIN of a device may be set up or reset in a session of p there.
func (p Purpose) SetsPIN(device *Device) bool {
	return p == "" || p.Kind() == ResetPIN && p.Fits(directory.AgentAppID, device)
}

// fits reports whether every proof of t may be used for what t is.
func (t Transaction) fits() bool {
	for _, p := range t.Proofs {
		if !p.Purpose.Fits(t.Application.ID, t.Device) {
			return false
		}
	}
	return true
}

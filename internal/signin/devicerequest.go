package signin

import "time"

// A DeviceRequest is what a person is asked to approve for another device (RFC 8628
// section 3.3). All that the device said of itself is a claim.
type DeviceRequest struct {
	Application string
	Device      string // what asks, by its own account; may be empty
	Address     string // IP address that asks
	EndsAt      time.Time
	Username    string // account that would be signed in
	AskNumber   bool   // the person copies the number that the device shows
	Joins       bool   // the device is to join
}

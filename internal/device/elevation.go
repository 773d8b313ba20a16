package device

import (
	"regexp"
	"slices"
	"time"
)

// Elevations are what POST …/elevations brings: administrator rights that the device gave. The
// same one may be brought again.
type Elevations struct {
	Elevations []Elevation `json:"elevations"` // MostElevations at most
}

// MostElevations is how many come in one request.
const MostElevations = 100

// An Elevation is one proof for administrator rights on the device.
type Elevation struct {
	ID      string    `json:"id"`      // UUID; also the correlation id of the sign-in that proved it, if it was online
	User    string    `json:"user"`    // object id
	Service string    `json:"service"` // of PAM, such as sudo
	By      string    `json:"by"`      // one of ElevatedBy
	TTY     string    `json:"tty,omitempty"`
	At      time.Time `json:"at"` // by the device's clock
	Offline bool      `json:"offline,omitempty"`
}

// ElevatedBy are the proofs that give administrator rights.
var ElevatedBy = []string{"pin", "pass"}

// plain is what a service or a terminal may be called in the server's log.
var plain = regexp.MustCompile(`^[A-Za-z0-9@._:/?-]{0,64}$`)

// Valid reports whether e can stand in the server's log.
func (e Elevation) Valid() bool {
	return plain.MatchString(e.Service) && plain.MatchString(e.TTY) && slices.Contains(ElevatedBy, e.By)
}

// Cleaned is e without what programs say of themselves in a form that can't.
func (e Elevation) Cleaned() Elevation {
	for _, text := range []*string{&e.Service, &e.TTY} {
		if !plain.MatchString(*text) {
			*text = "?"
		}
	}
	return e
}

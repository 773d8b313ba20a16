package report

import (
	"strings"
	"time"
)

// A PersonFacts is what matters of a person to the census.
type PersonFacts struct {
	Enabled       bool
	Administrator bool // holds a role, directly or through a group
	Ways          int  // back in, without anybody's help
}

// How many ways back in somebody has.
const (
	NoWay    = "none"
	OneWay   = "one"
	MoreWays = "more"

	administrator = ".admin"
)

// State is that of the person; those who can't sign in anyway are not counted.
func (f PersonFacts) State() State {
	if !f.Enabled {
		return ""
	}
	state := MoreWays
	switch {
	case f.Ways <= 0:
		state = NoWay
	case f.Ways == 1:
		state = OneWay
	}
	if f.Administrator {
		state += administrator
	}
	return State(state)
}

// Ways returns how many ways people in s have, and whether they are administrators.
func (s State) Ways() (ways string, admin bool) { return strings.CutSuffix(string(s), administrator) }

// PeopleStates are all states of people who have so many ways, in the order of lists.
func PeopleStates(ways string) []State { return []State{State(ways + administrator), State(ways)} }

// StaleAfter is how long after it was seen last a device counts as stale.
const StaleAfter = 14 * 24 * time.Hour

// A DeviceFacts is what matters of a device to the census.
type DeviceFacts struct {
	Trust       string // trustType
	Enabled     bool
	Pending     bool
	Refused     bool
	SeenAt      time.Time
	Broken      bool // its agent says that something fails
	NoWebSignIn bool // its agent says that web sign-in does not show
}

// How a device is, worst first.
const (
	DeviceOff         = "off" // switched off or refused
	DevicePending     = "pending"
	DeviceStale       = "stale"
	DeviceNoWebSignIn = "noWebSignIn"
	DeviceBroken      = "broken"
	DeviceReady       = "ready"
)

// DeviceHealths are all of them, best first.
var DeviceHealths = []string{DeviceReady, DeviceBroken, DeviceNoWebSignIn, DeviceStale, DevicePending, DeviceOff}

// TrustTypes are how devices belong to the tenant, as in Graph.
var TrustTypes = []string{"AzureAd", "ServerAd", "Workplace"}

// State is that of the device at now.
func (f DeviceFacts) State(now time.Time) State {
	health := DeviceReady
	switch {
	case !f.Enabled, f.Refused:
		health = DeviceOff
	case f.Pending:
		health = DevicePending
	case now.Sub(f.SeenAt) > StaleAfter:
		health = DeviceStale
	case f.NoWebSignIn:
		health = DeviceNoWebSignIn
	case f.Broken:
		health = DeviceBroken
	}
	return State(health + "." + f.Trust)
}

// Device returns the health and the trust type in s.
func (s State) Device() (health, trust string) {
	health, trust, _ = strings.Cut(string(s), ".")
	return health, trust
}

// DeviceStates are all states of devices of that health.
func DeviceStates(health string) []State {
	var all []State
	for _, trust := range TrustTypes {
		all = append(all, State(health+"."+trust))
	}
	return all
}

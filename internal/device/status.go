package device

import (
	"slices"
	"time"
)

// Status is what an agent tells of its device (POST …/status).
type Status struct {
	AgentVersion  string         `json:"agentVersion"`
	PolicyApplied int64          `json:"policyApplied"` // version of the policy that holds
	Users         []UserStatus   `json:"users"`
	Prerequisites []Prerequisite `json:"prerequisites"`
	// Problems say what is wrong now, such as a local value that policy overrules.
	Problems []string `json:"problems,omitempty"`
}

// reportedWithin is how old the last report of a device may be that counts as compliant.
const reportedWithin = 30 * 24 * time.Hour

// Compliant reports whether a device that said s at reported meets what is asked of it now: its
// report is not old, and names nothing that fails or is wrong.
func (s Status) Compliant(reported, now time.Time) bool {
	fails := slices.ContainsFunc(s.Prerequisites, func(p Prerequisite) bool { return p.State == Fail })
	return !reported.IsZero() && now.Sub(reported) < reportedWithin && !fails && len(s.Problems) == 0
}

// UserStatus is one person at the device.
type UserStatus struct {
	ID  string   `json:"id"` // object id
	PIN PINState `json:"pin"`
}

// PINState says how somebody's device PIN is.
type PINState string

// The states of a device PIN.
const (
	PINNone   PINState = "none"
	PINSet    PINState = "set"
	PINLocked PINState = "locked" // too many wrong ones: a reset is needed
)

// Prerequisite is one thing that the agent needs of its machine.
type Prerequisite struct {
	Name   string `json:"name"`   // stable, such as tpm
	State  Check  `json:"state"`  // how it is
	Detail string `json:"detail"` // what was found
	Fix    string `json:"fix,omitempty"`
}

// Check says how a prerequisite is.
type Check string

// The outcomes of a check.
const (
	Pass Check = "pass"
	Warn Check = "warn" // works, and could be better
	Fail Check = "fail"
)

package directory

import (
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A Preparation is a device that somebody sets up for somebody else, without being them. It waits
// for its user: a named person, or whoever of a group comes first. Their first sign-in there is the
// hand-over: it makes them its owner, and ends all that anybody else has on it.
type Preparation struct {
	User  UserID    `json:"user,omitempty"` // one of User and Group
	Group GroupID   `json:"group,omitempty"`
	By    UserID    `json:"by,omitempty"` // empty for an application
	At    time.Time `json:"at"`

	HandedOverAt time.Time `json:"handedOverAt,omitzero"`
}

// Waiting reports whether the device was not handed over yet.
func (p Preparation) Waiting() bool { return p.HandedOverAt.IsZero() }

// Faults of preparations.
var (
	// ErrDevicePrepared: a device that is prepared for somebody is theirs alone.
	ErrDevicePrepared = &fault.Error{
		Kind: fault.Forbidden, Code: "devicePrepared", AADSTS: 50105,
		Text: "This device is prepared for somebody else.", Remedy: "Use your own device. If this is yours, ask the helpdesk to prepare it for you.",
	}
	ErrPreparation = &fault.Error{Kind: fault.Invalid, Code: "preparationInvalid", Text: "The device can't be prepared like this."}
	// ErrNoPreparation says that a device is prepared for nobody.
	ErrNoPreparation = &fault.Error{Kind: fault.NotFound, Code: "preparationUnknown", Text: "This device is prepared for nobody."}
)

// Prepared is d with p, or a fault. A device that was handed over before leaves its owner.
func (d Device) Prepared(p Preparation) (Device, error) {
	switch {
	case (p.User == "") == (p.Group == ""):
		return d, ErrPreparation.With("userId", "Name the person or the group that it is for, one of the two.")
	case p.User != "" && p.User == p.By:
		return d, ErrNotForYourself
	case d.TrustType == TrustRegistered:
		return d, ErrPreparation.With("trustType", "A registered device is its owner's own. Join it to the organisation to prepare it.")
	case d.Usable() != nil:
		return d, d.Usable()
	}
	if d.HandedOver() {
		d.Owner = p.By
	}
	d.Preparation = &p
	return d, nil
}

// HandedOver reports whether d came to its owner by a hand-over.
func (d Device) HandedOver() bool { return d.Preparation != nil && !d.Preparation.Waiting() }

// Admits reports, as a fault, that user may not sign in on d. A prepared device admits those who
// prepare it and those whom it is for, and after the hand-over its owner alone. member says that
// user is in the group that it is for.
func (d Device) Admits(user UserID, member bool) error {
	p := d.Preparation
	switch {
	case p == nil, user != "" && user == d.Owner:
		return nil
	case p.Waiting() && user != "" && (user == p.By || user == p.User || member):
		return nil
	}
	return ErrDevicePrepared
}

// TakenOverBy reports whether the sign-in of user, whom d admits, is the hand-over. Who prepared d
// for a group does not take it for being in that group.
func (d Device) TakenOverBy(user UserID, member bool) bool {
	p := d.Preparation
	return p != nil && p.Waiting() && user != "" && (user == p.User || member && user != p.By && user != d.Owner)
}

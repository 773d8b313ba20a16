package tap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// An IdentityCheck says how somebody made sure that the right person gets a pass. The zero
// value says that nobody did, or did not say so.
type IdentityCheck struct {
	How  CheckKind `json:"how,omitempty"`
	Note string    `json:"note,omitempty"`
}

// A CheckKind is a way to know who is asking.
type CheckKind string

// The ways.
const (
	CheckInPerson CheckKind = "inPerson" // with a badge or another photo document
	CheckCallBack CheckKind = "callBack" // at a number that the directory has
	CheckManager  CheckKind = "manager"  // who vouches
	CheckVideo    CheckKind = "video"    // with a photo document in view
	CheckOther    CheckKind = "other"    // which the note says
)

// CheckKinds are all ways.
var CheckKinds = []CheckKind{CheckInPerson, CheckCallBack, CheckManager, CheckVideo, CheckOther}

// Done reports whether there was a check.
func (c IdentityCheck) Done() bool { return c.How != "" }

// A CheckRule is what the policy says about checks of identity.
type CheckRule string

// The rules. The zero value stands for CheckNoted.
const (
	CheckOff      CheckRule = "off"      // nobody is asked
	CheckNoted    CheckRule = "note"     // asked for, and kept when told
	CheckRequired CheckRule = "required" // no pass without one, applications included
)

var checkRules = []CheckRule{CheckOff, CheckNoted, CheckRequired}

// Checks is the rule that holds.
func (p Policy) Checks() CheckRule {
	if p.IdentityCheck == "" {
		return CheckNoted
	}
	return p.IdentityCheck
}

// Faults of checks.
var (
	ErrCheck = &fault.Error{
		Kind: fault.Invalid, Code: "tapIdentityCheck", Target: "postern_identityCheck",
		Text: "The check of identity can't be kept like this.", Remedy: "Say how: inPerson, callBack, manager, video or other; other needs a note of 256 characters at most.",
	}
	ErrCheckMissing = &fault.Error{
		Kind: fault.Invalid, Code: "tapIdentityCheckMissing", Target: "postern_identityCheck",
		Text: "The policy wants to know how you made sure who asks for the pass.", Remedy: "Say it in postern_identityCheck.",
	}
)

// valid reports what is wrong with c, if it says anything.
func (c IdentityCheck) valid() error {
	switch {
	case c == IdentityCheck{}:
		return nil
	case !slices.Contains(CheckKinds, c.How):
		return ErrCheck.With("postern_identityCheck.how", fmt.Sprintf("%.40q is no way to check who somebody is.", string(c.How)))
	case !noteOK(c.Note), c.How == CheckOther && strings.TrimSpace(c.Note) == "":
		return ErrCheck.With("postern_identityCheck.note", "")
	}
	return nil
}

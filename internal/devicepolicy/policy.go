package devicepolicy

import (
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Policy sets some settings for those it is assigned to.
type Policy struct {
	Tenant      directory.TenantID `json:"-"`
	ID          string             `json:"-"` // UUID
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Tags        []string           `json:"tags,omitempty"` // Intune's roleScopeTagIds
	// Platforms is what the policy says that it is for, in Intune's words. It is shown and
	// narrows nothing: a setting has its effect where the agent acts on it.
	Platforms string `json:"platforms,omitempty"`
	// Settings has values by the URIs of the catalog.
	Settings    map[string]Value `json:"settings"`
	Assignments []Assignment     `json:"assignments,omitempty"`
	CreatedAt   time.Time        `json:"-"` // UTC; of two policies that clash, the older one wins
	ModifiedAt  time.Time        `json:"-"`
	Version     int64            `json:"-"`
}

// An Assignment says for whom a policy is, or with Exclude for whom it is not.
type Assignment struct {
	Target  Target            `json:"target"`
	Group   directory.GroupID `json:"groupId,omitempty"` // of devices or of users
	Exclude bool              `json:"exclude,omitempty"`
}

// Target is the kind of an assignment.
type Target string

// The targets of assignments.
const (
	AllDevices Target = "allDevices"
	AllUsers   Target = "allUsers"
	Group      Target = "group"
)

// Faults of policies.
var (
	ErrPolicyInvalid = &fault.Error{Kind: fault.Invalid, Code: "devicePolicyInvalid", Text: "The policy can't be saved like this."}
	ErrPolicyUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "devicePolicyUnknown",
		Text: "There is no such policy.", Remedy: "It may have been deleted meanwhile.",
	}
	ErrPolicyChanged = &fault.Error{
		Kind: fault.Precondition, Code: "devicePolicyChanged",
		Text: "Somebody else changed the policy meanwhile.", Remedy: "Read it again, then repeat the change.",
	}
	ErrPolicyMany = &fault.Error{
		Kind: fault.Invalid, Code: "devicePolicyTooMany",
		Text: "The organisation has as many device policies as one may have.", Remedy: "Delete one that is no longer used.",
	}
)

// MaxPolicies is how many policies a tenant has at most: each device reads all of them.
const MaxPolicies = 500

const (
	maxName        = 200 // characters
	maxDescription = 1000
	maxAssignments = 100
	maxTags        = 20
)

// Check reports the first rule that p breaks.
func (p Policy) Check() error {
	if p.Name == "" || !fine(p.Name) || utf8.RuneCountInString(p.Name) > maxName {
		return ErrPolicyInvalid.With("name", fmt.Sprintf("A policy has a name of at most %d characters.", maxName))
	}
	if !utf8.ValidString(p.Description) || utf8.RuneCountInString(p.Description) > maxDescription {
		return ErrPolicyInvalid.With("description", fmt.Sprintf("The description has at most %d characters.", maxDescription))
	}
	if len(p.Tags) > maxTags || slices.ContainsFunc(p.Tags, func(tag string) bool { return tag == "" || len(tag) > maxName || !fine(tag) }) {
		return ErrPolicyInvalid.With("roleScopeTagIds", fmt.Sprintf("A policy has at most %d tags, none empty.", maxTags))
	}
	for _, uri := range slices.Sorted(maps.Keys(p.Settings)) {
		s, err := Find(uri, "")
		if err != nil {
			return err
		}
		if s.URI != uri {
			return ErrSettingUnknown.With(uri, "The name of this setting is "+s.URI+".")
		}
		if err := s.Check(p.Settings[uri]); err != nil {
			return err
		}
	}
	return checkAssignments(p.Assignments)
}

func checkAssignments(all []Assignment) error {
	if len(all) > maxAssignments {
		return ErrPolicyInvalid.With("assignments", fmt.Sprintf("A policy has at most %d assignments.", maxAssignments))
	}
	seen := map[Assignment]bool{}
	for _, a := range all {
		whom := Assignment{Target: a.Target, Group: a.Group}
		if seen[whom] {
			return ErrPolicyInvalid.With("assignments", "An assignment is there twice.")
		}
		seen[whom] = true
		switch a.Target {
		case AllDevices, AllUsers:
			if a.Group != "" || a.Exclude {
				return ErrPolicyInvalid.With("assignments", "An assignment to everybody names no group and excludes nobody.")
			}
		case Group:
			if !directory.IsID(string(a.Group)) {
				return ErrPolicyInvalid.With("assignments", "An assignment to a group names its object id.")
			}
		default:
			return ErrPolicyInvalid.With("assignments", "A policy is assigned to all devices, to all users or to a group.")
		}
	}
	return nil
}

// A Warning is about something that is allowed and unlikely to be meant.
type Warning struct {
	Setting string // URI; empty when it is about the whole policy
	Text    string
}

// Warnings says what is unlikely to be meant with p. deviceGroup reports whether a group
// holds devices; a group of users is known too late for a lock screen.
func (p Policy) Warnings(deviceGroup func(directory.GroupID) bool) []Warning {
	var all []Warning
	for _, uri := range slices.Sorted(maps.Keys(p.Settings)) {
		s, err := Find(uri, "")
		if err == nil && s.LockScreen && p.forUsersOnly(deviceGroup) {
			all = append(all, Warning{uri, s.Name + " is assigned to people. The lock screen needs it before anybody has signed in: assign it to devices."})
		}
		if err == nil && len(s.Platforms) == 1 && s.Platforms[0] == Windows {
			all = append(all, Warning{uri, s.Name + " has an effect on Windows only."})
		}
	}
	least, most := p.number(MinimumPINLength), p.number(MaximumPINLength)
	if least > most {
		all = append(all, Warning{MinimumPINLength, fmt.Sprintf("The shortest PIN, %d, is longer than the longest, %d: both fall back to their defaults.", least, most)})
	}
	return all
}

// Clashes says which settings of p another policy sets otherwise for the same target, and
// which of the two wins there. Groups that merely overlap are for [Resolve] to find.
func (p Policy) Clashes(others []Policy) []Warning {
	var all []Warning
	for _, o := range others {
		if o.ID == p.ID || !p.meets(o) {
			continue
		}
		for _, uri := range slices.Sorted(maps.Keys(p.Settings)) {
			s, err := Find(uri, "")
			mine, theirs := p.Settings[uri], o.Settings[uri]
			if err != nil || !theirs.IsSet() || theirs.Equal(mine) {
				continue
			}
			winner, reason := p, "it is older"
			a, b := candidate{policy: p, value: mine}, candidate{policy: o, value: theirs}
			if compare(s, a, b) > 0 {
				winner, a, b = o, b, a
			}
			if why(s, a, b) == StricterFirst {
				reason = "its value is stricter"
			}
			all = append(all, Warning{uri, fmt.Sprintf("%s is %s here and %s in the policy %s, for the same target. The policy %s wins: %s.",
				s.Name, mine, theirs, o.Name, winner.Name, reason)})
		}
	}
	return all
}

// meets reports whether p and o are assigned to the same target.
func (p Policy) meets(o Policy) bool {
	return slices.ContainsFunc(p.Assignments, func(a Assignment) bool { return !a.Exclude && slices.Contains(o.Assignments, a) })
}

func (p Policy) number(uri string) int64 {
	if v, ok := p.Settings[uri]; ok {
		return v.Int()
	}
	s, _ := Find(uri, "")
	return s.Default.Int()
}

func (p Policy) forUsersOnly(deviceGroup func(directory.GroupID) bool) bool {
	users := false
	for _, a := range p.Assignments {
		switch {
		case a.Exclude:
		case a.Target == AllDevices, a.Target == Group && deviceGroup(a.Group):
			return false
		default:
			users = true
		}
	}
	return users
}

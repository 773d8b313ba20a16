package directory

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// AllUsers is the reserved group id that means every user of the tenant.
const AllUsers = "all_users"

// A Group is a set of users, groups, service principals and devices.
// https://learn.microsoft.com/graph/api/resources/group
type Group struct {
	Tenant TenantID `json:"-"`
	ID     GroupID  `json:"id"`

	DisplayName        string    `json:"displayName"`
	Description        string    `json:"description,omitempty"`
	MailNickname       string    `json:"mailNickname,omitempty"`
	MailEnabled        bool      `json:"mailEnabled"`
	SecurityEnabled    bool      `json:"securityEnabled"`
	IsAssignableToRole bool      `json:"isAssignableToRole,omitempty"`
	GroupTypes         []string  `json:"groupTypes,omitempty"`
	CreatedDateTime    time.Time `json:"createdDateTime,omitzero"`
	// UniqueName names the group in its tenant, in any case; it never changes.
	UniqueName string `json:"uniqueName,omitempty"`

	// MembershipRule says who is in a dynamic group; package membership reads it.
	MembershipRule  string `json:"membershipRule,omitempty"`
	ProcessingState string `json:"membershipRuleProcessingState,omitempty"` // On or Paused

	// ExternalID is what the source of the group calls it; unique in the tenant, case and all.
	ExternalID string `json:"externalId,omitempty"`

	Version int64 `json:"-"`
}

// What makes a group dynamic, and whether its rule is followed.
const (
	DynamicMembership = "DynamicMembership"
	RuleOn            = "On"
	RulePaused        = "Paused" // members stay as they are
)

// Dynamic reports whether a rule decides who is in g.
func (g Group) Dynamic() bool { return slices.Contains(g.GroupTypes, DynamicMembership) }

// ObjectKind names what a directory object is.
type ObjectKind string

// The kinds of directory object.
const (
	KindUser             ObjectKind = "user"
	KindGroup            ObjectKind = "group"
	KindServicePrincipal ObjectKind = "servicePrincipal"
	KindApplication      ObjectKind = "application"
	KindDevice           ObjectKind = "device"
)

// A Ref points at a directory object of the same tenant.
type Ref struct {
	Kind ObjectKind `json:"kind"`
	ID   string     `json:"id"`
}

// Relation says how an object belongs to a group.
type Relation string

// The relations to a group.
const (
	Member Relation = "member"
	Owner  Relation = "owner"
)

// Faults of groups.
var (
	ErrGroupUnknown = &fault.Error{Kind: fault.NotFound, Code: "groupUnknown", Text: "There is no such group."}
	ErrGroupInvalid = &fault.Error{Kind: fault.Invalid, Code: "groupInvalid", Text: "The group can't be saved like this."}
	// ErrUniqueNameTaken reports a uniqueName that another group has.
	ErrUniqueNameTaken = &fault.Error{
		Kind: fault.Conflict, Code: "groupUniqueNameTaken", Target: "uniqueName",
		Text: "Another group has this uniqueName.", Remedy: "Choose another one.",
	}
	ErrGroupCycle = &fault.Error{
		Kind: fault.Invalid, Code: "groupCycle",
		Text: "This would make the group a member of itself, through other groups.",
	}
	ErrLinkExists = &fault.Error{
		Kind: fault.Invalid, Code: "linkExists",
		Text: "One or more added object references already exist.",
	}
	ErrLinkUnknown   = &fault.Error{Kind: fault.NotFound, Code: "linkUnknown", Text: "This object does not belong to the group."}
	ErrObjectUnknown = &fault.Error{Kind: fault.NotFound, Code: "objectUnknown", Text: "There is no such object."}
	// ErrDynamicMembers is Graph's answer to whoever changes the members of a dynamic group.
	ErrDynamicMembers = &fault.Error{
		Kind: fault.Forbidden, Code: "dynamicMembers",
		Text: "A rule decides who is in this group; its members can't be changed by hand.", Remedy: "Change the rule, or use another group.",
	}
	ErrNestedRole = &fault.Error{
		Kind: fault.Invalid, Code: "roleGroupNested",
		Text: "A group can't be put into a group that may hold roles.", Remedy: "Add the people themselves.",
	}
)

// Check reports what is wrong with g as a fault, or nil.
func (g Group) Check() error {
	switch {
	case strings.TrimSpace(g.DisplayName) == "":
		return ErrGroupInvalid.With("displayName", "displayName must not be empty.")
	case !plainText(g.DisplayName):
		return ErrGroupInvalid.With("displayName", "displayName is longer than 256 characters or has control characters.")
	case g.MailNickname == "" || !upnLocal.MatchString(g.MailNickname) || len(g.MailNickname) > 64:
		return ErrGroupInvalid.With("mailNickname", "mailNickname must have 1 to 64 letters, digits, dots or dashes.")
	case g.MailEnabled:
		return ErrGroupInvalid.With("mailEnabled", "Groups with a mailbox are not offered here; mailEnabled must be false.")
	case !g.SecurityEnabled:
		return ErrGroupInvalid.With("securityEnabled", "Groups here are security groups; securityEnabled must be true.")
	case len(g.GroupTypes) > 1 || len(g.GroupTypes) == 1 && !g.Dynamic():
		return ErrGroupInvalid.With("groupTypes", "Groups here are security groups; groupTypes must be empty or [\"DynamicMembership\"].")
	case g.Dynamic() && g.IsAssignableToRole:
		return ErrGroupInvalid.With("isAssignableToRole", "A group that may hold roles has members that somebody chose, and no rule.")
	case g.Dynamic() && g.ProcessingState != RuleOn && g.ProcessingState != RulePaused:
		return ErrGroupInvalid.With("membershipRuleProcessingState", "membershipRuleProcessingState must be On or Paused.")
	case !g.Dynamic() && (g.MembershipRule != "" || g.ProcessingState != ""):
		return ErrGroupInvalid.With("membershipRule", "Only a group with the type DynamicMembership has a rule.")
	case g.UniqueName != "" && (!plainText(g.UniqueName) || len(g.UniqueName) > 120 || strings.TrimSpace(g.UniqueName) != g.UniqueName):
		return ErrGroupInvalid.With("uniqueName", "uniqueName has at most 120 characters, without control characters and without blanks at its ends.")
	case !plainText(g.ExternalID) || strings.TrimSpace(g.ExternalID) != g.ExternalID:
		return ErrGroupInvalid.With("externalId", "externalId has at most 256 characters, without control characters and without blanks at its ends.")
	case len(g.Description) > 1024:
		return ErrGroupInvalid.With("description", "description is longer than 1024 bytes.")
	}
	return nil
}

// ErrObjectExists reports that an object with this id is there already.
var ErrObjectExists = &fault.Error{Kind: fault.Conflict, Code: "objectExists", Text: "An object with this id exists already."}

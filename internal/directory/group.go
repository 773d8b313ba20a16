package directory

import (
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

	Version int64 `json:"-"`
}

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
	ErrGroupCycle   = &fault.Error{
		Kind: fault.Invalid, Code: "groupCycle",
		Text: "This would make the group a member of itself, through other groups.",
	}
	ErrLinkExists = &fault.Error{
		Kind: fault.Invalid, Code: "linkExists",
		Text: "One or more added object references already exist.",
	}
	ErrLinkUnknown   = &fault.Error{Kind: fault.NotFound, Code: "linkUnknown", Text: "This object does not belong to the group."}
	ErrObjectUnknown = &fault.Error{Kind: fault.NotFound, Code: "objectUnknown", Text: "There is no such object."}
	ErrNestedRole    = &fault.Error{
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
	case len(g.GroupTypes) > 0:
		return ErrGroupInvalid.With("groupTypes", "Only plain security groups are offered here; groupTypes must be empty.")
	case len(g.Description) > 1024:
		return ErrGroupInvalid.With("description", "description is longer than 1024 bytes.")
	}
	return nil
}

// ErrObjectExists reports that an object with this id is there already.
var ErrObjectExists = &fault.Error{Kind: fault.Conflict, Code: "objectExists", Text: "An object with this id exists already."}

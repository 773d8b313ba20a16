package directory

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// A Caller is who asks, as the access token and the directory say now.
type Caller struct {
	Tenant           TenantID
	User             UserID // empty when an application acts by itself
	App              AppID
	ServicePrincipal ServicePrincipalID
	// Roles are those of the user, or of the service principal of an app-only call, held
	// directly or through groups.
	Roles []RoleID
	// Permissions are the values of the token's scp claim, or of its roles claim when it is
	// app-only.
	Permissions []string
	// Purpose is the token's: what a pass for one purpose left behind. None is for anything here.
	Purpose string
	// Guest says that the user's userType is Guest: what every member may read needs a role.
	Guest bool
}

// AppOnly reports whether an application acts without a signed-in person.
func (c Caller) AppOnly() bool { return c.User == "" }

// A Target is whom or what an action is about, in the caller's tenant. Leave it empty for an
// action that is about nobody.
type Target struct {
	User UserID // empty when it is not a person
	// Roles are those of the person, or of the application's service principal, held
	// directly or through groups.
	Roles               []RoleID
	RoleAssignableGroup bool // member or owner of a role-assignable group
	RestrictedUnit      bool // holds a role scoped to a restricted management administrative unit
	// Permissions are the powers of an application at Graph, as [Powers] returns them: who
	// could become the application would have them.
	Permissions   []string
	OwnedByCaller bool // the signed-in person owns the group or application
}

// Protected reports whether t has more power than anybody has.
func (t Target) Protected() bool {
	return len(t.Roles) > 0 || t.RoleAssignableGroup || t.RestrictedUnit || len(t.Permissions) > 0
}

// What [May] answers when the answer is no. The remedy in the answer says whom to ask.
var (
	ErrNotAllowed = &fault.Error{
		Kind: fault.Forbidden, Code: "notAllowed",
		Text: "None of your roles allows this.",
	}
	ErrPermissionMissing = &fault.Error{
		Kind: fault.Forbidden, Code: "permissionMissing",
		Text: "The application was not granted the permission for this.",
	}
	ErrNotForYourself = &fault.Error{
		Kind: fault.Forbidden, Code: "notForYourself",
		Text: "Nobody can do this for themselves.",
	}
	ErrTargetProtected = &fault.Error{
		Kind: fault.Forbidden, Code: "targetProtected",
		Text: "This account is protected by a role that it holds or can get.",
	}
	ErrPurposeBound = &fault.Error{
		Kind: fault.Forbidden, Code: "purposeBound",
		Text: "You signed in with a pass for one purpose, and this is another.", Remedy: "Sign in in another way.",
	}
)

// May returns nil if c may do a to t, else a fault: ErrNotAllowed, ErrPermissionMissing,
// ErrNotForYourself, ErrTargetProtected or ErrPurposeBound. An action that has no rule, and
// one about a person that names none, is refused.
//
// A call for a person needs a permission in the token and, unless the action is their own
// or open to all, a role that reaches the target. An application by itself needs the
// permission; to act on somebody who holds a role it needs a role that reaches them as well,
// or [PrivilegedMethods] where the rule takes it. Powers of an application protect it from
// those who have them not. docs/roles.md has the table.
func May(c Caller, a Action, t Target) error {
	r, ok := rules[a]
	self := c.User != "" && c.User == t.User
	switch {
	case !ok, r.person && t.User == "", c.AppOnly() && c.ServicePrincipal == "":
		return ErrNotAllowed
	case c.Purpose != "":
		return ErrPurposeBound
	}
	if need := r.missing(c, self); need != nil {
		return remedy(ErrPermissionMissing, "Grant it "+orList(need)+".")
	}
	switch {
	case self && r.notSelf:
		return remedy(ErrNotForYourself, ask(r.rolesFor(t)))
	case c.AppOnly():
		return r.mayApp(c, t)
	}
	return r.mayPerson(c, t, self)
}

// missing returns the permissions of which c needs one and has none, or nil.
func (r rule) missing(c Caller, self bool) oneOf {
	if self && r.self != nil && slices.ContainsFunc(r.self, c.has) {
		return nil
	}
	for _, need := range r.needs {
		if !slices.ContainsFunc(need, c.has) {
			if self && r.self != nil {
				return r.self
			}
			return need
		}
	}
	return nil
}

func (c Caller) has(permission string) bool { return slices.Contains(c.Permissions, permission) }

func (r rule) mayApp(c Caller, t Target) error {
	t.Permissions = slices.DeleteFunc(slices.Clone(t.Permissions), c.has) // it gains nothing that it has
	switch {
	case r.people:
		return remedy(ErrNotAllowed, "Let a person sign in to the application and do it.")
	case r.roleToo && !slices.ContainsFunc(r.roles, c.holds) && !slices.ContainsFunc(r.alone, c.has):
		return remedy(ErrNotAllowed, ask(r.roles))
	case r.reach != reachOfAll || !t.Protected():
		return nil
	case r.privileged && c.has(PrivilegedMethods):
		return nil
	case slices.ContainsFunc(r.rolesFor(t), c.holds):
		return nil
	}
	role := orList(names(r.rolesFor(t)))
	if r.privileged {
		return remedy(ErrTargetProtected, "Grant the application "+PrivilegedMethods+" or the role "+role+".")
	}
	return remedy(ErrTargetProtected, "Give the application the role "+role+".")
}

func (r rule) mayPerson(c Caller, t Target, self bool) error {
	switch {
	case self && r.self != nil,
		r.owner && t.OwnedByCaller && (r.reach == unlimited || !t.Protected()),
		r.open == toMembers && !c.Guest,
		r.open == toEverybody:
		return nil
	case slices.ContainsFunc(r.rolesFor(t), c.holds):
		return nil
	case slices.ContainsFunc(r.roles, c.holds):
		return remedy(ErrTargetProtected, ask(r.rolesFor(t)))
	}
	return remedy(ErrNotAllowed, ask(r.rolesFor(t)))
}

func (c Caller) holds(role RoleID) bool { return slices.Contains(c.Roles, role) }

// Holds reports whether somebody who holds roles may do a to t as far as roles decide.
func Holds(roles []RoleID, a Action, t Target) bool {
	return slices.ContainsFunc(rules[a].rolesFor(t), func(role RoleID) bool { return slices.Contains(roles, role) })
}

// RolesFor returns the roles of which a person needs one to do a to t, the least powerful first.
func RolesFor(a Action, t Target) []RoleID { return slices.Clone(rules[a].rolesFor(t)) }

// rolesFor returns the roles of r that reach t.
func (r rule) rolesFor(t Target) []RoleID {
	if r.reach == unlimited {
		return r.roles
	}
	return slices.DeleteFunc(slices.Clone(r.roles), func(role RoleID) bool { return !role.Reaches(t) })
}

func remedy(e *fault.Error, text string) error {
	c := *e
	c.Remedy = text
	return &c
}

// ask says whom to ask: the two least powerful of roles, which are in that order.
func ask(roles []RoleID) string {
	var who []string
	for _, name := range names(roles[:min(2, len(roles))]) {
		article := "a "
		if strings.ContainsRune("AEIO", rune(name[0])) {
			article = "an "
		}
		who = append(who, article+name)
	}
	return "Ask " + orList(who) + "."
}

func names(roles []RoleID) []string {
	var all []string
	for _, id := range roles {
		if r, err := FindRole(id); err == nil {
			all = append(all, r.DisplayName)
		}
	}
	return all
}

// orList joins words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

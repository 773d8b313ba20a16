package directory

import (
	"slices"
	"sort"
)

// An Allowance is an action that a role allows to those who hold it.
type Allowance struct {
	Action Action
	// ByReach says that it extends to those only whom the role reaches, see [Extent].
	ByReach bool
	// Open says that members may do it without a role; guests may not.
	Open bool
}

// Allows returns what r allows, by name of the action. What everybody may do is left out.
// It tells people what an assignment comes to; [May] decides.
func (r RoleID) Allows() []Allowance {
	var all []Allowance
	for action, rule := range rules {
		if slices.Contains(rule.roles, r) {
			all = append(all, Allowance{Action: action, ByReach: rule.reach != unlimited, Open: rule.open == toMembers})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Action < all[j].Action })
	return all
}

// An Extent says whom a role reaches.
type Extent struct {
	Everybody bool
	// Roles are those that people may hold and still be reached; everybody else reached has no
	// role at all. It is empty where the extent is everybody.
	Roles []RoleID
}

// Extent returns whom r reaches, as [RoleID.Reaches] decides.
func (r RoleID) Extent() Extent {
	if slices.Contains(everybody, r) {
		return Extent{Everybody: true}
	}
	return Extent{Roles: slices.Clone(within[r])}
}

// HelpedBy returns the roles whose holders may do a, an action about a person, for somebody who
// holds r; the least powerful first.
func (r RoleID) HelpedBy(a Action) []RoleID {
	return slices.Clone(rules[a].rolesFor(Target{Roles: []RoleID{r}}))
}

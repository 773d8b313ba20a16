package directory

import (
	"slices"
	"testing"
)

// permissionsOf are permissions that are enough for every action.
func permissionsOf() []string {
	var all []string
	for _, r := range rules {
		for _, need := range r.needs {
			all = append(all, need...)
		}
	}
	return all
}

// targetsOf are people, groups' members and applications that differ in what protects them.
func targetsOf() []Target {
	all := []Target{
		{User: "other"},
		{User: "other", RoleAssignableGroup: true},
		{User: "other", RestrictedUnit: true},
		{User: "other", Permissions: []string{"User.ReadWrite.All"}},
		{User: "other", Roles: []RoleID{"11111111-1111-1111-1111-111111111111"}},
	}
	for _, r := range BuiltInRoles {
		all = append(all, Target{User: "other", Roles: []RoleID{r.ID}}, Target{User: "other", Roles: []RoleID{r.ID, DirectoryReaders}})
	}
	return all
}

func (e Extent) holds(t Target) bool {
	if e.Everybody {
		return true
	}
	outside := func(r RoleID) bool { return !slices.Contains(e.Roles, r) }
	return !t.RoleAssignableGroup && !t.RestrictedUnit && len(t.Permissions) == 0 && !slices.ContainsFunc(t.Roles, outside)
}

func TestWhatARoleIsSaidToAllowIsWhatMayAllows(t *testing.T) {
	permissions, targets := permissionsOf(), targetsOf()
	for _, role := range BuiltInRoles {
		said := map[Action]Allowance{}
		for _, a := range role.ID.Allows() {
			said[a.Action] = a
		}
		caller := Caller{Tenant: "t", User: "caller", Guest: true, Roles: []RoleID{role.ID}, Permissions: permissions}
		for action, r := range rules {
			a, ok := said[action]
			if r.open == toEverybody {
				if ok {
					t.Errorf("%s: %s is said to come from the role, and everybody may do it", role.DisplayName, action)
				}
				continue
			}
			for _, target := range targets {
				want := ok && (!a.ByReach || role.ID.Extent().holds(target))
				if got := May(caller, action, target) == nil; got != want {
					t.Errorf("%s, %s, on %+v: said %t, is %t", role.DisplayName, action, target, want, got)
				}
			}
			member := caller
			member.Guest, member.Roles = false, nil
			if got := May(member, action, Target{User: "other"}) == nil; ok && got != a.Open {
				t.Errorf("%s: said to be open to members: %t, is %t", action, a.Open, got)
			}
		}
	}
}

func TestWhoIsSaidToHelpSomebodyMay(t *testing.T) {
	permissions := permissionsOf()
	for _, held := range BuiltInRoles {
		helpers := held.ID.HelpedBy(IssuePass)
		for _, role := range BuiltInRoles {
			caller := Caller{Tenant: "t", User: "caller", Roles: []RoleID{role.ID}, Permissions: permissions}
			got := May(caller, IssuePass, Target{User: "other", Roles: []RoleID{held.ID}}) == nil
			if want := slices.Contains(helpers, role.ID); got != want {
				t.Errorf("a pass from %s for %s: said %t, is %t", role.DisplayName, held.DisplayName, want, got)
			}
		}
		if !slices.Contains(helpers, GlobalAdministrator) {
			t.Errorf("nobody could help a %s", held.DisplayName)
		}
	}
}

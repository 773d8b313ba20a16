package directory

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRulesAreWhole(t *testing.T) {
	offered := map[string]Permission{}
	for _, p := range Permissions {
		offered[p.Value] = p
	}
	for action, r := range rules {
		if len(r.needs) == 0 {
			t.Errorf("%s needs no permission", action)
		}
		for _, need := range append(slices.Clone(r.needs), r.self) {
			for _, p := range need {
				if _, ok := offered[p]; !ok {
					t.Errorf("%s: there is no permission %s", action, p)
				}
			}
		}
		for _, p := range r.self {
			if offered[p].DelegatedID == "" {
				t.Errorf("%s: %s is no delegated permission", action, p)
			}
		}
		if r.open == toRoles && !slices.Contains(r.roles, GlobalAdministrator) {
			t.Errorf("%s: a Global Administrator may not", action)
		}
		for _, role := range r.roles {
			if _, err := FindRole(role); err != nil {
				t.Errorf("%s: there is no role %s", action, role)
			}
		}
		if slices.Contains(r.roles, GlobalReader) && !strings.HasPrefix(string(action), "read") {
			t.Errorf("%s: a Global Reader changes something", action)
		}
		if r.privileged && r.reach != reachOfAll || r.self != nil && r.notSelf {
			t.Errorf("%s contradicts itself", action)
		}
		if (r.reach != unlimited) != r.person && action != WriteApplications {
			t.Errorf("%s has a reach but is about nobody, or the other way round", action)
		}
	}
}

// callers, targets and actions are drawn so that yes and no are both common.
var (
	actions = rapid.SampledFrom(slices.Sorted(maps.Keys(rules)))
	someIDs = rapid.Custom(func(t *rapid.T) RoleID {
		return rapid.SampledFrom(BuiltInRoles).Draw(t, "role").ID
	})
	somePermissions = rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom(Permissions).Draw(t, "permission").Value
	})
	targets = rapid.Custom(func(t *rapid.T) Target {
		return Target{
			User: UserID(rapid.SampledFrom([]string{"me", "other", ""}).Draw(t, "target")), Roles: rapid.SliceOfN(someIDs, 0, 2).Draw(t, "held"),
			RoleAssignableGroup: rapid.Float64().Draw(t, "group") > 0.9, RestrictedUnit: rapid.Float64().Draw(t, "unit") > 0.9,
			Permissions:   rapid.SliceOfN(somePermissions, 0, 1).Draw(t, "powers"),
			OwnedByCaller: rapid.Bool().Draw(t, "owned"),
		}
	})
	callers = rapid.Custom(func(t *rapid.T) Caller {
		c := Caller{
			ServicePrincipal: "app", Roles: rapid.SliceOfN(someIDs, 0, 4).Draw(t, "roles"),
			Permissions: rapid.SliceOfN(somePermissions, 0, 30).Draw(t, "permissions"), Guest: rapid.Bool().Draw(t, "guest"),
		}
		if rapid.Bool().Draw(t, "person") {
			c.User = "me"
			c.Purpose = rapid.SampledFrom([]string{"", "", "", "register"}).Draw(t, "purpose")
		}
		return c
	})
)

// neverMore checks that weaken, applied to a case, turns no refusal into a yes.
func neverMore(t *testing.T, weaken func(*rapid.T, *Caller, *Target)) {
	rapid.Check(t, func(t *rapid.T) {
		c, a, target := callers.Draw(t, "caller"), actions.Draw(t, "action"), targets.Draw(t, "to")
		before := May(c, a, target)
		weaken(t, &c, &target)
		if after := May(c, a, target); before != nil && after == nil {
			t.Fatalf("%s was refused (%v), and is allowed now", a, before)
		}
	})
}

func TestARoleOfTheTargetNeverAllowsMore(t *testing.T) {
	neverMore(t, func(t *rapid.T, _ *Caller, target *Target) {
		target.Roles = append(slices.Clone(target.Roles), someIDs.Draw(t, "added"))
	})
	neverMore(t, func(_ *rapid.T, _ *Caller, target *Target) { target.RoleAssignableGroup = true })
	neverMore(t, func(_ *rapid.T, _ *Caller, target *Target) { target.RestrictedUnit = true })
	neverMore(t, func(t *rapid.T, _ *Caller, target *Target) {
		target.Permissions = append(slices.Clone(target.Permissions), somePermissions.Draw(t, "added"))
	})
}

func TestAPermissionLessNeverAllowsMore(t *testing.T) {
	neverMore(t, func(t *rapid.T, c *Caller, _ *Target) {
		if n := len(c.Permissions); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(t, "removed")
			c.Permissions = slices.Delete(slices.Clone(c.Permissions), i, i+1)
		}
	})
}

func TestARoleLessNeverAllowsMore(t *testing.T) {
	neverMore(t, func(t *rapid.T, c *Caller, _ *Target) {
		if n := len(c.Roles); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(t, "removed")
			c.Roles = slices.Delete(slices.Clone(c.Roles), i, i+1)
		}
	})
	neverMore(t, func(_ *rapid.T, c *Caller, _ *Target) { c.Guest = true })
	neverMore(t, func(_ *rapid.T, c *Caller, _ *Target) {
		if c.User != "" {
			c.Purpose = "register"
		}
	})
}

func TestNobodyIssuesForThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, target := callers.Draw(t, "caller"), targets.Draw(t, "to")
		c.User, target.User = "me", "me"
		if May(c, IssuePass, target) == nil {
			t.Fatal("issued for oneself")
		}
	})
}

func TestRolesPageAgreesWithTheRules(t *testing.T) {
	raw, err := os.ReadFile("../../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) > 1 {
			rows[strings.Trim(cells[0], " `")] = line
		}
	}
	for action, r := range rules {
		row, ok := rows[string(action)]
		if !ok {
			t.Errorf("docs/roles.md has no row for %s", action)
			continue
		}
		for _, want := range append(names(r.roles), slices.Concat(r.self, slices.Concat(r.needs...))...) {
			if r.open != toRoles && !strings.Contains(want, ".") {
				continue // roles matter to guests only; the page says which
			}
			if !strings.Contains(row, want) {
				t.Errorf("docs/roles.md: the row of %s does not name %s", action, want)
			}
		}
	}
	for _, r := range BuiltInRoles {
		if row := rows[r.DisplayName]; !strings.Contains(row, string(r.ID)) {
			t.Errorf("docs/roles.md has no row for %s with its id", r.DisplayName)
		}
	}
	for _, p := range Permissions {
		if row := rows[p.Value]; !strings.Contains(row, p.ApplicationID) || !strings.Contains(row, p.DelegatedID) || row == "" {
			t.Errorf("docs/roles.md has no row for %s with its ids", p.Value)
		}
	}
}

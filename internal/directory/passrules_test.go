package directory_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// everyPermission is a token that lacks nothing, so that roles alone decide.
func everyPermission() []string {
	var all []string
	for _, p := range directory.Permissions {
		if p.DelegatedID != "" {
			all = append(all, p.Value)
		}
	}
	return all
}

// The targets of docs/passes.md, "Who may do what".
var (
	nobody      = directory.Target{}
	self        = directory.Target{User: "me"}
	selfGA      = directory.Target{User: "me", Roles: []directory.RoleID{directory.GlobalAdministrator}}
	member      = directory.Target{User: "member"}
	reader      = directory.Target{User: "reader", Roles: []directory.RoleID{directory.DirectoryReaders}}
	colleague   = directory.Target{User: "colleague", Roles: []directory.RoleID{directory.AuthenticationAdministrator}}
	helpdesk    = directory.Target{User: "helpdesk", Roles: []directory.RoleID{directory.HelpdeskAdministrator}}
	admin       = directory.Target{User: "admin", Roles: []directory.RoleID{directory.GlobalAdministrator}}
	mixed       = directory.Target{User: "mixed", Roles: []directory.RoleID{directory.ReportsReader, directory.UserAdministrator}}
	custom      = directory.Target{User: "custom", Roles: []directory.RoleID{"7b1a9f1c-0f5e-4e8e-8a39-55a4a5f0c0de"}}
	groupMember = directory.Target{User: "group", RoleAssignableGroup: true}
	restricted  = directory.Target{User: "restricted", RestrictedUnit: true}
)

// others are the targets but oneself, and whether the Authentication Administrator may act on them.
var others = []struct {
	name    string
	t       directory.Target
	limited bool
}{
	{"a person without a role", member, true},
	{"a Directory Reader", reader, true},
	{"an Authentication Administrator", colleague, true},
	{"a Helpdesk Administrator", helpdesk, false},
	{"a Global Administrator", admin, false},
	{"somebody with one role that is reached and one that is not", mixed, false},
	{"a holder of a custom role", custom, false},
	{"a member or owner of a role-assignable group", groupMember, false},
	{"somebody with a role in a restricted unit", restricted, false},
}

func TestWhoMayDoWhatWithPasses(t *testing.T) {
	const no, limited, anyone = 0, 1, 2 // whom a role reaches
	type row struct {
		role                     directory.RoleID
		readPolicy, changePolicy bool
		issueAndDelete, view     int
	}
	rows := []row{
		{directory.GlobalAdministrator, true, true, anyone, anyone},
		{directory.PrivilegedAuthenticationAdministrator, false, false, anyone, anyone},
		{directory.AuthenticationAdministrator, false, false, limited, limited},
		{directory.AuthenticationPolicyAdministrator, true, true, no, no},
		{directory.GlobalReader, true, false, no, anyone},
		{directory.HelpdeskAdministrator, false, false, no, no},
		{directory.UserAdministrator, false, false, no, no},
		{directory.SecurityAdministrator, false, false, no, no},
		{directory.SecurityReader, false, false, no, no},
		{directory.ReportsReader, false, false, no, no},
		{directory.ConditionalAccessAdministrator, false, false, no, no},
		{directory.CloudDeviceAdministrator, false, false, no, no},
		{directory.IntuneAdministrator, false, false, no, no},
		{directory.LifecycleWorkflowsAdministrator, false, false, no, no},
		{"", false, false, no, no}, // a person without a role
	}
	// The roles that the page does not name have none of it either.
	for _, r := range directory.BuiltInRoles {
		if !slices.ContainsFunc(rows, func(x row) bool { return x.role == r.ID }) {
			rows = append(rows, row{role: r.ID})
		}
	}
	for _, row := range rows {
		name := "nobody"
		if r, err := directory.FindRole(row.role); err == nil {
			name = r.DisplayName
		}
		t.Run(name, func(t *testing.T) {
			c := directory.Caller{User: "me", Permissions: everyPermission()}
			if row.role != "" {
				c.Roles = []directory.RoleID{row.role}
			}
			expect(t, c, directory.ReadMethodsPolicy, nobody, row.readPolicy, directory.ErrNotAllowed)
			expect(t, c, directory.WriteMethodsPolicy, nobody, row.changePolicy, directory.ErrNotAllowed)

			for _, me := range []directory.Target{self, selfGA} {
				expect(t, c, directory.IssuePass, me, false, directory.ErrNotForYourself)
				expect(t, c, directory.DeletePass, me, true, nil)
				expect(t, c, directory.ReadPass, me, true, nil)
			}
			for _, o := range others {
				t.Run(o.name, func(t *testing.T) {
					for _, a := range []directory.Action{directory.IssuePass, directory.DeletePass} {
						expect(t, c, a, o.t, row.issueAndDelete == anyone || row.issueAndDelete == limited && o.limited, refusal(row.issueAndDelete))
					}
					for _, a := range []directory.Action{directory.ReadPass, directory.ReadMethods} {
						expect(t, c, a, o.t, row.view == anyone || row.view == limited && o.limited, refusal(row.view))
					}
				})
			}
		})
	}
}

// refusal is what a role hears about a target that it does not reach.
func refusal(reach int) error {
	if reach == 0 {
		return directory.ErrNotAllowed
	}
	return directory.ErrTargetProtected
}

func expect(t *testing.T, c directory.Caller, a directory.Action, target directory.Target, ok bool, refused error) {
	t.Helper()
	err := directory.May(c, a, target)
	switch {
	case ok && err != nil:
		t.Errorf("%s was refused: %v", a, err)
	case !ok && !errors.Is(err, refused):
		t.Errorf("%s gave %v, want %v", a, err, refused)
	}
}

// The tables "Who can perform sensitive actions" and "Who can reset passwords" (Helpdesk) of
// Entra's page on privileged roles, one row a role that the target holds.
func TestWhomALimitedRoleReaches(t *testing.T) {
	type row struct {
		held                           directory.RoleID
		authentication, user, helpdesk bool // reach it
	}
	rows := []row{
		{directory.AuthenticationAdministrator, true, false, false},
		{directory.DirectoryReaders, true, true, true},
		{directory.GlobalAdministrator, false, false, false},
		{directory.GroupsAdministrator, false, true, false},
		{directory.GuestInviter, true, true, true},
		{directory.HelpdeskAdministrator, false, true, true},
		{directory.MessageCenterReader, true, true, true},
		{directory.PasswordAdministrator, true, true, true},
		{directory.PrivilegedAuthenticationAdministrator, false, false, false},
		{directory.PrivilegedRoleAdministrator, false, false, false},
		{directory.ReportsReader, true, true, true},
		{directory.UserAdministrator, false, true, false},
		{directory.UserExperienceSuccessManager, true, true, true},
		{directory.UsageSummaryReportsReader, true, true, true},
		{"11111111-2222-4333-8444-555555555555", false, false, false}, // a custom role
	}
	for _, r := range directory.BuiltInRoles { // all other built-in roles
		if !slices.ContainsFunc(rows, func(x row) bool { return x.held == r.ID }) {
			rows = append(rows, row{held: r.ID})
		}
	}
	for _, row := range rows {
		target := directory.Target{User: "target", Roles: []directory.RoleID{row.held}}
		reaches(t, row.held, target, row.authentication, row.user, row.helpdesk)
		target.RoleAssignableGroup = true
		reaches(t, row.held, target, false, false, false)
	}
	reaches(t, "no role", member, true, true, true)
	reaches(t, "role-assignable group", groupMember, false, false, false)
	reaches(t, "restricted unit", restricted, false, false, false)
}

func reaches(t *testing.T, what directory.RoleID, target directory.Target, authentication, user, helpdesk bool) {
	t.Helper()
	for role, want := range map[directory.RoleID]bool{
		directory.AuthenticationAdministrator: authentication, directory.UserAdministrator: user, directory.HelpdeskAdministrator: helpdesk,
		directory.PrivilegedAuthenticationAdministrator: true, directory.GlobalAdministrator: true,
	} {
		if got := role.Reaches(target); got != want {
			t.Errorf("%s: %s reaches it: %v, want %v", what, role, got, want)
		}
		c := directory.Caller{User: "me", Permissions: everyPermission(), Roles: []directory.RoleID{role}}
		for action, holders := range map[directory.Action][]directory.RoleID{
			directory.UpdateUserSensitive: {directory.UserAdministrator, directory.AuthenticationAdministrator},
			directory.DeleteUser:          {directory.UserAdministrator, directory.AuthenticationAdministrator},
			directory.RestoreUser:         {directory.UserAdministrator, directory.AuthenticationAdministrator},
			directory.RevokeSessions:      {directory.UserAdministrator, directory.AuthenticationAdministrator, directory.HelpdeskAdministrator},
		} {
			holders = append(holders, directory.PrivilegedAuthenticationAdministrator, directory.GlobalAdministrator)
			if err := directory.May(c, action, target); (err == nil) != (want && slices.Contains(holders, role)) {
				t.Errorf("%s: %s by %s gave %v", what, action, role, err)
			}
		}
	}
}

func TestPermissionsForPasses(t *testing.T) {
	policy := directory.ReadMethodsPolicy
	rows := []struct {
		permission string
		allows     []directory.Action // on somebody else, for a person with the role and for an application
		own        []directory.Action // on oneself, without a role
	}{
		{"UserAuthenticationMethod.ReadWrite.All", acts(directory.IssuePass, directory.DeletePass, directory.ReadPass, directory.ReadMethods, directory.ReadHello, directory.DeleteHello), acts(directory.DeletePass, directory.ReadPass, directory.ReadMethods, directory.ReadHello, directory.DeleteHello)},
		{"UserAuthMethod-TAP.ReadWrite.All", acts(directory.IssuePass, directory.DeletePass, directory.ReadPass), acts(directory.DeletePass, directory.ReadPass)},
		{"UserAuthenticationMethod.Read.All", acts(directory.ReadPass, directory.ReadMethods, directory.ReadHello), acts(directory.ReadPass, directory.ReadMethods, directory.ReadHello)},
		{"UserAuthMethod-TAP.Read.All", acts(directory.ReadPass), acts(directory.ReadPass)},
		{"UserAuthenticationMethod.Read", nil, acts(directory.ReadPass, directory.ReadMethods, directory.ReadHello)},
		{"UserAuthenticationMethod.ReadWrite", nil, acts(directory.DeletePass, directory.ReadPass, directory.ReadMethods, directory.ReadHello, directory.DeleteHello)},
		{"UserAuthMethod-TAP.Read", nil, acts(directory.ReadPass)},
		{"UserAuthMethod-TAP.ReadWrite", nil, acts(directory.DeletePass, directory.ReadPass)},
		{"UserAuthMethod-WindowsHello.ReadWrite.All", acts(directory.ReadHello, directory.DeleteHello), acts(directory.ReadHello, directory.DeleteHello)},
		{"UserAuthMethod-WindowsHello.Read.All", acts(directory.ReadHello), acts(directory.ReadHello)},
		{"UserAuthMethod-WindowsHello.Read", nil, acts(directory.ReadHello)},
		{"UserAuthMethod-WindowsHello.ReadWrite", nil, acts(directory.ReadHello, directory.DeleteHello)},
		{"Policy.Read.AuthenticationMethod", acts(policy), nil},
		{"Policy.Read.All", acts(policy), nil},
		{"Policy.ReadWrite.AuthenticationMethod", acts(policy, directory.WriteMethodsPolicy), nil},
		{"User.ReadWrite.All", nil, nil},
		{"Directory.ReadWrite.All", nil, nil},
		{directory.PrivilegedMethods, nil, nil},
	}
	all := acts(directory.IssuePass, directory.DeletePass, directory.ReadPass, directory.ReadMethods, directory.ReadHello, directory.DeleteHello, policy, directory.WriteMethodsPolicy)
	for _, row := range rows {
		t.Run(row.permission, func(t *testing.T) {
			token := []string{row.permission}
			person := directory.Caller{User: "me", Permissions: token, Roles: []directory.RoleID{directory.GlobalAdministrator}}
			plain := directory.Caller{User: "me", Permissions: token}
			app := directory.Caller{ServicePrincipal: "robot", Permissions: token}
			for _, a := range all {
				ok := slices.Contains(row.allows, a)
				expect(t, person, a, member, ok, directory.ErrPermissionMissing)
				expect(t, app, a, member, ok, directory.ErrPermissionMissing)
				if a != policy && a != directory.WriteMethodsPolicy && a != directory.IssuePass {
					expect(t, plain, a, self, slices.Contains(row.own, a), directory.ErrPermissionMissing)
				}
			}
		})
	}
}

func acts(a ...directory.Action) []directory.Action { return a }

package directory

import "slices"

// A reach says whom the roles of a rule extend to.
type reach int

const (
	unlimited    reach = iota // everybody
	reachOfRoles              // people: by role; applications: everybody
	reachOfAll                // people and applications: by role
)

// everybody are the roles that reach whomever their rules name, administrators too.
var everybody = []RoleID{GlobalAdministrator, GlobalReader, PrivilegedAuthenticationAdministrator}

// within lists, for each role with a limited reach, the roles that its targets may hold. A
// role that is in neither list reaches people without a role. Source: the tables "Who can
// perform sensitive actions" and, for Helpdesk Administrator, "Who can reset passwords" of
// https://learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions
var within = map[RoleID][]RoleID{
	AuthenticationAdministrator: {
		AuthenticationAdministrator, DirectoryReaders, GuestInviter, MessageCenterReader, PasswordAdministrator,
		ReportsReader, UserExperienceSuccessManager, UsageSummaryReportsReader,
	},
	UserAdministrator: {
		DirectoryReaders, GroupsAdministrator, GuestInviter, HelpdeskAdministrator, MessageCenterReader,
		PasswordAdministrator, ReportsReader, UserAdministrator, UserExperienceSuccessManager, UsageSummaryReportsReader,
	},
	HelpdeskAdministrator: {
		DirectoryReaders, GuestInviter, HelpdeskAdministrator, MessageCenterReader, PasswordAdministrator,
		ReportsReader, UserExperienceSuccessManager, UsageSummaryReportsReader,
	},
}

// Reaches reports whether a holder of r may act on t where an action is limited by the
// target's roles. A role that is not known here, as a custom one, protects like the highest.
func (r RoleID) Reaches(t Target) bool {
	if slices.Contains(everybody, r) {
		return true
	}
	if t.RoleAssignableGroup || t.RestrictedUnit || len(t.Permissions) > 0 {
		return false
	}
	for _, held := range t.Roles {
		if !slices.Contains(within[r], held) {
			return false
		}
	}
	return true
}

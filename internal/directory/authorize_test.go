package directory_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func roles(ids ...directory.RoleID) []directory.RoleID { return ids }

func TestMay(t *testing.T) {
	tap := []string{"UserAuthMethod-TAP.ReadWrite.All"}
	ga := directory.Caller{User: "me", Permissions: everyPermission(), Roles: roles(directory.GlobalAdministrator)}
	plain := directory.Caller{User: "me", Permissions: everyPermission()}
	guest := directory.Caller{User: "me", Permissions: everyPermission(), Guest: true}
	robot := directory.Caller{ServicePrincipal: "robot", Permissions: everyPermission()}
	bound := directory.Caller{User: "me", Permissions: everyPermission(), Roles: roles(directory.GlobalAdministrator), Purpose: "register"}
	with := func(c directory.Caller, r ...directory.RoleID) directory.Caller { c.Roles = r; return c }
	token := func(c directory.Caller, p ...string) directory.Caller { c.Permissions = p; return c }

	powerful := directory.Target{Permissions: []string{"RoleManagement.ReadWrite.Directory"}}

	tests := []struct {
		name string
		c    directory.Caller
		a    directory.Action
		t    directory.Target
		want error
	}{
		{"an action without a rule is refused, whoever asks", ga, "eraseEverything", member, directory.ErrNotAllowed},
		{"no action is refused", ga, "", member, directory.ErrNotAllowed},
		{"nobody at all is refused", token(directory.Caller{}, everyPermission()...), directory.ReadUser, member, directory.ErrNotAllowed},
		{"a pass for nobody is refused", ga, directory.IssuePass, nobody, directory.ErrNotAllowed},
		{"an application's pass for nobody is refused", token(robot, tap...), directory.IssuePass, nobody, directory.ErrNotAllowed},
		{"deleting nobody is refused", ga, directory.DeleteUser, nobody, directory.ErrNotAllowed},

		{"a role without the permission is not enough", token(ga, "User.Read"), directory.IssuePass, member, directory.ErrPermissionMissing},
		{"the permission without a role is not enough", token(plain, tap...), directory.IssuePass, member, directory.ErrNotAllowed},
		{"a permission that only begins alike is none", token(ga, "UserAuthMethod-TAP.ReadWrite"), directory.IssuePass, member, directory.ErrPermissionMissing},
		{"a permission in another case is none", token(ga, strings.ToLower(tap[0])), directory.IssuePass, member, directory.ErrPermissionMissing},

		{"an application issues for people without a role", token(robot, tap...), directory.IssuePass, member, nil},
		{"an application does not issue for a role holder", token(robot, tap...), directory.IssuePass, reader, directory.ErrTargetProtected},
		{"an application does not issue for a member of a role-assignable group", token(robot, tap...), directory.IssuePass, groupMember, directory.ErrTargetProtected},
		{"an application does not issue for a role holder in a restricted unit", token(robot, tap...), directory.IssuePass, restricted, directory.ErrTargetProtected},
		{"an application is nobody's self", token(robot, "User.Read"), directory.ReadUser, nobody, directory.ErrPermissionMissing},
		{"an application does not delete the pass of a role holder", token(robot, tap...), directory.DeletePass, admin, directory.ErrTargetProtected},
		{"an application with the privileged permission does", token(robot, tap[0], directory.PrivilegedMethods), directory.IssuePass, admin, nil},
		{"the privileged permission alone is not enough", token(robot, directory.PrivilegedMethods), directory.IssuePass, admin, directory.ErrPermissionMissing},
		{"the privileged permission in a person's token does nothing", token(plain, tap[0], directory.PrivilegedMethods), directory.IssuePass, admin, directory.ErrNotAllowed},
		{"the privileged permission does not delete administrators", token(robot, "User.ReadWrite.All", directory.PrivilegedMethods), directory.DeleteUser, admin, directory.ErrTargetProtected},
		{"an application that is an Authentication Administrator reaches a reader", with(token(robot, tap...), directory.AuthenticationAdministrator), directory.IssuePass, reader, nil},
		{"and no Global Administrator", with(token(robot, tap...), directory.AuthenticationAdministrator), directory.IssuePass, admin, directory.ErrTargetProtected},
		{"an application that is a Privileged Authentication Administrator does", with(token(robot, tap...), directory.PrivilegedAuthenticationAdministrator), directory.IssuePass, admin, nil},
		{"a role for something else does not help an application", with(token(robot, tap...), directory.PrivilegedRoleAdministrator), directory.IssuePass, reader, directory.ErrTargetProtected},
		{"a Global Reader application reaches nobody to act on", with(token(robot, tap...), directory.GlobalReader), directory.IssuePass, reader, directory.ErrTargetProtected},
		{"an application's role without the permission is not enough", with(token(robot, "User.Read.All"), directory.GlobalAdministrator), directory.IssuePass, member, directory.ErrPermissionMissing},
		{"an application reads the state of an administrator's pass", token(robot, "UserAuthMethod-TAP.Read.All"), directory.ReadPass, admin, nil},
		{"an application ends an administrator's sessions", token(robot, "User.RevokeSessions.All"), directory.RevokeSessions, admin, nil},
		{"an application does not disable an administrator", robot, directory.UpdateUserSensitive, admin, directory.ErrTargetProtected},
		{"an application disables others", robot, directory.UpdateUserSensitive, member, nil},

		{"an Authentication Administrator resets a password", with(plain, directory.AuthenticationAdministrator), directory.ResetPassword, member, nil},
		{"and no administrator's", with(plain, directory.AuthenticationAdministrator), directory.ResetPassword, admin, directory.ErrTargetProtected},
		{"a Privileged Authentication Administrator does", with(plain, directory.PrivilegedAuthenticationAdministrator), directory.ResetPassword, admin, nil},
		{"a Password Administrator resets none, as in Entra's API", with(plain, directory.PasswordAdministrator), directory.ResetPassword, member, directory.ErrNotAllowed},
		{"nobody resets their own password", ga, directory.ResetPassword, self, directory.ErrNotForYourself},
		{"an application by itself resets no password", robot, directory.ResetPassword, member, directory.ErrNotAllowed},
		{"whatever its role", with(robot, directory.GlobalAdministrator), directory.ResetPassword, member, directory.ErrNotAllowed},
		{"an application removes methods of people without a role", robot, directory.DeleteCodes, member, nil},
		{"a person removes their own", token(plain, "UserAuthenticationMethod.ReadWrite"), directory.DeleteCodes, self, nil},
		{"and nobody else's", token(plain, "UserAuthenticationMethod.ReadWrite"), directory.DeleteCodes, member, directory.ErrPermissionMissing},

		{"an Authentication Administrator removes a key", with(plain, directory.AuthenticationAdministrator), directory.DeletePasskey, member, nil},
		{"and no administrator's", with(plain, directory.AuthenticationAdministrator), directory.DeletePasskey, admin, directory.ErrTargetProtected},
		{"nor that of a member of a role-assignable group", with(plain, directory.AuthenticationAdministrator), directory.DeletePasskey, directory.Target{User: "them", RoleAssignableGroup: true}, directory.ErrTargetProtected},
		{"a Helpdesk Administrator removes none", with(plain, directory.HelpdeskAdministrator), directory.DeletePasskey, member, directory.ErrNotAllowed},
		{"the permission for one kind is not that for another", token(robot, "UserAuthMethod-SoftwareOATH.ReadWrite.All"), directory.DeletePasskey, member, directory.ErrPermissionMissing},
		{"an application removes no administrator's key", token(robot, "UserAuthMethod-Passkey.ReadWrite.All"), directory.DeletePasskey, admin, directory.ErrTargetProtected},
		{"unless it has the privileged permission", token(robot, "UserAuthMethod-Passkey.ReadWrite.All", directory.PrivilegedMethods), directory.DeletePasskey, admin, nil},
		{"a person removes their own phone", token(plain, "UserAuthMethod-MicrosoftAuthApp.ReadWrite"), directory.DeletePhone, self, nil},
		{"and reads it with less", token(plain, "UserAuthMethod-MicrosoftAuthApp.Read"), directory.ReadPhone, self, nil},
		{"with which they do not remove it", token(plain, "UserAuthMethod-MicrosoftAuthApp.Read"), directory.DeletePhone, self, directory.ErrPermissionMissing},
		{"nobody registers a key for themselves this way", ga, directory.RegisterPasskey, self, directory.ErrNotForYourself},
		{"nobody thaws what is their own", ga, directory.FreezeMethod, self, directory.ErrNotForYourself},
		{"a Global Administrator thaws what is another one's", ga, directory.FreezeMethod, admin, nil},
		{"a Reports Reader reads who has which method", with(plain, directory.ReportsReader), directory.ReadRegistrations, nobody, nil},
		{"a Helpdesk Administrator does not", with(plain, directory.HelpdeskAdministrator), directory.ReadRegistrations, nobody, directory.ErrNotAllowed},

		{"a member is not told when somebody leaves", token(plain, "User.Read.All", "User-LifeCycleInfo.Read.All"), directory.ReadLeaveDate, nobody, directory.ErrNotAllowed},
		{"a User Administrator neither", with(token(plain, "User.ReadWrite.All", "User-LifeCycleInfo.ReadWrite.All"), directory.UserAdministrator), directory.ReadLeaveDate, nobody, directory.ErrNotAllowed},
		{"a Lifecycle Workflows Administrator is", with(token(plain, "User.Read.All", "User-LifeCycleInfo.Read.All"), directory.LifecycleWorkflowsAdministrator), directory.ReadLeaveDate, nobody, nil},
		{"a Global Reader is", with(token(plain, "User.Read.All", "User-LifeCycleInfo.Read.All"), directory.GlobalReader), directory.ReadLeaveDate, nobody, nil},
		{"not by a program without the permission", with(token(plain, "User.ReadWrite.All", "Directory.ReadWrite.All"), directory.GlobalAdministrator), directory.ReadLeaveDate, nobody, directory.ErrPermissionMissing},
		{"a Lifecycle Workflows Administrator does not change it", with(token(plain, "User.Read.All", "User-LifeCycleInfo.ReadWrite.All"), directory.LifecycleWorkflowsAdministrator), directory.WriteLeaveDate, nobody, directory.ErrNotAllowed},
		{"a Global Administrator does", with(token(plain, "User.Read.All", "User-LifeCycleInfo.ReadWrite.All"), directory.GlobalAdministrator), directory.WriteLeaveDate, nobody, nil},
		{"not by a program that may only read it", with(token(plain, "User.ReadWrite.All", "User-LifeCycleInfo.Read.All"), directory.GlobalAdministrator), directory.WriteLeaveDate, nobody, directory.ErrPermissionMissing},
		{"an application does", token(robot, "User.Read.All", "User-LifeCycleInfo.ReadWrite.All"), directory.WriteLeaveDate, nobody, nil},
		{"not with that permission alone", token(robot, "User-LifeCycleInfo.ReadWrite.All"), directory.WriteLeaveDate, nobody, directory.ErrPermissionMissing},
		{"a member reads everybody", token(plain, "User.Read.All"), directory.ReadUser, admin, nil},
		{"a member reads names with the small permission", token(plain, "User.ReadBasic.All"), directory.ReadUserBasic, admin, nil},
		{"and not more", token(plain, "User.ReadBasic.All"), directory.ReadUser, admin, directory.ErrPermissionMissing},
		{"a person reads their own profile with User.Read", token(plain, "User.Read"), directory.ReadUser, self, nil},
		{"and nobody else's", token(plain, "User.Read"), directory.ReadUser, member, directory.ErrPermissionMissing},
		{"a guest reads themselves", token(guest, "User.Read"), directory.ReadUser, self, nil},
		{"a guest reads nobody else", guest, directory.ReadUser, member, directory.ErrNotAllowed},
		{"a member reads devices", token(plain, "Device.Read.All"), directory.ReadDevices, nobody, nil},
		{"a guest reads no device", guest, directory.ReadDevices, nobody, directory.ErrNotAllowed},
		{"a member switches no device off", plain, directory.SwitchDevice, nobody, directory.ErrNotAllowed},
		{"a User Administrator neither", with(plain, directory.UserAdministrator), directory.SwitchDevice, nobody, directory.ErrNotAllowed},
		{"a Cloud Device Administrator switches devices off", with(plain, directory.CloudDeviceAdministrator), directory.SwitchDevice, nobody, nil},
		{"and deletes them", with(plain, directory.CloudDeviceAdministrator), directory.DeleteDevice, nobody, nil},
		{"and does not rename them", with(plain, directory.CloudDeviceAdministrator), directory.UpdateDevice, nobody, directory.ErrNotAllowed},
		{"an Intune Administrator renames devices", with(plain, directory.IntuneAdministrator), directory.UpdateDevice, nobody, nil},
		{"a member prepares no device", plain, directory.PrepareDeviceFor, member, directory.ErrNotAllowed},
		{"an Intune Administrator prepares one for a member", with(plain, directory.IntuneAdministrator), directory.PrepareDeviceFor, member, nil},
		{"and for a group", with(plain, directory.IntuneAdministrator), directory.PrepareDevice, nobody, nil},
		{"and not for somebody with a role", with(plain, directory.IntuneAdministrator), directory.PrepareDeviceFor, admin, directory.ErrTargetProtected},
		{"an application neither", token(robot, "Device.ReadWrite.All"), directory.PrepareDeviceFor, admin, directory.ErrTargetProtected},
		{"an application that reads devices deletes none", token(robot, "Device.Read.All"), directory.DeleteDevice, nobody, directory.ErrPermissionMissing},
		{"an application with the permission deletes devices", token(robot, "Device.ReadWrite.All"), directory.DeleteDevice, nobody, nil},
		{"a guest reads no group", guest, directory.ReadGroup, nobody, directory.ErrNotAllowed},
		{"a guest reads the tenant's name", guest, directory.ReadOrganization, nobody, nil},
		{"a guest who is a Directory Reader reads others", with(guest, directory.DirectoryReaders), directory.ReadUser, member, nil},

		{"a User Administrator renames a Global Administrator", with(plain, directory.UserAdministrator), directory.UpdateUser, admin, nil},
		{"and does not disable one", with(plain, directory.UserAdministrator), directory.UpdateUserSensitive, admin, directory.ErrTargetProtected},
		{
			"two roles do not add up to a third", with(plain, directory.UserAdministrator, directory.AuthenticationAdministrator), directory.UpdateUserSensitive,
			directory.Target{User: "both", Roles: roles(directory.GroupsAdministrator, directory.AuthenticationAdministrator)},
			directory.ErrTargetProtected,
		},
		{"nobody deletes themselves", ga, directory.DeleteUser, selfGA, directory.ErrNotForYourself},
		{"a person ends their own sessions", token(plain, "User.RevokeSessions.All"), directory.RevokeSessions, self, nil},
		{"a person does not change their own role", plain, directory.AssignRoles, self, directory.ErrNotAllowed},
		{"Directory.ReadWrite.All deletes nobody", token(ga, "Directory.ReadWrite.All"), directory.DeleteUser, member, directory.ErrPermissionMissing},

		{"an owner changes the members of their group", plain, directory.ChangeMembers, directory.Target{OwnedByCaller: true}, nil},
		{"somebody else does not", plain, directory.ChangeMembers, nobody, directory.ErrNotAllowed},
		{"an owner does not change a role-assignable group", plain, directory.ChangeRoleGroup, directory.Target{OwnedByCaller: true}, directory.ErrNotAllowed},
		{"a Groups Administrator does not change a role-assignable group", with(plain, directory.GroupsAdministrator), directory.ChangeRoleGroup, nobody, directory.ErrNotAllowed},
		{"a Privileged Role Administrator does", with(plain, directory.PrivilegedRoleAdministrator), directory.ChangeRoleGroup, nobody, nil},
		{"a role-assignable group needs the permission for roles, too", token(robot, "Group.ReadWrite.All"), directory.ChangeRoleGroup, nobody, directory.ErrPermissionMissing},
		{"and the one for groups", token(robot, "RoleManagement.ReadWrite.Directory"), directory.ChangeRoleGroup, nobody, directory.ErrPermissionMissing},
		{"with both an application changes it", token(robot, "Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"), directory.ChangeRoleGroup, nobody, nil},

		{"an Application Administrator changes applications", with(plain, directory.ApplicationAdministrator), directory.WriteApplications, nobody, nil},
		{"and none that holds a role", with(plain, directory.ApplicationAdministrator), directory.WriteApplications, directory.Target{Roles: roles(directory.GlobalAdministrator)}, directory.ErrTargetProtected},
		{"nor does its owner", plain, directory.WriteApplications, directory.Target{Roles: roles(directory.GlobalAdministrator), OwnedByCaller: true}, directory.ErrNotAllowed},
		{"nor one that has a power at Graph", with(plain, directory.ApplicationAdministrator), directory.WriteApplications, powerful, directory.ErrTargetProtected},
		{"nor does its owner change that one", plain, directory.WriteApplications, directory.Target{Permissions: powerful.Permissions, OwnedByCaller: true}, directory.ErrNotAllowed},
		{"a Global Administrator changes one with a power", ga, directory.WriteApplications, powerful, nil},
		{"an application changes one that has no more powers", token(robot, "Application.ReadWrite.All", "RoleManagement.ReadWrite.Directory"), directory.WriteApplications, powerful, nil},
		{"and none that has more", token(robot, "Application.ReadWrite.All", "User.ReadWrite.All"), directory.WriteApplications, powerful, directory.ErrTargetProtected},
		{"an Application Administrator gives out no permissions of Graph", with(plain, directory.ApplicationAdministrator), directory.AssignGraphRoles, nobody, directory.ErrNotAllowed},
		{"a Privileged Role Administrator does", with(plain, directory.PrivilegedRoleAdministrator), directory.AssignGraphRoles, nobody, nil},
		{"an application hands no account from one source to another", token(robot, "User.ReadWrite.All", "Directory.ReadWrite.All"), directory.ChangeSource, member, directory.ErrNotAllowed},
		{"one with the role does", with(token(robot, "User.ReadWrite.All"), directory.UserAdministrator), directory.ChangeSource, member, nil},
		{"one with the permission for it does", token(robot, "User-OnPremisesSyncBehavior.ReadWrite.All"), directory.ChangeSource, member, nil},
		{"not of an administrator", token(robot, "User-OnPremisesSyncBehavior.ReadWrite.All"), directory.ChangeSource, admin, directory.ErrTargetProtected},
		{"and reads it", token(robot, "User-OnPremisesSyncBehavior.ReadWrite.All"), directory.ReadSource, member, nil},
		{"and no more", token(robot, "User-OnPremisesSyncBehavior.ReadWrite.All"), directory.ReadUser, member, directory.ErrPermissionMissing},
		{"and changes no more", token(robot, "User-OnPremisesSyncBehavior.ReadWrite.All"), directory.UpdateUserPart, member, directory.ErrPermissionMissing},
		{"and a User Administrator", with(plain, directory.UserAdministrator), directory.ChangeSource, member, nil},
		{"a Domain Name Administrator verifies by the DNS", with(plain, directory.DomainNameAdministrator), directory.WriteDomains, nobody, nil},
		{"and not by decision", with(plain, directory.DomainNameAdministrator), directory.ConfirmDomain, nobody, directory.ErrNotAllowed},
		{"nor does an application without a role", robot, directory.ConfirmDomain, nobody, directory.ErrNotAllowed},
		{"one with the role does", with(robot, directory.GlobalAdministrator), directory.ConfirmDomain, nobody, nil},
		{"nor does another application", robot, directory.WriteApplications, directory.Target{Roles: roles(directory.GlobalAdministrator)}, directory.ErrTargetProtected},
		{"an Application Developer registers one", with(plain, directory.ApplicationDeveloper), directory.CreateApplication, nobody, nil},
		{"and does not change those of others", with(plain, directory.ApplicationDeveloper), directory.WriteApplications, nobody, directory.ErrNotAllowed},
		{"an Application Administrator assigns app roles", with(plain, directory.ApplicationAdministrator), directory.AssignAppRoles, nobody, nil},
		{"and none of Graph", with(plain, directory.ApplicationAdministrator), directory.AssignGraphRoles, nobody, directory.ErrNotAllowed},
		{"a User Administrator assigns no roles", with(plain, directory.UserAdministrator), directory.AssignRoles, nobody, directory.ErrNotAllowed},

		{"an Intune Administrator changes device policies", with(plain, directory.IntuneAdministrator), directory.WriteDevicePolicy, nobody, nil},
		{"and reads them", with(plain, directory.IntuneAdministrator), directory.ReadDevicePolicy, nobody, nil},
		{"a Global Administrator changes device policies", ga, directory.WriteDevicePolicy, nobody, nil},
		{"a Global Reader reads device policies", with(plain, directory.GlobalReader), directory.ReadDevicePolicy, nobody, nil},
		{"and changes none", with(plain, directory.GlobalReader), directory.WriteDevicePolicy, nobody, directory.ErrNotAllowed},
		{"a member reads no device policies", plain, directory.ReadDevicePolicy, nobody, directory.ErrNotAllowed},
		{"nor does a Cloud Device Administrator change them", with(plain, directory.CloudDeviceAdministrator), directory.WriteDevicePolicy, nobody, directory.ErrNotAllowed},
		{"an application with the permission changes device policies", token(robot, "DeviceManagementConfiguration.ReadWrite.All"), directory.WriteDevicePolicy, nobody, nil},
		{"one that may read them changes none", token(robot, "DeviceManagementConfiguration.Read.All"), directory.WriteDevicePolicy, nobody, directory.ErrPermissionMissing},
		{"and reads them", token(robot, "DeviceManagementConfiguration.Read.All"), directory.ReadDevicePolicy, nobody, nil},

		{"a Conditional Access Administrator changes who may get in", with(plain, directory.ConditionalAccessAdministrator), directory.WriteAccessRules, nobody, nil},
		{"and strengths", with(plain, directory.ConditionalAccessAdministrator), directory.WriteStrengths, nobody, nil},
		{"so does a Security Administrator", with(plain, directory.SecurityAdministrator), directory.WriteAccessRules, nobody, nil},
		{"a Security Reader reads it", with(plain, directory.SecurityReader), directory.ReadAccessRules, nobody, nil},
		{"and changes nothing", with(plain, directory.SecurityReader), directory.WriteAccessRules, nobody, directory.ErrNotAllowed},
		{"a Global Reader reads it", with(plain, directory.GlobalReader), directory.ReadAccessRules, nobody, nil},
		{"an Authentication Policy Administrator reads strengths", with(plain, directory.AuthenticationPolicyAdministrator), directory.ReadStrengths, nobody, nil},
		{"and no policies", with(plain, directory.AuthenticationPolicyAdministrator), directory.ReadAccessRules, nobody, directory.ErrNotAllowed},
		{"a member reads none of it", plain, directory.ReadAccessRules, nobody, directory.ErrNotAllowed},
		{"an application that may read policies changes none", token(robot, "Policy.Read.All"), directory.WriteAccessRules, nobody, directory.ErrPermissionMissing},

		{"sign-ins need both permissions", token(ga, "AuditLog.Read.All"), directory.ReadSignIns, nobody, directory.ErrPermissionMissing},
		{"with both they are read", token(ga, "AuditLog.Read.All", "Directory.Read.All"), directory.ReadSignIns, nobody, nil},
		{"audits need one", token(ga, "AuditLog.Read.All"), directory.ReadAudits, nobody, nil},
		{"a Helpdesk Administrator reads no sign-ins", with(plain, directory.HelpdeskAdministrator), directory.ReadSignIns, nobody, directory.ErrNotAllowed},

		{"a pass for one purpose administers nothing", bound, directory.IssuePass, member, directory.ErrPurposeBound},
		{"it reads nobody else", bound, directory.ReadUser, member, directory.ErrPurposeBound},
		{"it does not read the directory", bound, directory.ReadOrganization, nobody, directory.ErrPurposeBound},
		{"it does not change its own account", bound, directory.UpdateUserSensitive, selfGA, directory.ErrPurposeBound},
		{"it does not read one's own profile", bound, directory.ReadUser, self, directory.ErrPurposeBound},
		{"it does not see one's own methods", bound, directory.ReadMethods, self, directory.ErrPurposeBound},
		{"it does not delete one's own pass", bound, directory.DeletePass, self, directory.ErrPurposeBound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := directory.May(test.c, test.a, test.t); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestTheAnswerSaysWhomToAsk(t *testing.T) {
	person := directory.Caller{User: "me", Permissions: everyPermission(), Roles: roles(directory.AuthenticationAdministrator)}
	robot := directory.Caller{ServicePrincipal: "robot", Permissions: []string{"UserAuthMethod-TAP.ReadWrite.All"}}
	tests := []struct {
		name string
		c    directory.Caller
		a    directory.Action
		t    directory.Target
		want string
	}{
		{"a stronger role for a protected target", person, directory.IssuePass, admin, "Ask a Privileged Authentication Administrator or a Global Administrator."},
		{"the weakest role that may", person, directory.WriteMethodsPolicy, nobody, "Ask an Authentication Policy Administrator or a Global Administrator."},
		{"one role where there is one", person, directory.WriteOrganization, nobody, "Ask a Global Administrator."},
		{"who may issue for me", person, directory.IssuePass, self, "Ask an Authentication Administrator or a Privileged Authentication Administrator."},
		{"which permission", directory.Caller{User: "me"}, directory.IssuePass, member, "Grant it UserAuthMethod-TAP.ReadWrite.All or UserAuthenticationMethod.ReadWrite.All."},
		{"which permission for oneself", directory.Caller{User: "me"}, directory.DeletePass, self, "Grant it UserAuthMethod-TAP.ReadWrite or UserAuthenticationMethod.ReadWrite."},
		{"what an application lacks", robot, directory.IssuePass, admin, "Grant the application UserAuthenticationMethod-Privileged.ReadWrite.All or the role Privileged Authentication Administrator or Global Administrator."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := directory.May(test.c, test.a, test.t); err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for _, declared := range []error{directory.ErrNotAllowed, directory.ErrPermissionMissing, directory.ErrNotForYourself, directory.ErrTargetProtected} {
		if strings.Contains(declared.Error(), "Ask") || strings.Contains(declared.Error(), "Grant") {
			t.Errorf("an answer changed what is declared: %v", declared)
		}
	}
}

func TestSensitivePropertiesAreThoseOfEntra(t *testing.T) {
	// passwordProfile, which is one of Entra's, is an action of its own: SetPassword.
	want := []string{"accountEnabled", "businessPhones", "mobilePhone", "onPremisesImmutableId", "otherMails", "postern_externalId", "userPrincipalName"}
	if !slices.Equal(directory.SensitiveProperties, want) {
		t.Errorf("got %v", directory.SensitiveProperties)
	}
	if !slices.Equal(directory.TellingProperties, []string{"identities", "mail", "userType"}) {
		t.Errorf("beyond Entra's: %v", directory.TellingProperties)
	}
}

func TestAChangeOfARoleAssignableGroupIsAChangeOfRoles(t *testing.T) {
	plain, strong := directory.Group{}, directory.Group{IsAssignableToRole: true}
	for _, a := range []directory.Action{
		directory.CreateGroup, directory.UpdateGroup, directory.DeleteGroup, directory.RestoreGroup, directory.ChangeMembers,
	} {
		if got := a.OnGroup(strong); got != directory.ChangeRoleGroup {
			t.Errorf("%s gave %s", a, got)
		}
		if got := a.OnGroup(plain); got != a {
			t.Errorf("%s of a plain group gave %s", a, got)
		}
	}
	if got := directory.ReadGroup.OnGroup(strong); got != directory.ReadGroup {
		t.Errorf("reading gave %s", got)
	}
}

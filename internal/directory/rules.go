package directory

import (
	"maps"
	"slices"
)

// An Action is something that somebody wants to do.
type Action string

// The actions.
const (
	ReadUser            Action = "readUser"        // the whole profile
	ReadUserBasic       Action = "readUserBasic"   // names and mail
	ReadMemberships     Action = "readMemberships" // groups and roles of a person
	CreateUser          Action = "createUser"
	UpdateUser          Action = "updateUser"          // what is not sensitive
	UpdateUserSensitive Action = "updateUserSensitive" // a property of SensitiveProperties or TellingProperties
	ReadSource          Action = "readSource"          // whether it comes from somewhere else
	ChangeSource        Action = "changeSource"        // take an account over from where it comes from, or hand it back
	UpdateManager       Action = "updateManager"
	ReadLeaveDate       Action = "readLeaveDate"  // employeeLeaveDateTime
	WriteLeaveDate      Action = "writeLeaveDate" // beside what else the change is
	UpdateUserPart      Action = "updateUserPart" // something of a person; what decides more
	DeleteUser          Action = "deleteUser"
	ReadDeletedUser     Action = "readDeletedUser"
	RestoreUser         Action = "restoreUser"
	RevokeSessions      Action = "revokeSessions" // one, or all
	ReadSessions        Action = "readSessions"
	ReadHistory         Action = "readHistory" // sign-ins of a person, and changes about them

	ReadGroup        Action = "readGroup" // members and owners included
	CreateGroup      Action = "createGroup"
	UpdateGroup      Action = "updateGroup"
	DeleteGroup      Action = "deleteGroup"
	ReadDeletedGroup Action = "readDeletedGroup"
	RestoreGroup     Action = "restoreGroup"
	ChangeMembers    Action = "changeMembers"   // and owners
	ChangeRoleGroup  Action = "changeRoleGroup" // any change of a role-assignable one; see OnGroup

	ReadDevices       Action = "readDevices" // owners and users included
	UpdateDevice      Action = "updateDevice"
	SwitchDevice      Action = "switchDevice"  // on and off
	ApproveDevice     Action = "approveDevice" // and refuse
	DeleteDevice      Action = "deleteDevice"
	PrepareDevice     Action = "prepareDevice"     // for somebody else
	PrepareDeviceFor  Action = "prepareDeviceFor"  // a person, or instead of the one who has it
	ReadPrerequisites Action = "readPrerequisites" // of web sign-in on a device

	ReadRoles   Action = "readRoles"
	AssignRoles Action = "assignRoles"

	ReadApplications  Action = "readApplications" // and service principals
	CreateApplication Action = "createApplication"
	WriteApplications Action = "writeApplications" // change, delete, restore; secrets and certificates
	ReadGrants        Action = "readGrants"        // app role assignments and permission grants
	AssignAppRoles    Action = "assignAppRoles"    // of any application but Graph
	AssignGraphRoles  Action = "assignGraphRoles"  // application permissions of Graph
	GrantPermissions  Action = "grantPermissions"  // delegated permissions

	ReadMethods   Action = "readMethods"
	ReadReadiness Action = "readReadiness" // how a person gets back in
	ReadPass      Action = "readPass"      // its state; nobody reads a pass
	IssuePass     Action = "issuePass"
	DeletePass    Action = "deletePass"
	ReadHello     Action = "readHello"
	DeleteHello   Action = "deleteHello"

	ReadPasskey     Action = "readPasskey"
	RegisterPasskey Action = "registerPasskey" // for somebody else
	DeletePasskey   Action = "deletePasskey"
	ReadPhone       Action = "readPhone" // that approves sign-ins
	DeletePhone     Action = "deletePhone"
	ReadCodes       Action = "readCodes" // apps with one-time codes; nobody reads a code
	DeleteCodes     Action = "deleteCodes"
	ReadPassword    Action = "readPassword" // whether there is one
	DeletePassword  Action = "deletePassword"
	ResetPassword   Action = "resetPassword" // without the one that is there
	SetPassword     Action = "setPassword"   // the same by passwordProfile
	FreezeMethod    Action = "freezeMethod"  // and thaw
	RevertPass      Action = "revertPass"    // all that came from it

	ReadCases   Action = "readCases"   // of recovery
	HandleCase  Action = "handleCase"  // open, attest who asks, give up, refuse, dispute
	ApproveCase Action = "approveCase" // as a second person
	VouchInCase Action = "vouchInCase" // as a manager or a colleague
	StartDrill  Action = "startDrill"  // a rehearsal of one person

	ReadRegistrations Action = "readRegistrations" // reports on who has which method
	ReadReports       Action = "readReports"       // counts of what happened, and what needs somebody

	ReadMethodsPolicy  Action = "readMethodsPolicy"
	WriteMethodsPolicy Action = "writeMethodsPolicy"

	ReadAccessRules  Action = "readAccessRules" // Conditional Access: policies, named locations, contexts
	WriteAccessRules Action = "writeAccessRules"
	ReadStrengths    Action = "readStrengths" // authentication strengths
	WriteStrengths   Action = "writeStrengths"

	ReadDevicePolicy  Action = "readDevicePolicy" // and what holds on a device
	WriteDevicePolicy Action = "writeDevicePolicy"

	ReadJoinPolicy  Action = "readJoinPolicy" // deviceRegistrationPolicy
	WriteJoinPolicy Action = "writeJoinPolicy"

	ReadWebhooks   Action = "readWebhooks" // where events are sent, and what became of each
	WriteWebhooks  Action = "writeWebhooks"
	ReadWorkflows  Action = "readWorkflows" // lifecycle workflows, their runs and settings
	WriteWorkflows Action = "writeWorkflows"
	ReadJobs       Action = "readJobs" // what the server does by itself, and gave up
	RetryJob       Action = "retryJob"

	ReadSignIns Action = "readSignIns"
	ReadAudits  Action = "readAudits"
	KeepViews   Action = "keepViews" // lists with their filters, for oneself

	ReadOrganization  Action = "readOrganization"
	WriteOrganization Action = "writeOrganization"
	ReadServer        Action = "readServer" // what runs, its keys by name, its last backup
	ReadBranding      Action = "readBranding"
	WriteBranding     Action = "writeBranding"
	ReadMailWords     Action = "readMailTemplates" // what mails say
	WriteMailWords    Action = "writeMailTemplates"
	ReadDomains       Action = "readDomains"
	WriteDomains      Action = "writeDomains"
	ConfirmDomain     Action = "confirmDomain"  // verify without a record in the DNS
	ReadFederation    Action = "readFederation" // of a domain with an identity provider
	WriteFederation   Action = "writeFederation"
)

// Actions returns every action that has a rule, sorted.
func Actions() []Action { return slices.Sorted(maps.Keys(rules)) }

// OnGroup returns what a amounts to on g: any change of a role-assignable group is
// ChangeRoleGroup.
func (a Action) OnGroup(g Group) Action {
	switch a {
	case CreateGroup, UpdateGroup, DeleteGroup, RestoreGroup, ChangeMembers:
		if g.IsAssignableToRole {
			return ChangeRoleGroup
		}
	}
	return a
}

// SensitiveProperties are the properties of a user whose change is UpdateUserSensitive.
var SensitiveProperties = []string{
	"accountEnabled", "businessPhones", "mobilePhone", "onPremisesImmutableId", "otherMails", "postern_externalId", "userPrincipalName",
}

// TellingProperties are as sensitive as these, other than in Entra, once they become something else and the person is protected:
// policies spare guests, a federated identity ends passes, and news of a recovery go to the address. Who writes back what
// they read changes nothing.
var TellingProperties = []string{"identities", "mail", "userType"}

// A rule says who may do an action.
type rule struct {
	needs  []oneOf  // permissions in the token, one of each; the same for people and applications
	self   oneOf    // permissions, instead of needs, of which one and no role is enough for oneself
	roles  []RoleID // of the caller, one of them, least powerful first
	open   openness // to whom no role is needed
	owner  bool     // nor to owners of the object
	reach  reach
	person bool // the action is about a person, who must be named

	people     bool  // never for an application by itself
	roleToo    bool  // an application needs one of the roles, too
	alone      oneOf // but with one of these permissions, which are for this action alone
	notSelf    bool  // refused for oneself, whatever the role
	privileged bool  // PrivilegedMethods lets an application act on people who hold roles
}

type oneOf []string

type openness int

const (
	toRoles openness = iota
	toMembers
	toEverybody // guests too
)

// The groups of permissions and roles that occur more than once.
var (
	readUsers        = oneOf{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	writeUsers       = oneOf{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	writeGroups      = oneOf{"Group.ReadWrite.All", "Directory.ReadWrite.All"}
	writeDevices     = oneOf{"Device.ReadWrite.All", "Directory.ReadWrite.All"}
	readMethods      = oneOf{"UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"}
	readOwnMethods   = oneOf{"UserAuthenticationMethod.Read", "UserAuthenticationMethod.ReadWrite"}
	directoryReaders = []RoleID{
		DirectoryReaders, GuestInviter, DirectoryWriters, GroupsAdministrator, HelpdeskAdministrator, UserAdministrator,
		AuthenticationAdministrator, GlobalReader, PrivilegedAuthenticationAdministrator, PrivilegedRoleAdministrator, GlobalAdministrator,
	}
	groupWriters    = []RoleID{DirectoryWriters, GroupsAdministrator, UserAdministrator, GlobalAdministrator}
	groupManagers   = []RoleID{GroupsAdministrator, UserAdministrator, GlobalAdministrator}
	deviceManagers  = []RoleID{CloudDeviceAdministrator, IntuneAdministrator, GlobalAdministrator}
	devicePreparers = []RoleID{
		AuthenticationAdministrator, CloudDeviceAdministrator, IntuneAdministrator, PrivilegedAuthenticationAdministrator, GlobalAdministrator,
	}
	userManagers = []RoleID{UserAdministrator, AuthenticationAdministrator, PrivilegedAuthenticationAdministrator, GlobalAdministrator}
	// helpers are those who are called when somebody can't get in.
	helpers = []RoleID{
		HelpdeskAdministrator, UserAdministrator, AuthenticationAdministrator, GlobalReader, PrivilegedAuthenticationAdministrator, GlobalAdministrator,
	}
	caseHandlers = []RoleID{
		HelpdeskAdministrator, UserAdministrator, AuthenticationAdministrator, PrivilegedAuthenticationAdministrator, GlobalAdministrator,
	}
	methodManagers      = []RoleID{AuthenticationAdministrator, PrivilegedAuthenticationAdministrator, GlobalAdministrator}
	methodReaders       = []RoleID{AuthenticationAdministrator, GlobalReader, PrivilegedAuthenticationAdministrator, GlobalAdministrator}
	applicationManagers = []RoleID{CloudApplicationAdministrator, ApplicationAdministrator, GlobalAdministrator}
	consenters          = []RoleID{
		CloudApplicationAdministrator, ApplicationAdministrator, PrivilegedRoleAdministrator, GlobalAdministrator,
	}
	accessWriters = []RoleID{ConditionalAccessAdministrator, SecurityAdministrator, GlobalAdministrator}
	accessReaders = []RoleID{SecurityReader, ConditionalAccessAdministrator, SecurityAdministrator, GlobalReader, GlobalAdministrator}
	logReaders    = []RoleID{
		ReportsReader, SecurityReader, SecurityOperator, SecurityAdministrator, GlobalReader, GlobalAdministrator,
	}
)

// The rules for one kind of method, which has permissions of its own beside those for all:
// UserAuthMethod-{kind}.Read, .Read.All, .ReadWrite and .ReadWrite.All.
func readKind(kind string) rule {
	return rule{
		needs: []oneOf{append(oneOf{"UserAuthMethod-" + kind + ".Read.All", "UserAuthMethod-" + kind + ".ReadWrite.All"}, readMethods...)},
		self:  append(oneOf{"UserAuthMethod-" + kind + ".Read", "UserAuthMethod-" + kind + ".ReadWrite"}, readOwnMethods...),
		roles: methodReaders, reach: reachOfRoles, person: true,
	}
}

// deleteKind lets people delete their own; nobody needs help to get rid of what is theirs.
func deleteKind(kind string) rule {
	r := writeKind(kind)
	r.notSelf, r.self = false, oneOf{"UserAuthMethod-" + kind + ".ReadWrite", "UserAuthenticationMethod.ReadWrite"}
	return r
}

// writeKind is for what nobody does for themselves here: issue a pass, register a key.
func writeKind(kind string) rule {
	return rule{
		needs: []oneOf{{"UserAuthMethod-" + kind + ".ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"}},
		roles: methodManagers, reach: reachOfAll, person: true, notSelf: true, privileged: true,
	}
}

// rules is the one table of who may do what. Roles follow Entra's built-in roles, passes
// the how-to of Temporary Access Pass; the permissions are those of each Graph page.
var rules = map[Action]rule{
	ReadUser: {needs: []oneOf{readUsers}, self: oneOf{"User.Read"}, open: toMembers, roles: directoryReaders},
	ReadUserBasic: {
		needs: []oneOf{append(oneOf{"User.ReadBasic.All"}, readUsers...)}, self: oneOf{"User.Read"}, open: toMembers, roles: directoryReaders,
	},
	ReadMemberships: {
		needs: []oneOf{append(oneOf{"GroupMember.Read.All"}, readUsers...)}, self: oneOf{"User.Read"}, open: toMembers, roles: directoryReaders,
	},
	CreateUser: {needs: []oneOf{writeUsers}, roles: []RoleID{DirectoryWriters, UserAdministrator, GlobalAdministrator}},
	UpdateUser: {
		needs: []oneOf{writeUsers},
		roles: append([]RoleID{DirectoryWriters}, userManagers...),
	},
	UpdateUserSensitive: {needs: []oneOf{writeUsers}, roles: userManagers, reach: reachOfAll, person: true},
	ReadSource: {
		needs: []oneOf{append(oneOf{"User-OnPremisesSyncBehavior.ReadWrite.All"}, readUsers...)}, self: oneOf{"User.Read"}, open: toMembers, roles: directoryReaders,
	},
	// An application is a source itself: what is another's it would make its own.
	ChangeSource: {
		needs: []oneOf{append(oneOf{"User-OnPremisesSyncBehavior.ReadWrite.All"}, writeUsers...)}, roles: userManagers, reach: reachOfAll, person: true,
		roleToo: true, alone: oneOf{"User-OnPremisesSyncBehavior.ReadWrite.All"},
	},
	UpdateManager: {
		needs: []oneOf{writeUsers},
		roles: append([]RoleID{DirectoryWriters}, userManagers...),
	},
	// When somebody leaves is told to fewer than the rest of a profile:
	// https://learn.microsoft.com/graph/tutorial-lifecycle-workflows-set-employeeleavedatetime
	ReadLeaveDate: {
		needs: []oneOf{readUsers, {"User-LifeCycleInfo.Read.All", "User-LifeCycleInfo.ReadWrite.All"}},
		roles: []RoleID{LifecycleWorkflowsAdministrator, GlobalReader, GlobalAdministrator},
	},
	WriteLeaveDate: {needs: []oneOf{readUsers, {"User-LifeCycleInfo.ReadWrite.All"}}, roles: []RoleID{GlobalAdministrator}},
	UpdateUserPart: {
		needs: []oneOf{append(oneOf{"User-LifeCycleInfo.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"}, writeUsers...)},
		roles: append([]RoleID{DirectoryWriters}, userManagers...),
	},
	DeleteUser: {needs: []oneOf{{"User.ReadWrite.All"}}, roles: userManagers, reach: reachOfAll, person: true, notSelf: true},
	ReadDeletedUser: {
		needs: []oneOf{readUsers},
		roles: []RoleID{UserAdministrator, AuthenticationAdministrator, GlobalReader, PrivilegedAuthenticationAdministrator, GlobalAdministrator},
	},
	RestoreUser: {needs: []oneOf{{"User.ReadWrite.All"}}, roles: userManagers, reach: reachOfAll, person: true},
	RevokeSessions: {
		needs: []oneOf{{"User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}},
		self:  oneOf{"User.RevokeSessions.All"},
		roles: append([]RoleID{HelpdeskAdministrator}, userManagers...), reach: reachOfRoles, person: true,
	},
	ReadSessions: {
		needs: []oneOf{{"AuditLog.Read.All", "User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}},
		self:  oneOf{"User.RevokeSessions.All"}, roles: helpers, reach: reachOfRoles, person: true,
	},
	ReadHistory: {needs: []oneOf{{"AuditLog.Read.All"}}, roles: helpers, reach: reachOfRoles, person: true},

	ReadGroup: {
		needs: []oneOf{{
			"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All",
			"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All",
		}},
		open: toMembers, roles: directoryReaders,
	},
	CreateGroup:      {needs: []oneOf{writeGroups}, roles: groupWriters},
	UpdateGroup:      {needs: []oneOf{writeGroups}, roles: groupWriters, owner: true},
	DeleteGroup:      {needs: []oneOf{{"Group.ReadWrite.All"}}, roles: groupManagers, owner: true},
	ReadDeletedGroup: {needs: []oneOf{{"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"}}, roles: append([]RoleID{GlobalReader}, groupManagers...)},
	RestoreGroup:     {needs: []oneOf{{"Group.ReadWrite.All"}}, roles: groupManagers},
	ChangeMembers: {
		needs: []oneOf{append(oneOf{"GroupMember.ReadWrite.All"}, writeGroups...)}, roles: groupWriters, owner: true,
	},
	ChangeRoleGroup: {
		needs: []oneOf{{"RoleManagement.ReadWrite.Directory"}, append(oneOf{"GroupMember.ReadWrite.All"}, writeGroups...)},
		roles: []RoleID{PrivilegedRoleAdministrator, GlobalAdministrator},
	},

	ReadDevices: {
		needs: []oneOf{append(oneOf{"Device.Read.All"}, append(writeDevices, "Directory.Read.All")...)}, open: toMembers, roles: directoryReaders,
	},
	UpdateDevice:     {needs: []oneOf{writeDevices}, roles: []RoleID{IntuneAdministrator, GlobalAdministrator}},
	SwitchDevice:     {needs: []oneOf{writeDevices}, roles: deviceManagers},
	ApproveDevice:    {needs: []oneOf{writeDevices}, roles: deviceManagers},
	DeleteDevice:     {needs: []oneOf{writeDevices}, roles: deviceManagers},
	PrepareDevice:    {needs: []oneOf{writeDevices}, roles: devicePreparers},
	PrepareDeviceFor: {needs: []oneOf{writeDevices}, roles: devicePreparers, reach: reachOfAll, person: true, notSelf: true},
	ReadPrerequisites: {
		needs: []oneOf{append(oneOf{"Device.Read.All"}, append(writeDevices, "Directory.Read.All")...)}, roles: []RoleID{
			HelpdeskAdministrator, AuthenticationAdministrator, GlobalReader, CloudDeviceAdministrator, IntuneAdministrator,
			PrivilegedAuthenticationAdministrator, GlobalAdministrator,
		},
	},

	ReadRoles: {
		needs: []oneOf{{
			"RoleManagement.Read.Directory", "Directory.Read.All", "RoleManagement.ReadWrite.Directory", "Directory.ReadWrite.All",
		}},
		open: toMembers, roles: directoryReaders,
	},
	AssignRoles: {needs: []oneOf{{"RoleManagement.ReadWrite.Directory"}}, roles: []RoleID{PrivilegedRoleAdministrator, GlobalAdministrator}},

	ReadApplications: {
		needs: []oneOf{{"Application.Read.All", "Directory.Read.All", "Application.ReadWrite.All", "Directory.ReadWrite.All"}},
		open:  toMembers, roles: directoryReaders,
	},
	CreateApplication: {
		needs: []oneOf{{"Application.ReadWrite.All"}}, roles: append([]RoleID{ApplicationDeveloper}, applicationManagers...),
	},
	WriteApplications: {needs: []oneOf{{"Application.ReadWrite.All"}}, roles: applicationManagers, owner: true, reach: reachOfAll},
	ReadGrants: {
		needs: []oneOf{{
			"Application.Read.All", "Directory.Read.All", "Application.ReadWrite.All", "Directory.ReadWrite.All",
			"AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All",
		}},
		open: toMembers, roles: directoryReaders,
	},
	AssignAppRoles:   {needs: []oneOf{{"AppRoleAssignment.ReadWrite.All"}}, roles: consenters},
	AssignGraphRoles: {needs: []oneOf{{"AppRoleAssignment.ReadWrite.All"}}, roles: []RoleID{PrivilegedRoleAdministrator, GlobalAdministrator}},
	GrantPermissions: {needs: []oneOf{{"DelegatedPermissionGrant.ReadWrite.All"}}, roles: consenters},

	ReadMethods:   {needs: []oneOf{readMethods}, self: readOwnMethods, roles: methodReaders, reach: reachOfRoles, person: true},
	ReadReadiness: {needs: []oneOf{readMethods}, self: readOwnMethods, roles: helpers, reach: reachOfRoles, person: true},
	ReadPass:      readKind("TAP"),
	IssuePass:     writeKind("TAP"), DeletePass: deleteKind("TAP"), ReadHello: readKind("WindowsHello"), DeleteHello: deleteKind("WindowsHello"),
	ReadPasskey: readKind("Passkey"), RegisterPasskey: writeKind("Passkey"), DeletePasskey: deleteKind("Passkey"),
	ReadPhone: readKind("MicrosoftAuthApp"), DeletePhone: deleteKind("MicrosoftAuthApp"),
	ReadCodes: readKind("SoftwareOATH"), DeleteCodes: deleteKind("SoftwareOATH"),
	ReadPassword: readKind("Password"), DeletePassword: writeKind("Password"), // whoever could remove it could set another with a pass
	FreezeMethod: {
		needs: []oneOf{{"UserAuthenticationMethod.ReadWrite.All"}},
		roles: methodManagers, reach: reachOfAll, person: true, notSelf: true, privileged: true,
	},
	RevertPass: {
		needs: []oneOf{{"UserAuthenticationMethod.ReadWrite.All"}},
		roles: methodManagers, reach: reachOfAll, person: true, notSelf: true, privileged: true,
	},
	ReadCases: {needs: []oneOf{readMethods}, roles: helpers},
	HandleCase: {
		needs: []oneOf{{"UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"}},
		roles: caseHandlers, reach: reachOfAll, person: true, notSelf: true, privileged: true,
	},
	StartDrill: { // oneself, too: a practice pass opens nothing
		needs: []oneOf{{"UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"}},
		roles: caseHandlers, reach: reachOfAll, person: true,
	},
	VouchInCase: {
		needs: []oneOf{{"UserAuthenticationMethod.ReadWrite", "UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"}}, open: toMembers, people: true,
	},
	ApproveCase: {
		needs: []oneOf{{"UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"}},
		roles: methodManagers, reach: reachOfAll, person: true, people: true, notSelf: true,
	},
	ResetPassword: {
		needs: []oneOf{{"UserAuthMethod-Password.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"}},
		roles: methodManagers, reach: reachOfAll, person: true, people: true, notSelf: true,
	},
	// As in Entra, where User Administrators do it, too. https://learn.microsoft.com/graph/api/user-update
	SetPassword: {needs: []oneOf{{"User-PasswordProfile.ReadWrite.All"}}, roles: userManagers, reach: reachOfAll, person: true, notSelf: true},

	ReadRegistrations: {
		needs: []oneOf{{"AuditLog.Read.All", "UserAuthenticationMethod.Read.All"}},
		roles: []RoleID{ReportsReader, SecurityReader, SecurityAdministrator, GlobalReader, GlobalAdministrator},
	},

	ReadReports: {
		needs: []oneOf{{"AuditLog.Read.All", "UserAuthenticationMethod.Read.All"}},
		roles: []RoleID{
			HelpdeskAdministrator, ReportsReader, UserAdministrator, AuthenticationAdministrator, AuthenticationPolicyAdministrator, CloudDeviceAdministrator,
			IntuneAdministrator, SecurityReader, SecurityOperator, SecurityAdministrator, GlobalReader, PrivilegedAuthenticationAdministrator, GlobalAdministrator,
		},
	},

	ReadMethodsPolicy: {
		needs: []oneOf{{"Policy.Read.AuthenticationMethod", "Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod"}},
		roles: []RoleID{AuthenticationPolicyAdministrator, GlobalReader, GlobalAdministrator},
	},
	WriteMethodsPolicy: {
		needs: []oneOf{{"Policy.ReadWrite.AuthenticationMethod"}},
		roles: []RoleID{AuthenticationPolicyAdministrator, GlobalAdministrator},
	},

	ReadAccessRules: {
		needs: []oneOf{{"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"}}, roles: accessReaders,
	},
	WriteAccessRules: {needs: []oneOf{{"Policy.ReadWrite.ConditionalAccess"}}, roles: accessWriters},
	ReadStrengths: {
		needs: []oneOf{{"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Policy.ReadWrite.AuthenticationMethod"}},
		roles: append([]RoleID{AuthenticationPolicyAdministrator}, accessReaders...),
	},
	WriteStrengths: {
		needs: []oneOf{{"Policy.ReadWrite.ConditionalAccess", "Policy.ReadWrite.AuthenticationMethod"}}, roles: accessWriters,
	},

	ReadDevicePolicy: {
		needs: []oneOf{{"DeviceManagementConfiguration.Read.All", "DeviceManagementConfiguration.ReadWrite.All"}},
		roles: []RoleID{IntuneAdministrator, GlobalReader, GlobalAdministrator},
	},
	WriteDevicePolicy: {
		needs: []oneOf{{"DeviceManagementConfiguration.ReadWrite.All"}}, roles: []RoleID{IntuneAdministrator, GlobalAdministrator},
	},

	ReadJoinPolicy: {
		needs: []oneOf{{"Policy.Read.DeviceConfiguration", "Policy.Read.All", "Policy.ReadWrite.DeviceConfiguration"}},
		roles: []RoleID{CloudDeviceAdministrator, IntuneAdministrator, GlobalReader, GlobalAdministrator},
	},
	ReadWebhooks: { // they carry off what the log tells
		needs: []oneOf{{"Organization.Read.All", "Organization.ReadWrite.All"}, {"AuditLog.Read.All"}}, roles: []RoleID{GlobalReader, GlobalAdministrator},
	},
	WriteWebhooks: {needs: []oneOf{{"Organization.ReadWrite.All"}, {"AuditLog.Read.All"}}, roles: []RoleID{GlobalAdministrator}},
	ReadWorkflows: {
		needs: []oneOf{{"LifecycleWorkflows.Read.All", "LifecycleWorkflows.ReadWrite.All"}},
		roles: []RoleID{LifecycleWorkflowsAdministrator, GlobalReader, GlobalAdministrator},
	},
	WriteWorkflows: {
		needs: []oneOf{{"LifecycleWorkflows.ReadWrite.All"}}, roles: []RoleID{LifecycleWorkflowsAdministrator, GlobalAdministrator},
	},
	ReadJobs: {
		needs: []oneOf{{"LifecycleWorkflows.Read.All", "LifecycleWorkflows.ReadWrite.All", "AuditLog.Read.All"}},
		roles: []RoleID{LifecycleWorkflowsAdministrator, GlobalReader, GlobalAdministrator},
	},
	RetryJob: {
		needs: []oneOf{{"LifecycleWorkflows.ReadWrite.All"}}, roles: []RoleID{LifecycleWorkflowsAdministrator, GlobalAdministrator},
	},
	WriteJoinPolicy: {
		needs: []oneOf{{"Policy.ReadWrite.DeviceConfiguration"}}, roles: []RoleID{CloudDeviceAdministrator, GlobalAdministrator},
	},

	ReadSignIns: {needs: []oneOf{{"AuditLog.Read.All"}, {"Directory.Read.All", "Directory.ReadWrite.All"}}, roles: logReaders},
	ReadAudits:  {needs: []oneOf{{"AuditLog.Read.All"}}, roles: logReaders},

	KeepViews: {needs: []oneOf{{"User.Read", "User.ReadWrite.All"}}, open: toEverybody, people: true},

	ReadOrganization: {
		needs: []oneOf{{"User.Read", "Organization.Read.All", "Directory.Read.All", "Organization.ReadWrite.All", "Directory.ReadWrite.All"}},
		open:  toEverybody,
	},
	WriteOrganization: {needs: []oneOf{{"Organization.ReadWrite.All"}}, roles: []RoleID{GlobalAdministrator}},
	ReadServer: {
		needs: []oneOf{{"Organization.Read.All", "Organization.ReadWrite.All"}}, roles: []RoleID{GlobalReader, GlobalAdministrator}, roleToo: true,
	},
	ReadBranding: { // whoever opens the sign-in page sees it
		needs: []oneOf{{"User.Read", "OrganizationalBranding.Read.All", "OrganizationalBranding.ReadWrite.All", "Organization.Read.All", "Organization.ReadWrite.All"}},
		open:  toEverybody,
	},
	WriteBranding: {
		needs: []oneOf{{"OrganizationalBranding.ReadWrite.All", "Organization.ReadWrite.All"}},
		roles: []RoleID{OrganizationalBrandingAdministrator, GlobalAdministrator},
	},
	ReadMailWords: {
		needs: []oneOf{{"OrganizationalBranding.Read.All", "OrganizationalBranding.ReadWrite.All", "Organization.Read.All", "Organization.ReadWrite.All"}},
		roles: []RoleID{OrganizationalBrandingAdministrator, GlobalReader, GlobalAdministrator},
	},
	WriteMailWords: {
		needs: []oneOf{{"OrganizationalBranding.ReadWrite.All", "Organization.ReadWrite.All"}},
		roles: []RoleID{OrganizationalBrandingAdministrator, GlobalAdministrator},
	},
	ReadDomains: {
		needs: []oneOf{{"Domain.Read.All", "Directory.Read.All", "Domain.ReadWrite.All", "Directory.ReadWrite.All"}}, open: toEverybody,
	},
	WriteDomains: {needs: []oneOf{{"Domain.ReadWrite.All"}}, roles: []RoleID{DomainNameAdministrator, GlobalAdministrator}},
	ReadFederation: {
		needs: []oneOf{{"Domain.Read.All", "Domain.ReadWrite.All"}}, roles: []RoleID{
			GlobalReader, SecurityReader, ExternalIdentityProviderAdministrator, HybridIdentityAdministrator, DomainNameAdministrator, GlobalAdministrator,
		},
	},
	WriteFederation: {
		needs: []oneOf{{"Domain.ReadWrite.All"}},
		roles: []RoleID{ExternalIdentityProviderAdministrator, HybridIdentityAdministrator, DomainNameAdministrator, GlobalAdministrator},
	},
	ConfirmDomain: {needs: []oneOf{{"Domain.ReadWrite.All"}}, roles: []RoleID{GlobalAdministrator}, roleToo: true},
}

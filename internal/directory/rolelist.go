package directory

// The template ids of the built-in roles, equal in every tenant.
const (
	GlobalAdministrator                   RoleID = "62e90394-69f5-4237-9190-012177145e10"
	GlobalReader                          RoleID = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	PrivilegedRoleAdministrator           RoleID = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	PrivilegedAuthenticationAdministrator RoleID = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	AuthenticationAdministrator           RoleID = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	AuthenticationPolicyAdministrator     RoleID = "0526716b-113d-4c15-b2c8-68e3c22b9f80"
	HelpdeskAdministrator                 RoleID = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	PasswordAdministrator                 RoleID = "966707d0-3269-4727-9be2-8c3a10f19b9d"
	UserAdministrator                     RoleID = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	GroupsAdministrator                   RoleID = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
	GuestInviter                          RoleID = "95e79109-95c0-4d8e-aee3-d01accf2d47b"
	DirectoryReaders                      RoleID = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
	DirectoryWriters                      RoleID = "9360feb5-f418-4baa-8175-e2a00bac4301"
	SecurityReader                        RoleID = "5d6b6bb7-de71-4623-b4af-96380a352509"
	SecurityOperator                      RoleID = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"
	SecurityAdministrator                 RoleID = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	ConditionalAccessAdministrator        RoleID = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
	CloudDeviceAdministrator              RoleID = "7698a772-787b-4ac8-901f-60d6b08affd2"
	IntuneAdministrator                   RoleID = "3a2c62db-5318-420d-8d74-23affee5d9d5"
	LifecycleWorkflowsAdministrator       RoleID = "59d46f88-662b-457b-bceb-5c3809e5908f"
	IdentityGovernanceAdministrator       RoleID = "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e"
	ReportsReader                         RoleID = "4a5d8f65-41da-4de4-8968-e035b65339cf"
	MessageCenterReader                   RoleID = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"
	UsageSummaryReportsReader             RoleID = "75934031-6c7e-415a-99d7-48dbd49e875e"
	UserExperienceSuccessManager          RoleID = "27460883-1df1-4691-b032-3b79643e5e63"
	ApplicationAdministrator              RoleID = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	CloudApplicationAdministrator         RoleID = "158c047a-c907-4556-b7ef-446551a6b5f7"
	ApplicationDeveloper                  RoleID = "cf1c38e5-3621-4004-a7cb-879624dced7c"
	HybridIdentityAdministrator           RoleID = "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"
	DomainNameAdministrator               RoleID = "8329153b-31d0-4727-b945-745eb3bc5f31"
	ExternalIdentityProviderAdministrator RoleID = "be2f45a1-457d-42af-a067-6ec1fa63bc45"
	OrganizationalBrandingAdministrator   RoleID = "92ed04bf-c94a-4b82-9729-b799a7a4c178"
	JoinedDeviceLocalAdministrator        RoleID = "9f06204d-73c1-4d4c-880a-6edb90606fd8"
)

// BuiltInRoles are all roles that there are. Names, ids, labels and actions are Entra's;
// what a role may do here is in docs/roles.md.
var BuiltInRoles = []Role{
	{
		GlobalAdministrator, "Global Administrator",
		"Manages everything in the tenant.", true,
		[]string{
			"microsoft.directory/applications/allProperties/allTasks",
			"microsoft.directory/auditLogs/allProperties/read",
			"microsoft.directory/domains/allProperties/allTasks",
			"microsoft.directory/groups/allProperties/allTasks",
			"microsoft.directory/organization/allProperties/allTasks",
			"microsoft.directory/policies/allProperties/allTasks",
			"microsoft.directory/roleAssignments/allProperties/allTasks",
			"microsoft.directory/servicePrincipals/allProperties/allTasks",
			"microsoft.directory/signInReports/allProperties/read",
			"microsoft.directory/userCredentialPolicies/basic/update",
			"microsoft.directory/users/allProperties/allTasks",
			"microsoft.directory/users/authenticationMethods/create",
			"microsoft.directory/users/authenticationMethods/delete",
			"microsoft.directory/users/authenticationMethods/standard/read",
		},
	},
	{
		GlobalReader, "Global Reader",
		"Reads what a Global Administrator can read, and changes nothing.", true,
		[]string{
			"microsoft.directory/auditLogs/allProperties/read",
			"microsoft.directory/conditionalAccessPolicies/allProperties/read",
			"microsoft.directory/signInReports/allProperties/read",
			"microsoft.directory/userCredentialPolicies/standard/read",
			"microsoft.directory/users/authenticationMethods/standard/restrictedRead",
		},
	},
	{
		PrivilegedRoleAdministrator, "Privileged Role Administrator",
		"Assigns roles, manages role-assignable groups and consents to any permission.", true,
		[]string{
			"microsoft.directory/groupsAssignableToRoles/allProperties/update",
			"microsoft.directory/groupsAssignableToRoles/create",
			"microsoft.directory/groupsAssignableToRoles/delete",
			"microsoft.directory/oAuth2PermissionGrants/allProperties/allTasks",
			"microsoft.directory/roleAssignments/allProperties/allTasks",
			"microsoft.directory/servicePrincipals/appRoleAssignedTo/update",
			"microsoft.directory/servicePrincipals/managePermissionGrantsForAll.microsoft-company-admin",
		},
	},
	{
		PrivilegedAuthenticationAdministrator, "Privileged Authentication Administrator",
		"Sees, sets and removes the ways to sign in of everybody, administrators too.", true,
		[]string{
			"microsoft.directory/deletedItems.users/restore",
			"microsoft.directory/users/authenticationMethods/basic/update",
			"microsoft.directory/users/authenticationMethods/create",
			"microsoft.directory/users/authenticationMethods/delete",
			"microsoft.directory/users/authenticationMethods/standard/read",
			"microsoft.directory/users/basic/update",
			"microsoft.directory/users/delete",
			"microsoft.directory/users/disable",
			"microsoft.directory/users/enable",
			"microsoft.directory/users/invalidateAllRefreshTokens",
			"microsoft.directory/users/manager/update",
			"microsoft.directory/users/password/update",
			"microsoft.directory/users/restore",
			"microsoft.directory/users/userPrincipalName/update",
		},
	},
	{
		AuthenticationAdministrator, "Authentication Administrator",
		"Sees, sets and removes the ways to sign in of people without a role, and of a few roles.", true,
		[]string{
			"microsoft.directory/deletedItems.users/restore",
			"microsoft.directory/users/authenticationMethods/basic/update",
			"microsoft.directory/users/authenticationMethods/create",
			"microsoft.directory/users/authenticationMethods/delete",
			"microsoft.directory/users/authenticationMethods/standard/restrictedRead",
			"microsoft.directory/users/basic/update",
			"microsoft.directory/users/delete",
			"microsoft.directory/users/disable",
			"microsoft.directory/users/enable",
			"microsoft.directory/users/invalidateAllRefreshTokens",
			"microsoft.directory/users/manager/update",
			"microsoft.directory/users/password/update",
			"microsoft.directory/users/restore",
			"microsoft.directory/users/userPrincipalName/update",
		},
	},
	{
		AuthenticationPolicyAdministrator, "Authentication Policy Administrator",
		"Decides which ways to sign in the tenant offers, and to whom.", false,
		[]string{
			"microsoft.directory/organization/strongAuthentication/allTasks",
			"microsoft.directory/userCredentialPolicies/basic/update",
			"microsoft.directory/userCredentialPolicies/standard/read",
		},
	},
	{
		HelpdeskAdministrator, "Helpdesk Administrator",
		"Resets passwords and ends sessions of people without a role, and of a few roles.", true,
		[]string{
			"microsoft.directory/users/invalidateAllRefreshTokens",
			"microsoft.directory/users/password/update",
		},
	},
	{
		PasswordAdministrator, "Password Administrator",
		"Resets passwords of people without a role, and of a few roles.", true,
		[]string{"microsoft.directory/users/password/update"},
	},
	{
		UserAdministrator, "User Administrator",
		"Manages users and groups; what is sensitive, for people without a role and a few roles.", true,
		[]string{
			"microsoft.directory/deletedItems.groups/restore",
			"microsoft.directory/deletedItems.users/restore",
			"microsoft.directory/groups/basic/update",
			"microsoft.directory/groups/create",
			"microsoft.directory/groups/delete",
			"microsoft.directory/groups/members/update",
			"microsoft.directory/groups/owners/update",
			"microsoft.directory/users/basic/update",
			"microsoft.directory/users/create",
			"microsoft.directory/users/delete",
			"microsoft.directory/users/disable",
			"microsoft.directory/users/enable",
			"microsoft.directory/users/invalidateAllRefreshTokens",
			"microsoft.directory/users/manager/update",
			"microsoft.directory/users/restore",
			"microsoft.directory/users/userPrincipalName/update",
		},
	},
	{
		GroupsAdministrator, "Groups Administrator",
		"Manages groups, role-assignable ones excepted.", false,
		[]string{
			"microsoft.directory/deletedItems.groups/restore",
			"microsoft.directory/groups/basic/update",
			"microsoft.directory/groups/create",
			"microsoft.directory/groups/delete",
			"microsoft.directory/groups/members/update",
			"microsoft.directory/groups/owners/update",
		},
	},
	{
		GuestInviter, "Guest Inviter",
		"Invites guests, whatever the setting for members says.", false,
		[]string{"microsoft.directory/users/inviteGuest"},
	},
	{
		DirectoryReaders, "Directory Readers",
		"Reads the directory; meant for applications and guests.", false,
		[]string{
			"microsoft.directory/applications/standard/read",
			"microsoft.directory/directoryRoles/standard/read",
			"microsoft.directory/domains/standard/read",
			"microsoft.directory/groups/members/read",
			"microsoft.directory/groups/standard/read",
			"microsoft.directory/organization/standard/read",
			"microsoft.directory/servicePrincipals/standard/read",
			"microsoft.directory/users/standard/read",
		},
	},
	{
		DirectoryWriters, "Directory Writers",
		"Creates users and groups and changes what is not sensitive; meant for applications.", true,
		[]string{
			"microsoft.directory/groups/basic/update",
			"microsoft.directory/groups/create",
			"microsoft.directory/groups/members/update",
			"microsoft.directory/groups/owners/update",
			"microsoft.directory/users/basic/update",
			"microsoft.directory/users/create",
			"microsoft.directory/users/manager/update",
		},
	},
	{
		SecurityReader, "Security Reader",
		"Reads security settings and logs.", true,
		[]string{
			"microsoft.directory/auditLogs/allProperties/read",
			"microsoft.directory/conditionalAccessPolicies/standard/read",
			"microsoft.directory/signInReports/allProperties/read",
		},
	},
	{
		SecurityOperator, "Security Operator",
		"Follows up security alerts and reads logs.", true,
		[]string{
			"microsoft.directory/auditLogs/allProperties/read",
			"microsoft.directory/identityProtection/allProperties/allTasks",
			"microsoft.directory/signInReports/allProperties/read",
		},
	},
	{
		SecurityAdministrator, "Security Administrator",
		"Manages security settings and reads logs.", true,
		[]string{
			"microsoft.directory/auditLogs/allProperties/read",
			"microsoft.directory/conditionalAccessPolicies/basic/update",
			"microsoft.directory/conditionalAccessPolicies/create",
			"microsoft.directory/conditionalAccessPolicies/delete",
			"microsoft.directory/signInReports/allProperties/read",
		},
	},
	{
		ConditionalAccessAdministrator, "Conditional Access Administrator",
		"Manages Conditional Access.", true,
		[]string{
			"microsoft.directory/conditionalAccessPolicies/basic/update",
			"microsoft.directory/conditionalAccessPolicies/create",
			"microsoft.directory/conditionalAccessPolicies/delete",
			"microsoft.directory/namedLocations/basic/update",
			"microsoft.directory/namedLocations/create",
			"microsoft.directory/namedLocations/delete",
		},
	},
	{
		CloudDeviceAdministrator, "Cloud Device Administrator",
		"Enables, disables and deletes devices.", true,
		[]string{
			"microsoft.directory/devices/delete",
			"microsoft.directory/devices/disable",
			"microsoft.directory/devices/enable",
		},
	},
	{
		IntuneAdministrator, "Intune Administrator",
		"Manages devices and the policies that they get.", true,
		[]string{
			"microsoft.directory/devices/basic/update",
			"microsoft.directory/devices/create",
			"microsoft.directory/devices/delete",
			"microsoft.directory/devices/disable",
			"microsoft.directory/devices/enable",
		},
	},
	{
		LifecycleWorkflowsAdministrator, "Lifecycle Workflows Administrator",
		"Manages lifecycle workflows and their tasks.", true,
		[]string{"microsoft.directory/lifecycleWorkflows/workflows/allProperties/allTasks"},
	},
	{
		IdentityGovernanceAdministrator, "Identity Governance Administrator",
		"Manages who gets which access for how long.", false,
		[]string{
			"microsoft.directory/accessReviews/allProperties/allTasks",
			"microsoft.directory/entitlementManagement/allProperties/allTasks",
		},
	},
	{
		ReportsReader, "Reports Reader",
		"Reads the sign-in log and the audit log.", false,
		[]string{
			"microsoft.directory/auditLogs/allProperties/read",
			"microsoft.directory/signInReports/allProperties/read",
		},
	},
	{
		MessageCenterReader, "Message Center Reader",
		"Reads announcements; has no power here.", false,
		[]string{"microsoft.office365.messageCenter/messages/read"},
	},
	{
		UsageSummaryReportsReader, "Usage Summary Reports Reader",
		"Reads usage reports without names; has no power here.", false,
		[]string{"microsoft.office365.usageReports/allEntities/standard/read"},
	},
	{
		UserExperienceSuccessManager, "User Experience Success Manager",
		"Reads feedback and usage reports; has no power here.", false,
		[]string{"microsoft.office365.usageReports/allEntities/standard/read"},
	},
	{
		ApplicationAdministrator, "Application Administrator",
		"Manages applications and consents for them, application permissions of Graph excepted.", true,
		applicationActions,
	},
	{
		CloudApplicationAdministrator, "Cloud Application Administrator",
		"Does what an Application Administrator does, application proxies excepted.", true,
		applicationActions,
	},
	{
		ApplicationDeveloper, "Application Developer",
		"Registers applications, and owns them.", true,
		[]string{
			"microsoft.directory/applications/createAsOwner",
			"microsoft.directory/servicePrincipals/createAsOwner",
		},
	},
	{
		HybridIdentityAdministrator, "Hybrid Identity Administrator",
		"Manages synchronisation with a directory on premises, and federation.", true,
		[]string{"microsoft.directory/domains/federation/update"},
	},
	{
		DomainNameAdministrator, "Domain Name Administrator",
		"Adds, changes and removes domains.", true,
		[]string{"microsoft.directory/domains/allProperties/allTasks"},
	},
	{
		ExternalIdentityProviderAdministrator, "External Identity Provider Administrator",
		"Configures identity providers for federation.", true,
		[]string{
			"microsoft.directory/domains/federation/update",
			"microsoft.directory/identityProviders/allProperties/allTasks",
		},
	},
	{
		OrganizationalBrandingAdministrator, "Organizational Branding Administrator",
		"Decides how the sign-in pages look.", false,
		[]string{"microsoft.directory/loginOrganizationBranding/allProperties/allTasks"},
	},
	{
		JoinedDeviceLocalAdministrator, "Microsoft Entra Joined Device Local Administrator",
		"Is a local administrator of every joined device.", false,
		[]string{
			"microsoft.directory/groupSettings/standard/read",
			"microsoft.directory/groupSettingTemplates/standard/read",
		},
	},
}

var applicationActions = []string{
	"microsoft.directory/applications/authentication/update",
	"microsoft.directory/applications/basic/update",
	"microsoft.directory/applications/create",
	"microsoft.directory/applications/credentials/update",
	"microsoft.directory/applications/delete",
	"microsoft.directory/oAuth2PermissionGrants/allProperties/allTasks",
	"microsoft.directory/servicePrincipals/appRoleAssignedTo/update",
	"microsoft.directory/servicePrincipals/create",
	"microsoft.directory/servicePrincipals/delete",
	"microsoft.directory/servicePrincipals/managePermissionGrantsForAll.microsoft-application-admin",
}

package console

// Role template ids of Entra.
// https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
const (
	globalAdministrator     = "62e90394-69f5-4237-9190-012177145e10"
	globalReader            = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	authenticationAdmin     = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	privilegedAuthAdmin     = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	authenticationPolicy    = "0526716b-113d-4c15-b2c8-68e3c22b9f80"
	helpdeskAdministrator   = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	userAdministrator       = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	groupsAdministrator     = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
	privilegedRoleAdmin     = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	applicationAdmin        = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	cloudApplicationAdmin   = "158c047a-c907-4556-b7ef-446551a6b5f7"
	cloudDeviceAdmin        = "7698a772-787b-4ac8-901f-60d6b08affd2"
	intuneAdministrator     = "3a2c62db-5318-420d-8d74-23affee5d9d5"
	securityReader          = "5d6b6bb7-de71-4623-b4af-96380a352509"
	securityAdministrator   = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	reportsReader           = "4a5d8f65-41da-4de4-8968-e035b65339cf"
	directoryReaders        = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
	domainNameAdministrator = "8329153b-31d0-4727-b945-745eb3bc5f31"
	conditionalAccessAdmin  = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
)

var (
	everyRole = []string{
		globalAdministrator, globalReader, authenticationAdmin, privilegedAuthAdmin, authenticationPolicy, helpdeskAdministrator,
		userAdministrator, groupsAdministrator, privilegedRoleAdmin, applicationAdmin, cloudApplicationAdmin, cloudDeviceAdmin,
		intuneAdministrator, securityReader, securityAdministrator, reportsReader, directoryReaders, domainNameAdministrator,
		conditionalAccessAdmin,
	}
	readersOfLogs = []string{globalAdministrator, globalReader, securityReader, securityAdministrator, reportsReader}
	issuers       = []string{globalAdministrator, privilegedAuthAdmin, authenticationAdmin}
	appAdmins     = []string{globalAdministrator, applicationAdmin, cloudApplicationAdmin}
	userAdmins    = []string{globalAdministrator, userAdministrator}
	groupAdmins   = []string{globalAdministrator, groupsAdministrator, userAdministrator}
)

// foreignActions says which role of Entra can do what, as Microsoft documents it. It decides
// only what is shown. What is not in it nobody can do there: Postern's own, and what the console
// asks for no permission for (changing devices takes Directory.AccessAsUser.All, device settings
// are not in Graph v1.0).
var foreignActions = map[string][]string{
	"readUserBasic": everyRole, "readUser": everyRole, "readMemberships": everyRole, "readGroup": everyRole, "readRoles": everyRole,
	"readApplications": everyRole, "readDevices": everyRole, "readOrganization": everyRole, "readDomains": everyRole,
	"createUser": userAdmins, "updateUser": {globalAdministrator, userAdministrator, helpdeskAdministrator}, "deleteUser": userAdmins,
	"updateUserSensitive": {globalAdministrator, privilegedAuthAdmin, authenticationAdmin, userAdministrator}, "updateManager": userAdmins,
	"readDeletedUser": userAdmins, "restoreUser": userAdmins,
	"revokeSessions": {globalAdministrator, privilegedAuthAdmin, authenticationAdmin, userAdministrator, helpdeskAdministrator},
	"createGroup":    groupAdmins, "updateGroup": groupAdmins, "deleteGroup": groupAdmins, "changeMembers": groupAdmins,
	"readDeletedGroup": groupAdmins, "restoreGroup": groupAdmins,
	"assignRoles":       {globalAdministrator, privilegedRoleAdmin},
	"createApplication": appAdmins, "writeApplications": appAdmins, "readGrants": appAdmins, "assignAppRoles": appAdmins,
	"grantPermissions": {globalAdministrator, applicationAdmin, cloudApplicationAdmin, privilegedRoleAdmin},
	"readMethods":      append([]string{globalReader}, issuers...), "readPass": append([]string{globalReader}, issuers...),
	"issuePass": issuers, "deletePass": issuers, "deletePasskey": issuers, "deletePhone": issuers, "deleteCodes": issuers, "deleteHello": issuers,
	"resetPassword":      {globalAdministrator, privilegedAuthAdmin, authenticationAdmin, userAdministrator, helpdeskAdministrator},
	"readMethodsPolicy":  {globalAdministrator, globalReader, authenticationPolicy},
	"writeMethodsPolicy": {globalAdministrator, authenticationPolicy},
	"readAccessRules":    {globalAdministrator, globalReader, securityReader, securityAdministrator, conditionalAccessAdmin},
	"writeAccessRules":   {globalAdministrator, securityAdministrator, conditionalAccessAdmin},
	"readStrengths":      {globalAdministrator, globalReader, securityReader, securityAdministrator, conditionalAccessAdmin, authenticationPolicy},
	"writeStrengths":     {globalAdministrator, securityAdministrator, conditionalAccessAdmin},
	"readSignIns":        readersOfLogs, "readAudits": readersOfLogs, "readRegistrations": readersOfLogs,
	"writeOrganization": {globalAdministrator}, "writeDomains": {globalAdministrator, domainNameAdministrator},
}

package audit

// Values of [SignIn.EventType], in Graph's words.
const (
	InteractiveUser    = "interactiveUser"
	NonInteractiveUser = "nonInteractiveUser"
	ServicePrincipal   = "servicePrincipal"
)

// Values of other fields of [SignIn], in Graph's words.
const (
	ClientBrowser = "Browser"
	ClientApps    = "Mobile Apps and Desktop clients"

	SingleFactor = "singleFactorAuthentication"
	MultiFactor  = "multiFactorAuthentication"

	ProtocolNone       = "none"
	ProtocolOAuth2     = "oAuth2"
	ProtocolDeviceCode = "deviceCode"
	ProtocolSAML20     = "saml20"

	IncomingNone         = "none"
	IncomingRefreshToken = "refreshToken"
)

// Values of the fields of [AuthenticationDetail]. Graph's list has no word for a pass; these
// follow its other values.
const (
	MethodPass             = "Temporary Access Pass"
	MethodPassword         = "Password"
	MethodPasskey          = "FIDO2 security key"
	MethodCodes            = "OATH verification code"
	MethodAuthenticator    = "Mobile app notification"
	MethodHello            = "Windows Hello for Business"
	MethodSatisfiedByToken = "Satisfied by token"
	MethodPreviously       = "Previously satisfied"

	PassOneTime  = "One-time"
	PassMultiUse = "Multi-use"

	StepPrimary = "Primary authentication"
	StepMFA     = "Multifactor authentication"
	// BreakGlass is in the additional details of a sign-in by a method that the policy of the
	// surface takes away and the list of break-glass methods gives back.
	BreakGlass = "Break-glass method: the policy of this surface does not allow it otherwise."
	// IssuerAddress is in those of a sign-in with a pass from the address that it was issued from.
	IssuerAddress = "The pass was used from the address that it was issued from."
	// RecoveryExemption, before the name of a policy, is in the additional details of a sign-in that
	// only a recovery exemption of it let by.
	RecoveryExemption = "Recovery exemption of "
	// MoreTries, a format of fmt, is in the additional details of an event that stands for tries
	// which a throttle refused.
	MoreTries = "%d more tries refused within a minute"
	// PreviouslySatisfied is the result of a step that an earlier sign-in of the session took.
	PreviouslySatisfied = "Previously satisfied"
)

// Values of [Change.Operation] and [Change.Result].
const (
	OperationAdd      = "Add"
	OperationUpdate   = "Update"
	OperationDelete   = "Delete"
	OperationAssign   = "Assign"
	OperationUnassign = "Unassign"

	Success = "success"
	Failure = "failure"
)

// Values of [Change.Service].
const (
	ServiceAuthenticationMethods = "Authentication Methods"
	ServiceConditionalAccess     = "Conditional Access"
	ServiceCoreDirectory         = "Core Directory"
	ServiceDeviceRegistration    = "Device Registration Service"
	ServiceLifecycleWorkflows    = "Lifecycle Workflows"
	ServicePostern               = "Postern" // events that Entra does not have
)

// Values of [Change.Category].
const (
	CategoryApplicationManagement = "ApplicationManagement"
	CategoryAuthentication        = "Authentication"
	CategoryDevice                = "Device"
	CategoryDirectoryManagement   = "DirectoryManagement"
	CategoryGroupManagement       = "GroupManagement"
	CategoryKeyManagement         = "KeyManagement"
	CategoryPolicy                = "Policy"
	CategoryRoleManagement        = "RoleManagement"
	CategoryUserManagement        = "UserManagement"
	CategoryWorkflowManagement    = "WorkflowManagement"
	CategoryTaskManagement        = "TaskManagement"
)

// Values of [Target.Type].
const (
	TargetUser             = "User"
	TargetGroup            = "Group"
	TargetRole             = "Role"
	TargetApplication      = "App"
	TargetServicePrincipal = "ServicePrincipal"
	TargetDevice           = "Device"
	TargetDirectory        = "Directory"
	TargetPolicy           = "Policy"
	TargetOther            = "Other"
)

// Activities of [ServiceAuthenticationMethods] with [CategoryUserManagement]. Monitoring rules
// compare these and the reasons below byte by byte.
// https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
const (
	AdminRegisteredSecurityInfo   = "Admin registered security info"
	AdminDeletedSecurityInfo      = "Admin deleted security info"
	AdminUpdatedSecurityInfo      = "Admin updated security info"
	UserRegisteredSecurityInfo    = "User registered security info"
	UserDeletedSecurityInfo       = "User deleted security info"
	UserUpdatedSecurityInfo       = "User updated security info"
	UserStartedRegistration       = "User started security info registration"
	UserCanceledRegistration      = "User canceled security info registration"
	UserRegisteredAllSecurityInfo = "User registered all required security info"
	UserChangedDefaultInfo        = "User changed default security info"
	UserReviewedSecurityInfo      = "User reviewed security info"
	GetPasskeyOptions             = "Get passkey creation options"
	SuspiciousActivity            = "Suspicious activity reported"
)

// Activities of [ServiceAuthenticationMethods] with [CategoryApplicationManagement].
const (
	MethodsPolicyUpdate  = "Authentication Methods Policy Update"
	MethodsPolicyReset   = "Authentication Methods Policy Reset"
	StrengthPolicyCreate = "Authentication Strength Policy Create"
	StrengthPolicyUpdate = "Authentication Strength Policy Update"
	StrengthPolicyDelete = "Authentication Strength Policy Delete"
)

// Activities of [ServiceConditionalAccess] with [CategoryPolicy].
const (
	AddAccessPolicy             = "Add conditional access policy"
	UpdateAccessPolicy          = "Update conditional access policy"
	DeleteAccessPolicy          = "Delete conditional access policy"
	AddNamedLocation            = "Add named location"
	UpdateNamedLocation         = "Update named location"
	DeleteNamedLocation         = "Delete named location"
	AddAuthenticationContext    = "Add AuthenticationContext"
	UpdateAuthenticationContext = "Update AuthenticationContext"
	DeleteAuthenticationContext = "Delete AuthenticationContext"
)

// Values of [Change.ResultReason] for passes.
const (
	ReasonAdminRegisteredPass = "Admin registered temporary access pass method for user"
	ReasonAdminDeletedPass    = "Admin deleted temporary access pass method for user"
	ReasonUserRegisteredPass  = "User registered temporary access pass method"
	ReasonUserDeletedPass     = "User deleted temporary access pass method"
)

// Values of [Change.ResultReason] for device PINs.
const (
	ReasonUserRegisteredHello = "User registered Windows Hello for Business method"
	ReasonUserDeletedHello    = "User deleted Windows Hello for Business method"
	ReasonAdminDeletedHello   = "Admin deleted Windows Hello for Business method for user"
	ReasonDeviceDeletedHello  = "The device removed its Windows Hello for Business method"
)

// The modified property that tells one-time passes from others, and its values without the
// JSON quotes. Monitoring rules look for them.
const (
	PropertyAccessPassUsage = "AccessPassUsage"
	DetailPreset            = "postern_preset" // additional detail: what a pass was issued for
	DetailCase              = "postern_caseId" // additional detail: the recovery case that it belongs to
	DetailWorkflow          = "workflowId"     // additional detail: the workflow that did it
	AccessPassOnce          = "Once"
	AccessPassMultiple      = "Multiple"
)

// Activities of [ServiceCoreDirectory] with [CategoryUserManagement].
const (
	AddUser            = "Add user"
	UpdateUser         = "Update user"
	DeleteUser         = "Delete user"
	RestoreUser        = "Restore user"
	HardDeleteUser     = "Hard Delete user"
	DisableAccount     = "Disable account"
	EnableAccount      = "Enable account"
	SetUserManager     = "Set user manager"
	RevokeSessions     = "Update StsRefreshTokenValidFrom Timestamp"
	AddAppRoleToUser   = "Add app role assignment grant to user"
	RemoveAppRoleUser  = "Remove app role assignment from user"
	ResetUserPassword  = "Reset password"
	ResetOwnPassword   = "Reset password (self-service)"
	ChangeUserPassword = "Change user password"
)

// Activities of [ServiceCoreDirectory] with [CategoryGroupManagement].
const (
	AddGroup           = "Add group"
	UpdateGroup        = "Update group"
	DeleteGroup        = "Delete group"
	RestoreGroup       = "Restore group"
	HardDeleteGroup    = "Hard Delete group"
	AddGroupMember     = "Add member to group"
	RemoveGroupMember  = "Remove member from group"
	AddGroupOwner      = "Add owner to group"
	RemoveGroupOwner   = "Remove owner from group"
	AddAppRoleToGroup  = "Add app role assignment to group"
	RemoveAppRoleGroup = "Remove app role assignment from group"
)

// Activities of [ServiceCoreDirectory] with [CategoryRoleManagement].
const (
	AddRoleMember        = "Add member to role"
	RemoveRoleMember     = "Remove member from role"
	AddRoleDefinition    = "Add role definition"
	UpdateRoleDefinition = "Update role definition"
	DeleteRoleDefinition = "Delete role definition"
)

// Activities of [ServiceCoreDirectory] with [CategoryApplicationManagement]. The dash and the
// space at the end of UpdateApplicationSecrets are Entra's.
const (
	AddApplication           = "Add application"
	UpdateApplication        = "Update application"
	UpdateApplicationSecrets = "Update application – Certificates and secrets management "
	DeleteApplication        = "Delete application"
	RestoreApplication       = "Restore application"
	HardDeleteApplication    = "Hard Delete application"
	AddApplicationOwner      = "Add owner to application"
	RemoveApplicationOwner   = "Remove owner from application"

	AddServicePrincipal               = "Add service principal"
	UpdateServicePrincipal            = "Update service principal"
	RemoveServicePrincipal            = "Remove service principal"
	AddServicePrincipalCredentials    = "Add service principal credentials"
	RemoveServicePrincipalCredentials = "Remove service principal credentials"

	ConsentToApplication    = "Consent to application"
	AddPermissionGrant      = "Add delegated permission grant"
	UpdatePermissionGrant   = "Update delegated permission grant"
	RemovePermissionGrant   = "Remove delegated permission grant"
	AddAppRoleAssignment    = "Add app role assignment to service principal"
	RemoveAppRoleAssignment = "Remove app role assignment from service principal"
)

// Activities of [ServiceCoreDirectory] with [CategoryDirectoryManagement] and [CategoryPolicy].
const (
	CreateCompany          = "Create Company"
	SetCompanyInformation  = "Set Company Information"
	UpdateBranding         = "Update branding"
	UpdateMailTemplate     = "Update mail template"
	ResetMailTemplate      = "Reset mail template"
	AddUnverifiedDomain    = "Add unverified domain"
	VerifyDomain           = "Verify domain"
	RemoveVerifiedDomain   = "Remove verified domain"
	RemoveUnverifiedDomain = "Remove unverified domain"
	UpdateDomain           = "Update domain"

	SetDomainAuthentication = "Set domain authentication" // Managed or Federated
	SetFederation           = "Set federation settings on domain"

	LinkFederatedIdentity   = "Link federated identity"   // CategoryUserManagement
	UnlinkFederatedIdentity = "Unlink federated identity" // CategoryUserManagement

	AddPolicy    = "Add policy"
	UpdatePolicy = "Update policy"
	DeletePolicy = "Delete policy"
)

// Activities of [ServiceDeviceRegistration] and [ServiceCoreDirectory] with [CategoryDevice].
const (
	RegisterDevice    = "Register device"
	UnregisterDevice  = "Unregister device"
	CertifyDevice     = "Issue device certificate"
	UpdateDevice      = "Update device"
	ApproveDevice     = "Approve device"
	SetJoinPolicy     = "Set device registration policies" // CategoryPolicy
	RefuseDevice      = "Refuse device"
	AddDeviceOwner    = "Add registered owner to device"
	RemoveDeviceOwner = "Remove registered owner from device"
	DeleteDevice      = "Delete device"
	PrepareDevice     = "Prepare device for user"
	EndPreparation    = "End preparation of device"
	HandOverDevice    = "Hand over device to user"
)

// Activities of [ServiceLifecycleWorkflows].
const (
	CreateWorkflow        = "Create workflow"
	UpdateWorkflow        = "Update workflow"
	CreateWorkflowVersion = "Create new version of workflow"
	DeleteWorkflow        = "Delete workflow"
	RestoreWorkflow       = "Restore workflow"
	HardDeleteWorkflow    = "Hard delete workflow"
	RunWorkflowOnDemand   = "On-demand workflow execution started"
	WorkflowTaskFailed    = "Workflow task failed"
	SetWorkflowSettings   = "Set workflow settings"
	CreateTaskExtension   = "Create custom task extension" // CategoryTaskManagement, as the next two
	UpdateTaskExtension   = "Update custom task extension"
	DeleteTaskExtension   = "Delete custom task extension"
)

// Activities of [ServicePostern].
const (
	SendTestMail      = "Send test mail"                         // CategoryDirectoryManagement
	PassRedeemed      = "Temporary access pass redeemed"         // CategoryUserManagement
	PassFailed        = "Temporary access pass refused"          // CategoryUserManagement
	PassesRefused     = "Temporary access passes refused often"  // CategoryUserManagement
	PassViewed        = "Temporary access pass viewed"           // CategoryUserManagement
	PassExpired       = "Temporary access pass expired"          // CategoryUserManagement
	PassRemoved       = "Temporary access pass removed"          // CategoryUserManagement
	PINStopped        = "Stop device PIN after wrong tries"      // CategoryUserManagement
	PINReset          = "Reset device PIN"                       // CategoryUserManagement
	PINKeyReplaced    = "Replace device PIN key"                 // CategoryUserManagement
	Elevated          = "Elevated on device"                     // CategoryAuthentication
	HandoverSealed    = "Hand over temporary access pass"        // CategoryUserManagement
	HandoverOpened    = "Open handed-over pass"                  // CategoryUserManagement
	HandoverRefused   = "Refuse link of handed-over pass"        // CategoryUserManagement
	PassReverted      = "Revert what came from a pass"           // CategoryUserManagement
	ChangeDisputed    = "Dispute a change of security info"      // CategoryUserManagement
	PassToIssuer      = "Refuse pass to its issuer"              // CategoryUserManagement
	PassWhereIssued   = "Use pass where it was issued"           // CategoryUserManagement
	CaseQuarantined   = "Quarantine recovery case"               // CategoryUserManagement
	CaseReleased      = "Release recovery case"                  // CategoryUserManagement
	PhoneRefused      = "Refuse sign-in on the phone"            // CategoryUserManagement
	SessionEnded      = "End session"                            // CategoryAuthentication
	ThrottledSignIns  = "Throttled sign-ins"                     // CategoryAuthentication
	TokenReuse        = "Ended sign-in after a token was reused" // CategoryAuthentication
	RecoverAccess     = "Recover administrator access"           // CategoryRoleManagement
	RotateSigningKey  = "Rotate signing key"                     // CategoryKeyManagement
	CreateBackup      = "Create backup"                          // CategoryDirectoryManagement
	RestoreBackup     = "Restore backup"                         // CategoryDirectoryManagement; begins an epoch
	MigrateStore      = "Migrate store"                          // CategoryDirectoryManagement
	AcceptClock       = "Accept clock"                           // CategoryDirectoryManagement
	PruneLog          = "Prune log"                              // CategoryDirectoryManagement
	ErasePersonalData = "Erase personal data"                    // CategoryUserManagement
	SaveView          = "Save view"                              // CategoryUserManagement
	RemoveView        = "Remove view"                            // CategoryUserManagement
	ExportLog         = "Export log"                             // CategoryDirectoryManagement
	GiveUpJob         = "Give up job"                            // CategoryDirectoryManagement
	WakeJob           = "Wake job"                               // CategoryDirectoryManagement
	CaseOpened        = "Open recovery case"                     // CategoryUserManagement, as those below
	CaseAsked         = "Ask in recovery case"
	CaseProven        = "Prove identity in recovery case"
	CaseApproved      = "Approve recovery case"
	CaseIssued        = "Issue pass for recovery case"
	CaseUsed          = "Use pass of recovery case"
	CaseRegistered    = "Register method in recovery case"
	CaseClosed        = "Close recovery case"
	CaseCancelled     = "Cancel recovery case"
	CaseRefused       = "Refuse recovery case"
	CaseExpired       = "Expire recovery case"
	CaseDisputed      = "Dispute recovery case"
	CaseLifted        = "Lift dispute of recovery case"
	CaseReverted      = "Revert recovery case"
	SetRecoveryPolicy = "Set recovery policy" // CategoryPolicy
	AddWebhook        = "Add webhook"         // CategoryDirectoryManagement, as those below
	UpdateWebhook     = "Update webhook"
	DeleteWebhook     = "Delete webhook"
	RotateWebhook     = "Rotate secret of webhook"
	TestWebhook       = "Test webhook"
	ResendWebhook     = "Send webhook delivery again"
	TurnOffWebhook    = "Turn off webhook"
	DrillStarted      = "Start recovery drill" // CategoryUserManagement, as those below
	DrillAsked        = "Ask to practise recovery"
	DrillPractised    = "Practise recovery"
	DrillTrialBegun   = "Ask for a PIN key on trial"
	DrillEnded        = "End recovery practice"
	SetDrillSchedule  = "Set schedule of recovery drills" // CategoryPolicy
)

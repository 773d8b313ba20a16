package directory

// Permissions are all permissions of the Graph API here. Values and ids are Microsoft
// Graph's, so that manifests and scripts fit; docs/roles.md names the few ids that are not.
// Permissions of OpenID Connect (openid, profile, email, offline_access) are not among them.
var Permissions = []Permission{
	{
		Value: "Application.Read.All", DisplayName: "Read applications",
		Description:   "Reads applications and service principals.",
		ApplicationID: "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", DelegatedID: "c79f8feb-a9db-4090-85f9-90d820caa0eb",
	},
	{
		Value: "Application.ReadWrite.All", DisplayName: "Read and change applications",
		Description:   "Creates, changes and deletes applications and service principals, without consenting for them.",
		ApplicationID: "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", DelegatedID: "bdfbf15f-ee85-4955-8675-146e8e5296b5",
	},
	{
		Value: "AppRoleAssignment.ReadWrite.All", DisplayName: "Assign app roles",
		Description:   "Grants application permissions of every API, Graph included, and assigns people to applications.",
		ApplicationID: "06b708a9-e830-4db3-a914-8e69da51d44f", DelegatedID: "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
	},
	{
		Value: "AuditLog.Read.All", DisplayName: "Read the logs",
		Description:   "Reads the audit log and, together with Directory.Read.All, the sign-in log.",
		ApplicationID: "b0afded3-3588-46d8-8b3d-9842eff778da", DelegatedID: "e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20",
	},
	{
		Value: "DelegatedPermissionGrant.ReadWrite.All", DisplayName: "Grant delegated permissions",
		Description:   "Grants and removes delegated permissions of every API.",
		ApplicationID: "8e8e4742-1d95-4f68-9d56-6ee75648c72a", DelegatedID: "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
	},
	{
		Value: "Device.Read.All", DisplayName: "Read devices",
		Description:   "Reads all devices of the tenant.",
		ApplicationID: "7438b122-aefc-4978-80ed-43db9fcc7715", DelegatedID: "951183d1-1a61-466f-a6d1-1fde911bfd95",
	},
	{
		Value: "Device.ReadWrite.All", DisplayName: "Read and change devices",
		Description:   "Reads and changes all devices of the tenant.",
		ApplicationID: "1138cb37-bd11-4084-a2b7-9f71582aeddb",
	},
	{
		Value: "DeviceManagementConfiguration.Read.All", DisplayName: "Read device policies",
		Description:   "Reads device policies, whom they are assigned to, and what holds on a device.",
		ApplicationID: "dc377aa6-52d8-4e23-b271-2a7ae04cedf3", DelegatedID: "f1493658-876a-4c87-8fa7-edb559b3476a",
	},
	{
		Value: "DeviceManagementConfiguration.ReadWrite.All", DisplayName: "Read and change device policies",
		Description:   "Creates, changes, assigns and deletes device policies.",
		ApplicationID: "9241abd9-d0e6-425a-bd4f-47ba86e767a4", DelegatedID: "0883f392-0a7a-443d-8c76-16a6d39c7b63",
	},
	{
		Value: "Directory.Read.All", DisplayName: "Read the directory",
		Description:   "Reads users, groups, roles, applications and domains.",
		ApplicationID: "7ab1d382-f21e-4acd-a863-ba3e13f7da61", DelegatedID: "06da0dbc-49e2-44d2-8312-53f166ab848a",
	},
	{
		Value: "Directory.ReadWrite.All", DisplayName: "Read and change the directory",
		Description:   "Reads the directory, and changes users and groups without deleting them.",
		ApplicationID: "19dbc75e-c2e2-444c-a770-ec69d8559fc7", DelegatedID: "c5366453-9fb0-48a5-a156-24f0c49a4b84",
	},
	{
		Value: "Domain.Read.All", DisplayName: "Read domains",
		Description:   "Reads the domains of the tenant.",
		ApplicationID: "dbb9058a-0e50-45d7-ae91-66909b5d4664", DelegatedID: "2f9ee017-59c1-4f1d-9472-bd5529a7b311",
	},
	{
		Value: "Domain.ReadWrite.All", DisplayName: "Read and change domains",
		Description:   "Adds, verifies, changes and removes domains.",
		ApplicationID: "7e05723c-0bb0-42da-be95-ae9f08a6e53c", DelegatedID: "0b5d694c-a244-4bde-86e6-eb5cd07730fe",
	},
	{
		Value: "Group.Read.All", DisplayName: "Read groups",
		Description:   "Reads all groups and who belongs to them.",
		ApplicationID: "5b567255-7703-4780-807c-7be8301ae99b", DelegatedID: "5f8c59db-677d-491f-a6b8-5f174b11ec1d",
	},
	{
		Value: "Group.ReadWrite.All", DisplayName: "Read and change groups",
		Description:   "Creates, changes and deletes groups and their members, role-assignable ones excepted.",
		ApplicationID: "62a82d76-70ea-41e2-9197-370581804d09", DelegatedID: "4e46008b-f24c-477d-8fff-7bb4ec7aafe0",
	},
	{
		Value: "GroupMember.Read.All", DisplayName: "Read group memberships",
		Description:   "Reads groups and their members.",
		ApplicationID: "98830695-27a2-44f7-8c18-0c3ebc9698f6", DelegatedID: "bc024368-1153-4739-b217-4326f2e966d0",
	},
	{
		Value: "GroupMember.ReadWrite.All", DisplayName: "Read and change group memberships",
		Description:   "Reads groups, and adds and removes their members, role-assignable ones excepted.",
		ApplicationID: "dbaae8cf-10b5-4b86-a4a1-f871c94c6695", DelegatedID: "f81125ac-d3b7-4573-a3b2-7099cc39df9e",
	},
	{
		Value: "LifecycleWorkflows.Read.All", DisplayName: "Read lifecycle workflows",
		Description:   "Reads lifecycle workflows, their runs and reports.",
		ApplicationID: "7c67316a-232a-4b84-be22-cea2c0906404", DelegatedID: "9bcb9916-765a-42af-bf77-02282e26b01a",
	},
	{
		Value: "LifecycleWorkflows.ReadWrite.All", DisplayName: "Read and change lifecycle workflows",
		Description:   "Creates, changes, runs and deletes lifecycle workflows.",
		ApplicationID: "5c505cf4-8424-4b8e-aa14-ee06e3bb23e3", DelegatedID: "84b9d731-7db8-4454-8c90-fd9e95350179",
	},
	{
		Value: "Organization.Read.All", DisplayName: "Read the organisation",
		Description:   "Reads the name and settings of the tenant.",
		ApplicationID: "498476ce-e0fe-48b0-b801-37ba7e2685c6", DelegatedID: "4908d5b9-3fb2-4b1e-9336-1888b7937185",
	},
	{
		Value: "Organization.ReadWrite.All", DisplayName: "Read and change the organisation",
		Description:   "Reads and changes the name and settings of the tenant.",
		ApplicationID: "292d869f-3427-49a8-9dab-8c70152b74e9", DelegatedID: "46ca0847-7e6b-426e-9775-ea810a948356",
	},
	{
		Value: "OrganizationalBranding.Read.All", DisplayName: "Read the branding",
		Description:   "Reads how the sign-in pages look.",
		ApplicationID: "eb76ac34-0d62-4454-b97c-185e4250dc20", DelegatedID: "9082f138-6f02-4f3a-9f4d-5f3c2ce5c688",
	},
	{
		Value: "OrganizationalBranding.ReadWrite.All", DisplayName: "Read and change the branding",
		Description:   "Reads and changes how the sign-in pages look.",
		ApplicationID: "d2ebfbc1-a5f8-424b-83a6-56ab5927a73c", DelegatedID: "15ce63de-b141-4c9a-a9a5-241bf27c6aaf",
	},
	{
		Value: "Policy.Read.All", DisplayName: "Read policies",
		Description:   "Reads all policies of the tenant.",
		ApplicationID: "246dd0d5-5bd0-4def-940b-0421030a5b68", DelegatedID: "572fea84-0151-49b2-9301-11cb16974376",
	},
	{
		Value: "Policy.Read.AuthenticationMethod", DisplayName: "Read authentication method policies",
		Description:   "Reads which ways to sign in the tenant offers, and to whom.",
		ApplicationID: "8e3bc81b-d2f3-4b7b-838c-32c88218d2f0", DelegatedID: "a6ff13ac-1851-4993-8ca9-a671d70de2d5",
	},
	{
		Value: "Policy.ReadWrite.AuthenticationMethod", DisplayName: "Read and change authentication method policies",
		Description:   "Changes which ways to sign in the tenant offers, and to whom.",
		ApplicationID: "29c18626-4985-4dcd-85c0-193eef327366", DelegatedID: "7e823077-d88e-468f-a337-e18f1f0e6c7c",
	},
	{
		Value: "Policy.Read.DeviceConfiguration", DisplayName: "Read who may join devices",
		Description:   "Reads the policy that says who may join devices, how many, and whether they wait for approval.",
		ApplicationID: "f9f0a9e1-2b5b-52c3-8c30-a9b2ed9a6d6a", DelegatedID: "4c7d719f-28b5-536f-902b-b4ecc44a1f64",
	},
	{
		Value: "Policy.ReadWrite.DeviceConfiguration", DisplayName: "Read and change who may join devices",
		Description:   "Changes the policy that says who may join devices, how many, and whether they wait for approval.",
		ApplicationID: "1051184a-ea16-58ca-9b1e-5ca0e2c48e1e", DelegatedID: "40b534c3-9552-4550-901b-23879c90bcf9",
	},
	{
		Value: "Policy.ReadWrite.ConditionalAccess", DisplayName: "Read and change Conditional Access",
		Description:   "Reads and changes Conditional Access policies, named locations and strengths.",
		ApplicationID: "01c0a623-fc9b-48e9-b794-0756f8e8f067", DelegatedID: "ad902697-1014-4ef5-81ef-2b4301988e8c",
	},
	{
		Value: "RoleManagement.Read.Directory", DisplayName: "Read roles",
		Description:   "Reads directory roles and who holds them.",
		ApplicationID: "483bed4a-2ad3-4361-a73b-c83ccdbdc53c", DelegatedID: "741c54c3-0c1e-44a1-818b-3f97ab4e8c83",
	},
	{
		Value: "RoleManagement.ReadWrite.Directory", DisplayName: "Read and assign roles",
		Description:   "Assigns every directory role, and manages role-assignable groups.",
		ApplicationID: "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8", DelegatedID: "d01b97e9-cbc0-49fe-810a-750afd5527a3",
	},
	{
		Value: "User.Read", DisplayName: "Sign in and read your profile",
		Description: "Signs people in and reads the profile of the person who is signed in.",
		DelegatedID: "e1fe6dd8-ba31-4d61-89e7-88639da4683d", UserConsent: true,
	},
	{
		Value: "User-LifeCycleInfo.Read.All", DisplayName: "Read when people leave",
		Description:   "Reads employeeLeaveDateTime of users.",
		ApplicationID: "8556a004-db57-4d7a-8b82-97a13428e96f", DelegatedID: "ed8d2a04-0374-41f1-aefe-da8ac87ccc87",
	},
	{
		Value: "User-LifeCycleInfo.ReadWrite.All", DisplayName: "Read and change when people leave",
		Description:   "Reads and changes employeeLeaveDateTime of users; a person needs to be a Global Administrator for it.",
		ApplicationID: "925f1248-0f97-47b9-8ec8-538c54e01325", DelegatedID: "7ee7473e-bd4b-4c9f-987c-bd58481f5fa2",
	},
	{
		Value: "User.Read.All", DisplayName: "Read users",
		Description:   "Reads the whole profile of every user.",
		ApplicationID: "df021288-bdef-4463-88db-98f22de89214", DelegatedID: "a154be20-db9c-4678-8ab7-66f6cc099a59",
	},
	{
		Value: "User.ReadBasic.All", DisplayName: "Read names of users",
		Description:   "Reads the name and mail address of every user.",
		ApplicationID: "97235f07-e226-4f63-ace3-39588e11d3a1", DelegatedID: "b340eb25-3456-403f-be2f-af7a0d370277", UserConsent: true,
	},
	{
		Value: "User.ReadWrite.All", DisplayName: "Read and change users",
		Description:   "Creates, changes and deletes users; what is sensitive needs a role, too.",
		ApplicationID: "741f803b-c850-494e-b5df-cde7c675a1ca", DelegatedID: "204e0828-b5ca-4ad8-b9f3-f32a958e7cc4",
	},
	{
		Value: "User.RevokeSessions.All", DisplayName: "End sessions of users",
		Description:   "Ends all sessions of a user.",
		ApplicationID: "77f3a031-c388-4f99-b373-dc68676a979e", DelegatedID: "fc30e98b-8810-4501-81f5-c20a3196387b",
	},
	{
		Value: "User-OnPremisesSyncBehavior.ReadWrite.All", DisplayName: "Take accounts over from their source",
		Description:   "Reads and changes whether accounts are managed here or by their source.",
		ApplicationID: "a94a502d-0281-4d15-8cd2-682ac9362c4c", DelegatedID: "7ff9afdd-0cdb-439d-a61c-fea3e9339e89",
	},
	{
		Value: "User-PasswordProfile.ReadWrite.All", DisplayName: "Reset passwords",
		Description:   "Sets passwords of users.",
		ApplicationID: "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7", DelegatedID: "56760768-b641-451f-8906-e1b8ab31bca7",
	},
	{
		Value: "UserAuthenticationMethod.Read", DisplayName: "Read your ways to sign in",
		Description: "Reads the authentication methods of the person who is signed in, without secrets.",
		DelegatedID: "1f6b61c5-2f65-4135-9c9f-31c0f8d32b52",
	},
	{
		Value: "UserAuthenticationMethod.Read.All", DisplayName: "Read everybody's ways to sign in",
		Description:   "Reads the authentication methods of all users, without secrets.",
		ApplicationID: "38d9df27-64da-44fd-b7c5-a6fbac20248f", DelegatedID: "aec28ec7-4d02-4e8c-b864-50163aea77eb",
	},
	{
		Value: "UserAuthenticationMethod.ReadWrite", DisplayName: "Read and change your ways to sign in",
		Description: "Reads, adds and removes authentication methods of the person who is signed in.",
		DelegatedID: "48971fc1-70d7-4245-af77-0beb29b53ee2",
	},
	{
		Value: "UserAuthenticationMethod.ReadWrite.All", DisplayName: "Read and change everybody's ways to sign in",
		Description:   "Reads, adds and removes authentication methods of users, and issues passes.",
		ApplicationID: "50483e42-d915-4231-9639-7fdb7fd190e5", DelegatedID: "b7887744-6746-4312-813d-72daeaee7e2d",
	},
	{
		Value: PrivilegedMethods, DisplayName: "Change ways to sign in of people who hold roles",
		Description:   "Lets the application use its permission to issue and delete passes on people who hold roles, too.",
		ApplicationID: "a008e05e-2c89-521b-b62d-180b6e053dd9",
	},
	{
		Value: "UserAuthMethod-MicrosoftAuthApp.Read", DisplayName: "Read your phones for signing in",
		Description: "Reads the phones that approve sign-ins of the person who is signed in.",
		DelegatedID: "025b3939-c694-5c7e-8265-3988c4cd5860",
	},
	{
		Value: "UserAuthMethod-MicrosoftAuthApp.Read.All", DisplayName: "Read everybody's phones for signing in",
		Description:   "Reads the phones that approve sign-ins of all users.",
		ApplicationID: "2c24fd0e-f95b-569c-80ca-f42387fb15ea", DelegatedID: "531a4725-8e15-57a6-a57f-e15dae10ac27",
	},
	{
		Value: "UserAuthMethod-MicrosoftAuthApp.ReadWrite", DisplayName: "Read and remove your phones for signing in",
		Description: "Reads and removes the phones that approve sign-ins of the person who is signed in.",
		DelegatedID: "4f11d8a4-ee2d-5da5-b5cb-c7ff7c45c4d5",
	},
	{
		Value: "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All", DisplayName: "Read and change everybody's phones for signing in",
		Description:   "Reads and removes the phones that approve sign-ins of users.",
		ApplicationID: "0ae5faf0-793d-55a3-83f5-bddb4b7136b5", DelegatedID: "2797aebc-75e2-5a19-ada7-c83f56cb1efd",
	},
	{
		Value: "UserAuthMethod-Passkey.Read", DisplayName: "Read your passkeys",
		Description: "Reads the passkeys and security keys of the person who is signed in.",
		DelegatedID: "838ac4fe-e93f-52b5-90bf-df66ada5f3d9",
	},
	{
		Value: "UserAuthMethod-Passkey.Read.All", DisplayName: "Read everybody's passkeys",
		Description:   "Reads the passkeys and security keys of all users.",
		ApplicationID: "d1b7bc62-d646-5af5-82dd-51ed9daae830", DelegatedID: "745bafff-12a5-55e4-8732-2b493a4e10de",
	},
	{
		Value: "UserAuthMethod-Passkey.ReadWrite", DisplayName: "Read and remove your passkeys",
		Description: "Reads and removes the passkeys and security keys of the person who is signed in.",
		DelegatedID: "28dab0ac-7609-5c74-bdf3-6e6d165284dd",
	},
	{
		Value: "UserAuthMethod-Passkey.ReadWrite.All", DisplayName: "Read and change everybody's passkeys",
		Description:   "Reads and removes the passkeys and security keys of users, and registers them for others.",
		ApplicationID: "d4b2f34b-1581-5358-bca2-1ae9106cde00", DelegatedID: "cf38f8f7-05cb-579d-8452-aa1d71bb4b24",
	},
	{
		Value: "UserAuthMethod-Password.Read", DisplayName: "Read whether you have a password",
		Description: "Reads whether the person who is signed in has a password, never a password.",
		DelegatedID: "8189c77a-ed62-57c6-8053-44d8f5143694",
	},
	{
		Value: "UserAuthMethod-Password.Read.All", DisplayName: "Read who has a password",
		Description:   "Reads who has a password, never a password.",
		ApplicationID: "baf3e3fb-4c57-59d8-96b6-90d7e6887afd", DelegatedID: "66a6ff07-47e3-5639-baf6-9c6e1fc57727",
	},
	{
		Value: "UserAuthMethod-Password.ReadWrite", DisplayName: "Read and remove your password",
		Description: "Reads and removes the password of the person who is signed in.",
		DelegatedID: "32fbcae1-7708-5567-8271-1cb3ebe8c067",
	},
	{
		Value: "UserAuthMethod-Password.ReadWrite.All", DisplayName: "Read and change everybody's passwords",
		Description:   "Resets and removes passwords of users.",
		ApplicationID: "cf7ec480-7752-5b04-a058-49d662947c26", DelegatedID: "33329e09-02bb-594c-b2d2-ae4b10672cb9",
	},
	{
		Value: "UserAuthMethod-SoftwareOATH.Read", DisplayName: "Read your apps with codes",
		Description: "Reads the apps that count one-time codes of the person who is signed in, never a secret.",
		DelegatedID: "c423ee22-c99b-57b9-9c03-8e55d63b9552",
	},
	{
		Value: "UserAuthMethod-SoftwareOATH.Read.All", DisplayName: "Read everybody's apps with codes",
		Description:   "Reads the apps that count one-time codes of all users, never a secret.",
		ApplicationID: "0d98174a-2895-50a2-bb49-09d47e5d3d6a", DelegatedID: "b7637cc2-a830-5419-b88d-a2cefe404eed",
	},
	{
		Value: "UserAuthMethod-SoftwareOATH.ReadWrite", DisplayName: "Read and remove your apps with codes",
		Description: "Reads and removes the apps that count one-time codes of the person who is signed in.",
		DelegatedID: "d9d24334-2957-5e78-85b4-e81567898d18",
	},
	{
		Value: "UserAuthMethod-SoftwareOATH.ReadWrite.All", DisplayName: "Read and change everybody's apps with codes",
		Description:   "Reads and removes the apps that count one-time codes of users.",
		ApplicationID: "385482a8-8fe4-5e94-b7f6-fe9b431308b8", DelegatedID: "034922ac-aa71-5a0b-9e9d-f3033bd55102",
	},
	{
		Value: "UserAuthMethod-TAP.Read", DisplayName: "Read your Temporary Access Pass",
		Description: "Reads the state of the pass of the person who is signed in, never the pass.",
		DelegatedID: "84ded88f-26ba-49d6-b776-efec398de692",
	},
	{
		Value: "UserAuthMethod-TAP.Read.All", DisplayName: "Read everybody's Temporary Access Passes",
		Description:   "Reads the state of the passes of all users, never a pass.",
		ApplicationID: "33b69777-5b5e-5a79-8584-f0359036ed9b", DelegatedID: "9b61f10d-1684-510e-829e-0705522a0556",
	},
	{
		Value: "UserAuthMethod-TAP.ReadWrite", DisplayName: "Read and delete your Temporary Access Pass",
		Description: "Reads the state of, and deletes, the pass of the person who is signed in.",
		DelegatedID: "d49636fa-9903-5fe4-82bc-58d6664aa554",
	},
	{
		Value: "UserAuthMethod-TAP.ReadWrite.All", DisplayName: "Issue and delete Temporary Access Passes",
		Description:   "Issues and deletes passes of users.",
		ApplicationID: "627169a8-8c15-451c-861a-5b80e383de5c", DelegatedID: "52e9b231-fa08-5abe-9a92-c2b145b3d025",
	},
	{
		Value: "UserAuthMethod-WindowsHello.Read", DisplayName: "Read your device PINs",
		Description: "Reads on which devices the person who is signed in has a PIN, never a PIN.",
		DelegatedID: "c75a08e9-c8ba-5d1d-91af-64e5f1ca3d4f",
	},
	{
		Value: "UserAuthMethod-WindowsHello.Read.All", DisplayName: "Read everybody's device PINs",
		Description:   "Reads on which devices people have a PIN, never a PIN.",
		ApplicationID: "50f8e766-02b0-5435-acb4-3e6a22134a77", DelegatedID: "7f0c2767-e609-5991-b122-bfb74a3af9f6",
	},
	{
		Value: "UserAuthMethod-WindowsHello.ReadWrite", DisplayName: "Read and delete your device PINs",
		Description: "Reads and deletes the device PINs of the person who is signed in.",
		DelegatedID: "01ede297-88cf-5cf4-bea4-255521b77a6f",
	},
	{
		Value: "UserAuthMethod-WindowsHello.ReadWrite.All", DisplayName: "Read and delete everybody's device PINs",
		Description:   "Reads and deletes the device PINs of users.",
		ApplicationID: "066afe6c-a68c-553c-807e-c79531d16a0b", DelegatedID: "3c41e5bf-05a3-5982-8956-4922c81ee463",
	},
}

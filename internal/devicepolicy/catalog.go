package devicepolicy

import (
	"net"
	"regexp"
	"slices"
	"strings"
)

// URIs that this program reads itself.
const (
	authentication = "./Device/Vendor/MSFT/Policy/Config/Authentication/"
	providers      = "./Device/Vendor/MSFT/Policy/Config/ADMX_CredentialProviders/"
	hello          = "./Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/"
	deviceLock     = "./Device/Vendor/MSFT/Policy/Config/DeviceLock/"
	own            = "./Device/Vendor/Postern/"

	EnableWebSignIn              = authentication + "EnableWebSignIn"
	WebSignInAllowedURLs         = authentication + "ConfigureWebSignInAllowedUrls"
	WebcamDomains                = authentication + "ConfigureWebcamAccessDomainNames"
	PreferredTenantDomain        = authentication + "PreferredAadTenantDomainName"
	EnablePasswordlessExperience = authentication + "EnablePasswordlessExperience"
	DefaultCredentialProvider    = providers + "DefaultCredentialProvider"
	ExcludedCredentialProviders  = providers + "ExcludedCredentialProviders"
	UsePassportForWork           = hello + "UsePassportForWork"
	RequireSecurityDevice        = hello + "RequireSecurityDevice"
	EnablePINRecovery            = hello + "EnablePinRecovery"
	DisablePostLogonProvisioning = hello + "DisablePostLogonProvisioning"
	MinimumPINLength             = hello + "PINComplexity/MinimumPINLength"
	MaximumPINLength             = hello + "PINComplexity/MaximumPINLength"
	PINDigits                    = hello + "PINComplexity/Digits"
	PINLowercase                 = hello + "PINComplexity/LowercaseLetters"
	PINUppercase                 = hello + "PINComplexity/UppercaseLetters"
	PINSpecial                   = hello + "PINComplexity/SpecialCharacters"
	PINHistory                   = hello + "PINComplexity/History"
	PINExpiration                = hello + "PINComplexity/Expiration"
	OfflineDays                  = own + "Hello/OfflineDays"
	SoftwareOffline              = own + "Hello/SoftwareOfflineUse"
	ResetProofs                  = own + "Hello/ResetProofs"
	UserList                     = own + "LockScreen/UserList"
	HelpText                     = own + "LockScreen/HelpText"
	RemoteDeviceCode             = own + "Remote/DeviceCode"
	ElevationMinutes             = own + "Elevation/Minutes"
	ElevationPass                = own + "Elevation/AllowPass"
	LocalGroups                  = own + "Accounts/LocalGroups"
	UseSecurityKey               = "./Device/Vendor/MSFT/PassportForWork/SecurityKey/UseSecurityKeyForSignin"
	SharedMode                   = "./Device/Vendor/MSFT/SharedPC/EnableSharedPCMode"
	DevicePasswordEnabled        = deviceLock + "DevicePasswordEnabled"
)

// Credential providers, by the class ids that Windows gives them.
// https://learn.microsoft.com/windows/security/identity-protection/hello-for-business/multifactor-unlock
const (
	ProviderPassword    = "{60B78E88-EAD8-445C-9CFD-0B87F74EA6CD}"
	ProviderWebSignIn   = "{C5D7540A-CD51-453B-B22B-05305BA03F07}"
	ProviderPIN         = "{D6886603-9D2F-4EB2-B667-1971041FA96B}"
	ProviderFingerprint = "{BEC09223-B018-416D-A0AC-523971B639F5}"
	ProviderFace        = "{8AF662BF-65A0-4D0A-A540-A338A999D36F}"
	ProviderSecurityKey = "{F8A1793B-7873-4046-B2A7-1F318747F427}"
	ProviderSmartCard   = "{8FD7E19C-3BF7-489B-A72C-846AB3678C96}"
)

var (
	here       = []Platform{Linux, Windows}
	onlyThere  = []Platform{Windows}
	switchable = []Option{{0, "default of the edition, which is off"}, {1, "on"}, {2, "off"}}
	classes    = []Option{{0, "allowed"}, {1, "at least one required"}, {2, "not allowed"}}
)

func higher(a, b Value) bool   { return a.Int() > b.Int() }
func lower(a, b Value) bool    { return a.Int() < b.Int() }
func fewer(a, b Value) bool    { return len(a.list) < len(b.list) }
func expires(a, b Value) bool  { return a.Int() != 0 && (b.Int() == 0 || a.Int() < b.Int()) }
func required(a, b Value) bool { return a.Int() == 1 && b.Int() != 1 }

// catalog is the list of settings. Ranges and defaults are those of the CSPs:
// https://learn.microsoft.com/windows/client-management/mdm/policy-csp-authentication
// https://learn.microsoft.com/windows/client-management/mdm/passportforwork-csp
// https://learn.microsoft.com/windows/client-management/mdm/policy-csp-admx-credentialproviders
// https://learn.microsoft.com/windows/client-management/mdm/sharedpc-csp
// https://learn.microsoft.com/windows/client-management/mdm/policy-csp-devicelock
var catalog = slices.Concat(authenticationSettings, helloSettings, pinSettings, unlockSettings, lockSettings, sharedSettings, ownSettings)

var authenticationSettings = []Setting{
	{
		URI: EnableWebSignIn, Name: "Enable web sign-in", Category: "Authentication", Type: Choice, Options: switchable,
		Default: IntValue(0), Platforms: here, LockScreen: true,
		Description: "Shows the globe on the lock screen: sign-in on the identity provider's page, with a pass or any web method.",
	},
	{
		URI: WebSignInAllowedURLs, Name: "Hosts that web sign-in may open", Category: "Authentication", Type: List,
		Default: ListValue(), Platforms: here, LockScreen: true, check: hosts,
		Description: "Hosts beside the identity provider's own. A name covers its subdomains, one with a leading = only itself. Also for a PIN reset.",
	},
	{
		URI: WebcamDomains, Name: "Domains that may use the camera", Category: "Authentication", Type: List,
		Default: ListValue(), Platforms: here, LockScreen: true, check: hosts,
		Description: "Pages of web sign-in that may open the camera. A name covers its subdomains.",
	},
	{
		URI: PreferredTenantDomain, Name: "Preferred domain", Category: "Authentication", Type: Text,
		Default: TextValue(""), Platforms: here, LockScreen: true, check: domain,
		Description: "People may type abby instead of abby@contoso.example.",
	},
	{
		URI: EnablePasswordlessExperience, Name: "Passwordless experience", Category: "Authentication", Type: Choice, Options: switchable,
		Default: IntValue(0), Platforms: here, LockScreen: true,
		Description: "Hides the password on the lock screen from people who have a device PIN or a security key.",
	},
	{
		URI: authentication + "EnableFastFirstSignIn", Name: "Fast first sign-in", Category: "Authentication", Type: Choice, Options: switchable,
		Default: IntValue(0), Platforms: onlyThere, Description: "Shared computers: a new person takes over a local account that was made ahead.",
	},
	{
		URI: authentication + "AllowAadPasswordReset", Name: "Password reset on the lock screen", Category: "Authentication", Type: Choice,
		Options: []Option{{0, "not allowed"}, {1, "allowed"}}, Default: IntValue(0), Platforms: onlyThere,
		Description: "Shows a link to reset a password.",
	},
	{
		URI: authentication + "AllowFastReconnect", Name: "EAP fast reconnect", Category: "Authentication", Type: Choice,
		Options: []Option{{0, "not allowed"}, {1, "allowed"}}, Default: IntValue(1), Platforms: onlyThere,
		Description: "For wireless networks; it has nothing to do with web sign-in.",
	},
	{
		URI:  "./Device/Vendor/MSFT/Policy/Config/FederatedAuthentication/EnableWebSignInForPrimaryUser",
		Name: "Web sign-in for the primary user", Category: "Authentication", Type: Choice, Options: switchable,
		Default: IntValue(0), Platforms: onlyThere, LockScreen: true, Description: "Web sign-in on the tile of the primary user, in education.",
	},
	{
		URI: DefaultCredentialProvider, Name: "Default sign-in option", Category: "Credential providers", Type: Text,
		Payload: "DefaultCredentialProvider_Message", Default: TextValue(""), Platforms: here, LockScreen: true, check: provider,
		Description: "The option that the lock screen shows first, by the class id of its credential provider. It stays what it is set to, for known people too.",
	},
	{
		URI: ExcludedCredentialProviders, Name: "Hidden sign-in options", Category: "Credential providers", Type: List, Delimiter: ",",
		Payload: "ExcludedCredentialProviders_Message", Default: ListValue(), Platforms: here, LockScreen: true, check: providerList,
		Description: "Options that are not there for anybody, local accounts included.",
	},
	{
		URI:  "./Device/Vendor/MSFT/Policy/Config/ControlPolicyConflict/MDMWinsOverGP",
		Name: "Managed settings win over group policy", Category: "Conflicts", Type: Choice,
		Options: []Option{{0, "group policy wins"}, {1, "managed settings win"}}, Default: IntValue(0), Platforms: onlyThere,
		Description: "Which of the two holds where both set the same.",
	},
}

var helloSettings = []Setting{
	{
		URI: UsePassportForWork, Name: "Device PIN", Category: "Device PIN", Type: Bool, Default: BoolValue(true), Platforms: here, User: true,
		Description: "People may set up a device PIN.", Stricter: lower,
	},
	{
		URI: RequireSecurityDevice, Name: "Require a TPM", Category: "Device PIN", Type: Bool, Default: BoolValue(false), Platforms: here, User: true,
		Description: "Only a device with a usable TPM may keep a device PIN. Without this a software container is used where there is none, and reported.", Stricter: higher,
	},
	{
		URI: hello + "ExcludeSecurityDevices/TPM12", Name: "Refuse TPM 1.2", Category: "Device PIN", Type: Bool, Default: BoolValue(false),
		Platforms: onlyThere, Description: "On Linux a TPM 1.2 is never used.", Stricter: higher,
	},
	{
		URI: EnablePINRecovery, Name: "PIN reset that keeps the key", Category: "Device PIN", Type: Bool, Default: BoolValue(true), Platforms: here, User: true,
		Description: "A forgotten PIN can be replaced after a strong sign-in; the key, and what hangs on it, stays. Windows has this off by default.",
	},
	{
		URI: DisablePostLogonProvisioning, Name: "Don't offer a PIN after sign-in", Category: "Device PIN", Type: Bool, Default: BoolValue(false),
		Platforms: here, Description: "The wizard does not start by itself. It can be opened at any time.",
	},
	{
		URI: hello + "EnableWindowsHelloProvisioningForSecurityKeys", Name: "Offer a PIN after a security key", Category: "Device PIN", Type: Bool,
		Default: BoolValue(false), Platforms: here, Description: "The wizard starts after a sign-in with a security key, too.",
	},
	{
		URI: hello + "UseCertificateForOnPremAuth", Name: "Certificates for the domain", Category: "Device PIN", Type: Bool,
		Default: BoolValue(false), Platforms: onlyThere, Description: "Certificate trust with an Active Directory domain.",
	},
	{
		URI: hello + "UseCloudTrustForOnPremAuth", Name: "Cloud trust for the domain", Category: "Device PIN", Type: Bool,
		Default: BoolValue(false), Platforms: onlyThere, Description: "Kerberos through the cloud for an Active Directory domain.",
	},
	{
		URI: hello + "UseHelloCertificatesAsSmartCardCertificates", Name: "Certificates as smart cards", Category: "Device PIN", Type: Bool,
		Default: BoolValue(false), Platforms: onlyThere, Description: "Applications see the certificates of the container as a smart card's.",
	},
	{
		URI: hello + "Remote/UseRemotePassport", Name: "Phone as smart card", Category: "Device PIN", Type: Bool,
		Default: BoolValue(false), Platforms: onlyThere, Description: "Windows had this once; it has no effect today.",
	},
}

var pinSettings = []Setting{
	{
		URI: MinimumPINLength, Name: "Shortest PIN", Category: "PIN rules", Type: Int, Min: 4, Max: 127, Default: IntValue(6), Platforms: here, User: true,
		Description: "Characters. Entra's tenant-wide default is 6, the CSP's is 4.", Stricter: higher,
	},
	{
		URI: MaximumPINLength, Name: "Longest PIN", Category: "PIN rules", Type: Int, Min: 4, Max: 127, Default: IntValue(127), Platforms: here, User: true,
		Description: "Characters. A longest below the shortest makes both fall back to their defaults.", Stricter: lower,
	},
	{
		URI: PINDigits, Name: "Digits", Category: "PIN rules", Type: Choice, Options: classes, Default: IntValue(0), Platforms: here, User: true,
		Description: "With all four kinds of character merely allowed, a PIN has digits only.", Stricter: required,
	},
	{
		URI: PINLowercase, Name: "Small letters", Category: "PIN rules", Type: Choice, Options: classes, Default: IntValue(0), Platforms: here, User: true,
		Description: "With all four kinds of character merely allowed, a PIN has digits only.", Stricter: required,
	},
	{
		URI: PINUppercase, Name: "Capital letters", Category: "PIN rules", Type: Choice, Options: classes, Default: IntValue(0), Platforms: here, User: true,
		Description: "With all four kinds of character merely allowed, a PIN has digits only.", Stricter: required,
	},
	{
		URI: PINSpecial, Name: "Special characters", Category: "PIN rules", Type: Choice, Options: classes, Default: IntValue(0), Platforms: here, User: true,
		Description: "ASCII punctuation.", Stricter: required,
	},
	{
		URI: PINHistory, Name: "Earlier PINs that are refused", Category: "PIN rules", Type: Int, Min: 0, Max: 50, Default: IntValue(0), Platforms: here, User: true,
		Description: "The present one counts. A reset forgets them.", Stricter: higher,
	},
	{
		URI: PINExpiration, Name: "Days until a new PIN", Category: "PIN rules", Type: Int, Min: 0, Max: 730, Default: IntValue(0), Platforms: here, User: true,
		Description: "0 is never.", Stricter: expires,
	},
}

var unlockSettings = []Setting{
	{
		URI: "./Device/Vendor/MSFT/PassportForWork/Biometrics/UseBiometrics", Name: "Face and fingerprint", Category: "Unlock", Type: Bool,
		Default: BoolValue(true), Platforms: onlyThere, Description: "Beside the PIN, which is always there.", Stricter: lower,
	},
	{
		URI:  "./Device/Vendor/MSFT/PassportForWork/Biometrics/FacialFeaturesUseEnhancedAntiSpoofing",
		Name: "Enhanced anti-spoofing", Category: "Unlock", Type: Bool, Default: BoolValue(false), Platforms: onlyThere,
		Description: "Faces only with sensors that tell a face from a picture.", Stricter: higher,
	},
	{
		URI: "./Device/Vendor/MSFT/PassportForWork/DeviceUnlock/GroupA", Name: "First unlock factor", Category: "Unlock", Type: List, Delimiter: ",",
		Default: ListValue(), Platforms: onlyThere, check: providerList, Description: "Multi-factor unlock: the first factor, by class ids.",
	},
	{
		URI: "./Device/Vendor/MSFT/PassportForWork/DeviceUnlock/GroupB", Name: "Second unlock factor", Category: "Unlock", Type: List, Delimiter: ",",
		Default: ListValue(), Platforms: onlyThere, check: providerList, Description: "Multi-factor unlock: the second factor, by class ids.",
	},
	{
		URI: "./Device/Vendor/MSFT/PassportForWork/DeviceUnlock/Plugins", Name: "Trusted signals", Category: "Unlock", Type: Text,
		Default: TextValue(""), Platforms: onlyThere, Description: "Rules for the trusted signal, as XML.",
	},
	{
		URI: "./Device/Vendor/MSFT/PassportForWork/DynamicLock/DynamicLock", Name: "Dynamic lock", Category: "Unlock", Type: Bool,
		Default: BoolValue(false), Platforms: onlyThere, Description: "Locks when the person's phone goes away.", Stricter: higher,
	},
	{
		URI: "./Device/Vendor/MSFT/PassportForWork/DynamicLock/Plugins", Name: "Signals of dynamic lock", Category: "Unlock", Type: Text,
		Default: TextValue(""), Platforms: onlyThere, Description: "Rules for dynamic lock, as XML.",
	},
	{
		URI: UseSecurityKey, Name: "Security key at the lock screen", Category: "Unlock",
		Type: Choice, Options: []Option{{0, "off"}, {1, "on"}}, Default: IntValue(0), Platforms: here, LockScreen: true,
		Description: "People may sign in with a security key.",
	},
}

var sharedSettings = []Setting{
	{
		URI: SharedMode, Name: "Shared device", Category: "Shared devices", Type: Bool, Default: BoolValue(false), Platforms: here, LockScreen: true,
		Description: "Web sign-in first, no PIN is offered, nobody is remembered on the lock screen.",
	},
	{
		URI: "./Device/Vendor/MSFT/SharedPC/AccountModel", Name: "Who may sign in", Category: "Shared devices", Type: Choice,
		Options: []Option{{0, "guests"}, {1, "people of the organisation"}, {2, "both"}}, Default: IntValue(0), Platforms: onlyThere,
		Description: "Shared devices only.",
	},
	{
		URI: "./Device/Vendor/MSFT/SharedPC/DeletionPolicy", Name: "When accounts are removed", Category: "Shared devices", Type: Choice,
		Options: []Option{{0, "at once"}, {1, "when the disk is short"}, {2, "when the disk is short or they were not used"}},
		Default: IntValue(1), Platforms: onlyThere, Description: "Shared devices only.",
	},
}

var ownSettings = []Setting{
	{
		URI: OfflineDays, Name: "Days without a network", Category: "Device PIN", Type: Int, Min: 0, Max: 90, Default: IntValue(14), Platforms: here, User: true,
		Description: "How long a PIN works without the server; 0 is never. Said on the lock screen.", Stricter: lower,
	},
	{
		URI: SoftwareOffline, Name: "Software containers without a network", Category: "Device PIN", Type: Bool, Default: BoolValue(false), Platforms: here,
		Description: "A PIN without a TPM works offline. Who copies the disk can then try PINs elsewhere.", Stricter: lower,
	},
	{
		URI: ResetProofs, Name: "What may reset a PIN", Category: "Device PIN", Type: List,
		Default: ListValue("temporaryAccessPassOneTime", "temporaryAccessPassMultiUse", "fido2", "deviceBasedPush"), Platforms: here, User: true,
		Description: "Proofs, by their names in authentication strengths, after which a forgotten PIN may be replaced.", Stricter: fewer,
	},
	{
		URI: UserList, Name: "People on the lock screen", Category: "Lock screen", Type: Choice,
		Options: []Option{{0, "who signed in here"}, {1, "nobody"}, {2, "who signed in here, on personal devices only"}}, Default: IntValue(0),
		Platforms: here, LockScreen: true, Description: "Whom the lock screen shows after sign-out.",
	},
	{
		URI: HelpText, Name: "Help on the lock screen", Category: "Lock screen", Type: Text, Default: TextValue(""), Platforms: here, LockScreen: true,
		Description: "A sentence beside the helpdesk's number.",
	},
	{
		URI: RemoteDeviceCode, Name: "Device codes for remote sessions", Category: "Remote sessions", Type: Bool, Default: BoolValue(false), Platforms: here,
		Description: "ssh and other remote logins may offer a code for another device. A device PIN is never taken there.", Stricter: lower,
	},
	{
		URI: ElevationMinutes, Name: "Minutes of administrator rights", Category: "Administrator rights", Type: Int, Min: 0, Max: 480, Default: IntValue(5),
		Platforms: here, User: true, Description: "How long one proof at sudo counts; 0 asks each time.", Stricter: lower,
	},
	{
		URI: ElevationPass, Name: "A pass for administrator rights", Category: "Administrator rights", Type: Bool, Default: BoolValue(false),
		Platforms: here, User: true, Description: "sudo takes a Temporary Access Pass.", Stricter: lower,
	},
	{
		URI: LocalGroups, Name: "Local groups", Category: "Accounts", Type: List, Default: ListValue(), Platforms: []Platform{Linux}, check: groupMap,
		Description: "Tenant groups that are local ones: object id, =, name of the local group. No other tenant group becomes a local one.",
	},
}

// lockSettings are for passwords of Windows itself. They are here because they get in the way
// of web sign-in; see [Policy.Rivals].
var lockSettings = []Setting{
	{
		URI: DevicePasswordEnabled, Name: "Device password", Category: "Device lock", Type: Choice, Options: []Option{{0, "required"}, {1, "not required"}},
		Default: IntValue(1), Platforms: onlyThere, Description: "Windows asks for a password of its own. While a device is set up this can hide web sign-in.", Stricter: lower,
	},
	{
		URI: deviceLock + "MinDevicePasswordLength", Name: "Shortest device password", Category: "Device lock", Type: Int, Min: 4, Max: 16, Default: IntValue(4),
		Platforms: onlyThere, Description: "Characters. It has an effect where a device password is required.", Stricter: higher,
	},
	{
		URI: deviceLock + "MaxInactivityTimeDeviceLock", Name: "Minutes until the device locks", Category: "Device lock", Type: Int, Min: 0, Max: 999, Default: IntValue(0),
		Platforms: onlyThere, Description: "Without use; 0 is never. It has an effect where a device password is required.", Stricter: expires,
	},
	{
		URI: deviceLock + "MaxDevicePasswordFailedAttempts", Name: "Wrong device passwords", Category: "Device lock", Type: Int, Min: 0, Max: 999, Default: IntValue(0),
		Platforms: onlyThere, Description: "After so many the device restarts and asks for its recovery key; 0 is never. It has an effect where a device password is required.", Stricter: expires,
	},
}

var hostName = regexp.MustCompile(`^=?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func hosts(v Value) string {
	for _, one := range v.list {
		if !hostName.MatchString(strings.ToLower(one)) || net.ParseIP(one) != nil {
			return one + " is not the name of a host. Write it like idp.example.com, without https:// or a path."
		}
	}
	return ""
}

func domain(v Value) string {
	if v.text != "" && (!hostName.MatchString(v.text) || !strings.Contains(v.text, ".")) {
		return "a domain such as contoso.example."
	}
	return ""
}

var classID = regexp.MustCompile(`^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$`)

func provider(v Value) string {
	if v.text != "" && !classID.MatchString(v.text) {
		return "a class id in braces, such as " + ProviderWebSignIn + " for web sign-in."
	}
	return ""
}

func providerList(v Value) string {
	for _, one := range v.list {
		if why := provider(TextValue(one)); why != "" {
			return why
		}
	}
	return ""
}

var groupPair = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}=[a-z_][a-z0-9_-]{0,31}$`)

func groupMap(v Value) string {
	for _, one := range v.list {
		if !groupPair.MatchString(one) {
			return one + " is not an object id, =, and the name of a local group."
		}
	}
	return ""
}

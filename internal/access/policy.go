// Package access decides who may get in, from where and how strongly: Conditional Access as in
// Entra and Graph. It is pure. A [Set] is what a tenant's policies, named locations and
// authentication strengths come to; [Set.Evaluate] holds them against one [Request]. Who asks
// and what follows is for package signin and the servers; docs/conditional-access.md has the
// rules and their sources.
package access

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// State says whether a policy counts.
type State string

// The states, in Graph's words.
const (
	Enabled    State = "enabled"
	Disabled   State = "disabled"
	ReportOnly State = "enabledForReportingButNotEnforced"
)

// Values that stand for many.
const (
	All          = "All"
	None         = "None"
	Guests       = "GuestsOrExternalUsers"
	AllTrusted   = "AllTrusted"
	Admin        = "MicrosoftAdminPortals" // the console and the command line
	AllWorkloads = "ServicePrincipalsInMyTenant"
)

// User actions, which policies name in the place of applications.
const (
	RegisterSecurityInfo = "urn:user:registersecurityinfo"
	RegisterDevice       = "urn:user:registerdevice"
)

// A Policy is a conditionalAccessPolicy; its JSON is Graph's.
// https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy
type Policy struct {
	ID          string           `json:"id"`
	TemplateID  string           `json:"templateId,omitempty"`
	DisplayName string           `json:"displayName"`
	State       State            `json:"state"`
	CreatedAt   time.Time        `json:"createdDateTime"`
	ModifiedAt  time.Time        `json:"modifiedDateTime,omitzero"`
	Conditions  Conditions       `json:"conditions"`
	Grant       *Grant           `json:"grantControls"`
	Session     *SessionControls `json:"sessionControls"`
	// Exemption lets some people's sign-ins with a pass by this policy; nil for nobody's.
	Exemption *Exemption `json:"postern_recoveryExemption,omitempty"`
	Version   int64      `json:"-"`
}

// An Exemption is a recovery exemption: until it ends, a sign-in with a pass of the people
// that it names meets its policy, and no other. It is part of the policy, so that whoever
// reads or changes the policy sees it, and the log names it at each sign-in that it let by.
type Exemption struct {
	Users  []string  `json:"users"`  // ids
	Groups []string  `json:"groups"` // ids
	Until  time.Time `json:"expirationDateTime"`
	Reason string    `json:"reason"`
}

// Conditions are when a policy applies: all that are set must hold.
type Conditions struct {
	ClientAppTypes []string     `json:"clientAppTypes"` // all, browser, mobileAppsAndDesktopClients, exchangeActiveSync, easSupported, other
	Users          Users        `json:"users"`
	Workloads      *Workloads   `json:"clientApplications"`
	Applications   Applications `json:"applications"`
	Locations      *Targets     `json:"locations"`
	Platforms      *Platforms   `json:"platforms"`
	Devices        *Devices     `json:"devices"`
	UserRisk       []Risk       `json:"userRiskLevels"`
	SignInRisk     []Risk       `json:"signInRiskLevels"`
	WorkloadRisk   []Risk       `json:"servicePrincipalRiskLevels"`
	Flows          *Flows       `json:"authenticationFlows"`
}

// Users are the people that a policy is for.
type Users struct {
	IncludeUsers  []string    `json:"includeUsers"`
	ExcludeUsers  []string    `json:"excludeUsers"`
	IncludeGroups []string    `json:"includeGroups"`
	ExcludeGroups []string    `json:"excludeGroups"`
	IncludeRoles  []string    `json:"includeRoles"`
	ExcludeRoles  []string    `json:"excludeRoles"`
	IncludeGuests *GuestTypes `json:"includeGuestsOrExternalUsers"`
	ExcludeGuests *GuestTypes `json:"excludeGuestsOrExternalUsers"`
}

// GuestTypes are kinds of guests, separated by commas: of them Postern has internalGuest and
// b2bCollaborationGuest, which are the people whose userType is Guest.
type GuestTypes struct {
	Types string `json:"guestOrExternalUserTypes"`
}

// Workloads are the service principals that a policy is for; it is then for no person.
type Workloads struct {
	Include []string `json:"includeServicePrincipals"` // ServicePrincipalsInMyTenant stands for all
	Exclude []string `json:"excludeServicePrincipals"`
}

// Applications are what is asked for: applications by app id, or user actions, or
// authentication contexts.
type Applications struct {
	Include     []string `json:"includeApplications"`
	Exclude     []string `json:"excludeApplications"`
	UserActions []string `json:"includeUserActions"`
	Contexts    []string `json:"includeAuthenticationContextClassReferences"`
}

// Targets are named locations by id.
type Targets struct {
	Include []string `json:"includeLocations"`
	Exclude []string `json:"excludeLocations"`
}

// Platforms are operating systems: android, iOS, windows, macOS, linux, all.
type Platforms struct {
	Include []string `json:"includePlatforms"`
	Exclude []string `json:"excludePlatforms"`
}

// Devices takes devices in or out by a rule of package membership's grammar.
type Devices struct {
	Filter *DeviceFilter `json:"deviceFilter"`
}

// DeviceFilter is the rule; Mode is include or exclude.
type DeviceFilter struct {
	Mode string `json:"mode"`
	Rule string `json:"rule"`
}

// Flows are ways in which a sign-in moves between devices: deviceCodeFlow,
// authenticationTransfer.
type Flows struct {
	TransferMethods string `json:"transferMethods"` // comma-separated
}

// Risk is how likely somebody else is at work.
type Risk string

// The risks, which rise in this order.
const (
	RiskNone   Risk = "none"
	RiskLow    Risk = "low"
	RiskMedium Risk = "medium"
	RiskHigh   Risk = "high"
)

// Grant is what a policy asks for where it applies.
type Grant struct {
	Operator string     `json:"operator"` // AND or OR
	Controls []Control  `json:"builtInControls"`
	Strength *Reference `json:"authenticationStrength"`
}

// Control is a grant control.
type Control string

// The controls that Postern enforces.
const (
	Block              Control = "block"
	MFA                Control = "mfa"
	CompliantDevice    Control = "compliantDevice"
	DomainJoinedDevice Control = "domainJoinedDevice"

	// StrengthControl stands for the strength where controls are named in a log or a decision.
	StrengthControl Control = "authenticationStrength"
)

// Reference names an object by id.
type Reference struct {
	ID string `json:"id"`
}

// SessionControls are how a session that a policy let in lives.
type SessionControls struct {
	Frequency  *SignInFrequency   `json:"signInFrequency"`
	Persistent *PersistentBrowser `json:"persistentBrowser"`
	Continuous *Continuous        `json:"continuousAccessEvaluation"`
}

// SignInFrequency is how old a proof may be.
type SignInFrequency struct {
	Enabled  bool   `json:"isEnabled"`
	Value    int    `json:"value"`
	Type     string `json:"type"`              // hours, days
	Interval string `json:"frequencyInterval"` // timeBased, everyTime
	// Authentication is primaryAndSecondaryAuthentication or secondaryAuthentication.
	Authentication string `json:"authenticationType"`
}

// PersistentBrowser says whether a browser stays signed in: always or never.
type PersistentBrowser struct {
	Enabled bool   `json:"isEnabled"`
	Mode    string `json:"mode"`
}

// Continuous is the strictness of continuous access evaluation: strictEnforcement, disabled,
// strictLocation.
type Continuous struct {
	Mode string `json:"mode"`
}

// A Location is a namedLocation: networks, or countries.
type Location struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Trusted     bool   `json:"isTrusted"`
	// Exit says that people from anywhere come through these networks, such as a VPN's.
	Exit       bool      `json:"isExit,omitempty"`
	Networks   []string  `json:"networks,omitempty"`  // CIDR
	Countries  []string  `json:"countries,omitempty"` // ISO 3166-1 alpha-2
	Unknown    bool      `json:"includeUnknownCountriesAndRegions,omitempty"`
	CreatedAt  time.Time `json:"createdDateTime"`
	ModifiedAt time.Time `json:"modifiedDateTime,omitzero"`
	Version    int64     `json:"-"`
}

// A Strength is an authenticationStrengthPolicy: the combinations of methods that are strong
// enough. https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy
type Strength struct {
	ID           string    `json:"id"`
	DisplayName  string    `json:"displayName"`
	Description  string    `json:"description"`
	BuiltIn      bool      `json:"-"`
	Combinations []Modes   `json:"-"`                        // any of them
	AAGUIDs      []string  `json:"allowedAAGUIDs,omitempty"` // for fido2; empty takes all
	CreatedAt    time.Time `json:"createdDateTime"`
	ModifiedAt   time.Time `json:"modifiedDateTime,omitzero"`
	Version      int64     `json:"-"`
}

// Subject is who signs in.
type Subject struct {
	User     directory.UserID    // empty for a workload
	Groups   []directory.GroupID // all, nested ones included
	Roles    []directory.RoleID
	Guest    bool
	Workload directory.ServicePrincipalID
}

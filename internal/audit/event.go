package audit

import (
	"errors"
	"slices"
	"time"
)

// Event is one line of the sign-in log or of the audit log.
type Event struct {
	Tenant        string    // UUID, lower case
	ID            string    // UUID, lower case
	At            time.Time // UTC; kept in microseconds
	CorrelationID string    // of the request; shown on error pages
	SignIn        *SignIn   // exactly one of SignIn and Change is set
	Change        *Change
}

// SignIn is what Graph's signIn tells: an attempt to sign in, or a token that was issued.
// https://learn.microsoft.com/graph/api/resources/signin?view=graph-rest-beta
//
// Fields with an empty value are left out of the log. Personal ones are said to be so.
type SignIn struct {
	UserID            string `json:"userId,omitempty"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"` // personal
	UserDisplayName   string `json:"userDisplayName,omitempty"`   // personal
	// UnknownName is the keyed hash, in hex, of a typed name that nobody has: people type
	// passes there. Personal.
	UnknownName string `json:"unknownName,omitempty"`

	AppID                string `json:"appId,omitempty"`
	AppDisplayName       string `json:"appDisplayName,omitempty"`
	ResourceID           string `json:"resourceId,omitempty"`
	ResourceDisplayName  string `json:"resourceDisplayName,omitempty"`
	ServicePrincipalID   string `json:"servicePrincipalId,omitempty"`
	ServicePrincipalName string `json:"servicePrincipalName,omitempty"`

	IPAddress       string `json:"ipAddress,omitempty"`       // personal
	Country         string `json:"countryOrRegion,omitempty"` // personal; where the address was then, if that was known
	UserAgent       string `json:"userAgent,omitempty"`       // personal; cut after 512 bytes
	Browser         string `json:"browser,omitempty"`         // personal
	OperatingSystem string `json:"operatingSystem,omitempty"` // personal
	DeviceID        string `json:"deviceId,omitempty"`
	ClientAppUsed   string `json:"clientAppUsed,omitempty"`

	DeviceDisplayName string `json:"deviceDisplayName,omitempty"` // personal
	DeviceTrustType   string `json:"deviceTrustType,omitempty"`
	DeviceCompliant   bool   `json:"deviceIsCompliant,omitempty"` // as rules of Conditional Access saw it

	Interactive bool   `json:"isInteractive"`
	EventType   string `json:"signInEventType"` // InteractiveUser, NonInteractiveUser or ServicePrincipal

	ErrorCode         int    `json:"errorCode"` // AADSTS number; 0 is success
	FailureReason     string `json:"failureReason,omitempty"`
	AdditionalDetails string `json:"additionalDetails,omitempty"` // personal

	// RiskLevel and UserRisk say how likely somebody else was at work; they are empty where nobody
	// asked, which is every sign-in of older programs. Risks are what made them so.
	RiskLevel string   `json:"riskLevelDuringSignIn,omitempty"`
	UserRisk  string   `json:"userRiskLevel,omitempty"`
	Risks     []string `json:"riskEventTypes,omitempty"`

	SessionID     string `json:"sessionId,omitempty"`
	TransactionID string `json:"transactionId,omitempty"`
	PassID        string `json:"passId,omitempty"`
	UniqueTokenID string `json:"uniqueTokenIdentifier,omitempty"`

	AuthenticationRequirement string                 `json:"authenticationRequirement,omitempty"`
	Protocol                  string                 `json:"authenticationProtocol,omitempty"`
	IncomingTokenType         string                 `json:"incomingTokenType,omitempty"`
	Details                   []AuthenticationDetail `json:"authenticationDetails,omitempty"`

	// ConditionalAccess is AccessSuccess or AccessFailure where a policy applied, and Policies
	// are those that had something to say, report-only ones included.
	ConditionalAccess string          `json:"conditionalAccessStatus,omitempty"`
	Policies          []AppliedPolicy `json:"appliedConditionalAccessPolicies,omitempty"`
}

// What Conditional Access came to.
const (
	AccessSuccess = "success"
	AccessFailure = "failure"
)

// AppliedPolicy is how a policy of Conditional Access came out, as in Graph's
// appliedConditionalAccessPolicy.
type AppliedPolicy struct {
	ID          string   `json:"id"`
	DisplayName string   `json:"displayName"`
	Result      string   `json:"result"`
	Grant       []string `json:"enforcedGrantControls,omitempty"`
	Session     []string `json:"enforcedSessionControls,omitempty"`
	Note        string   `json:"note,omitempty"` // why it did not ask for all that it has
}

// AuthenticationDetail is one step of a sign-in, as in Graph's authenticationDetail.
type AuthenticationDetail struct {
	Method       string    `json:"authenticationMethod"`
	Detail       string    `json:"authenticationMethodDetail,omitempty"` // personal: it can be a telephone number
	Requirement  string    `json:"authenticationStepRequirement,omitempty"`
	ResultDetail string    `json:"authenticationStepResultDetail,omitempty"`
	At           time.Time `json:"authenticationStepDateTime,omitzero"` // UTC; kept in microseconds
	Succeeded    bool      `json:"succeeded"`
}

// Change is what Graph's directoryAudit tells: something that somebody did to something.
// https://learn.microsoft.com/graph/api/resources/directoryaudit
type Change struct {
	Activity  string `json:"activityDisplayName"`
	Category  string `json:"category"`
	Service   string `json:"loggedByService"`
	Operation string `json:"operationType"` // Add, Update, Delete, Assign or Unassign
	Result    string `json:"result"`        // Success or Failure
	// ResultReason is one of this program's own sentences; it never quotes anybody.
	ResultReason string     `json:"resultReason,omitempty"`
	By           Actor      `json:"initiatedBy"`
	Targets      []Target   `json:"targetResources,omitempty"`
	Details      []KeyValue `json:"additionalDetails,omitempty"`
	Log          *LogMark   `json:"log,omitempty"`
}

// Actor is who made a change: a user, an application, or with neither the server itself.
type Actor struct {
	User *UserActor `json:"user,omitempty"`
	App  *AppActor  `json:"app,omitempty"`
}

// UserActor is a person who made a change.
type UserActor struct {
	ID                string `json:"id,omitempty"`
	DisplayName       string `json:"displayName,omitempty"`       // personal
	UserPrincipalName string `json:"userPrincipalName,omitempty"` // personal
	IPAddress         string `json:"ipAddress,omitempty"`         // personal
}

// AppActor is an application that made a change for itself.
type AppActor struct {
	AppID                string `json:"appId,omitempty"`
	DisplayName          string `json:"displayName,omitempty"`
	ServicePrincipalID   string `json:"servicePrincipalId,omitempty"`
	ServicePrincipalName string `json:"servicePrincipalName,omitempty"`
}

// Target is an object that a change was made to.
type Target struct {
	ID                string             `json:"id,omitempty"`
	DisplayName       string             `json:"displayName,omitempty"` // personal
	Type              string             `json:"type"`
	UserPrincipalName string             `json:"userPrincipalName,omitempty"` // personal
	GroupType         string             `json:"groupType,omitempty"`
	Modified          []ModifiedProperty `json:"modifiedProperties,omitempty"`
}

// ModifiedProperty is a property before and after a change. The values are JSON, as in Graph.
type ModifiedProperty struct {
	DisplayName string `json:"displayName"`
	OldValue    string `json:"oldValue,omitempty"` // personal
	NewValue    string `json:"newValue,omitempty"` // personal
}

// KeyValue is a further detail of a change, such as its ticket.
type KeyValue struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"` // personal
}

// LogMark is what the log says about itself, in the events that restore and prune it.
type LogMark struct {
	// Epoch is the epoch that begins with this entry, one more than the last; 0 otherwise.
	Epoch int64 `json:"epoch,omitempty"`
	// LastCheckpoint is the signed note of the last checkpoint of the epoch before; it is
	// empty when nothing was sealed before.
	LastCheckpoint string `json:"lastCheckpoint,omitempty"`
	// PrunedBefore announces that the entries before this position may be removed.
	PrunedBefore int64 `json:"prunedBefore,omitempty"`
}

// check reports what makes e unfit for the log.
func (e *Event) check() error {
	switch {
	case !isUUID(e.Tenant):
		return errors.New("the event's tenant is not a UUID")
	case !isUUID(e.ID):
		return errors.New("the event's id is not a UUID")
	case (e.SignIn == nil) == (e.Change == nil):
		return errors.New("the event is not exactly one of a sign-in and a change")
	}
	return nil
}

// isUUID reports whether s has the form of RFC 9562 section 4, in lower case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// clone copies what personal and normalize change.
func (e Event) clone() Event {
	if e.SignIn != nil {
		s := *e.SignIn
		s.Details = slices.Clone(s.Details)
		e.SignIn = &s
	}
	if e.Change != nil {
		c := *e.Change
		if c.By.User != nil {
			u := *c.By.User
			c.By.User = &u
		}
		c.Targets = slices.Clone(c.Targets)
		for i := range c.Targets {
			c.Targets[i].Modified = slices.Clone(c.Targets[i].Modified)
		}
		c.Details = slices.Clone(c.Details)
		e.Change = &c
	}
	return e
}

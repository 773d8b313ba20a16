package directory

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/postern-id/postern/internal/fault"
)

// A ServicePrincipal is an application's presence in a tenant: whom permissions are granted
// to, and whose they are. https://learn.microsoft.com/graph/api/resources/serviceprincipal
type ServicePrincipal struct {
	Tenant TenantID           `json:"-"`
	ID     ServicePrincipalID `json:"id"`
	AppID  AppID              `json:"appId"`

	DisplayName           string            `json:"displayName"`
	AppDisplayName        string            `json:"appDisplayName,omitempty"`
	AccountEnabled        bool              `json:"accountEnabled"`
	AssignmentRequired    bool              `json:"appRoleAssignmentRequired"` // people need an app role to sign in
	OwnerTenant           TenantID          `json:"appOwnerOrganizationId,omitempty"`
	ServicePrincipalNames []string          `json:"servicePrincipalNames,omitempty"` // appId and identifier URIs
	ServicePrincipalType  string            `json:"servicePrincipalType"`            // Application
	AppRoles              []AppRole         `json:"appRoles,omitempty"`
	Scopes                []PermissionScope `json:"oauth2PermissionScopes,omitempty"`
	ReplyURLs             []string          `json:"replyUrls,omitempty"`
	Homepage              string            `json:"homepage,omitempty"`
	LogoutURL             string            `json:"logoutUrl,omitempty"`
	Tags                  []string          `json:"tags,omitempty"`

	// SingleSignOnMode is saml for an application that people sign in to by SAML 2.0.
	SingleSignOnMode string `json:"preferredSingleSignOnMode,omitempty"`
	// RelayState is where an application leads people whose sign-in begins here.
	RelayState      string    `json:"samlRelayState,omitempty"`
	CreatedDateTime time.Time `json:"createdDateTime,omitzero"`

	Version int64 `json:"-"` // grows with every change
}

// Check reports what is wrong with what is p's own as a fault, or nil.
func (p ServicePrincipal) Check() error {
	if len(p.Tags) > maxTags || slices.ContainsFunc(p.Tags, func(s string) bool { return !plainText(s) }) {
		return ErrApplicationInvalid.With("tags", "tags has more than 50 entries, or one is too long or has control characters.")
	}
	switch {
	case !slices.Contains([]string{"", "oidc", ModeSAML}, p.SingleSignOnMode):
		return ErrApplicationInvalid.With("preferredSingleSignOnMode", "preferredSingleSignOnMode is saml, oidc or null.")
	case len(p.RelayState) > 1024 || strings.ContainsFunc(p.RelayState, unicode.IsControl):
		return ErrApplicationInvalid.With("samlSingleSignOnSettings/relayState", "relayState has at most 1024 bytes and no control characters.")
	}
	return nil
}

// ModeSAML is the [ServicePrincipal.SingleSignOnMode] of SAML 2.0.
const ModeSAML = "saml"

// NoAppRole is the app role id of an assignment that gives access without a role.
const NoAppRole = "00000000-0000-0000-0000-000000000000"

// An AppRoleAssignment gives a user, group or service principal an app role of a resource.
// https://learn.microsoft.com/graph/api/resources/approleassignment
type AppRoleAssignment struct {
	Tenant          TenantID           `json:"-"`
	ID              string             `json:"id"` // opaque
	Principal       Ref                `json:"-"`  // principalId and principalType
	Resource        ServicePrincipalID `json:"resourceId"`
	AppRoleID       string             `json:"appRoleId"` // of Resource, or NoAppRole
	CreatedDateTime time.Time          `json:"createdDateTime,omitzero"`
}

// Who a [PermissionGrant] is for.
const (
	AllPrincipals = "AllPrincipals"
	OnePrincipal  = "Principal"
)

// A PermissionGrant lets a client use scopes of a resource for one person or for everybody.
// https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
type PermissionGrant struct {
	Tenant      TenantID           `json:"-"`
	ID          string             `json:"id"` // opaque
	Client      ServicePrincipalID `json:"clientId"`
	ConsentType string             `json:"consentType"`           // AllPrincipals or Principal
	Principal   UserID             `json:"principalId,omitempty"` // with Principal only
	Resource    ServicePrincipalID `json:"resourceId"`
	Scope       string             `json:"scope"` // values, separated by blanks
}

// Faults of service principals and of what is granted to them.
var (
	ErrServicePrincipalUnknown = &fault.Error{Kind: fault.NotFound, Code: "servicePrincipalUnknown", Text: "There is no such service principal."}
	ErrServicePrincipalExists  = &fault.Error{
		Kind: fault.Conflict, Code: "servicePrincipalExists", Target: "appId",
		Text: "The application has a service principal in this tenant already.",
	}
	ErrAppRoleAssignmentUnknown = &fault.Error{Kind: fault.NotFound, Code: "appRoleAssignmentUnknown", Text: "There is no such app role assignment."}
	ErrAppRoleAssignmentExists  = &fault.Error{Kind: fault.Conflict, Code: "appRoleAssignmentExists", Text: "The principal has this app role already."}
	ErrAppRoleAssignmentInvalid = &fault.Error{Kind: fault.Invalid, Code: "appRoleAssignmentInvalid", Text: "The app role can't be assigned like this."}
	ErrGrantUnknown             = &fault.Error{Kind: fault.NotFound, Code: "permissionGrantUnknown", Text: "There is no such permission grant."}
	ErrGrantExists              = &fault.Error{
		Kind: fault.Conflict, Code: "permissionGrantExists",
		Text: "There is a grant for this client, resource and person.", Remedy: "Change the scope of that one.",
	}
	ErrGrantInvalid = &fault.Error{Kind: fault.Invalid, Code: "permissionGrantInvalid", Text: "The permission can't be granted like this."}
)

// Presence returns the service principal of a with the given id, enabled, in a's own tenant.
func (a Application) Presence(id ServicePrincipalID) ServicePrincipal {
	return ServicePrincipal{
		Tenant: a.Tenant, ID: id, AppID: a.AppID,
		DisplayName: a.DisplayName, AppDisplayName: a.DisplayName, AccountEnabled: true,
		OwnerTenant: a.Tenant, ServicePrincipalType: "Application",
		ServicePrincipalNames: append([]string{string(a.AppID)}, a.IdentifierURIs...),
		AppRoles:              a.AppRoles, Scopes: a.API.Scopes, ReplyURLs: a.redirectURIs(),
		Homepage: a.Web.HomePageURL, LogoutURL: a.Web.LogoutURL, Tags: a.Tags, CreatedDateTime: a.CreatedDateTime,
	}
}

// Follow returns p with what a says now; what is p's own stays.
func (p ServicePrincipal) Follow(a Application) ServicePrincipal {
	fresh := a.Presence(p.ID)
	fresh.AccountEnabled, fresh.AssignmentRequired = p.AccountEnabled, p.AssignmentRequired
	fresh.Tags, fresh.CreatedDateTime, fresh.Version = p.Tags, p.CreatedDateTime, p.Version
	fresh.SingleSignOnMode, fresh.RelayState = p.SingleSignOnMode, p.RelayState
	return fresh
}

// Current returns p with the app roles and scopes that count: for Graph those of this
// program, since a stored copy may be older.
func (p ServicePrincipal) Current() ServicePrincipal {
	if p.AppID == GraphAppID {
		p.AppRoles, p.Scopes = GraphAppRoles(), GraphScopes()
	}
	return p
}

// Check reports what is wrong with r as a fault, or nil. resource is the service principal
// that r names.
func (r AppRoleAssignment) Check(resource ServicePrincipal) error {
	member := map[ObjectKind]string{KindUser: "User", KindGroup: "User", KindServicePrincipal: "Application"}[r.Principal.Kind]
	if member == "" || r.Principal.ID == "" {
		return ErrAppRoleAssignmentInvalid.With("principalId", "An app role goes to a user, a group or a service principal.")
	}
	if r.AppRoleID == NoAppRole {
		return nil
	}
	for _, role := range resource.AppRoles {
		if role.ID != r.AppRoleID || !role.IsEnabled {
			continue
		}
		if !slices.Contains(role.AllowedMemberTypes, member) {
			return ErrAppRoleAssignmentInvalid.With("appRoleId", "This app role is not for this kind of principal.")
		}
		return nil
	}
	return ErrAppRoleAssignmentInvalid.With("appRoleId", "The resource has no such app role, or it is disabled.")
}

// Check reports what is wrong with g as a fault, or nil. resource is the service principal
// that g names.
func (g PermissionGrant) Check(resource ServicePrincipal) error {
	switch {
	case g.ConsentType != AllPrincipals && g.ConsentType != OnePrincipal:
		return ErrGrantInvalid.With("consentType", "consentType is AllPrincipals or Principal.")
	case (g.ConsentType == OnePrincipal) != (g.Principal != ""):
		return ErrGrantInvalid.With("principalId", "principalId is set with consentType Principal, and only then.")
	case g.Client == "":
		return ErrGrantInvalid.With("clientId", "clientId must be the object id of a service principal.")
	}
	for _, value := range g.Scopes() {
		if !slices.Contains(openIDScopes, value) && !resource.offers(value) {
			return ErrGrantInvalid.With("scope", "The resource has no scope "+quoteShort(value)+".")
		}
	}
	return nil
}

// openIDScopes are granted like scopes of Graph, but belong to no API.
var openIDScopes = []string{"openid", "profile", "email", "offline_access"}

func (p ServicePrincipal) offers(scope string) bool {
	return slices.ContainsFunc(p.Scopes, func(s PermissionScope) bool { return s.IsEnabled && s.Value == scope })
}

// Scopes returns the values of g's scope.
func (g PermissionGrant) Scopes() []string { return strings.Fields(g.Scope) }

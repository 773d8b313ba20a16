package directory

import (
	"encoding/json"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

// A User is a person's account, in the words of Graph's user resource. Strings are empty
// and times zero when not set.
// https://learn.microsoft.com/graph/api/resources/user
type User struct {
	Tenant TenantID `json:"-"`
	ID     UserID   `json:"id"`

	AccountEnabled    bool   `json:"accountEnabled"`
	UserPrincipalName string `json:"userPrincipalName"`
	DisplayName       string `json:"displayName"`
	GivenName         string `json:"givenName,omitempty"`
	Surname           string `json:"surname,omitempty"`
	MailNickname      string `json:"mailNickname,omitempty"`
	Mail              string `json:"mail,omitempty"`
	UserType          string `json:"userType,omitempty"` // Member or Guest

	AgeGroup          string   `json:"ageGroup,omitempty"`
	BusinessPhones    []string `json:"businessPhones,omitempty"`
	City              string   `json:"city,omitempty"`
	CompanyName       string   `json:"companyName,omitempty"`
	Country           string   `json:"country,omitempty"`
	Department        string   `json:"department,omitempty"`
	EmployeeID        string   `json:"employeeId,omitempty"`
	EmployeeType      string   `json:"employeeType,omitempty"`
	FaxNumber         string   `json:"faxNumber,omitempty"`
	JobTitle          string   `json:"jobTitle,omitempty"`
	MobilePhone       string   `json:"mobilePhone,omitempty"`
	OfficeLocation    string   `json:"officeLocation,omitempty"`
	OtherMails        []string `json:"otherMails,omitempty"`
	PostalCode        string   `json:"postalCode,omitempty"`
	PreferredLanguage string   `json:"preferredLanguage,omitempty"`
	State             string   `json:"state,omitempty"`
	StreetAddress     string   `json:"streetAddress,omitempty"`
	UsageLocation     string   `json:"usageLocation,omitempty"`
	CostCenter        string   `json:"costCenter,omitempty"` // with Division Graph's employeeOrgData
	Division          string   `json:"division,omitempty"`

	CreationType      string     `json:"creationType,omitempty"`
	ExternalUserState string     `json:"externalUserState,omitempty"`
	Identities        []Identity `json:"identities,omitempty"`

	OnPremisesDistinguishedName  string `json:"onPremisesDistinguishedName,omitempty"`
	OnPremisesDomainName         string `json:"onPremisesDomainName,omitempty"`
	OnPremisesImmutableID        string `json:"onPremisesImmutableId,omitempty"`
	OnPremisesSamAccountName     string `json:"onPremisesSamAccountName,omitempty"`
	OnPremisesSecurityIdentifier string `json:"onPremisesSecurityIdentifier,omitempty"`
	OnPremisesSyncEnabled        bool   `json:"onPremisesSyncEnabled,omitempty"`
	OnPremisesUserPrincipalName  string `json:"onPremisesUserPrincipalName,omitempty"`

	OnPremisesLastSyncDateTime time.Time `json:"onPremisesLastSyncDateTime,omitzero"`
	EmployeeHireDate           time.Time `json:"employeeHireDate,omitzero"`
	EmployeeLeaveDateTime      time.Time `json:"employeeLeaveDateTime,omitzero"`
	CreatedDateTime            time.Time `json:"createdDateTime,omitzero"`

	// SessionsValidFrom ends every session and token that began before it
	// (signInSessionsValidFromDateTime).
	SessionsValidFrom time.Time `json:"signInSessionsValidFromDateTime,omitzero"`

	// ExternalID is what the source of the account calls it; unique in the tenant, case and all.
	ExternalID string `json:"externalId,omitempty"`
	Source     Source `json:"source,omitempty"`

	Manager UserID `json:"-"`
	Version int64  `json:"-"` // grows with every change
}

// Identity is a name under which another issuer knows the user.
type Identity struct {
	SignInType       string `json:"signInType"`
	Issuer           string `json:"issuer"`
	IssuerAssignedID string `json:"issuerAssignedId"`
}

// Faults of users.
var (
	ErrUserUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "userUnknown",
		Text: "There is no such user.", Remedy: "Check the name or the id.",
	}
	ErrUserInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "userInvalid",
		Text: "The user can't be saved like this.",
	}
	ErrUPNTaken = &fault.Error{
		Kind: fault.Conflict, Code: "ObjectConflict", Target: "userPrincipalName",
		Text: "Another user has this userPrincipalName.", Remedy: "Choose another name.",
	}
	ErrManagerCycle = &fault.Error{
		Kind: fault.Invalid, Code: "managerCycle", Target: "manager",
		Text: "A person can't be their own manager, not even through others.",
	}
)

// maxText bounds one text property, in characters.
const maxText = 256

var upnLocal = regexp.MustCompile(`^[A-Za-z0-9'._\-!#^~]+$`)

// Addresses are where u is told by mail what they should know: mail and otherMails.
func (u User) Addresses() []string {
	return slices.DeleteFunc(append([]string{u.Mail}, u.OtherMails...), func(address string) bool { return address == "" })
}

// Check reports what is wrong with u in tenant t as a fault, or nil.
func (u User) Check(t Tenant) error {
	if err := CheckUPN(t, u.UserPrincipalName); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(u.DisplayName) == "":
		return ErrUserInvalid.With("displayName", "displayName must not be empty.")
	case u.MailNickname == "":
		return ErrUserInvalid.With("mailNickname", "mailNickname must not be empty.")
	case u.UserType != "Member" && u.UserType != "Guest":
		return ErrUserInvalid.With("userType", "userType is Member or Guest.")
	case strings.TrimSpace(u.ExternalID) != u.ExternalID:
		return ErrUserInvalid.With("externalId", "externalId must not begin or end with a blank.")
	}
	if u.Mail != "" {
		if a, err := mail.ParseAddress(u.Mail); err != nil || a.Address != u.Mail {
			return ErrUserInvalid.With("mail", "mail is not a mail address.")
		}
	}
	return checkTexts(u)
}

// CheckUPN reports whether upn can be a user principal name in t.
func CheckUPN(t Tenant, upn string) error {
	local, domain, ok := strings.Cut(upn, "@")
	switch {
	case !ok || local == "" || len(local) > 64 || len(upn) > 113 || !upnLocal.MatchString(local):
		return ErrUserInvalid.With("userPrincipalName", "userPrincipalName must look like ida.berg@"+t.DefaultDomain()+".")
	case !t.HasDomain(domain):
		return ErrUserInvalid.With("userPrincipalName", "The domain "+quoteShort(domain)+" is not a verified domain of this tenant.")
	}
	return nil
}

// checkTexts refuses texts that are too long or hold control characters, whatever their name.
func checkTexts(u User) error {
	raw, err := json.Marshal(u)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	for name, value := range fields {
		if text, ok := value.(string); ok && !plainText(text) {
			return ErrUserInvalid.With(name, name+" is longer than 256 characters or has control characters.")
		}
		list, _ := value.([]any)
		if len(list) > 250 {
			return ErrUserInvalid.With(name, name+" has more than 250 entries.")
		}
		for _, entry := range list {
			if text, ok := entry.(string); ok && !plainText(text) {
				return ErrUserInvalid.With(name, name+" has an entry that is too long or has control characters.")
			}
		}
	}
	return nil
}

func plainText(s string) bool {
	return utf8.RuneCountInString(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

func quoteShort(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return "“" + s + "”"
}

// ExternalGuest reports whether u is a guest whose credentials live elsewhere. An internal
// guest (UserType Guest, but with an account of this tenant) is none.
func (u User) ExternalGuest(t Tenant) bool {
	if u.UserType != "Guest" {
		return false
	}
	if u.ExternalUserState != "" || u.CreationType == "Invitation" || strings.Contains(u.UserPrincipalName, "#EXT#") {
		return true
	}
	for _, i := range u.Identities {
		if !t.HasDomain(i.Issuer) {
			return true
		}
	}
	return false
}

// Words returns the lower-case words that $search finds u by, by property.
func (u User) Words() map[string][]string {
	return map[string][]string{
		"displayName":       Words(u.DisplayName),
		"givenName":         Words(u.GivenName),
		"surname":           Words(u.Surname),
		"userPrincipalName": Words(u.UserPrincipalName),
		"mail":              Words(u.Mail),
		"employeeId":        Words(u.EmployeeID),
	}
}

// Words returns the distinct words of text by which $search finds it, and the whole, too.
func Words(text string) []string {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil
	}
	seen, all := map[string]bool{}, []string{}
	for _, w := range append(filter.Words(text), text) {
		if w != "" && !seen[w] {
			seen[w] = true
			all = append(all, w)
		}
	}
	return all
}

// AnyVersion is the version of something that is to be deleted whatever its stored version is.
const AnyVersion = -1

// ErrChanged reports that somebody else changed an object between reading and writing it.
var ErrChanged = &fault.Error{
	Kind: fault.Precondition, Code: "objectChanged",
	Text: "Somebody else changed this meanwhile.", Remedy: "Read it again, then repeat the change.",
}

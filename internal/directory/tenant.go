package directory

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/fault"
)

// A Tenant is one organisation. Its settings are its own.
type Tenant struct {
	ID          TenantID  `json:"-"`
	DisplayName string    `json:"-"`
	CreatedAt   time.Time `json:"-"`
	Domains     []Domain  `json:"-"`
	Revision    int64     `json:"-"` // grows with every change of name and settings

	Branding branding.Branding `json:"-"`

	TimeZone string   `json:"timeZone"` // IANA name
	Helpdesk Helpdesk `json:"helpdesk"`
	// TechnicalMails are the addresses of those who keep the tenant's technology.
	TechnicalMails []string `json:"technicalNotificationMails,omitempty"`
}

// maxTechnicalMails bounds how many addresses a tenant has for that.
const maxTechnicalMails = 20

// Helpdesk is whom people call when nothing works. Empty parts are not shown.
type Helpdesk struct {
	Phone string `json:"phone,omitempty"`
	Hours string `json:"hours,omitempty"`
	Mail  string `json:"mail,omitempty"`
}

// A Domain is a verified DNS domain of a tenant, in lower case.
type Domain struct {
	Name      string
	IsDefault bool
	IsInitial bool
	CreatedAt time.Time
}

// A PendingDomain is one that a tenant wants and has not verified. Nobody signs in under it.
type PendingDomain struct {
	Name      string
	Proof     string // what the DNS must say, drawn at random
	CreatedAt time.Time
}

// Record returns the text of the DNS record that verifies d.
func (d PendingDomain) Record() string { return "postern-domain-verification=" + d.Proof }

// Location returns the tenant's time zone, UTC when the name is unknown.
func (t Tenant) Location() *time.Location {
	zone, err := time.LoadLocation(t.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// DefaultDomain returns the name of the default domain.
func (t Tenant) DefaultDomain() string {
	for _, d := range t.Domains {
		if d.IsDefault {
			return d.Name
		}
	}
	return ""
}

// HasDomain reports whether name is a verified domain of t.
func (t Tenant) HasDomain(name string) bool {
	for _, d := range t.Domains {
		if strings.EqualFold(d.Name, name) {
			return true
		}
	}
	return false
}

// Faults of tenants and domains.
var (
	ErrTenantUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "tenantUnknown", AADSTS: 90002,
		Text: "There is no such tenant here.", Remedy: "Check the address that you opened.",
	}
	ErrDomainTaken = &fault.Error{
		Kind: fault.Conflict, Code: "domainTaken",
		Text: "A tenant with this domain exists.", Remedy: "Choose another domain.",
	}
	ErrDomainInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "domainInvalid",
		Text: "This is not the name of a DNS domain.", Remedy: "Write it like contoso.example.",
	}
	ErrDomainUnknown  = &fault.Error{Kind: fault.NotFound, Code: "domainUnknown", Text: "The tenant has no such domain."}
	ErrDomainUnproven = &fault.Error{
		Kind: fault.Invalid, Code: "domainUnproven",
		Text:   "The DNS does not have the record that verifies the domain.",
		Remedy: "Add the record of verificationDnsRecords, wait until it can be seen, and try again.",
	}
	ErrDomainUnverified = &fault.Error{
		Kind: fault.Invalid, Code: "domainUnverified", Text: "The domain is not verified.", Remedy: "Verify it first.",
	}
	ErrDomainNeedsDNS = &fault.Error{
		Kind: fault.Forbidden, Code: "domainNeedsDns",
		Text:   "This server has several tenants, so that a domain is verified by the DNS only.",
		Remedy: "Add the record of verificationDnsRecords.",
	}
	ErrDomainInUse = &fault.Error{
		Kind: fault.Invalid, Code: "domainInUse",
		Text: "The domain is in use.", Remedy: "Rename the people and applications that have it in their names, and make another domain the default.",
	}
	ErrTenantInvalid = &fault.Error{Kind: fault.Invalid, Code: "tenantInvalid", Text: "The settings of the tenant can't be saved like this."}
	ErrZoneInvalid   = &fault.Error{
		Kind: fault.Invalid, Code: "timeZoneInvalid",
		Text: "This is not a time zone.", Remedy: "Write it like Europe/Berlin.",
	}
)

// RFC 1035 section 2.3.1, two labels at least; internationalised names in their A-label form.
var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$`)

// ParseDomain returns name in lower case, or ErrDomainInvalid.
func ParseDomain(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) > 253 || !domainName.MatchString(name) {
		return "", ErrDomainInvalid.With("domain", "")
	}
	return name, nil
}

// Check reports what is wrong with the settings of t as a fault, or nil.
func (t Tenant) Check() error {
	if strings.TrimSpace(t.DisplayName) == "" || !plainText(t.DisplayName) {
		return ErrTenantInvalid.With("displayName", "displayName must have 1 to 256 characters, without control characters.")
	}
	if _, err := time.LoadLocation(t.TimeZone); err != nil || t.TimeZone == "" || t.TimeZone == "Local" {
		return ErrZoneInvalid.With("postern_timeZone", "")
	}
	for _, text := range []string{t.Helpdesk.Phone, t.Helpdesk.Hours, t.Helpdesk.Mail} {
		if !plainText(text) {
			return ErrTenantInvalid.With("postern_helpdesk", "A text of postern_helpdesk is longer than 256 characters or has control characters.")
		}
	}
	return t.checkMails()
}

func (t Tenant) checkMails() error {
	const property = "technicalNotificationMails"
	if len(t.TechnicalMails) > maxTechnicalMails {
		return ErrTenantInvalid.With(property, fmt.Sprintf("%s holds %d addresses at most.", property, maxTechnicalMails))
	}
	for _, one := range t.TechnicalMails {
		if a, err := mail.ParseAddress(one); err != nil || a.Address != one || !plainText(one) {
			return ErrTenantInvalid.With(property, property+" holds mail addresses, such as it@contoso.example.")
		}
	}
	return nil
}

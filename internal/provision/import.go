package provision

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// Finder finds people by what a file names them by.
type Finder interface {
	// UserByName returns the user with a UPN, or directory.ErrUserUnknown.
	UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error)
	// UsersWith returns at most limit users with a value in externalId or employeeId.
	UsersWith(ctx context.Context, tenant directory.TenantID, property, value string, limit int) ([]directory.User, error)
}

// A Row is one person in a file of the personnel department: values by the names of
// [Columns]. An empty value says nothing and changes nothing.
type Row map[string]string

// An Outcome is what becomes of a row.
type Outcome string

// The outcomes.
const (
	Added   Outcome = "added"
	Changed Outcome = "changed"
	Left    Outcome = "left" // it is so already
	Refused Outcome = "refused"
)

// A Result is what became of a row, or what would.
type Result struct {
	Outcome Outcome
	User    directory.User
	Changes []audit.ModifiedProperty
	Err     error // why it was refused
	// ManagerMissing says that the manager is not there (yet), and was not set.
	ManagerMissing bool
}

// Faults of imports.
var (
	ErrRow = &fault.Error{Kind: fault.Invalid, Code: "importRow", Text: "The row can't be imported."}
	// ErrAmbiguous reports a row whose names belong to different people.
	ErrAmbiguous = &fault.Error{
		Kind: fault.Conflict, Code: "importAmbiguous",
		Text: "More than one person answers to the names in this row.", Remedy: "Correct their externalId, employeeId or userPrincipalName.",
	}
)

// texts are the columns that hold text, and where it goes.
var texts = map[string]func(*directory.User) *string{
	"userPrincipalName": func(u *directory.User) *string { return &u.UserPrincipalName },
	"externalId":        func(u *directory.User) *string { return &u.ExternalID },
	"employeeId":        func(u *directory.User) *string { return &u.EmployeeID },
	"displayName":       func(u *directory.User) *string { return &u.DisplayName },
	"givenName":         func(u *directory.User) *string { return &u.GivenName },
	"surname":           func(u *directory.User) *string { return &u.Surname },
	"mailNickname":      func(u *directory.User) *string { return &u.MailNickname },
	"mail":              func(u *directory.User) *string { return &u.Mail },
	"jobTitle":          func(u *directory.User) *string { return &u.JobTitle },
	"department":        func(u *directory.User) *string { return &u.Department },
	"companyName":       func(u *directory.User) *string { return &u.CompanyName },
	"costCenter":        func(u *directory.User) *string { return &u.CostCenter },
	"division":          func(u *directory.User) *string { return &u.Division },
	"employeeType":      func(u *directory.User) *string { return &u.EmployeeType },
	"mobilePhone":       func(u *directory.User) *string { return &u.MobilePhone },
	"officeLocation":    func(u *directory.User) *string { return &u.OfficeLocation },
	"streetAddress":     func(u *directory.User) *string { return &u.StreetAddress },
	"postalCode":        func(u *directory.User) *string { return &u.PostalCode },
	"city":              func(u *directory.User) *string { return &u.City },
	"state":             func(u *directory.User) *string { return &u.State },
	"country":           func(u *directory.User) *string { return &u.Country },
	"usageLocation":     func(u *directory.User) *string { return &u.UsageLocation },
	"preferredLanguage": func(u *directory.User) *string { return &u.PreferredLanguage },
}

// Column returns the proper name of a column, in any case; ok is false for one that is not known.
func Column(name string) (proper string, ok bool) {
	for n := range texts {
		if strings.EqualFold(n, name) {
			return n, true
		}
	}
	for _, n := range []string{"accountEnabled", "employeeHireDate", "employeeLeaveDateTime", "manager", "businessPhones", "otherMails"} {
		if strings.EqualFold(n, name) {
			return n, true
		}
	}
	return "", false
}

// write puts the values of r into u.
func (r Row) write(u *directory.User) error {
	for name, value := range r {
		value = strings.TrimSpace(value)
		if value == "" || name == "manager" {
			continue
		}
		if strings.ContainsAny(value[:1], "=@") { // what a spreadsheet would run when the list is exported again
			return ErrRow.With(name, name+" begins with = or @, as a formula does.")
		}
		if to, ok := texts[name]; ok {
			*to(u) = value
			continue
		}
		if err := writeOther(u, name, value); err != nil {
			return err
		}
	}
	return nil
}

func writeOther(u *directory.User, name, value string) error {
	switch name {
	case "accountEnabled":
		switch strings.ToLower(value) {
		case "true", "yes", "1":
			u.AccountEnabled = true
		case "false", "no", "0":
			u.AccountEnabled = false
		default:
			return ErrRow.With(name, name+" is true or false.")
		}
	case "employeeHireDate", "employeeLeaveDateTime":
		t, ok := parseTime(value)
		if !ok {
			return ErrRow.With(name, name+" is a date such as 2026-01-31.")
		}
		if name == "employeeHireDate" {
			u.EmployeeHireDate = t
		} else {
			u.EmployeeLeaveDateTime = t
		}
	case "businessPhones":
		u.BusinessPhones = split(value)
	case "otherMails":
		u.OtherMails = split(value)
	default:
		return ErrRow.With(name, "There is no such column.")
	}
	return nil
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func split(s string) (all []string) {
	for _, x := range strings.FieldsFunc(s, func(r rune) bool { return r == '|' }) {
		all = append(all, strings.TrimSpace(x))
	}
	return all
}

// A match is whom a row is about.
type match struct {
	user  directory.User
	there bool
	err   error // why that can't be said
}

// match finds the person of a row by externalId, else by employeeId, else by userPrincipalName.
func (p Provisioner) match(ctx context.Context, find Finder, by By, r Row) (m match) {
	if strings.TrimSpace(r["employeeLeaveDateTime"]) != "" { // also to what it is: who may not know it would find it out so
		if m.err = directory.May(by.Caller, directory.WriteLeaveDate, directory.Target{}); m.err != nil {
			return m
		}
	}
	m.user, m.there, m.err = lookUp(ctx, find, by.Tenant.ID, r)
	return m
}

// importRow makes the person in r be as r says, or with dry tells what it would do.
func (p Provisioner) importRow(ctx context.Context, find Finder, by By, r Row, m match, dry bool) Result {
	var res Result
	err := m.err
	if err == nil {
		res, err = p.importMatch(ctx, find, by, r, m.user, m.there, dry)
	}
	if err != nil {
		res.Outcome, res.Err = Refused, err
	}
	return res
}

func (p Provisioner) importMatch(ctx context.Context, find Finder, by By, r Row, old directory.User, there, dry bool) (res Result, err error) {
	u := old
	if !there {
		u = directory.User{AccountEnabled: true}
	}
	if err := r.write(&u); err != nil {
		return res, err
	}
	if err := res.setManager(ctx, find, by.Tenant.ID, r, &u); err != nil {
		return res, err
	}
	res.User = u
	if !there {
		res.Outcome = Added
		if res.User, err = p.planUser(by, u); err != nil {
			return res, err
		}
		res.Changes = Modified(directory.User{}, res.User)
		if !dry {
			res.User, err = p.CreateUser(ctx, by, u)
		}
		return res, err
	}
	if res.User, res.Changes, err = p.planChange(ctx, by, old, u); err != nil {
		return res, err
	}
	if len(res.Changes) == 0 {
		res.Outcome = Left
		return res, nil
	}
	res.Outcome = Changed
	if !dry {
		_, err = p.ChangeUser(ctx, by, old, u)
	}
	return res, err
}

// lookUp finds the person of a row.
func lookUp(ctx context.Context, find Finder, tenant directory.TenantID, r Row) (u directory.User, there bool, err error) {
	var found []directory.User
	for _, property := range []string{"externalId", "employeeId"} {
		value := strings.TrimSpace(r[property])
		if value == "" || len(found) > 0 {
			continue
		}
		if found, err = find.UsersWith(ctx, tenant, property, value, 2); err != nil {
			return u, false, err
		}
		if len(found) > 1 {
			return u, false, ErrAmbiguous
		}
	}
	upn := strings.TrimSpace(r["userPrincipalName"])
	if upn != "" {
		byName, err := find.UserByName(ctx, tenant, upn)
		switch {
		case errors.Is(err, directory.ErrUserUnknown):
		case err != nil:
			return u, false, err
		case len(found) == 1 && found[0].ID != byName.ID:
			return u, false, ErrAmbiguous
		default:
			found = []directory.User{byName}
		}
	}
	if len(found) == 0 {
		return u, false, nil
	}
	return found[0], true, nil
}

// setManager finds the manager that r names: by UPN, else by externalId, else by employeeId.
func (res *Result) setManager(ctx context.Context, find Finder, tenant directory.TenantID, r Row, u *directory.User) error {
	name := strings.TrimSpace(r["manager"])
	if name == "" {
		return nil
	}
	var m directory.User
	var there bool
	var err error
	if strings.Contains(name, "@") {
		m, there, err = lookUp(ctx, find, tenant, Row{"userPrincipalName": name})
	} else if m, there, err = lookUp(ctx, find, tenant, Row{"externalId": name}); err == nil && !there {
		m, there, err = lookUp(ctx, find, tenant, Row{"employeeId": name})
	}
	if err != nil {
		return err
	}
	if !there {
		res.ManagerMissing = true
		return nil
	}
	if u.ID != "" && (m.ID == u.ID || m.Manager == u.ID) { // the store looks further up
		return directory.ErrManagerCycle
	}
	u.Manager = m.ID
	return nil
}

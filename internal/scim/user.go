package scim

import (
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// userDocument is what of u a client may write.
func userDocument(u directory.User) document {
	d := document{"active": u.AccountEnabled}
	for name, value := range map[string]string{
		"externalId": u.ExternalID, "userName": u.UserPrincipalName, "displayName": u.DisplayName, "nickName": u.MailNickname,
		"title": u.JobTitle, "userType": u.EmployeeType, "preferredLanguage": u.PreferredLanguage,
	} {
		d.set(name, value)
	}
	name := document{}
	name.set("givenName", u.GivenName)
	name.set("familyName", u.Surname)
	d.set("name", name)
	d.set("emails", emails(u))
	d.set("phoneNumbers", phones(u))
	d.set("addresses", addresses(u))
	d.set(urnEnterprise, enterprise(u))
	more := document{}
	more.set("employeeHireDate", timeText(u.EmployeeHireDate))
	more.set("employeeLeaveDateTime", timeText(u.EmployeeLeaveDateTime))
	more.set("usageLocation", u.UsageLocation)
	d.set(urnPostern, more)
	return d
}

func emails(u directory.User) (all []document) {
	if u.Mail != "" {
		all = append(all, document{"value": u.Mail, "type": "work", "primary": true})
	}
	for _, m := range u.OtherMails {
		all = append(all, document{"value": m, "type": "other"})
	}
	return all
}

func phones(u directory.User) (all []document) {
	for _, n := range u.BusinessPhones {
		all = append(all, document{"value": n, "type": "work"})
	}
	if u.MobilePhone != "" {
		all = append(all, document{"value": u.MobilePhone, "type": "mobile"})
	}
	if u.FaxNumber != "" {
		all = append(all, document{"value": u.FaxNumber, "type": "fax"})
	}
	return all
}

func addresses(u directory.User) (all []document) {
	work := document{}
	work.set("streetAddress", u.StreetAddress)
	work.set("locality", u.City)
	work.set("region", u.State)
	work.set("postalCode", u.PostalCode)
	work.set("country", u.Country)
	if len(work) > 0 {
		work["type"], work["primary"] = "work", true
		all = append(all, work)
	}
	if u.OfficeLocation != "" {
		all = append(all, document{"type": "other", "formatted": u.OfficeLocation})
	}
	return all
}

func enterprise(u directory.User) document {
	d := document{}
	d.set("employeeNumber", u.EmployeeID)
	d.set("costCenter", u.CostCenter)
	d.set("organization", u.CompanyName)
	d.set("division", u.Division)
	d.set("department", u.Department)
	if u.Manager != "" {
		d["manager"] = document{"value": string(u.Manager)}
	}
	return d
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// writeUser returns u as d says that it is; what d does not assign is cleared.
func writeUser(u directory.User, d document) (directory.User, error) {
	u.ExternalID, u.UserPrincipalName, u.DisplayName = d.text("externalId"), d.text("userName"), d.text("displayName")
	if nick := d.text("nickName"); nick != "" {
		u.MailNickname = nick
	}
	u.JobTitle, u.EmployeeType, u.PreferredLanguage = d.text("title"), d.text("userType"), d.text("preferredLanguage")
	u.GivenName, u.Surname = d.inner("name").text("givenName"), d.inner("name").text("familyName")
	if u.DisplayName == "" {
		u.DisplayName = strings.TrimSpace(u.GivenName + " " + u.Surname)
	}
	u.AccountEnabled, _ = d["active"].(bool)
	x := d.inner(urnEnterprise)
	u.EmployeeID, u.CostCenter, u.CompanyName = x.text("employeeNumber"), x.text("costCenter"), x.text("organization")
	u.Division, u.Department = x.text("division"), x.text("department")
	u.Manager = directory.UserID(strings.ToLower(x.inner("manager").text("value")))
	x = d.inner(urnPostern)
	u.EmployeeHireDate, _ = parseTime(x.text("employeeHireDate"))
	u.EmployeeLeaveDateTime, _ = parseTime(x.text("employeeLeaveDateTime"))
	u.UsageLocation = x.text("usageLocation")
	writeMails(&u, d.list("emails"))
	if err := writePhones(&u, d.list("phoneNumbers")); err != nil {
		return u, err
	}
	err := writeAddresses(&u, d.list("addresses"))
	return u, err
}

// writeMails makes the address of type work the mail, else one that is primary, else one
// without a type. All others are other mails.
func writeMails(u *directory.User, list []document) {
	best, rank := -1, 0
	for i, m := range list {
		r := 0
		switch {
		case strings.EqualFold(m.text("type"), "work"):
			r = 3
		case m["primary"] == true:
			r = 2
		case m.text("type") == "":
			r = 1
		}
		if m.text("value") != "" && r > rank {
			best, rank = i, r
		}
	}
	u.Mail, u.OtherMails = "", nil
	for i, m := range list {
		switch value := m.text("value"); {
		case value == "":
		case i == best:
			u.Mail = value
		default:
			u.OtherMails = append(u.OtherMails, value)
		}
	}
}

func writePhones(u *directory.User, list []document) error {
	u.BusinessPhones, u.MobilePhone, u.FaxNumber = nil, "", ""
	for _, n := range list {
		value := n.text("value")
		if value == "" {
			continue
		}
		switch kind := strings.ToLower(n.text("type")); {
		case kind == "work" || kind == "":
			u.BusinessPhones = append(u.BusinessPhones, value)
		case kind == "mobile" && u.MobilePhone == "":
			u.MobilePhone = value
		case kind == "fax" && u.FaxNumber == "":
			u.FaxNumber = value
		default:
			return ErrValue.With("phoneNumbers", "phoneNumbers are of type work, one of type mobile, and one of type fax.")
		}
	}
	return nil
}

func writeAddresses(u *directory.User, list []document) error {
	u.StreetAddress, u.City, u.State, u.PostalCode, u.Country, u.OfficeLocation = "", "", "", "", "", ""
	work, other := false, false
	for _, x := range list {
		switch kind := strings.ToLower(x.text("type")); {
		case (kind == "work" || kind == "") && !work:
			work = true
			u.StreetAddress, u.City, u.State = x.text("streetAddress"), x.text("locality"), x.text("region")
			u.PostalCode, u.Country = x.text("postalCode"), x.text("country")
		case kind == "other" && !other:
			other = true
			u.OfficeLocation = x.text("formatted")
		default:
			return ErrValue.With("addresses", "addresses are one of type work and one of type other.")
		}
	}
	return nil
}

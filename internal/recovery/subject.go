package recovery

import (
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// A Subject is whom a case is about, as the directory says now.
type Subject struct {
	User directory.User
	// Target and Class are what the roles of the person come to.
	Target directory.Target
	Class  Class
	Tenant directory.Tenant
	// Changed says when contact data, or what credentials are compared with, was last changed, by
	// property. What was never changed since the account was made is not in it.
	Changed map[string]time.Time
}

// zone is the tenant's time zone.
func (s Subject) zone() *time.Location {
	zone, err := time.LoadLocation(s.Tenant.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// OnFile reports whether a property of the person is there and has been the same for as long as
// policy asks.
func (s Subject) OnFile(property string, p Policy, now time.Time) bool {
	if at, ok := s.Changed[property]; ok && now.Before(at.Add(p.ContactDelay())) {
		return false
	}
	switch property {
	case ContactMobile:
		return s.User.MobilePhone != ""
	case ContactPhone:
		return len(s.User.BusinessPhones) > 0
	case ContactMail:
		return len(s.User.OtherMails) > 0
	case ContactManager:
		return s.User.Manager != ""
	case ContactDepartment:
		return s.User.Department != ""
	}
	return attributes(s.User)[property] != ""
}

// ManagedBy reports whether u has been the person's manager for long enough.
func (s Subject) ManagedBy(u directory.UserID, p Policy, now time.Time) bool {
	return u != "" && s.User.Manager == u && s.OnFile(ContactManager, p, now)
}

// FirstOf reports whether the last change of a property gave a new account its first: Graph makes a person and
// sets the manager in two requests.
func (s Subject) FirstOf(property string) bool {
	at, ok := s.Changed[property]
	return ok && at.Equal(s.Changed[First(property)])
}

// Colleague reports whether other works with the person: under the same manager or in the same
// department, and both for long enough, in an account that is as old.
func (s Subject) Colleague(other Subject, p Policy, now time.Time) bool {
	if other.User.ID == s.User.ID || !other.User.AccountEnabled || other.User.UserType == "Guest" {
		return false
	}
	if now.Before(other.User.CreatedDateTime.Add(p.ContactDelay())) {
		return false // who could make accounts would make colleagues
	}
	same := func(property string, equal bool) bool {
		return equal && s.OnFile(property, p, now) && other.OnFile(property, p, now)
	}
	return same(ContactManager, s.User.Manager == other.User.Manager) ||
		same(ContactDepartment, strings.EqualFold(s.User.Department, other.User.Department))
}

// Near reports whether u has to do with the person, for however short a time: is them or their manager, or
// has the same manager or department. What that is good for, [Subject.ManagedBy] and [Subject.Colleague] say.
func (s Subject) Near(u directory.User) bool {
	return u.ID != "" && (u.ID == s.User.ID || u.ID == s.User.Manager || u.Manager != "" && u.Manager == s.User.Manager ||
		u.Department != "" && strings.EqualFold(u.Department, s.User.Department))
}

// SignInOf is what is known of who is signed in by s.
func SignInOf(s signin.Session) SignIn {
	in := SignIn{Session: s.ID, Address: s.Address, Pass: s.PassID, Purpose: string(s.Purpose)}
	if s.Device != nil {
		in.Device = s.Device.DeviceID
	}
	for _, p := range s.Proofs {
		if p.PhishingResistant && p.Pass == nil && p.At.After(in.ProvedAt) {
			in.ProvedAt, in.ProvedBy = p.At, s.Method
			if p.Credential != nil {
				in.ProvedBy = p.Credential.ID
			}
		}
	}
	return in
}

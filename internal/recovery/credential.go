package recovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// attributes are what a credential can be compared with.
func attributes(u directory.User) map[string]string {
	return map[string]string{
		"givenName": u.GivenName, "surname": u.Surname, "displayName": u.DisplayName, "employeeId": u.EmployeeID,
		"userPrincipalName": u.UserPrincipalName, "mail": u.Mail, "externalId": u.ExternalID,
	}
}

// IdentityChanges are the attributes that differ between two states of a person and that
// credentials are compared with: who could change one first, and then show their own credential,
// would be anybody.
func IdentityChanges(before, after directory.User) []string {
	was, is := attributes(before), attributes(after)
	var all []string
	for _, name := range sdjwt.Attributes {
		if was[name] != is[name] {
			all = append(all, name)
		}
	}
	return all
}

// Is reports whether a credential is about the person, by attributes that have been the same for
// as long as policy asks.
func (s Subject) Is(c sdjwt.Credential, p Policy, now time.Time) bool {
	for _, m := range c.Issuer.Match {
		if !s.OnFile(m.Attribute, p, now) {
			return false
		}
	}
	return c.Issuer.About(c.Claims, attributes(s.User))
}

// Watched are the properties of a person of which a case tells when they changed: what people are
// reached by, and what credentials are compared with under p.
func (p Policy) Watched() []string {
	all := append(slices.Clone(Contacts), "mail") // which proves nothing; what happens in a case is told there
	for _, i := range p.Credentials {
		for _, m := range i.Match {
			if !slices.Contains(all, m.Attribute) {
				all = append(all, m.Attribute)
			}
		}
	}
	return all
}

// NotProven is the event of a proof that somebody tried to give and that showed nothing.
func (c Case) NotProven(kind ProofKind, by Actor, at time.Time, why *fault.Error) audit.Event {
	e := c.refusal(audit.CaseProven, directory.User{}, by, at, why)
	e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: "Proof", Value: string(kind)})
	return e
}

// mostIssuers bounds whose credentials a tenant believes.
const mostIssuers = 20

func (p Policy) checkCredentials() error {
	if len(p.Credentials) > mostIssuers {
		return ErrPolicy.With("credentialIssuers", fmt.Sprintf("credentialIssuers has %d issuers at most.", mostIssuers))
	}
	seen := map[string]bool{}
	for _, i := range p.Credentials {
		if property, wrong := i.Check(); wrong != "" {
			return ErrPolicy.With("credentialIssuers/"+property, wrong)
		}
		for _, t := range i.Types {
			if seen[i.ID+" "+t] {
				return ErrPolicy.With("credentialIssuers", "credentialIssuers names an issuer with a type twice.")
			}
			seen[i.ID+" "+t] = true
		}
	}
	return nil
}

package password

import (
	"fmt"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// PolicyID is the id of the configuration. Graph has none for passwords: it is Postern's own.
const PolicyID = "Password"

// A Policy says who may have a password, and which.
type Policy struct {
	method.Targets
	// MinimumLength is in characters.
	MinimumLength int `json:"postern_minimumLength"`
	// BannedWords are the tenant's own words, beside those that everybody guesses first.
	BannedWords []string `json:"postern_bannedWords"`
	// SelfServiceReset lets a person who forgot the password set a new one after two proofs
	// by other methods.
	SelfServiceReset bool `json:"postern_selfServiceReset"`
}

// DefaultPolicy is the policy of a new tenant: off.
func DefaultPolicy() Policy {
	return Policy{Targets: method.Everybody("disabled"), MinimumLength: 12, BannedWords: []string{}, SelfServiceReset: true}
}

// Bounds of the tenant's own words; the number is Entra's.
const (
	mostWords = 1000
	mostWord  = 32 // characters
)

// Check reports the first rule that p breaks, naming property, value and allowed range.
func (p Policy) Check() error {
	if err := p.Targets.Check(); err != nil {
		return err
	}
	if p.MinimumLength < LeastLength || p.MinimumLength > MostLength {
		return ErrPolicyInvalid.With("postern_minimumLength", fmt.Sprintf("postern_minimumLength is %d; it must be between %d and %d.", p.MinimumLength, LeastLength, MostLength))
	}
	if len(p.BannedWords) > mostWords {
		return ErrPolicyInvalid.With("postern_bannedWords", fmt.Sprintf("postern_bannedWords has more than %d words.", mostWords))
	}
	for i, w := range p.BannedWords {
		if utf8.RuneCountInString(fold(w)) < leastWord || utf8.RuneCountInString(w) > mostWord {
			return ErrPolicyInvalid.With("postern_bannedWords", fmt.Sprintf("Word %d of postern_bannedWords must have %d letters or digits, and at most %d characters.", i+1, leastWord, mostWord))
		}
	}
	return nil
}

// Rules are what p asks of a password of u in tenant t.
func (p Policy) Rules(t directory.Tenant, u directory.User) Rules {
	r := Rules{MinimumLength: p.MinimumLength, Banned: p.BannedWords, About: []string{
		t.DisplayName, u.UserPrincipalName, u.DisplayName, u.GivenName, u.Surname, u.MailNickname, u.Mail, u.EmployeeID, u.MobilePhone,
	}}
	for _, d := range t.Domains {
		r.About = append(r.About, d.Name)
	}
	return r
}

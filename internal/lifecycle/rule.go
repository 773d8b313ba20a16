package lifecycle

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

// maxRule is how long a rule may be, in bytes.
const maxRule = 3072

// A Rule says for whom a workflow is: a filter over people. The zero Rule is everybody.
type Rule struct{ bound filter.Bound }

// ParseRule reads a rule such as (department eq 'Sales'), in the grammar of $filter. An empty
// one is everybody.
func ParseRule(text string) (Rule, error) {
	if text == "" {
		return Rule{}, nil
	}
	if len(text) > maxRule {
		return Rule{}, ErrInvalid.With("executionConditions/scope/rule", "A rule has at most 3,072 bytes.")
	}
	e, err := filter.Parse(text)
	if err != nil {
		return Rule{}, err
	}
	bound, err := filter.Check(e, people)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == filter.ErrUnknownProperty.Code {
		err = f.With(f.Target, f.Text+" There are "+strings.Join(peopleNames, ", ")+".")
	}
	return Rule{bound}, err
}

// Has reports whether u is in scope.
func (r Rule) Has(u directory.User) bool {
	return filter.Eval(r.bound, func(column string) []filter.Value { return valuesOf(u, column) })
}

const words = filter.Equality | filter.StartsWith | filter.EndsWith | filter.Contains

// texts are the properties of people in rules that hold text.
var texts = map[string]func(directory.User) string{
	"city":              func(u directory.User) string { return u.City },
	"companyName":       func(u directory.User) string { return u.CompanyName },
	"country":           func(u directory.User) string { return u.Country },
	"department":        func(u directory.User) string { return u.Department },
	"displayName":       func(u directory.User) string { return u.DisplayName },
	"employeeId":        func(u directory.User) string { return u.EmployeeID },
	"employeeType":      func(u directory.User) string { return u.EmployeeType },
	"givenName":         func(u directory.User) string { return u.GivenName },
	"jobTitle":          func(u directory.User) string { return u.JobTitle },
	"mail":              func(u directory.User) string { return u.Mail },
	"officeLocation":    func(u directory.User) string { return u.OfficeLocation },
	"postalCode":        func(u directory.User) string { return u.PostalCode },
	"preferredLanguage": func(u directory.User) string { return u.PreferredLanguage },
	"state":             func(u directory.User) string { return u.State },
	"streetAddress":     func(u directory.User) string { return u.StreetAddress },
	"surname":           func(u directory.User) string { return u.Surname },
	"usageLocation":     func(u directory.User) string { return u.UsageLocation },
	"userPrincipalName": func(u directory.User) string { return u.UserPrincipalName },
	"userType":          func(u directory.User) string { return u.UserType },
}

// people are the properties that rules may ask for.
var people = func() filter.Schema {
	s := filter.Schema{
		{Name: "accountEnabled", Type: filter.TypeBool, Column: "accountEnabled", Ops: filter.Equality},
		{Name: "manager", Type: filter.TypeGUID, Column: "manager", Ops: filter.Equality},
		{Name: string(HireDate), Type: filter.TypeTime, Column: string(HireDate), Ops: filter.Equality | filter.Ordering},
		{Name: string(LeaveDate), Type: filter.TypeTime, Column: string(LeaveDate), Ops: filter.Equality | filter.Ordering},
		{Name: string(Created), Type: filter.TypeTime, Column: string(Created), Ops: filter.Equality | filter.Ordering},
	}
	for name := range texts {
		s = append(s, filter.Property{Name: name, Type: filter.TypeString, Column: name, Ops: words})
	}
	return s
}()

// peopleNames are the names of those properties, by the alphabet.
var peopleNames = func() []string {
	var all []string
	for _, p := range people {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	return all
}()

func valuesOf(u directory.User, column string) []filter.Value {
	switch column {
	case "accountEnabled":
		return []filter.Value{filter.Bool(u.AccountEnabled)}
	case "manager":
		if u.Manager == "" {
			return nil // null
		}
		return []filter.Value{filter.GUID(u.Manager)}
	case string(HireDate), string(LeaveDate), string(Created):
		return timeOf(Attribute(column).Of(u))
	}
	if held := texts[column](u); held != "" {
		return []filter.Value{filter.String(held)}
	}
	return nil
}

func timeOf(at time.Time) []filter.Value {
	if at.IsZero() {
		return nil
	}
	return []filter.Value{filter.Time{At: at}}
}

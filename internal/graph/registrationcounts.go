package graph

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
)

// countingTime is how long the people of a tenant are counted, since that takes longer the
// more there are. Beyond it the answer is ErrCountTooLong, never a part of the count.
const countingTime = 45 * time.Second

// Faults of counting.
var (
	ErrCountArgument = &fault.Error{
		Kind: fault.Invalid, Code: "reportArgument",
		Text: "The report does not take this argument.", Remedy: "includedUserTypes is all, member or guest; includedUserRoles is all, privilegedAdmin, admin or user.",
	}
	ErrCountTooLong = &fault.Error{
		Kind: fault.Unavailable, Code: "reportTooLong",
		Text: "The tenant has too many people to count them in one request.", Remedy: "Read userRegistrationDetails page by page, and count.",
	}
)

// privileged are the roles of privilegedAdmin, as far as they are here.
// https://learn.microsoft.com/graph/api/authenticationmethodsroot-usersregisteredbymethod
var privileged = []directory.RoleID{
	directory.GlobalAdministrator, directory.SecurityAdministrator, directory.ConditionalAccessAdministrator,
	directory.HelpdeskAdministrator, directory.UserAdministrator, directory.AuthenticationAdministrator,
}

// An included group of people is whom a count is about.
type included struct{ types, roles string }

func includedOf(c *call) (included, error) {
	in := included{"all", "all"}
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return in, err
	}
	segment := c.r.PathValue("arguments")
	if segment == "" {
		return in, nil
	}
	arguments, err := odata.ParseKeys(segment)
	if err != nil {
		return in, err
	}
	for _, one := range arguments {
		switch {
		case one.Property == "includedUserTypes" && slices.Contains([]string{"all", "member", "guest"}, one.Value):
			in.types = one.Value
		case one.Property == "includedUserRoles" && slices.Contains([]string{"all", "privilegedAdmin", "admin", "user"}, one.Value):
			in.roles = one.Value
		default:
			return in, ErrCountArgument
		}
	}
	return in, nil
}

func (in included) has(l registered) bool {
	if in.types != "all" && !strings.EqualFold(in.types, l.UserType) {
		return false
	}
	switch in.roles {
	case "admin":
		return len(l.Roles) > 0
	case "user":
		return len(l.Roles) == 0
	case "privilegedAdmin":
		return slices.ContainsFunc(l.Roles, func(r directory.RoleID) bool { return slices.Contains(privileged, r) })
	}
	return true
}

// countPeople counts those of in by each of the names that a person counts for.
func (a *API) countPeople(c *call, in included, namesOf func(registered) []string) (total int, counts map[string]int, err error) {
	rules, err := a.policies(c)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx(), countingTime, ErrCountTooLong)
	defer cancel()
	limited := *c
	limited.r = c.r.WithContext(ctx)
	counts = map[string]int{}
	var position []any
	for more := true; more; {
		var users []directory.User
		var positions [][]any
		if users, positions, more, err = a.Store.UsersAt(ctx, c.tenant.ID, nil, nil, position, method.MostAtOnce); err != nil {
			break
		}
		var lines []registered
		if lines, err = a.registrationsOf(&limited, rules, users); err != nil {
			break
		}
		for _, l := range lines {
			if !in.has(l) {
				continue
			}
			total++
			for _, name := range namesOf(l) {
				counts[name]++
			}
		}
		if more {
			position = positions[len(positions)-1]
		}
	}
	if err != nil && errors.Is(context.Cause(ctx), ErrCountTooLong) {
		err = ErrCountTooLong
	}
	return total, counts, err
}

// countByMethod serves GET /reports/authenticationMethods/usersRegisteredByMethod.
// https://learn.microsoft.com/graph/api/authenticationmethodsroot-usersregisteredbymethod
func (a *API) countByMethod(c *call) error {
	return a.writeCounts(c, "Method", "authenticationMethod", nil, func(l registered) []string { return l.names })
}

// countByFeature serves GET /reports/authenticationMethods/usersRegisteredByFeature.
// https://learn.microsoft.com/graph/api/authenticationmethodsroot-usersregisteredbyfeature
func (a *API) countByFeature(c *call) error {
	features := []string{"ssprRegistered", "ssprEnabled", "ssprCapable", "passwordlessCapable", "mfaCapable"}
	return a.writeCounts(c, "Feature", "feature", features, func(l registered) []string {
		var all []string
		for _, p := range l.resource(time.Time{}) {
			name := strings.TrimPrefix(p.Name, "is")
			for _, f := range features {
				if on, ok := p.Value.(bool); ok && on && strings.EqualFold(f, name) {
					all = append(all, f)
				}
			}
		}
		return all
	})
}

func (a *API) writeCounts(c *call, what, member string, always []string, namesOf func(registered) []string) error {
	in, err := includedOf(c)
	if err != nil {
		return err
	}
	total, counts, err := a.countPeople(c, in, namesOf)
	if err != nil {
		return err
	}
	for _, name := range always {
		counts[name] += 0
	}
	lines := []odata.Entity{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, odata.Entity{{Name: member, Value: name}, {Name: "userCount", Value: counts[name]}})
	}
	set := "microsoft.graph.userRegistration" + what + "Summary"
	return odata.WriteEntity(c.w, 200, a.root(c).Collection(set, nil), odata.Entity{
		{Name: "@odata.type", Value: "#" + set},
		{Name: "totalUserCount", Value: total},
		{Name: "userTypes", Value: in.types},
		{Name: "userRoles", Value: in.roles},
		{Name: "userRegistration" + what + "Counts", Value: lines},
	})
}

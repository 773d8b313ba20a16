package directory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestWhoMayJoin(t *testing.T) {
	selected := directory.JoinScope{Kind: directory.ScopeSelected, Users: []directory.UserID{"ada"}, Groups: []directory.GroupID{"staff"}}
	staff := map[directory.GroupID]bool{"staff": true}
	for what, c := range map[string]struct {
		change func(*directory.JoinPolicy)
		user   directory.UserID
		groups map[directory.GroupID]bool
		kind   directory.TrustType
		amr    []string
		want   error
	}{
		"everybody by default":        {nil, "bea", nil, directory.TrustJoined, nil, nil},
		"nobody":                      {func(p *directory.JoinPolicy) { p.Join.Kind = directory.ScopeNone }, "bea", nil, directory.TrustJoined, nil, directory.ErrJoinNotAllowed},
		"nobody, hybrid":              {func(p *directory.JoinPolicy) { p.Join.Kind = directory.ScopeNone }, "bea", nil, directory.TrustHybrid, nil, directory.ErrJoinNotAllowed},
		"nobody, but registering":     {func(p *directory.JoinPolicy) { p.Join.Kind = directory.ScopeNone }, "bea", nil, directory.TrustRegistered, nil, nil},
		"a selected person":           {func(p *directory.JoinPolicy) { p.Join = selected }, "ada", nil, directory.TrustJoined, nil, nil},
		"a member of a group":         {func(p *directory.JoinPolicy) { p.Join = selected }, "bea", staff, directory.TrustJoined, nil, nil},
		"neither":                     {func(p *directory.JoinPolicy) { p.Join = selected }, "bea", nil, directory.TrustJoined, nil, directory.ErrJoinNotAllowed},
		"multifactor, and it was":     {func(p *directory.JoinPolicy) { p.MFA = directory.MFARequired }, "bea", nil, directory.TrustJoined, []string{"mfa"}, nil},
		"multifactor, and it was not": {func(p *directory.JoinPolicy) { p.MFA = directory.MFARequired }, "bea", nil, directory.TrustJoined, []string{"pwd"}, directory.ErrJoinMFA},
		"no kind of scope":            {func(p *directory.JoinPolicy) { p.Join = directory.JoinScope{} }, "bea", staff, directory.TrustJoined, nil, directory.ErrJoinNotAllowed},
	} {
		p := directory.DefaultJoinPolicy()
		if c.change != nil {
			c.change(&p)
		}
		if err := p.May(c.user, c.groups, c.kind, c.amr); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

func TestAScopeNamesNotMoreThanItMay(t *testing.T) {
	p := directory.DefaultJoinPolicy()
	p.Join.Kind = directory.ScopeSelected
	for range directory.MostInScope {
		p.Join.Users = append(p.Join.Users, directory.UserID(strings.Repeat("0", 8)+"-0000-4000-8000-000000000001"))
	}
	if err := p.Check(); err != nil {
		t.Errorf("as many as fit: %v", err)
	}
	p.Join.Groups = []directory.GroupID{"00000000-0000-4000-8000-000000000001"}
	if err := p.Check(); !errors.Is(err, directory.ErrJoinPolicyInvalid) {
		t.Errorf("one more: %v", err)
	}
}

func TestApprovalIsForThePersonAndTheKindOfJoin(t *testing.T) {
	was := directory.Device{Owner: "ada", TrustType: directory.TrustJoined}
	for what, c := range map[string]struct {
		was  directory.Approval
		d    directory.Device
		want directory.Approval
	}{
		"the same again":                    {directory.Approved, directory.Device{Owner: "ada", TrustType: directory.TrustJoined, Approval: directory.Pending}, directory.Approved},
		"another person":                    {directory.Approved, directory.Device{Owner: "bea", TrustType: directory.TrustJoined, Approval: directory.Pending}, directory.Pending},
		"registered before, joined now":     {directory.Approved, directory.Device{Owner: "ada", TrustType: directory.TrustHybrid, Approval: directory.Pending}, directory.Pending},
		"waits still":                       {directory.Pending, directory.Device{Owner: "ada", TrustType: directory.TrustJoined, Approval: directory.Pending}, directory.Pending},
		"no approval is needed any more":    {directory.Pending, directory.Device{Owner: "ada", TrustType: directory.TrustJoined}, directory.Approved},
		"refused, and no approval needed":   {directory.Refused, directory.Device{Owner: "ada", TrustType: directory.TrustJoined}, directory.Refused},
		"refused, and another person tries": {directory.Refused, directory.Device{Owner: "bea", TrustType: directory.TrustJoined, Approval: directory.Pending}, directory.Refused},
	} {
		before := was
		before.Approval = c.was
		if got := directory.Rejoin(before, c.d); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}

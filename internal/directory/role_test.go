package directory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestBuiltInRoles(t *testing.T) {
	if len(directory.BuiltInRoles) != 33 {
		t.Errorf("there are %d roles, want 33", len(directory.BuiltInRoles))
	}
	seen := map[string]bool{}
	for _, r := range directory.BuiltInRoles {
		if !directory.IsID(string(r.ID)) || string(r.ID) != strings.ToLower(string(r.ID)) {
			t.Errorf("%s: %q is no lower-case UUID", r.DisplayName, r.ID)
		}
		if seen[string(r.ID)] || seen[r.DisplayName] {
			t.Errorf("%s is there twice", r.DisplayName)
		}
		seen[string(r.ID)], seen[r.DisplayName] = true, true
		if r.Description == "" || len(r.Actions) == 0 {
			t.Errorf("%s has no description or no actions", r.DisplayName)
		}
		for _, a := range r.Actions {
			if !strings.HasPrefix(a, "microsoft.") || strings.Count(a, "/") < 2 {
				t.Errorf("%s: %q is no resource action", r.DisplayName, a)
			}
		}
		if found, err := directory.FindRole(r.ID); err != nil || found.DisplayName != r.DisplayName {
			t.Errorf("FindRole(%s) = %q, %v", r.ID, found.DisplayName, err)
		}
	}
	if _, err := directory.FindRole("00000000-0000-0000-0000-000000000001"); !errors.Is(err, directory.ErrRoleUnknown) {
		t.Errorf("an unknown role gave %v", err)
	}
}

func TestRoleAssignmentCheck(t *testing.T) {
	user := directory.Ref{Kind: directory.KindUser, ID: "u"}
	tests := []struct {
		name string
		a    directory.RoleAssignment
		want error
	}{
		{"to a user", directory.RoleAssignment{Principal: user, Role: directory.GlobalReader, Scope: "/"}, nil},
		{"to a group", directory.RoleAssignment{Principal: directory.Ref{Kind: directory.KindGroup, ID: "g"}, Role: directory.GlobalReader, Scope: "/"}, nil},
		{"to a service principal", directory.RoleAssignment{Principal: directory.Ref{Kind: directory.KindServicePrincipal, ID: "s"}, Role: directory.GlobalReader, Scope: "/"}, nil},
		{"to an application", directory.RoleAssignment{Principal: directory.Ref{Kind: directory.KindApplication, ID: "a"}, Role: directory.GlobalReader, Scope: "/"}, directory.ErrAssignmentInvalid},
		{"to nobody", directory.RoleAssignment{Role: directory.GlobalReader, Scope: "/"}, directory.ErrAssignmentInvalid},
		{"to a user without an id", directory.RoleAssignment{Principal: directory.Ref{Kind: directory.KindUser}, Role: directory.GlobalReader, Scope: "/"}, directory.ErrAssignmentInvalid},
		{"of no role", directory.RoleAssignment{Principal: user, Scope: "/"}, directory.ErrRoleUnknown},
		{"in an administrative unit", directory.RoleAssignment{Principal: user, Role: directory.GlobalReader, Scope: "/administrativeUnits/x"}, directory.ErrScopeUnsupported},
		{"in no scope", directory.RoleAssignment{Principal: user, Role: directory.GlobalReader}, directory.ErrScopeUnsupported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.a.Check(); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestNobodyTakesTheirOwnRoleAway(t *testing.T) {
	user := directory.RoleAssignment{Principal: directory.Ref{Kind: directory.KindUser, ID: "ida"}}
	app := directory.RoleAssignment{Principal: directory.Ref{Kind: directory.KindServicePrincipal, ID: "robot"}}
	tests := []struct {
		name string
		a    directory.RoleAssignment
		c    directory.Caller
		want error
	}{
		{"a person, of themselves", user, directory.Caller{User: "ida", ServicePrincipal: "cli"}, directory.ErrOwnAssignment},
		{"an application, of itself", app, directory.Caller{ServicePrincipal: "robot"}, directory.ErrOwnAssignment},
		{"a person, of somebody else", user, directory.Caller{User: "ben", ServicePrincipal: "cli"}, nil},
		{"an application, of a person", user, directory.Caller{ServicePrincipal: "robot"}, nil},
		{"a person, of the application that they use", app, directory.Caller{User: "ida", ServicePrincipal: "robot"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.a.RemovableBy(test.c); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

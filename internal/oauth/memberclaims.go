package oauth

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// mostGroups is how many groups a token names, as at Entra; beyond them it says where to ask.
// https://learn.microsoft.com/security/zero-trust/develop/configure-tokens-group-claims-app-roles
const mostGroups = 200

// memberOf are the claims about what a person belongs to, as one application is told them.
type memberOf struct {
	roles, groups, wids []string
	overage             *token.Overage
}

// memberClaims returns what p, whose application is app, is told about a person: its app roles
// that they have, themselves or by a group, and what groupMembershipClaims asks for.
func (s *Server) memberClaims(r *http.Request, tenant directory.TenantID, user directory.UserID, app directory.Application, p directory.ServicePrincipal) (memberOf, error) {
	ctx := r.Context()
	var m memberOf
	var err error
	if len(p.AppRoles) > 0 {
		if m.roles, err = s.personRoles(ctx, tenant, user, p); err != nil {
			return m, err
		}
	}
	asked := func(flags ...string) bool {
		for flag := range strings.SplitSeq(app.GroupMembershipClaims, ",") {
			if slices.Contains(flags, strings.TrimSpace(flag)) {
				return true
			}
		}
		return false
	}
	if asked("DirectoryRole", "All") {
		held, err := s.Store.RolesOf(ctx, tenant, string(user))
		if err != nil {
			return m, err
		}
		m.wids = texts(held)
	}
	if !asked("SecurityGroup", "ApplicationGroup", "All") {
		return m, nil
	}
	in, err := s.Store.GroupsOf(ctx, tenant, string(user))
	if err != nil {
		return m, err
	}
	m.groups = texts(slices.Sorted(maps.Keys(in)))
	if !asked("SecurityGroup", "All") { // those alone that have to do with the application
		assigned, err := s.Store.AssignedGroups(ctx, tenant, p.ID)
		if err != nil {
			return m, err
		}
		m.groups = slices.DeleteFunc(m.groups, func(g string) bool { return !slices.Contains(assigned, directory.GroupID(g)) })
	}
	if len(m.groups) > mostGroups {
		m.groups, m.overage = nil, token.GroupsAt(s.PublicURL+"/v1.0/users/"+string(user)+"/getMemberObjects")
	}
	return m, nil
}

// personRoles returns the values of the app roles of p that a person has.
func (s *Server) personRoles(ctx context.Context, tenant directory.TenantID, user directory.UserID, p directory.ServicePrincipal) ([]string, error) {
	ids, err := s.Store.AppRolesOfPerson(ctx, tenant, user, p.ID)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, role := range p.AppRoles {
		if role.IsEnabled && role.Value != "" && slices.Contains(ids, role.ID) {
			values = append(values, role.Value)
		}
	}
	return values, nil
}

// wants reports whether the application asked for an optional claim by name.
func wants(claims []directory.OptionalClaim, name string) bool {
	return slices.ContainsFunc(claims, func(c directory.OptionalClaim) bool { return c.Name == name && c.Source == "" })
}

package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// Application returns an application, by object id.
func (c *Client) Application(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, "applications", id)
}

// DeleteApplication deletes an application, by object id.
func (c *Client) DeleteApplication(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "applications", id)
}

// RemovePassword takes a secret, by its key id, away from an application, by object id.
func (c *Client) RemovePassword(ctx context.Context, application, keyID string) error {
	return c.at(ctx, http.MethodPost, Object{"keyId": keyID}, nil, "applications", application, "removePassword")
}

// ServicePrincipals yields the service principals that q asks for.
func (c *Client) ServicePrincipals(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "servicePrincipals")
}

// ServicePrincipal returns the service principal of an application, by client id.
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (Object, error) {
	return c.one(ctx, "servicePrincipals(appId="+Quote(appID)+")")
}

// AppRoleAssignments yields the app roles that a service principal, by object id, has.
func (c *Client) AppRoleAssignments(ctx context.Context, principal string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "servicePrincipals", principal, "appRoleAssignments")
}

// AssignAppRole gives a service principal an app role of a resource, all by object id.
func (c *Client) AssignAppRole(ctx context.Context, principal, resource, role string) error {
	in := Object{"principalId": principal, "resourceId": resource, "appRoleId": role}
	return c.at(ctx, http.MethodPost, in, nil, "servicePrincipals", principal, "appRoleAssignments")
}

// RemoveAppRoleAssignment ends an assignment of a service principal, both by id.
func (c *Client) RemoveAppRoleAssignment(ctx context.Context, principal, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "servicePrincipals", principal, "appRoleAssignments", id)
}

// PermissionGrants yields the delegated permissions that q asks for.
func (c *Client) PermissionGrants(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "oauth2PermissionGrants")
}

// CreatePermissionGrant grants delegated permissions.
func (c *Client) CreatePermissionGrant(ctx context.Context, grant Object) error {
	return c.at(ctx, http.MethodPost, grant, nil, "oauth2PermissionGrants")
}

// UpdatePermissionGrant replaces the scopes of a grant, by id.
func (c *Client) UpdatePermissionGrant(ctx context.Context, id, scope string) error {
	return c.at(ctx, http.MethodPatch, Object{"scope": scope}, nil, "oauth2PermissionGrants", id)
}

// DeletePermissionGrant ends a grant, by id.
func (c *Client) DeletePermissionGrant(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "oauth2PermissionGrants", id)
}

// RoleMembers yields who holds a directory role, by template id.
func (c *Client) RoleMembers(ctx context.Context, role string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "directoryRoles(roleTemplateId="+Quote(role)+")", "members")
}

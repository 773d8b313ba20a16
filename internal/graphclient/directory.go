package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// Me returns the signed-in person; an application gets an Error.
func (c *Client) Me(ctx context.Context) (Object, error) {
	return c.one(ctx, "me")
}

// Users yields the users that q asks for.
func (c *Client) Users(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "users")
}

// User returns a user, by id or UPN.
func (c *Client) User(ctx context.Context, user string) (Object, error) {
	return c.one(ctx, "users", user)
}

// MemberOf yields what a user, by id, is a member of, directly or through groups.
func (c *Client) MemberOf(ctx context.Context, user string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "users", user, "transitiveMemberOf")
}

// CreateUser creates a user and returns it.
func (c *Client) CreateUser(ctx context.Context, user Object) (Object, error) {
	return c.create(ctx, user, "users")
}

// UpdateUser changes the properties in change of a user, by id or UPN.
func (c *Client) UpdateUser(ctx context.Context, user string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, "users", user)
}

// DeleteUser deletes a user, by id or UPN.
func (c *Client) DeleteUser(ctx context.Context, user string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "users", user)
}

// Groups yields the groups that q asks for.
func (c *Client) Groups(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "groups")
}

// CreateGroup creates a group and returns it.
func (c *Client) CreateGroup(ctx context.Context, group Object) (Object, error) {
	return c.create(ctx, group, "groups")
}

// Members yields the direct members of a group, by id.
func (c *Client) Members(ctx context.Context, group string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "groups", group, "members")
}

// AddMember puts an object, by id, into a group, by id.
func (c *Client) AddMember(ctx context.Context, group, member string) error {
	return c.AddLink(ctx, "groups", group, "members", member)
}

// RemoveMember takes an object, by id, out of a group, by id.
func (c *Client) RemoveMember(ctx context.Context, group, member string) error {
	return c.RemoveLink(ctx, "groups", group, "members", member)
}

// RoleDefinitions yields the roles that there are.
func (c *Client) RoleDefinitions(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "roleManagement", "directory", "roleDefinitions")
}

// RoleDefinition returns a role, by id.
func (c *Client) RoleDefinition(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, "roleManagement", "directory", "roleDefinitions", id)
}

// RoleAssignments yields who holds which role, as far as q asks.
func (c *Client) RoleAssignments(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "roleManagement", "directory", "roleAssignments")
}

// AssignRole gives a role to a principal, both by id, in the whole tenant.
func (c *Client) AssignRole(ctx context.Context, role, principal string) (Object, error) {
	in := Object{"roleDefinitionId": role, "principalId": principal, "directoryScopeId": "/"}
	return c.create(ctx, in, "roleManagement", "directory", "roleAssignments")
}

// RemoveAssignment ends a role assignment, by id.
func (c *Client) RemoveAssignment(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "roleManagement", "directory", "roleAssignments", id)
}

// Applications yields the applications that q asks for.
func (c *Client) Applications(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "applications")
}

// CreateApplication registers an application and returns it.
func (c *Client) CreateApplication(ctx context.Context, application Object) (Object, error) {
	return c.create(ctx, application, "applications")
}

// CreateServicePrincipal lets the application with the client id appID into the tenant.
func (c *Client) CreateServicePrincipal(ctx context.Context, appID string) (Object, error) {
	return c.create(ctx, Object{"appId": appID}, "servicePrincipals")
}

// AddPassword gives an application, by object id, a new secret; secretText is shown once.
func (c *Client) AddPassword(ctx context.Context, application string, credential Object) (Object, error) {
	return c.create(ctx, Object{"passwordCredential": credential}, "applications", application, "addPassword")
}

// SignIns yields sign-in events, the latest first unless q says otherwise.
func (c *Client) SignIns(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "auditLogs", "signIns")
}

// DirectoryAudits yields changes, the latest first unless q says otherwise.
func (c *Client) DirectoryAudits(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "auditLogs", "directoryAudits")
}

// Mails yields mail that waits or was given up, the latest first.
func (c *Client) Mails(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "postern", "mails")
}

func (c *Client) one(ctx context.Context, names ...string) (Object, error) {
	var o Object
	err := c.at(ctx, http.MethodGet, nil, &o, names...)
	return o, err
}

func (c *Client) create(ctx context.Context, in Object, names ...string) (Object, error) {
	var o Object
	err := c.at(ctx, http.MethodPost, in, &o, names...)
	return o, err
}

package graph

// What ties a person to others: manager, reports, groups and roles. users.go has the person.

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// getManager serves GET /users/{id}/manager.
func (a *API) getManager(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: userProperties})
	if err != nil {
		return err
	}
	m, err := a.object(c, directory.Ref{Kind: directory.KindUser, ID: string(c.user.Manager)})
	if err != nil {
		return directory.ErrUserUnknown.With("manager", "This person has no manager.")
	}
	e := m.Select(o.Select)
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("directoryObjects", o.Select), e)
}

// putManager serves PUT /users/{id}/manager/$ref.
func (a *API) putManager(c *call) error {
	ref, err := a.readRef(c)
	if err != nil {
		return err
	}
	if ref.Kind != directory.KindUser {
		return odata.ErrMember.With("@odata.id", "A manager is a user.")
	}
	return a.setManager(c, directory.UserID(ref.ID))
}

// deleteManager serves DELETE /users/{id}/manager/$ref.
func (a *API) deleteManager(c *call) error { return a.setManager(c, "") }

func (a *API) setManager(c *call, manager directory.UserID) error {
	e := a.userEvent(c, audit.SetUserManager, audit.OperationUpdate, c.user, []audit.ModifiedProperty{{
		DisplayName: "Manager", OldValue: quoted(string(c.user.Manager)), NewValue: quoted(string(manager)),
	}})
	if err := a.Store.SetManager(c.ctx(), c.tenant.ID, c.user.ID, manager, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// listReports serves GET /users/{id}/directReports.
func (a *API) listReports(c *call) error {
	w, err := a.wish(c, odata.Allow{Properties: userProperties, DefaultTop: usualPage, MaxTop: largestPage}, nil)
	if err != nil {
		return err
	}
	found, position, err := a.Store.Reports(c.ctx(), c.tenant.ID, c.user.ID, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, "directoryObjects", found, position, nil, func(u directory.User) odata.Entity {
		return typed(directory.KindUser, c.userResource(u))
	})
}

// listMemberOf serves GET /users/{id}/memberOf, and transitively.
func (a *API) listMemberOf(c *call) error { return a.writeLinked(c, string(c.user.ID), "memberOf") }

func (a *API) listTransitiveMemberOf(c *call) error {
	return a.writeLinked(c, string(c.user.ID), "transitiveMemberOf")
}

// getMemberIDs serves POST /users/{id}/getMemberGroups and getMemberObjects.
func (a *API) getMemberIDs(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var securityOnly bool
	body.Bool("securityEnabledOnly", &securityOnly) // all groups are security groups
	if err := body.Done(); err != nil {
		return err
	}
	kind := directory.KindGroup
	if strings.HasSuffix(c.r.URL.Path, "getMemberObjects") {
		kind = ""
	}
	refs, _, err := a.Store.Linked(c.ctx(), c.tenant.ID, string(c.user.ID), "transitiveMemberOf", kind, nil, "", 11000)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	return odata.WritePage(c.w, odata.Page[string]{Context: a.root(c).Collection("Collection(Edm.String)", nil), Value: ids})
}

// checkMemberIDs serves POST /users/{id}/checkMemberGroups and checkMemberObjects: of the
// given ids it answers those of groups and roles that the person is in.
func (a *API) checkMemberIDs(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	member := "ids"
	if strings.HasSuffix(c.r.URL.Path, "checkMemberGroups") {
		member = "groupIds"
	}
	var asked []string
	body.Strings(member, &asked)
	if err := body.Done(); err != nil {
		return err
	}
	if len(asked) > maxBind {
		return odata.ErrMember.With(member, member+" holds at most 20 ids.")
	}
	groups, err := a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(c.user.ID))
	if err != nil {
		return err
	}
	var roles []directory.RoleID
	if member == "ids" {
		if roles, err = a.Store.RolesOf(c.ctx(), c.tenant.ID, string(c.user.ID)); err != nil {
			return err
		}
	}
	in := []string{}
	for _, id := range asked {
		id = strings.ToLower(id)
		if groups[directory.GroupID(id)] || slices.Contains(roles, directory.RoleID(id)) {
			in = append(in, id)
		}
	}
	return odata.WritePage(c.w, odata.Page[string]{Context: a.root(c).Collection("Collection(Edm.String)", nil), Value: in})
}

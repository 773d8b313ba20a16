package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/membership"
)

// maxBind is how many members one request may bind.
const maxBind = 20

var groupSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "mailNickname", Type: filter.TypeString, Column: "mail_nickname", Ops: filter.Equality | filter.StartsWith},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "created_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
	{Name: "groupTypes", Column: "group_type", Elements: filter.Schema{{Type: filter.TypeString, Column: "group_type", Ops: filter.Eq}}},
}

var groupProperties = names(groupResource(directory.Group{}))

// groupResource is g as Graph shows it.
func groupResource(g directory.Group) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: g.ID},
		{Name: "deletedDateTime", Value: nil},
		{Name: "createdDateTime", Value: odata.Time(g.CreatedDateTime)},
		{Name: "description", Value: text(g.Description)},
		{Name: "displayName", Value: text(g.DisplayName)},
		{Name: "groupTypes", Value: list(g.GroupTypes)},
		{Name: "isAssignableToRole", Value: g.IsAssignableToRole},
		{Name: "mail", Value: nil},
		{Name: "mailEnabled", Value: g.MailEnabled},
		{Name: "mailNickname", Value: text(g.MailNickname)},
		{Name: "membershipRule", Value: text(g.MembershipRule)},
		{Name: "membershipRuleProcessingState", Value: text(g.ProcessingState)},
		{Name: "securityEnabled", Value: g.SecurityEnabled},
		{Name: "uniqueName", Value: text(g.UniqueName)},
	}
}

func groupTarget(g directory.Group) audit.Target {
	return audit.Target{ID: string(g.ID), Type: audit.TargetGroup, DisplayName: g.DisplayName}
}

func (a *API) groupEvent(c *call, activity, operation string, g directory.Group, changes []audit.ModifiedProperty, more ...audit.Target) audit.Event {
	target := groupTarget(g)
	target.Modified = changes
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryGroupManagement, Service: audit.ServiceCoreDirectory,
		Operation: operation, Targets: append(more, target),
	})
}

// listGroups serves GET /groups.
func (a *API) listGroups(c *call) error {
	w, err := a.wish(c, odata.Allow{
		Properties: groupProperties, DefaultTop: usualPage, MaxTop: largestPage,
		Filter: true, OrderBy: true, Search: true, Count: true,
	}, groupSchema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.Groups(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	count := func(match []filter.Bound) (int, error) { return a.Store.CountGroups(c.ctx(), c.tenant.ID, match) }
	return writeList(a, c, w, "groups", found, position, count, groupResource)
}

// countGroups serves GET /groups/$count.
func (a *API) countGroups(c *call) error {
	w, err := a.counted(c, groupSchema)
	if err != nil {
		return err
	}
	n, err := a.Store.CountGroups(c.ctx(), c.tenant.ID, w.match)
	if err != nil {
		return err
	}
	return odata.WriteCount(c.w, n)
}

// getGroup serves GET /groups/{id}.
func (a *API) getGroup(c *call) error {
	odata.SetETag(c.w, odata.ETag(c.group.Version))
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: groupProperties})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("groups", o.Select), groupResource(c.group).Select(o.Select))
}

// readGroup reads what body says about g.
func readGroup(body *odata.Object, g *directory.Group) {
	body.String("displayName", &g.DisplayName)
	body.String("description", &g.Description)
	body.String("mailNickname", &g.MailNickname)
	body.Bool("mailEnabled", &g.MailEnabled)
	body.Bool("securityEnabled", &g.SecurityEnabled)
	body.Strings("groupTypes", &g.GroupTypes)
	body.String("membershipRule", &g.MembershipRule)
	body.String("membershipRuleProcessingState", &g.ProcessingState)
	body.NotKept("id", "createdDateTime", "deletedDateTime", "mail",
		"visibility", "classification", "theme", "preferredLanguage", "preferredDataLocation", "proxyAddresses")
}

// checkGroup checks g with its rule. A group that is dynamic is so by a rule that is followed,
// unless it says otherwise; one that is no more loses its rule.
func checkGroup(g, old directory.Group) (directory.Group, error) {
	switch {
	case g.Dynamic() && g.ProcessingState == "":
		g.ProcessingState = directory.RuleOn
	case old.Dynamic() && !g.Dynamic():
		g.MembershipRule, g.ProcessingState = "", ""
	}
	err := g.Check()
	if err == nil && g.Dynamic() {
		_, err = membership.Parse(g.MembershipRule)
	}
	return g, err
}

// bound reads the objects that name@odata.bind names.
func (a *API) bound(c *call, body *odata.Object, name string) ([]directory.Ref, error) {
	var addresses []string
	body.Strings(name, &addresses)
	if len(addresses) > maxBind {
		return nil, odata.ErrMember.With(name, name+" holds at most 20 addresses.")
	}
	var refs []directory.Ref
	for _, address := range addresses {
		ref, err := a.refOf(c, name, address)
		if err != nil {
			return nil, err
		}
		if err := belongs(ref, relations[name]); err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

var relations = map[string]directory.Relation{"members@odata.bind": directory.Member, "owners@odata.bind": directory.Owner}

// belongs refuses what cannot be a member or an owner.
func belongs(ref directory.Ref, relation directory.Relation) error {
	if ref.Kind == directory.KindApplication || relation == directory.Owner && (ref.Kind == directory.KindGroup || ref.Kind == directory.KindDevice) {
		return odata.ErrMember.With("@odata.id", "An object of this kind can't be added here.")
	}
	return nil
}

// createGroup serves POST /groups. https://learn.microsoft.com/graph/api/group-post-groups
func (a *API) createGroup(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	g := directory.Group{Tenant: c.tenant.ID, ID: directory.GroupID(uuid.NewString()), CreatedDateTime: a.Now().UTC()}
	readGroup(body, &g)
	body.Bool("isAssignableToRole", &g.IsAssignableToRole)
	body.String("uniqueName", &g.UniqueName)
	members, err := a.bound(c, body, "members@odata.bind")
	if err != nil {
		return err
	}
	owners, err := a.bound(c, body, "owners@odata.bind")
	if err != nil {
		return err
	}
	if err := body.Done(); err != nil {
		return err
	}
	if err := directory.May(c.caller, directory.CreateGroup.OnGroup(g), directory.Target{}); err != nil {
		return err
	}
	if g, err = checkGroup(g, directory.Group{}); err != nil {
		return err
	}
	events := append([]audit.Event{a.groupEvent(c, audit.AddGroup, audit.OperationAdd, g, nil)}, a.memberEvents(c, g, members)...)
	if err := a.Store.CreateGroup(c.ctx(), g, members, owners, events...); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("groups", string(g.ID)), a.root(c).Entity("groups", nil), groupResource(g).Select(nil))
}

func (a *API) memberEvents(c *call, g directory.Group, members []directory.Ref) []audit.Event {
	var all []audit.Event
	for _, m := range members {
		all = append(all, a.groupEvent(c, audit.AddGroupMember, audit.OperationAssign, g, nil, a.objectTarget(c, m)))
	}
	return all
}

// patchGroup serves PATCH /groups/{id}, members@odata.bind included.
func (a *API) patchGroup(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.group.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	old, g := c.group, c.group
	readGroup(body, &g)
	body.NotKept("isAssignableToRole", "uniqueName") // set at creation, and never again
	members, err := a.bound(c, body, "members@odata.bind")
	if err != nil {
		return err
	}
	if err := body.Done(); err != nil {
		return err
	}
	if g, err = checkGroup(g, old); err != nil {
		return err
	}
	var events []audit.Event
	if changes := modified(groupResource(old), groupResource(g)); len(changes) > 0 || len(members) == 0 {
		events = append(events, a.groupEvent(c, audit.UpdateGroup, audit.OperationUpdate, g, changes))
	}
	if err := a.Store.UpdateGroup(c.ctx(), g, members, append(events, a.memberEvents(c, g, members)...)...); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteGroup serves DELETE /groups/{id}: the group can be restored for 30 days.
func (a *API) deleteGroup(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.group.Version)); err != nil {
		return err
	}
	c.group.Version = odata.Wanted(c.r, c.group.Version)
	if err := a.Store.DeleteGroup(c.ctx(), c.group, a.Now(), a.groupEvent(c, audit.DeleteGroup, audit.OperationDelete, c.group, nil)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) listMembers(c *call) error { return a.writeLinked(c, string(c.group.ID), "member") }
func (a *API) listOwners(c *call) error  { return a.writeLinked(c, string(c.group.ID), "owner") }
func (a *API) listTransitiveMembers(c *call) error {
	return a.writeLinked(c, string(c.group.ID), "transitiveMember")
}

func (a *API) listGroupMemberOf(c *call) error {
	return a.writeLinked(c, string(c.group.ID), "memberOf")
}

// addMember serves POST /groups/{id}/members/$ref.
func (a *API) addMember(c *call) error { return a.addLink(c, directory.Member, audit.AddGroupMember) }

// addOwner serves POST /groups/{id}/owners/$ref.
func (a *API) addOwner(c *call) error { return a.addLink(c, directory.Owner, audit.AddGroupOwner) }

func (a *API) addLink(c *call, relation directory.Relation, activity string) error {
	ref, err := a.readRef(c)
	if err != nil {
		return err
	}
	if err := belongs(ref, relation); err != nil {
		return err
	}
	e := a.groupEvent(c, activity, audit.OperationAssign, c.group, nil, a.objectTarget(c, ref))
	if err := a.Store.AddLink(c.ctx(), c.group, relation, ref, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// removeMember serves DELETE /groups/{id}/members/{object}/$ref.
func (a *API) removeMember(c *call) error {
	return a.removeLink(c, directory.Member, audit.RemoveGroupMember)
}

// removeOwner serves DELETE /groups/{id}/owners/{object}/$ref.
func (a *API) removeOwner(c *call) error {
	return a.removeLink(c, directory.Owner, audit.RemoveGroupOwner)
}

func (a *API) removeLink(c *call, relation directory.Relation, activity string) error {
	id := strings.ToLower(c.r.PathValue("object"))
	ref, err := a.Store.Find(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return err
	}
	e := a.groupEvent(c, activity, audit.OperationUnassign, c.group, nil, a.objectTarget(c, ref))
	if err := a.Store.RemoveLink(c.ctx(), c.group, relation, id, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

var groupMembers = groups.core.Attributes.find("members")

// groupDocument is what of g a client may write, without its members.
func groupDocument(g directory.Group) document {
	d := document{}
	d.set("externalId", g.ExternalID)
	d.set("displayName", g.DisplayName)
	return d
}

func writeGroup(g directory.Group, d document) directory.Group {
	g.ExternalID, g.DisplayName = d.text("externalId"), d.text("displayName")
	return g
}

// groupResource is g as it is sent. Room is how many members fit in the answer.
func (a *API) groupResource(c *call, g directory.Group, s selection, room *int) (document, error) {
	d := groupDocument(g)
	a.head(groups, d, string(g.ID), timeText(g.CreatedDateTime), g.Version)
	if s.wants(groupMembers) {
		refs, err := a.members(c, g.ID, *room)
		if err != nil {
			return nil, err
		}
		*room -= len(refs)
		var all []document
		for _, ref := range refs {
			m := document{"value": ref.ID}
			switch ref.Kind {
			case directory.KindUser:
				m["type"], m["$ref"] = "User", a.address("", "Users", ref.ID)
			case directory.KindGroup:
				m["type"], m["$ref"] = "Group", a.address("", "Groups", ref.ID)
			default: // a device or an application, which SCIM does not know
				continue
			}
			all = append(all, m)
		}
		d.set("members", all)
	}
	return s.of(groups, d), nil
}

// members returns who is in a group, or ErrMany if that is more than fit.
func (a *API) members(c *call, id directory.GroupID, room int) (all []directory.Ref, err error) {
	for after, more := "", true; more; after = all[len(all)-1].ID {
		var refs []directory.Ref
		if refs, more, err = a.Store.Linked(c.ctx(), c.tenant(), string(id), "member", "", nil, after, 1000); err != nil {
			return nil, err
		}
		if all = append(all, refs...); len(all) > room {
			return nil, ErrMany.With("members", fmt.Sprintf("More than %d members do not fit in one answer. Ask with excludedAttributes=members.", maxMembers))
		}
		if len(all) == 0 {
			break
		}
	}
	return all, nil
}

func (a *API) sendGroup(c *call, code int, g directory.Group) error {
	s, err := groups.selected(c)
	if err != nil {
		return err
	}
	room := maxMembers
	d, err := a.groupResource(c, g, s, &room)
	if err != nil {
		return err
	}
	a.send(c, code, groups, d, string(g.ID), g.Version)
	return nil
}

func (a *API) group(c *call) (directory.Group, error) {
	if !directory.IsID(c.id()) {
		return directory.Group{}, directory.ErrGroupUnknown
	}
	return a.Store.Group(c.ctx(), c.tenant(), directory.GroupID(c.id()))
}

func (a *API) getGroup(c *call) error {
	if err := c.may(directory.ReadGroup); err != nil {
		return err
	}
	g, err := a.group(c)
	if err != nil {
		return err
	}
	return a.sendGroup(c, http.StatusOK, g)
}

func (a *API) findGroups(c *call, p parameters) error {
	if err := c.may(directory.ReadGroup); err != nil {
		return err
	}
	q, err := groups.query(p, groupColumns)
	if err != nil {
		return err
	}
	s := source[directory.Group]{
		read: func(ctx context.Context, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Group, []any, error) {
			return a.Store.Groups(ctx, c.tenant(), match, order, after, limit)
		},
		count: func(ctx context.Context, match []filter.Bound) (int, error) {
			return a.Store.CountGroups(ctx, c.tenant(), match)
		},
	}
	found, err := pageOf(c.ctx(), a, s, q, string(c.tenant())+"\x00groups\x00"+q.text)
	if err != nil {
		return err
	}
	room, all := maxMembers, make([]document, len(found.found))
	for i, g := range found.found {
		if all[i], err = a.groupResource(c, g, q.selection, &room); err != nil {
			return err
		}
	}
	writePage(c, q, all, found.total, found.next)
	return nil
}

func (a *API) createGroup(c *call) error {
	if err := c.may(directory.CreateGroup); err != nil {
		return err
	}
	d, err := groups.fromBody(c, urnGroup)
	if err != nil {
		return err
	}
	ids, err := memberIDs(d.list("members"))
	if err != nil {
		return err
	}
	refs, err := a.refs(c, ids)
	if err != nil {
		return err
	}
	g, err := a.Provision.CreateGroup(c.ctx(), c.by, writeGroup(directory.Group{}, d), refs)
	if err != nil {
		return err
	}
	if g, err = a.Store.Group(c.ctx(), c.tenant(), g.ID); err != nil {
		return err
	}
	return a.sendGroup(c, http.StatusCreated, g)
}

// memberIDs returns the ids in a list of members, each once.
func memberIDs(list []document) (ids []string, err error) {
	for _, m := range list {
		id := strings.ToLower(m.text("value"))
		if !directory.IsID(id) {
			return nil, ErrValue.With("members", "The value of a member is the id of a user or a group.")
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// refs says what the objects with ids are.
func (a *API) refs(c *call, ids []string) (refs []directory.Ref, err error) {
	for _, id := range ids {
		ref, err := a.Store.Find(c.ctx(), c.tenant(), id)
		if errors.Is(err, directory.ErrObjectUnknown) {
			return nil, ErrValue.With("members", "There is no member with the id "+id+".")
		}
		if err != nil {
			return nil, err
		}
		if ref.Kind == directory.KindApplication {
			return nil, ErrValue.With("members", "An object of this kind can't be a member.")
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// A shift is what happens to the members of a group.
type shift struct {
	clear       bool // first, everybody goes
	add, remove []string
}

func (s *shift) adding(ids []string) {
	for _, id := range ids {
		s.remove = slices.DeleteFunc(s.remove, func(x string) bool { return x == id })
		if !slices.Contains(s.add, id) {
			s.add = append(s.add, id)
		}
	}
}

func (s *shift) removing(ids []string) {
	for _, id := range ids {
		s.add = slices.DeleteFunc(s.add, func(x string) bool { return x == id })
		if !slices.Contains(s.remove, id) {
			s.remove = append(s.remove, id)
		}
	}
}

func (s *shift) clearing() { *s = shift{clear: true} }

// applyGroup does o to d and s.
func applyGroup(d document, s *shift, o operation) error {
	if o.path == "" {
		values, ok := o.value.(map[string]any)
		if !ok {
			return groups.apply(d, o) // which says what is wrong
		}
		rest := map[string]any{}
		for _, n := range sorted(values) {
			if !strings.EqualFold(n, "members") {
				rest[n] = values[n]
			} else if err := applyMembers(s, nil, operation{o.op, n, values[n]}); err != nil {
				return err
			}
		}
		if len(rest) == 0 && len(values) > 0 {
			return nil
		}
		return groups.apply(d, operation{o.op, "", rest})
	}
	t, err := filter.ParseTarget(o.path)
	if err != nil {
		return groups.applyAt(d, o)
	}
	p, ok := groups.locate(t.Path)
	if !ok || p.attribute == nil || p.attribute.Name != "members" {
		return groups.applyAt(d, o)
	}
	if t.Sub != "" || p.sub != nil {
		return ErrMutable.With("members", "A member is added or removed as a whole.")
	}
	return applyMembers(s, t.Elements, o)
}

// applyMembers does o to members, which nobody reads for that: a group may have many.
func applyMembers(s *shift, elements filter.Expr, o operation) error {
	if elements != nil {
		ids, err := idsIn(elements)
		switch {
		case err != nil:
			return err
		case o.op != "remove":
			return ErrMutable.With("members", "A member is added or removed as a whole.")
		}
		s.removing(ids)
		return nil
	}
	v, err := groupMembers.read(o.value)
	if err != nil {
		return err
	}
	list, _ := v.([]document)
	ids, err := memberIDs(list)
	switch {
	case err != nil:
		return err
	case o.op == "add":
		s.adding(ids)
	case o.op == "replace":
		s.clearing()
		s.adding(ids)
	case o.value == nil:
		s.clearing()
	default: // Entra removes members by their values
		s.removing(ids)
	}
	if len(s.add)+len(s.remove) > maxValues {
		return ErrMany.With("members", fmt.Sprintf("A request changes at most %d members.", maxValues))
	}
	return nil
}

// idsIn returns the ids of value eq "…", joined by or.
func idsIn(e filter.Expr) (ids []string, err error) {
	switch e := e.(type) {
	case filter.Or:
		for _, x := range e {
			more, err := idsIn(x)
			if err != nil {
				return nil, err
			}
			ids = append(ids, more...)
		}
		return ids, nil
	case filter.Compare:
		id, ok := e.Value.(filter.String)
		if ok && e.Op == filter.Eq && len(e.Path) == 1 && strings.EqualFold(e.Path[0], "value") {
			return memberIDs([]document{{"value": string(id)}})
		}
	}
	return nil, filter.ErrUnsupported.With("path", "Members are found by value eq and an id, joined by or.")
}

func (a *API) putGroup(c *call) error {
	var d document
	return a.changeGroup(c, func(old directory.Group) (directory.Group, shift, error) {
		if d == nil {
			var err error
			if d, err = groups.fromBody(c, urnGroup); err != nil {
				return old, shift{}, err
			}
		}
		ids, err := memberIDs(d.list("members"))
		return writeGroup(old, d), shift{clear: true, add: ids}, err
	})
}

func (a *API) patchGroup(c *call) error {
	var operations []operation
	return a.changeGroup(c, func(old directory.Group) (directory.Group, shift, error) {
		var s shift
		if operations == nil {
			var err error
			if operations, err = groups.patchBody(c); err != nil {
				return old, s, err
			}
		}
		d := groupDocument(old)
		err := applyAll(c.ctx(), operations, func(o operation) error { return applyGroup(d, &s, o) })
		return writeGroup(old, d), s, err
	})
}

// changeGroup reads a group, lets change make it another one, and stores that.
func (a *API) changeGroup(c *call, change func(directory.Group) (directory.Group, shift, error)) error {
	for try := 1; ; try++ {
		old, err := a.groupToChange(c)
		if err != nil {
			return err
		}
		if err := c.precondition(old.Version); err != nil {
			return err
		}
		g, s, err := change(old)
		if err != nil {
			return err
		}
		add, remove, err := a.difference(c, g, s)
		if err != nil {
			return err
		}
		err = a.Provision.ChangeGroup(c.ctx(), c.by, old, g, add, remove)
		if err := c.again(err, try); err != nil {
			return err
		}
		if err != nil {
			continue
		}
		if g, err = a.group(c); err != nil {
			return err
		}
		if c.r.Method == http.MethodPatch && !c.r.URL.Query().Has("attributes") {
			c.w.Header().Set("ETag", etag(g.Version))
			c.w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return a.sendGroup(c, http.StatusOK, g)
	}
}

// groupToChange returns the group to those who may change some group or its members.
func (a *API) groupToChange(c *call) (directory.Group, error) {
	if err := c.may(directory.UpdateGroup); err != nil {
		if c.may(directory.ChangeMembers) != nil {
			return directory.Group{}, err
		}
	}
	return a.group(c)
}

// difference returns who is to be added and removed. Only who replaces all members needs to
// know who they are.
func (a *API) difference(c *call, g directory.Group, s shift) (add, remove []directory.Ref, err error) {
	if !s.clear {
		if add, err = a.refs(c, s.add); err != nil {
			return nil, nil, err
		}
		for _, id := range s.remove {
			remove = append(remove, directory.Ref{Kind: directory.KindUser, ID: id})
		}
		return add, remove, nil
	}
	there, err := a.members(c, g.ID, maxMembers)
	if err != nil {
		return nil, nil, err
	}
	missing := slices.Clone(s.add)
	for _, m := range there {
		if slices.Contains(s.add, m.ID) {
			missing = slices.DeleteFunc(missing, func(id string) bool { return id == m.ID })
		} else if m.Kind == directory.KindUser || m.Kind == directory.KindGroup {
			remove = append(remove, m)
		}
	}
	add, err = a.refs(c, missing)
	return add, remove, err
}

func (a *API) deleteGroup(c *call) error {
	if err := c.may(directory.DeleteGroup); err != nil {
		return err
	}
	g, err := a.group(c)
	if err != nil {
		return err
	}
	if err := c.precondition(g.Version); err != nil {
		return err
	}
	g.Version = c.wanted(g.Version)
	if err := a.Provision.DeleteGroup(c.ctx(), c.by, g); err != nil {
		return c.again(err, maxTries)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

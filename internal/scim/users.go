package scim

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

var userGroups = users.core.Attributes.find("groups")

// userResource is u as it is sent. Room is how many groups fit in the answer.
func (a *API) userResource(c *call, u directory.User, s selection, room *int) (document, error) {
	if c.may(directory.ReadLeaveDate) != nil {
		u.EmployeeLeaveDateTime = time.Time{}
	}
	d := userDocument(u)
	name := d.inner("name")
	if formatted := strings.TrimSpace(u.GivenName + " " + u.Surname); formatted != "" {
		name["formatted"] = formatted
	}
	if m := d.inner(urnEnterprise).inner("manager"); m != nil {
		m["$ref"] = a.address("", "Users", string(u.Manager))
	}
	if u.Source != "" {
		d.part(urnPostern)["source"] = string(u.Source)
	}
	a.head(users, d, string(u.ID), timeText(u.CreatedDateTime), u.Version)
	if s.wants(userGroups) {
		refs, more, err := a.Store.Linked(c.ctx(), c.tenant(), string(u.ID), "memberOf", directory.KindGroup, nil, "", maxValues)
		if err != nil {
			return nil, err
		}
		if *room -= len(refs); more || *room < 0 {
			return nil, ErrMany.With("groups", "These are too many groups for one answer. Ask for fewer people at a time.")
		}
		var all []document
		for _, ref := range refs {
			all = append(all, document{"value": ref.ID, "$ref": a.address("", "Groups", ref.ID), "type": "direct"})
		}
		d.set("groups", all)
	}
	return s.of(users, d), nil
}

// head adds what every resource begins with.
func (a *API) head(k *kind, d document, id, created string, version int64) {
	urns := []string{k.core.ID}
	for _, x := range k.extensions {
		if d[x.ID] != nil {
			urns = append(urns, x.ID)
		}
	}
	d["schemas"], d["id"] = urns, id
	meta := document{"resourceType": k.name, "location": a.address(k.endpoint, id), "version": etag(version)}
	meta.set("created", created)
	d["meta"] = meta
}

func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// meets reports whether one of the entity tags in a header is tag. Tags are weak: compared by what
// is in the quotes.
func meets(header, tag string) bool {
	for h := range strings.SplitSeq(header, ",") {
		h = strings.TrimSpace(h)
		if h == "*" || strings.TrimPrefix(h, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// precondition checks If-Match.
func (c *call) precondition(version int64) error {
	if h := c.r.Header.Get("If-Match"); h != "" && !meets(h, etag(version)) {
		return ErrVersion
	}
	return nil
}

// wanted is the version that has to be the stored one when what precondition let by is deleted.
func (c *call) wanted(version int64) int64 {
	if h := c.r.Header.Get("If-Match"); h == "" || h == "*" {
		return directory.AnyVersion
	}
	return version
}

// sendUser answers with u, or 304 where the client has it.
func (a *API) sendUser(c *call, code int, u directory.User) error {
	s, err := users.selected(c)
	if err != nil {
		return err
	}
	room := maxValues
	d, err := a.userResource(c, u, s, &room)
	if err != nil {
		return err
	}
	a.send(c, code, users, d, string(u.ID), u.Version)
	return nil
}

func (k *kind) selected(c *call) (selection, error) {
	q := c.r.URL.Query()
	return k.selection(split(q.Get("attributes")), split(q.Get("excludedAttributes")))
}

func (a *API) send(c *call, code int, k *kind, d document, id string, version int64) {
	c.w.Header().Set("ETag", etag(version))
	if h := c.r.Header.Get("If-None-Match"); c.r.Method == http.MethodGet && h != "" && meets(h, etag(version)) {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	c.w.Header().Set("Content-Location", a.address(k.endpoint, id))
	if code == http.StatusCreated {
		c.w.Header().Set("Location", a.address(k.endpoint, id))
	}
	write(c.w, code, d)
}

func (a *API) user(c *call) (directory.User, error) {
	if !directory.IsID(c.id()) {
		return directory.User{}, directory.ErrUserUnknown
	}
	return a.Store.User(c.ctx(), c.tenant(), directory.UserID(c.id()))
}

func (a *API) getUser(c *call) error {
	if err := c.may(directory.ReadUser); err != nil {
		return err
	}
	u, err := a.user(c)
	if err != nil {
		return err
	}
	return a.sendUser(c, http.StatusOK, u)
}

func (a *API) findUsers(c *call, p parameters) error {
	if err := c.may(directory.ReadUser); err != nil {
		return err
	}
	q, err := users.query(p, userColumns)
	if err != nil {
		return err
	}
	s := source[directory.User]{
		read: func(ctx context.Context, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.User, []any, error) {
			return a.Store.Users(ctx, c.tenant(), match, order, after, limit)
		},
		count: func(ctx context.Context, match []filter.Bound) (int, error) {
			return a.Store.CountUsers(ctx, c.tenant(), match)
		},
	}
	found, err := pageOf(c.ctx(), a, s, q, string(c.tenant())+"\x00users\x00"+q.text)
	if err != nil {
		return err
	}
	room, all := maxMembers, make([]document, len(found.found))
	for i, u := range found.found {
		if all[i], err = a.userResource(c, u, q.selection, &room); err != nil {
			return err
		}
	}
	writePage(c, q, all, found.total, found.next)
	return nil
}

func writePage(c *call, q query, all []document, total int, next []any) {
	body := map[string]any{"schemas": []string{urnList}, "totalResults": total, "itemsPerPage": len(all), "Resources": all}
	if q.byCursor {
		if next != nil {
			body["nextCursor"] = sealCursor(next)
		}
	} else {
		body["startIndex"] = q.start
	}
	write(c.w, http.StatusOK, body)
}

func (a *API) createUser(c *call) error {
	if err := c.may(directory.CreateUser); err != nil {
		return err
	}
	d, err := users.fromBody(c, urnUser)
	if err != nil {
		return err
	}
	if _, said := d["active"]; !said {
		d["active"] = true
	}
	u, err := writeUser(directory.User{}, d)
	if err != nil {
		return err
	}
	if err := known(u); err != nil {
		return err
	}
	if u, err = a.Provision.CreateUser(c.ctx(), c.by, u); err != nil {
		return err
	}
	return a.sendUser(c, http.StatusCreated, u)
}

// bodyOf reads the body of a change. What is wrong with the wish for the answer is said before
// anything is done.
func (k *kind) bodyOf(c *call) (map[string]any, error) {
	if _, err := k.selected(c); err != nil {
		return nil, err
	}
	return readBody(c.r)
}

// patchBody reads the body of a PATCH.
func (k *kind) patchBody(c *call) ([]operation, error) {
	body, err := k.bodyOf(c)
	if err != nil {
		return nil, err
	}
	return readPatch(body)
}

// fromBody reads the body of a POST or PUT.
func (k *kind) fromBody(c *call, urn string) (document, error) {
	body, err := k.bodyOf(c)
	if err != nil {
		return nil, err
	}
	if !hasSchema(body, urn) {
		return nil, ErrSyntax.With("schemas", "schemas must hold "+urn+".")
	}
	return k.read(body)
}

// known refuses a manager that is no id, before a store is asked for it.
func known(u directory.User) error {
	if u.Manager != "" && !directory.IsID(string(u.Manager)) {
		return ErrValue.With("manager", "manager is the id of a user.")
	}
	return nil
}

func (a *API) putUser(c *call) error {
	var d document
	return a.changeUser(c, func(old directory.User) (directory.User, error) {
		if d == nil {
			var err error
			if d, err = users.fromBody(c, urnUser); err != nil {
				return old, err
			}
		}
		if _, said := d["active"]; !said {
			d["active"] = old.AccountEnabled
		}
		return writeUser(old, d)
	})
}

func (a *API) patchUser(c *call) error {
	var operations []operation
	return a.changeUser(c, func(old directory.User) (directory.User, error) {
		if operations == nil {
			var err error
			if operations, err = users.patchBody(c); err != nil {
				return old, err
			}
		}
		d := userDocument(old)
		if err := applyAll(c.ctx(), operations, func(o operation) error { return users.apply(d, o) }); err != nil {
			return old, err
		}
		return writeUser(old, d)
	})
}

// changeUser reads a person, lets change make them another one, and stores that.
func (a *API) changeUser(c *call, change func(directory.User) (directory.User, error)) error {
	if err := c.may(directory.UpdateUser); err != nil {
		return err
	}
	for try := 1; ; try++ {
		old, err := a.user(c)
		if err != nil {
			return err
		}
		if _, err := a.Provision.MayChange(c.ctx(), c.by, old); err != nil {
			return err
		}
		if err := c.precondition(old.Version); err != nil {
			return err
		}
		u, err := c.leaving(old, change)
		if err != nil {
			return err
		}
		if err := known(u); err != nil {
			return err
		}
		_, err = a.Provision.ChangeUser(c.ctx(), c.by, old, u)
		if err := c.again(err, try); err != nil {
			return err
		}
		if err != nil {
			continue
		}
		if u, err = a.user(c); err != nil {
			return err
		}
		return a.sendUser(c, http.StatusOK, u)
	}
}

// leaving lets change make old another one. When they leave is neither shown to a caller who may not read it nor changed by one
// who may not write it: who does not name it, as somebody who was not shown it, leaves it as it is.
func (c *call) leaving(old directory.User, change func(directory.User) (directory.User, error)) (directory.User, error) {
	kept, refused := old.EmployeeLeaveDateTime, c.may(directory.WriteLeaveDate)
	if refused == nil {
		return change(old)
	}
	if c.may(directory.ReadLeaveDate) != nil {
		old.EmployeeLeaveDateTime = time.Time{}
	}
	u, err := change(old)
	if err == nil && !u.EmployeeLeaveDateTime.IsZero() && !u.EmployeeLeaveDateTime.Equal(old.EmployeeLeaveDateTime) {
		err = refused
	}
	u.EmployeeLeaveDateTime = kept
	return u, err
}

// again returns nil when a change came to nothing because somebody else was faster, and is to be
// tried again.
func (c *call) again(err error, try int) error {
	switch {
	case !errors.Is(err, directory.ErrChanged):
		return err
	case c.r.Header.Get("If-Match") != "" || try == maxTries:
		return ErrVersion
	}
	return nil
}

func (a *API) deleteUser(c *call) error {
	if err := c.may(directory.UpdateUser); err != nil {
		return err
	}
	for try := 1; ; try++ {
		u, err := a.user(c)
		if err != nil {
			return err
		}
		if err := c.precondition(u.Version); err != nil {
			return err
		}
		err = a.Provision.DeleteUser(c.ctx(), c.by, u)
		if err := c.again(err, try); err != nil {
			return err
		}
		if err == nil {
			c.w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
}

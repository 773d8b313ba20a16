package graph

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// A credentialSet is one of Graph's sets of registered methods, such as softwareOathMethods. To
// add a kind of method, write a file like softwareoath.go and its name below: routes, what all
// kinds show, removal and freezing are done here for every one.
type credentialSet struct {
	segment string // of the path
	kind    signin.MethodID
	// odataType is without what all types have in common: fido2AuthenticationMethod.
	odataType    string
	read, remove directory.Action
	// id is Graph's id when everybody's method of the kind has the same; empty: its own.
	id     string
	policy string // id of the configuration that says who may use it
	// yield is what a proof by c shows for somebody in groups under p, and nothing when p does not
	// let them use it; with nil for p, the most that it could show.
	yield func(c method.Credential, p methodPolicy, groups map[directory.GroupID]bool) signin.Yield
	// names is what reports call c, the main one first; second what they call it as a second
	// factor, if it can be one.
	names  func(c method.Credential) []string
	second string
	// own are the properties that only this kind has. It takes a credential without data.
	own func(c method.Credential) (odata.Entity, error)
}

// credentialSets are the sets whose members are in the registry, in the order of
// GET /users/{id}/authentication/methods.
var credentialSets = []credentialSet{passkeys, phones, softwareOaths, passwords}

// credentialRoutes are the routes of all sets.
func credentialRoutes() []route {
	var all []route
	for _, s := range credentialSets {
		set := "/users/{id}/authentication/" + s.segment
		all = append(all,
			route{"GET " + set, odata.Methods, s.read, person, s.serveList},
			route{"GET " + set + "/{method}", odata.Methods, s.read, person, s.serveOne},
			route{"DELETE " + set + "/{method}", odata.Methods, s.remove, person, s.serveRemoval},
		)
	}
	return all
}

// unreadable is the property of what can't be read as it is stored.
const unreadable = "postern_isUnreadable"

// resource is a credential as Graph shows it; the type comes first, the id second. One that can't be
// read is shown as such, so that the person's other methods are seen and this one can be removed.
func (s credentialSet) resource(c method.Credential) odata.Entity {
	own, err := s.own(c)
	if c.Unreadable = c.Unreadable || err != nil; c.Unreadable {
		own, _ = s.own(method.Credential{Data: []byte("{}")})
		for i := range own {
			own[i].Value = nil
		}
	}
	id := c.ID
	if s.id != "" {
		id = s.id
	}
	e := append(odata.Entity{{Name: "@odata.type", Value: "#microsoft.graph." + s.odataType}, {Name: "id", Value: id}}, own...)
	return append(e, odata.Entity{
		{Name: "createdDateTime", Value: odata.Time(c.CreatedAt)},
		{Name: "postern_displayName", Value: c.Name, OnSelect: true},
		{Name: "postern_lastUsedDateTime", Value: odata.Time(c.UsedAt), OnSelect: true},
		{Name: "postern_lastUsedOn", Value: textOrNull(c.UsedOn), OnSelect: true},
		{Name: "postern_frozenDateTime", Value: odata.Time(c.FrozenAt), OnSelect: true},
		// How it came to be: with which method the person had signed in, under which pass, from
		// where, or who did it for them.
		{Name: "postern_registeredWith", Value: textOrNull(string(c.Origin.Proof)), OnSelect: true},
		{Name: "postern_registeredUnderPass", Value: textOrNull(c.Origin.Pass), OnSelect: true},
		{Name: "postern_registeredFrom", Value: textOrNull(c.Origin.Address), OnSelect: true},
		{Name: "postern_registeredOn", Value: textOrNull(c.Origin.Browser), OnSelect: true},
		{Name: "postern_registeredBy", Value: textOrNull(c.Origin.By), OnSelect: true},
		{Name: unreadable, Value: c.Unreadable, OnSelect: true},
	}...)
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// properties are the names that $select takes; they do not depend on the data.
func (s credentialSet) properties() []string {
	return s.resource(method.Credential{Data: []byte("{}")}).Names()
}

func (s credentialSet) path(c *call) string {
	return odata.Within("users", string(c.user.ID), "authentication/"+s.segment)
}

// serveList serves GET for all of a person's methods of the set.
func (s credentialSet) serveList(a *API, c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: s.properties(), MaxTop: 100, DefaultTop: 100, Skip: true})
	if err != nil {
		return err
	}
	all, err := s.of(a, c)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(s.path(c), options.Select)}
	all = all[min(options.Skip, len(all)):]
	for _, one := range all[:min(options.Top, len(all))] {
		page.Value = append(page.Value, s.resource(one).Select(options.Select)[1:]) // its type is that of the collection
	}
	return odata.WritePage(c.w, page)
}

// serveOne serves GET for one of them.
func (s credentialSet) serveOne(a *API, c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: s.properties()})
	if err != nil {
		return err
	}
	one, err := s.named(a, c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(s.path(c), options.Select), s.resource(one).Select(options.Select)[1:])
}

// serveRemoval serves DELETE: the method signs nobody in from now on, and what came from it ends.
func (s credentialSet) serveRemoval(a *API, c *call) error {
	one, err := s.named(a, c)
	if err != nil {
		return err
	}
	if err := a.Registry.Remove(c.ctx(), one, c.user, a.methodActor(c)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// named returns the method that the path names if it is the user's.
func (s credentialSet) named(a *API, c *call) (method.Credential, error) {
	id, err := objectID(c, "method", method.ErrNone)
	if err != nil {
		return method.Credential{}, err
	}
	all, err := s.of(a, c)
	for _, one := range all {
		if one.ID == id || s.id != "" && s.id == id {
			return one, nil
		}
	}
	if err == nil {
		err = method.ErrNone
	}
	return method.Credential{}, err
}

// of returns the user's methods of the set.
func (s credentialSet) of(a *API, c *call) ([]method.Credential, error) {
	all, err := a.Registry.Store.Credentials(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return nil, err
	}
	var own []method.Credential
	for _, one := range all {
		if one.Kind == s.kind {
			own = append(own, one)
		}
	}
	return own, nil
}

// credentialsOf returns all of the user's methods that are in the registry, with all that
// they can show.
func (a *API) credentialsOf(c *call) ([]odata.Entity, error) {
	found, err := a.Registry.Store.Credentials(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return nil, err
	}
	var all []odata.Entity
	for _, s := range credentialSets {
		for _, one := range found {
			if one.Kind != s.kind {
				continue
			}
			all = append(all, s.resource(one))
		}
	}
	return all, nil
}

// methodActor is who changes a method.
func (a *API) methodActor(c *call) method.Actor {
	return method.Actor{By: c.actor, Self: c.caller.User == c.user.ID, CorrelationID: request.From(c.ctx()).CorrelationID}
}

// freezeMethod serves POST /postern/users/{id}/methods/{method}/freeze: the method signs nobody
// in until somebody thaws it, and what came from it ends.
func (a *API) freezeMethod(c *call) error { return a.setFrozen(c, a.Registry.Freeze) }

// thawMethod serves POST /postern/users/{id}/methods/{method}/thaw.
func (a *API) thawMethod(c *call) error { return a.setFrozen(c, a.Registry.Thaw) }

func (a *API) setFrozen(c *call, set func(context.Context, method.Credential, directory.User, method.Actor) error) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return err
	}
	if err := body.Done(); err != nil {
		return err
	}
	id, err := objectID(c, "method", method.ErrNone)
	if err != nil {
		return err
	}
	one, err := a.Registry.Store.Credential(c.ctx(), c.tenant.ID, id)
	if err == nil && one.User != c.user.ID {
		err = method.ErrNone
	}
	if err != nil {
		return err
	}
	if err := set(c.ctx(), one, c.user, a.methodActor(c)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

package graph

import (
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// A credentialSet is one of Graph's sets of registered methods, such as softwareOathMethods.
type credentialSet struct {
	segment    string
	kind       signin.MethodID
	properties []string
	// resource is a credential as Graph shows it; the type comes first, the id second.
	resource func(c method.Credential) odata.Entity
}

// credentialSets are the sets whose members are in the registry, in the order of
// GET /users/{id}/authentication/methods.
var credentialSets = []credentialSet{softwareOaths}

func (s credentialSet) path(c *call) string {
	return odata.Within("users", string(c.user.ID), "authentication/"+s.segment)
}

// list serves GET /users/{id}/authentication/ and the segment.
func (s credentialSet) list(a *API, c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: s.properties, MaxTop: 100, DefaultTop: 100, Skip: true})
	if err != nil {
		return err
	}
	all, err := s.of(a, c)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(s.path(c), options.Select), Value: []odata.Entity{}}
	all = all[min(options.Skip, len(all)):]
	for _, one := range all[:min(options.Top, len(all))] {
		page.Value = append(page.Value, s.resource(one).Select(options.Select)[1:]) // its type is that of the collection
	}
	return odata.WritePage(c.w, page)
}

// get serves GET for one of them.
func (s credentialSet) get(a *API, c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: s.properties})
	if err != nil {
		return err
	}
	one, err := s.named(a, c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(s.path(c), options.Select), s.resource(one).Select(options.Select)[1:])
}

// remove serves DELETE: the method signs nobody in from now on, and what came from it ends.
func (s credentialSet) remove(a *API, c *call) error {
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
		if s.resource(one)[1].Value == id {
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

// credentialsOf returns all of the user's methods that are in the registry.
func (a *API) credentialsOf(c *call) ([]odata.Entity, error) {
	found, err := a.Registry.Store.Credentials(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return nil, err
	}
	var all []odata.Entity
	for _, s := range credentialSets {
		for _, one := range found {
			if one.Kind == s.kind {
				all = append(all, s.resource(one).Select(nil))
			}
		}
	}
	return all, nil
}

// methodActor is who changes a method.
func (a *API) methodActor(c *call) method.Actor {
	return method.Actor{By: c.actor, Self: c.caller.User == c.user.ID, CorrelationID: request.From(c.ctx()).CorrelationID}
}

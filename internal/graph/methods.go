package graph

import (
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
)

// listMethods serves GET /users/{id}/authentication/methods: what of every kind a person has.
// https://learn.microsoft.com/graph/api/authentication-list-methods
func (a *API) listMethods(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: methodProperties(), MaxTop: 100, DefaultTop: 100, Skip: true})
	if err != nil {
		return err
	}
	all, err := a.methodsOf(c, options.Select)
	if err != nil {
		return err
	}
	all = all[min(options.Skip, len(all)):]
	return odata.WritePage(c.w, odata.Page[odata.Entity]{
		Context: a.root(c).Collection(methodSet(c), options.Select), Value: all[:min(options.Top, len(all))],
	})
}

// getMethod serves GET /users/{id}/authentication/methods/{method}.
func (a *API) getMethod(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: methodProperties()})
	if err != nil {
		return err
	}
	id, err := objectID(c, "method", method.ErrNone)
	if err != nil {
		return err
	}
	names := options.Select
	if names != nil && !slices.Contains(names, "id") {
		names = append(slices.Clone(names), "id")
	}
	all, err := a.methodsOf(c, names)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one[1].Value == id {
			return odata.WriteEntity(c.w, 200, a.root(c).Entity(methodSet(c), options.Select), one.Select(options.Select))
		}
	}
	return method.ErrNone
}

func methodSet(c *call) string {
	return odata.Within("users", string(c.user.ID), "authentication/methods")
}

// methodProperties are what $select may name of methods of any kind; each shows what it has.
func methodProperties() []string {
	all := slices.Concat(passProperties, helloProperties)
	for _, s := range credentialSets {
		all = append(all, s.properties()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// methodsOf returns the registered methods, each with its type first and, when it is among
// names or these are nil, its id second.
func (a *API) methodsOf(c *call, names []string) ([]odata.Entity, error) {
	var all []odata.Entity
	pass, err := a.viewPass(c)
	if err == nil {
		var resource odata.Entity
		if resource, err = a.passResource(c, pass); err == nil {
			all = append(all, resource.Select(names))
		}
	}
	if err != nil && !errors.Is(err, tap.ErrNone) {
		return nil, err
	}
	pins, err := a.hellosOf(c, names)
	if err != nil {
		return nil, err
	}
	all = append(all, pins...)
	registered, err := a.credentialsOf(c)
	for _, one := range registered {
		all = append(all, one.Select(names))
	}
	return all, err
}

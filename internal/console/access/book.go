package access

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A book has the names of what policies name by id.
type book map[string]string

// Name is what an id is called, or the id.
func (b book) Name(id string) string {
	if n := b[strings.ToLower(id)]; n != "" {
		return n
	}
	return id
}

func (b book) all(ids []string) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = b.Name(id)
	}
	return names
}

func (b book) add(o graphclient.Object, id, name string) {
	if key := o.Text(id); key != "" {
		b[strings.ToLower(key)] = o.Text(name)
	}
}

// mostNames is how many ids Graph names in one answer.
const mostNames = 1000

// bookOf reads the names of all that drafts name: people, groups and service principals with one question, roles,
// places and applications with one each where they are needed.
func bookOf(c *console.Call, all ...draft) (book, error) {
	b := book{}
	var objects, apps []string
	roles, sites, contexts := false, false, false
	for _, d := range all {
		for _, w := range []whom{d.In, d.Out} {
			objects = append(append(objects, w.Users...), w.Groups...)
			roles = roles || len(w.Roles) > 0
		}
		objects = append(append(objects, d.Work...), d.NotWork...)
		contexts = contexts || len(d.Contexts) > 0
		apps = append(append(apps, d.Apps...), d.NotApps...)
		sites = sites || len(d.Places)+len(d.NotPlaces) > 0
	}
	if err := b.objects(c, objects); err != nil {
		return b, err
	}
	if roles {
		if err := b.roles(c); err != nil {
			return b, err
		}
	}
	if sites {
		if _, err := b.places(c); err != nil {
			return b, err
		}
	}
	if contexts {
		if _, err := b.contexts(c); err != nil {
			return b, err
		}
	}
	return b, b.apps(c, apps)
}

func (b book) objects(c *console.Call, ids []string) error {
	for len(ids) > 0 {
		part := ids[:min(len(ids), mostNames)]
		ids = ids[len(part):]
		answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"ids": part, "types": []string{"user", "group", "servicePrincipal"}}, "directoryObjects", "getByIds")
		if err != nil {
			return err
		}
		for _, o := range answer.Objects("value") {
			b.add(o, "id", "displayName")
		}
	}
	return nil
}

func (b book) roles(c *console.Call) error {
	for o, err := range c.Graph.RoleDefinitions(c.Context()) {
		if err != nil {
			return err
		}
		b.add(o, "id", "displayName")
	}
	return nil
}

func (b book) places(c *console.Call) ([]graphclient.Object, error) {
	var all []graphclient.Object
	for o, err := range c.Graph.NamedLocations(c.Context()) {
		if err != nil {
			return nil, err
		}
		b.add(o, "id", "displayName")
		all = append(all, o)
	}
	return all, nil
}

// apps asks for few applications at a time: they are named in the address.
func (b book) apps(c *console.Call, ids []string) error {
	const few = 15
	for len(ids) > 0 {
		part := ids[:min(len(ids), few)]
		ids = ids[len(part):]
		var quoted []string
		for _, id := range part {
			quoted = append(quoted, graphclient.Quote(id))
		}
		found, err := c.Graph.Page(c.Context(), graphclient.Query{
			Filter: "appId in (" + strings.Join(quoted, ",") + ")", Select: "id,appId,displayName", Top: few,
		}, "servicePrincipals")
		if err != nil {
			return err
		}
		for _, o := range found.Items {
			b.add(o, "appId", "displayName")
		}
	}
	return nil
}

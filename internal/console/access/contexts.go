package access

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// contextSet is where Graph has the authentication contexts.
var contextSet = []string{"identity", "conditionalAccess", "authenticationContextClassReferences"}

// mostContexts is how many a tenant can have: c1 to c99.
const mostContexts = 99

// contexts are those that a policy can be for, and their names go into b. A Graph that has none lists none.
func (b book) contexts(c *console.Call) ([]graphclient.Object, error) {
	found, err := c.Graph.Page(c.Context(), graphclient.Query{}, contextSet...)
	if err != nil {
		if c.Lacks(err) {
			return nil, nil
		}
		return nil, err
	}
	for _, o := range found.Items {
		b.add(o, "id", "displayName")
	}
	return found.Items, nil
}

// nameContext makes a context of the name that was typed, under the first id that is free, and has
// the draft be for it.
func (p *formPage) nameContext(c *console.Call) error {
	there, err := book{}.contexts(c)
	if err != nil {
		return err
	}
	id := ""
	for i := 1; i <= mostContexts && id == ""; i++ {
		free := fmt.Sprintf("c%d", i)
		if !slices.ContainsFunc(there, func(o graphclient.Object) bool { return o.Text("id") == free }) {
			id = free
		}
	}
	if _, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"id": id, "displayName": p.NewContext, "isAvailable": true}, contextSet...); err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		return nil
	}
	p.Draft.Aim, p.Draft.Contexts, p.NewContext = "context", append(p.Draft.Contexts, id), ""
	return nil
}

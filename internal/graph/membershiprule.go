package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/membership"
)

const (
	// ruleLook is how many devices a rule is tried on, so that a question costs the same in every tenant.
	ruleLook = 2000
	rulePage = 500
	// ruleNames is how many of those that match are named.
	ruleNames = 20
)

// tryRule serves POST /postern/groups/tryMembershipRule: what is wrong with a rule, or which of
// the tenant's devices would be members. It changes nothing.
func (a *API) tryRule(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var written string
	body.String("membershipRule", &written)
	if err := body.Done(); err != nil {
		return err
	}
	rule, err := membership.Parse(written)
	if err != nil {
		return err
	}
	var after []any
	looked, matched, named := 0, 0, []odata.Entity{}
	for looked < ruleLook {
		var page []directory.Device
		if page, after, err = a.Store.Devices(c.ctx(), c.tenant.ID, nil, nil, after, rulePage); err != nil {
			return err
		}
		looked += len(page)
		for _, d := range page {
			if !rule.Has(d) {
				continue
			}
			if matched++; matched <= ruleNames {
				named = append(named, odata.Entity{{Name: "id", Value: d.ID}, {Name: "displayName", Value: d.DisplayName}})
			}
		}
		if after == nil {
			break
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/groups/tryMembershipRule", nil), odata.Entity{
		{Name: "looked", Value: looked},
		{Name: "lookedAtAll", Value: after == nil},
		{Name: "matched", Value: matched},
		{Name: "devices", Value: named},
	})
}

package recovery

import (
	"slices"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

func policyEvents(c *console.Call) (graphclient.Page, error) {
	return c.Page(graphclient.Query{SkipToken: c.Form("after")}, append(slices.Clip(policyAt), "history")...)
}

// policyHistory serves GET /console/recovery/policy/history.
func policyHistory(c *console.Call) error {
	found, err := policyEvents(c)
	if err != nil {
		return err
	}
	h := console.History{Frame: c.Frame("recovery"), Of: "recovery_policy", Href: console.Root + "/recovery/policy", MayWrite: c.May(writesPolicy)}
	return c.ShowHistory(h, found, func(before, after graphclient.Object) ([]console.Change, error) {
		was, err := rulesOf(before)
		if err != nil {
			return nil, err
		}
		is, err := rulesOf(after)
		if err != nil {
			return nil, err
		}
		return changesOf(c, was, is), nil
	})
}

// beforeOf returns the policy as it was before a change that is on the page of the history that the address or
// the form names.
func beforeOf(c *console.Call, id string) (rules, error) {
	found, err := policyEvents(c)
	if err != nil {
		return rules{}, err
	}
	before, err := console.Before(found, id)
	if err != nil {
		return rules{}, err
	}
	return rulesOf(before)
}

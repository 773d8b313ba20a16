package graph

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// A Roll finds out how people stand, for the roster. It implements roster.Looker.
type Roll struct{ API *API }

// Rules implements roster.Looker.
func (r Roll) Rules(ctx context.Context, tenant directory.TenantID) (string, error) {
	return r.API.rulesVersion(aside(ctx, string(tenant)))
}

// After implements roster.Looker.
func (r Roll) After(ctx context.Context, tenant directory.TenantID, after directory.UserID, limit int) (roster.States, directory.UserID, error) {
	rules, err := r.API.rulebook(aside(ctx, string(tenant)))
	if err != nil {
		return nil, "", err
	}
	people, err := r.API.Store.PeopleAfter(ctx, tenant, after, limit, rules.at)
	if err != nil || len(people) == 0 {
		return nil, "", err
	}
	states, err := rules.statesOf(people)
	return states, people[len(people)-1].User, err
}

// Of implements roster.Looker.
func (r Roll) Of(ctx context.Context, tenant directory.TenantID, ids []directory.UserID) (roster.States, error) {
	rules, err := r.API.rulebook(aside(ctx, string(tenant)))
	if err != nil {
		return nil, err
	}
	people, err := r.API.Store.PeopleOf(ctx, tenant, ids, rules.at)
	if err != nil {
		return nil, err
	}
	return rules.statesOf(people)
}

// statesOf says how people stand who can sign in.
func (r *rulebook) statesOf(people []roster.Person) (roster.States, error) {
	states := make(roster.States, len(people))
	for _, p := range people {
		if !p.Enabled {
			continue
		}
		f, err := r.factsOf(p)
		if err != nil {
			return nil, err
		}
		states[p.User] = recovery.Stand(f, r.at).State(len(p.Roles) > 0)
	}
	return states, nil
}

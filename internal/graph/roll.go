package graph

import (
	"context"
	"log/slog"

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

// Look implements roster.Looker.
func (r Roll) Look(ctx context.Context, tenant directory.TenantID) (roster.Look, error) {
	rules, err := r.API.rulebook(aside(ctx, string(tenant)))
	return rollCall{people: r.API.Store, tenant: tenant, rules: rules, log: r.API.Log}, err
}

// A rollCall is a look at people by the rules of a moment.
type rollCall struct {
	people roster.People
	tenant directory.TenantID
	rules  *rulebook
	log    *slog.Logger
}

// Next implements roster.Look.
func (r rollCall) Next(ctx context.Context, after directory.UserID, n int) (roster.Span, error) {
	return r.people.SpanAfter(ctx, r.tenant, after, n)
}

// In implements roster.Look.
func (r rollCall) In(ctx context.Context, span roster.Span) (roster.States, error) {
	people, err := r.people.PeopleOfSpan(ctx, r.tenant, span, r.rules.at)
	if err != nil {
		return nil, err
	}
	return r.statesOf(ctx, people)
}

// Of implements roster.Look.
func (r rollCall) Of(ctx context.Context, ids []directory.UserID) (roster.States, error) {
	people, err := r.people.PeopleOf(ctx, r.tenant, ids, r.rules.at)
	if err != nil {
		return nil, err
	}
	return r.statesOf(ctx, people)
}

// statesOf also logs who can't be judged: an operator mends what is stored.
func (r rollCall) statesOf(ctx context.Context, people []roster.Person) (roster.States, error) {
	for _, p := range people {
		if len(p.Unreadable) > 0 {
			r.log.ErrorContext(ctx, "how somebody gets back in can't be judged",
				"code", recovery.ErrUnreadable.Code, "tenant", r.tenant, "user", p.User, "unreadable", p.Unreadable)
		}
	}
	return r.rules.statesOf(people)
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
		state := recovery.Stand(f, r.at).State(len(p.Roles) > 0)
		if f.Unreadable {
			state = state.Unjudged()
		}
		states[p.User] = state
	}
	return states, nil
}

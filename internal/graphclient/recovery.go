package graphclient

import (
	"context"
	"iter"
	"net/http"
	"slices"
)

var recoveryCases = []string{"postern", "recovery", "cases"}

func casePath(more ...string) []string { return append(append([]string{}, recoveryCases...), more...) }

// RecoveryCases yields recovery cases, the newest first.
func (c *Client) RecoveryCases(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, recoveryCases...)
}

// RecoveryCase returns a case by its number or id, with what the rules say of it now.
func (c *Client) RecoveryCase(ctx context.Context, name string) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodGet, nil, &out, casePath(name)...)
	return out, err
}

// OpenRecoveryCase opens a case.
func (c *Client) OpenRecoveryCase(ctx context.Context, in Object) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, in, &out, recoveryCases...)
	return out, err
}

// StepRecoveryCase takes a step of a case: prove, approve, vouch, issue, cancel, refuse, dispute,
// release or revert. The answer to issue has the pass, once.
func (c *Client) StepRecoveryCase(ctx context.Context, name, step string, in Object) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, in, &out, casePath(name, step)...)
	return out, err
}

// RecoveryTimeline yields the events of a case, the oldest first.
func (c *Client) RecoveryTimeline(ctx context.Context, name string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, casePath(name, "timeline")...)
}

// RecoveryPolicy returns the policy of recovery cases.
func (c *Client) RecoveryPolicy(ctx context.Context) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodGet, nil, &out, "postern", "recovery", "policy")
	return out, err
}

// PatchRecoveryPolicy changes the properties in change and leaves the others.
func (c *Client) PatchRecoveryPolicy(ctx context.Context, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, "postern", "recovery", "policy")
}

var recoveryDrills = []string{"postern", "recovery", "drills"}

// Drills yields rehearsals, the newest first.
func (c *Client) Drills(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, recoveryDrills...)
}

// Drill returns a rehearsal with its counts.
func (c *Client) Drill(ctx context.Context, id string) (Object, error) {
	return c.Get(ctx, append(slices.Clone(recoveryDrills), id)...)
}

// DrillPeople yields who was asked, and how it ended.
func (c *Client) DrillPeople(ctx context.Context, id string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, append(slices.Clone(recoveryDrills), id, "people")...)
}

// StartDrill asks one person, whose practice pass is in the answer, or a sample.
func (c *Client) StartDrill(ctx context.Context, in Object) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, in, &out, recoveryDrills...)
	return out, err
}

// ScheduleDrills changes the schedule of rehearsals; without anything to change it reads it.
func (c *Client) ScheduleDrills(ctx context.Context, in Object) (Object, error) {
	path := append(slices.Clone(recoveryDrills), "schedule")
	if len(in) == 0 {
		return c.Get(ctx, path...)
	}
	var out Object
	err := c.at(ctx, http.MethodPatch, in, &out, path...)
	return out, err
}

// RecoveryPolicyHistory yields the changes of the policy of recovery cases, newest first.
func (c *Client) RecoveryPolicyHistory(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "postern", "recovery", "policy", "history")
}

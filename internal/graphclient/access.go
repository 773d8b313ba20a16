package graphclient

import (
	"context"
	"iter"
	"net/http"
)

var (
	accessPolicies = []string{"identity", "conditionalAccess", "policies"}
	namedLocations = []string{"identity", "conditionalAccess", "namedLocations"}
	strengths      = []string{"policies", "authenticationStrengthPolicies"}
)

// AccessPolicies yields the Conditional Access policies that q asks for.
func (c *Client) AccessPolicies(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, accessPolicies...)
}

// AccessPolicy returns a Conditional Access policy, by id.
func (c *Client) AccessPolicy(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, below(accessPolicies, id)...)
}

// CreateAccessPolicy creates a Conditional Access policy and returns it.
func (c *Client) CreateAccessPolicy(ctx context.Context, policy Object) (Object, error) {
	return c.create(ctx, policy, accessPolicies...)
}

// UpdateAccessPolicy changes the properties in change of a Conditional Access policy, by id.
func (c *Client) UpdateAccessPolicy(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, below(accessPolicies, id)...)
}

// DeleteAccessPolicy deletes a Conditional Access policy, by id.
func (c *Client) DeleteAccessPolicy(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, below(accessPolicies, id)...)
}

// NamedLocations yields the places that policies can name.
func (c *Client) NamedLocations(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, namedLocations...)
}

// Strengths yields the authentication strengths, built-in and own.
func (c *Client) Strengths(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, strengths...)
}

// WhatIf says what a sign-in would come to under today's policies, those that only report, and drafts.
func (c *Client) WhatIf(ctx context.Context, question Object) (Object, error) {
	return c.create(ctx, question, "postern", "access", "evaluate")
}

// AccessImpact says what drafts, or else policies that only report, would have done to past sign-ins.
func (c *Client) AccessImpact(ctx context.Context, question Object) (Object, error) {
	return c.create(ctx, question, "postern", "access", "impact")
}

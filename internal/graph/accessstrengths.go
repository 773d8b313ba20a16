package graph

import (
	"regexp"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

const strengthSet = "policies/authenticationStrengthPolicies"

var strengthSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "displayName", Ops: filter.Equality | filter.StartsWith | filter.Sort},
	{Name: "policyType", Type: filter.TypeString, Column: "policyType", Ops: filter.Equality},
	{Name: "requirementsSatisfied", Type: filter.TypeString, Column: "requirementsSatisfied", Ops: filter.Equality},
}

var (
	strengthProperties = names(strengthResource(access.Strength{}))
	strengthExpand     = map[string][]string{"combinationConfigurations": names(configurationResource(access.Strength{}))}
)

// strengthResource is s as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy
func strengthResource(s access.Strength) odata.Entity {
	kind := "custom"
	if s.BuiltIn {
		kind = "builtIn"
	}
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(s.Version)},
		{Name: "id", Value: s.ID},
		{Name: "createdDateTime", Value: odata.Time(s.CreatedAt)},
		{Name: "modifiedDateTime", Value: odata.Time(s.ModifiedAt)},
		{Name: "displayName", Value: s.DisplayName},
		{Name: "description", Value: s.Description},
		{Name: "policyType", Value: kind},
		{Name: "requirementsSatisfied", Value: s.Satisfies()},
		{Name: "allowedCombinations", Value: combinationTexts(s)},
	}
}

// shownStrength is s with its configurations, which Graph shows unless other properties are selected.
func shownStrength(s access.Strength) odata.Entity {
	return append(strengthResource(s), odata.Property{Name: "combinationConfigurations", Value: configurations(s)})
}

// allStrengths are the built-in strengths and those of the tenant.
func allStrengths(there access.Rules) []access.Strength {
	return slices.Concat(access.BuiltIn(), there.Strengths)
}

func strengthID(s access.Strength) string { return s.ID }

// hasCombination is the one condition on combinations that Graph documents.
var hasCombination = regexp.MustCompile(`^\s*allowedCombinations/any\(\s*(\w+)\s*:\s*(\w+)\s+has\s+'([^']*)'\s*\)\s*$`)

// listStrengths serves GET /policies/authenticationStrengthPolicies: all on one page.
func (a *API) listStrengths(c *call) error {
	var w wish
	var err error
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{
		Properties: strengthProperties, Expand: strengthExpand, DefaultTop: largestPage, MaxTop: largestPage, Filter: true, OrderBy: true, Count: true,
	}); err != nil {
		return err
	}
	has, sent, err := combinationAsked(w.options.Filter)
	if err != nil {
		return err
	}
	if sent {
		w.options.Filter = ""
	}
	if _, err := w.bind(strengthSchema); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	var all []odata.Entity
	for _, s := range allStrengths(there) {
		if !sent || slices.ContainsFunc(s.Combinations, func(m access.Modes) bool { return m.Has(has) }) {
			all = append(all, expandStrength(shownStrength(s), w.options))
		}
	}
	w.options.Select = withExpanded(w.options)
	return a.writeWished(c, strengthSet, w, byCreation, all)
}

// combinationAsked returns the modes that a filter on combinations names. As Graph's "has", it
// holds for every combination in which they are.
func combinationAsked(text string) (access.Modes, bool, error) {
	m := hasCombination.FindStringSubmatch(text)
	if m == nil || m[1] != m[2] {
		return 0, false, nil
	}
	modes, ok := access.ParseModes(m[3])
	if !ok {
		return 0, true, odata.ErrQuery.With("$filter", "There is no combination "+m[3]+".")
	}
	return modes, true, nil
}

func expandStrength(e odata.Entity, o odata.Options) odata.Entity {
	for _, x := range o.Expand {
		shown := []odata.Entity{}
		if all, ok := e[len(e)-1].Value.([]odata.Entity); ok {
			for _, one := range all {
				shown = append(shown, one.Select(x.Select))
			}
		}
		e[len(e)-1].Value = shown
	}
	return e
}

// strength finds the strength that {id} names.
func (a *API) strength(c *call) (access.Strength, access.Rules, error) {
	id, err := ruleKey(c, access.ErrUnknownStrength)
	if err != nil {
		return access.Strength{}, access.Rules{}, err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return access.Strength{}, there, err
	}
	s, err := found(allStrengths(there), id, strengthID, access.ErrUnknownStrength)
	return s, there, err
}

// getStrength serves GET /policies/authenticationStrengthPolicies/{id}.
func (a *API) getStrength(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: strengthProperties, Expand: strengthExpand})
	if err != nil {
		return err
	}
	s, _, err := a.strength(c)
	if err != nil {
		return err
	}
	e := expandStrength(shownStrength(s), o)
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(strengthSet, o.Select), e.Select(withExpanded(o)))
}

// readStrength reads what the body says about s but for its combinations.
func readStrength(body *odata.Object, s *access.Strength) {
	for _, readOnly := range []string{"id", "createdDateTime", "modifiedDateTime", "policyType", "requirementsSatisfied"} {
		_ = body.Raw(readOnly)
	}
	body.String("displayName", &s.DisplayName)
	body.String("description", &s.Description)
	s.DisplayName = strings.TrimSpace(s.DisplayName)
}

// readCombinations reads allowedCombinations.
func readCombinations(body *odata.Object, into *[]access.Modes) (wrong error) {
	if !body.Has("allowedCombinations") {
		return nil
	}
	var all []string
	body.Strings("allowedCombinations", &all)
	*into = nil
	for _, text := range all {
		m, ok := access.ParseModes(text)
		if !ok {
			return access.ErrStrength.With("allowedCombinations", "There is no combination "+text+".")
		}
		*into = append(*into, m)
	}
	return nil
}

// createStrength serves POST /policies/authenticationStrengthPolicies.
// https://learn.microsoft.com/graph/api/authenticationstrengthroot-post-policies
func (a *API) createStrength(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var s access.Strength
	readStrength(body, &s)
	wrong := readCombinations(body, &s.Combinations)
	for _, o := range body.Objects("combinationConfigurations") {
		readConfiguration(o, &s)
	}
	if err := body.Done(); err != nil {
		return err
	}
	if wrong != nil {
		return wrong
	}
	if err := access.CheckStrength(s); err != nil {
		return err
	}
	if s.ID, err = a.newID(); err != nil {
		return err
	}
	s.CreatedAt, s.Version = a.Now().UTC().Truncate(microsecond), 1
	s.ModifiedAt = s.CreatedAt
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		if len(there.Strengths) >= access.MostStrengths {
			return access.Change{}, access.ErrTooMany
		}
		return access.Change{Strength: &s, Event: a.strengthEvent(c, audit.StrengthPolicyCreate, audit.OperationAdd, nil, &s)}, nil
	}); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("policies", "authenticationStrengthPolicies", s.ID), a.root(c).Entity(strengthSet, nil), shownStrength(s))
}

// patchStrength serves PATCH /policies/authenticationStrengthPolicies/{id}: its words only, as in Graph.
// https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-update
func (a *API) patchStrength(c *call) error {
	s, err := a.reshapeStrength(c, true, func(body *odata.Object, s *access.Strength) error {
		readStrength(body, s)
		before := slices.Clone(s.Combinations)
		if wrong := readCombinations(body, &s.Combinations); wrong != nil {
			return wrong
		}
		if !slices.Equal(before, s.Combinations) {
			return access.ErrStrength.With("allowedCombinations", "The combinations are changed by updateAllowedCombinations.")
		}
		_ = body.Raw("combinationConfigurations") // have addresses of their own
		return nil
	})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(strengthSet, nil), shownStrength(s))
}

// reshapeStrength changes a strength of the tenant's; body says that the request has one.
func (a *API) reshapeStrength(c *call, body bool, change func(*odata.Object, *access.Strength) error) (access.Strength, error) {
	old, _, err := a.strength(c)
	if err != nil {
		return old, err
	}
	if old.BuiltIn {
		return old, access.ErrBuiltIn
	}
	o, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: !body})
	if err != nil {
		return old, err
	}
	force := forced(c, o)
	s := old
	s.Combinations, s.AAGUIDs = slices.Clone(old.Combinations), slices.Clone(old.AAGUIDs)
	wrong := change(o, &s)
	if err := o.Done(); err != nil {
		return old, err
	}
	if wrong != nil {
		return old, wrong
	}
	if err := access.CheckStrength(s); err != nil {
		return old, err
	}
	s.ModifiedAt = a.Now().UTC().Truncate(microsecond)
	guard, err := a.guard(c, force)
	if err != nil {
		return old, err
	}
	if err := a.keepsWaysBackUnder(c, force, guard, access.Change{Strength: &s}); err != nil {
		return old, err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		now, err := found(there.Strengths, s.ID, strengthID, access.ErrUnknownStrength)
		if err != nil {
			return access.Change{}, err
		}
		if now.Version != old.Version {
			return access.Change{}, odata.ErrMatch
		}
		if err := odata.Match(c.r, odata.ETag(now.Version)); err != nil {
			return access.Change{}, err
		}
		done := access.Change{Strength: &s, Event: a.strengthEvent(c, audit.StrengthPolicyUpdate, audit.OperationUpdate, &old, &s)}
		return done, guard(there, done)
	}); err != nil {
		return old, err
	}
	s.Version++
	return s, nil
}

// deleteStrength serves DELETE /policies/authenticationStrengthPolicies/{id}.
func (a *API) deleteStrength(c *call) error {
	id, err := ruleKey(c, access.ErrUnknownStrength)
	if err != nil {
		return err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		s, err := found(allStrengths(there), id, strengthID, access.ErrUnknownStrength)
		if err != nil {
			return access.Change{}, err
		}
		if s.BuiltIn {
			return access.Change{}, access.ErrBuiltIn
		}
		if err := inUse(there, s.ID); err != nil {
			return access.Change{}, err
		}
		e := a.strengthEvent(c, audit.StrengthPolicyDelete, audit.OperationDelete, &s, nil)
		return access.Change{Strength: &s, Remove: true, Event: e}, odata.Match(c.r, odata.ETag(s.Version))
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) strengthEvent(c *call, activity, operation string, old, fresh *access.Strength) audit.Event {
	e := audit.Change{Activity: activity, Operation: operation, Service: audit.ServiceAuthenticationMethods, Category: audit.CategoryApplicationManagement}
	return ruleEvent(a, c, e, old, fresh, func(s access.Strength) recorded { return recorded{s.ID, s.DisplayName, shownStrength(s)} })
}

// strengthRoutes serves strengths under both of Graph's addresses.
func strengthRoutes() []route {
	var all []route
	for _, at := range []string{"/policies/authenticationStrengthPolicies", "/identity/conditionalAccess/authenticationStrength/policies"} {
		read, write := directory.ReadStrengths, directory.WriteStrengths
		part := at + "/{id}/combinationConfigurations"
		all = append(all, []route{
			{"GET " + at, odata.Policies, read, nil, (*API).listStrengths},
			{"POST " + at, odata.Policies, write, nil, (*API).createStrength},
			{"GET " + at + "/{id}", odata.Policies, read, nil, (*API).getStrength},
			{"PATCH " + at + "/{id}", odata.Policies, write, nil, (*API).patchStrength},
			{"DELETE " + at + "/{id}", odata.Policies, write, nil, (*API).deleteStrength},
			{"POST " + at + "/{id}/updateAllowedCombinations", odata.Policies, write, nil, (*API).updateCombinations},
			{"GET " + at + "/{id}/usage", odata.Policies, read, nil, (*API).strengthUsage},
			{"GET " + at + "/{id}/usage/{arguments}", odata.Policies, read, nil, (*API).strengthUsage},
			{"GET " + part, odata.Policies, read, nil, (*API).listStrengthConfigurations},
			{"POST " + part, odata.Policies, write, nil, (*API).createStrengthConfiguration},
			{"GET " + part + "/{configuration}", odata.Policies, read, nil, (*API).getStrengthConfiguration},
			{"PATCH " + part + "/{configuration}", odata.Policies, write, nil, (*API).patchStrengthConfiguration},
			{"DELETE " + part + "/{configuration}", odata.Policies, write, nil, (*API).deleteStrengthConfiguration},
		}...)
	}
	return all
}

package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// mostDrafts is how many policies may be tried at once.
const mostDrafts = 20

// evaluateAccess serves POST /identity/conditionalAccess/evaluate: which policies would apply.
// https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate
func (a *API) evaluateAccess(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	appliedOnly := false
	body.Bool("appliedPoliciesOnly", &appliedOnly)
	r, apps, err := a.readAssumed(c, body)
	if err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	set, err := a.compile(there)
	if err != nil {
		return err
	}
	found := []odata.Entity{}
	for _, e := range explainAll(set, r, apps) {
		if appliedOnly && !e.Applies() {
			continue
		}
		found = append(found, slices.Concat(accessPolicyResource(*e.Policy, allStrengths(there)).Select(nil), odata.Entity{
			{Name: "policyApplies", Value: e.Applies()}, {Name: "analysisReasons", Value: reasons(e)},
		}))
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{
		Context: a.root(c).Collection("microsoft.graph.whatIfAnalysisResult", nil), Value: found,
	})
}

// explainAll says of each policy whether it applies to one of the applications; if it does not,
// why not to the first.
func explainAll(set *access.Set, r access.Request, apps []directory.AppID) []access.Explained {
	all := set.Explain(r).Policies
	for _, app := range apps[min(1, len(apps)):] {
		r.App = app
		for i, e := range set.Explain(r).Policies {
			if !all[i].Applies() && e.Applies() {
				all[i] = e
			}
		}
	}
	return all
}

// reasons are Graph's, of which there can be several.
func reasons(e access.Explained) string {
	if e.Applies() {
		return "notSet"
	}
	return strings.Join(e.Unmet, ",")
}

// whatIf serves POST /postern/access/evaluate: Graph's what-if, and which policy decides and why,
// under today's rules, under those that only report as well, and under drafts.
func (a *API) whatIf(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	appliedOnly := false
	body.Bool("appliedPoliciesOnly", &appliedOnly)
	proofs := readProofs(body, a.Now().UTC())
	drafts, err := a.readDrafts(c, body, there)
	if err != nil {
		return err
	}
	r, apps, err := a.readAssumed(c, body)
	if err != nil {
		return err
	}
	for _, p := range proofs {
		if p.Mode == 0 || p.Mode&(p.Mode-1) != 0 {
			return ErrAssumed.With("proofs/method", "A proof's method is one of the modes of authentication strengths, such as fido2.")
		}
	}
	r.Proofs = proofs
	var under []rulesTried
	for _, one := range []struct {
		name  string
		rules access.Rules
		leave bool
	}{{"today", there, false}, {"reportOnly", enforced(there), false}, {"drafts", drafted(there, drafts), len(drafts) == 0}} {
		tried := rulesTried{name: one.name}
		if !one.leave {
			if tried.set, err = a.compile(one.rules); err != nil {
				return err
			}
		}
		under = append(under, tried)
	}
	said := tryAll(under, r, appliedOnly)
	said = append(said, odata.Property{Name: "signInRiskLevel", Value: cmp.Or(r.SignInRisk, access.RiskNone)})
	if len(apps) > 1 {
		each := []odata.Entity{}
		for _, app := range apps {
			r.App = app
			each = append(each, slices.Concat(odata.Entity{{Name: "appId", Value: app}}, tryAll(under, r, appliedOnly)))
		}
		said = append(said, odata.Property{Name: "applications", Value: each})
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/access/evaluate", nil), said)
}

// rulesTried are rules that a sign-in is tried under; a nil set is left out.
type rulesTried struct {
	name string
	set  *access.Set
}

func tryAll(under []rulesTried, r access.Request, appliedOnly bool) odata.Entity {
	said := odata.Entity{}
	for _, one := range under {
		if one.set == nil {
			said = append(said, odata.Property{Name: one.name})
			continue
		}
		said = append(said, odata.Property{Name: one.name, Value: explanation(one.set.Explain(r), appliedOnly)})
	}
	return said
}

// readDrafts reads policies that are not saved. One with the id of a policy that is there changes
// it, as PATCH would; others are added.
func (a *API) readDrafts(c *call, body *odata.Object, there access.Rules) ([]access.Policy, error) {
	var all []access.Policy
	for i, o := range body.Objects("drafts") {
		if i >= mostDrafts {
			return nil, ErrAssumed.With("drafts", fmt.Sprintf("At most %d drafts are tried at once.", mostDrafts))
		}
		old := access.Policy{}
		draft := access.Policy{Conditions: access.Conditions{ClientAppTypes: []string{"all"}}, State: access.Enabled}
		id := ""
		o.String("id", &id)
		if id != "" {
			p, err := found(there.Policies, id, accessPolicyID, access.ErrUnknownPolicy)
			if err != nil {
				return nil, err
			}
			old, draft = p, p
		}
		readPolicyOfAccess(o, &draft)
		if draft.DisplayName == "" {
			draft.DisplayName = "Draft"
		}
		if id == "" {
			draft.ID, draft.CreatedAt = fmt.Sprintf("draft-%d", i+1), a.Now().UTC()
		}
		draft.State = access.Enabled
		known, err := a.namesOf(c, old, draft)
		if err != nil {
			return nil, err
		}
		if err := access.Check(draft, access.Known{Now: a.Now(), Has: func(kind access.Kind, id string) bool {
			return known[name{kind, id}] || there.Has(kind, id)
		}}); err != nil {
			return nil, err
		}
		all = append(all, draft)
	}
	return all, nil
}

// enforced are the rules as if what only reports were in force.
func enforced(there access.Rules) access.Rules {
	there.Policies = slices.Clone(there.Policies)
	for i := range there.Policies {
		if there.Policies[i].State == access.ReportOnly {
			there.Policies[i].State = access.Enabled
		}
	}
	return there
}

func drafted(there access.Rules, drafts []access.Policy) access.Rules {
	for _, d := range drafts {
		there.Policies = access.With(there.Policies, d)
	}
	return there
}

// explanation says what becomes of a sign-in, and because of what.
func explanation(e access.Explanation, appliedOnly bool) odata.Entity {
	d := e.Decision
	policies := []odata.Entity{}
	for _, p := range e.Policies {
		if appliedOnly && !p.Applies() {
			continue
		}
		policies = append(policies, odata.Entity{
			{Name: "id", Value: p.Policy.ID},
			{Name: "displayName", Value: p.Policy.DisplayName},
			{Name: "state", Value: string(p.Policy.State)},
			{Name: "result", Value: string(p.Applied.Result)},
			{Name: "decides", Value: p.Decides},
			{Name: "policyApplies", Value: p.Applies()},
			{Name: "analysisReasons", Value: reasons(p)},
			{Name: "enforcedGrantControls", Value: list(p.Applied.Controls)},
			{Name: "enforcedSessionControls", Value: list(p.Applied.Session)},
			{Name: "note", Value: text(string(p.Applied.Note))},
		})
	}
	strengths := []odata.Entity{}
	for _, s := range d.Strengths {
		strengths = append(strengths, odata.Entity{{Name: "id", Value: s.ID}, {Name: "displayName", Value: s.DisplayName}})
	}
	return odata.Entity{
		{Name: "result", Value: outcome(d)},
		{Name: "message", Value: sentence(d)},
		{Name: "decidedBy", Value: unlessNil(d.By, func(p access.Policy) any {
			return odata.Entity{{Name: "id", Value: p.ID}, {Name: "displayName", Value: p.DisplayName}}
		})},
		{Name: "control", Value: text(string(d.Reason))},
		{Name: "mfa", Value: d.MFA},
		{Name: "authenticationStrengths", Value: strengths},
		{Name: "proofsSince", Value: odata.Time(d.Since)},
		{Name: "passHelps", Value: d.PassHelps},
		{Name: "policies", Value: policies},
	}
}

func outcome(d access.Decision) string {
	switch {
	case d.Met:
		return "granted"
	case d.Blocked:
		return "blocked"
	}
	return "moreNeeded"
}

// sentence says the same to people.
func sentence(d access.Decision) string {
	if d.Met {
		return "They get in."
	}
	by := d.By.DisplayName
	switch d.Reason {
	case access.Block:
		by += " blocks this."
	case access.CompliantDevice:
		by += " wants a compliant device."
	case access.DomainJoinedDevice:
		by += " wants a hybrid-joined device."
	case access.StrengthControl:
		by += " wants a method that can't be used with a device code."
	default:
		return by + " wants more than was shown."
	}
	if d.PassHelps {
		by += " A pass would be let by: it has a recovery exemption for this person."
	}
	return by
}

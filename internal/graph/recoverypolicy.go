package graph

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery"
)

const recoveryPolicyID = "recovery" // also of the target in the log

// recoveryPolicyResource is p with what it says of each kind of proof.
func recoveryPolicyResource(p recovery.Policy) odata.Entity {
	rules := []odata.Entity{}
	for _, r := range p.Rules {
		grants := []odata.Entity{}
		for _, g := range r.Grants {
			grants = append(grants, caseGrant(g))
		}
		rules = append(rules, odata.Entity{
			{Name: "targetClass", Value: string(r.Class)},
			{Name: "grants", Value: grants},
			{Name: "handOver", Value: texts(p.HandsOf(r.Class))},
			{Name: "personOpensBy", Value: string(cmp.Or(r.OpenBy, recovery.OpenByPasskey))},
			{Name: "alsoTold", Value: texts(r.Told)},
		})
	}
	hours := any(nil)
	if p.Hours != nil {
		hours = odata.Entity{{Name: "days", Value: list(p.Hours.Days)}, {Name: "from", Value: p.Hours.From}, {Name: "to", Value: p.Hours.To}}
	}
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(p.Version)},
		{Name: "id", Value: recoveryPolicyID},
		{Name: "caseRequired", Value: texts(p.CaseRequired)},
		{Name: "levels", Value: proofLevels(p)},
		{Name: "rules", Value: rules},
		{Name: "caseLifetimeInMinutes", Value: p.CaseMinutes},
		{Name: "proofLifetimeInMinutes", Value: p.ProofMinutes},
		{Name: "approvalLifetimeInMinutes", Value: p.ApprovalMinutes},
		{Name: "approverFreshInMinutes", Value: p.FreshMinutes},
		{Name: "contactChangeDelayInHours", Value: p.ContactHours},
		{Name: "disputeWindowInDays", Value: p.DisputeDays},
		{Name: "workingHours", Value: hours},
		{Name: "outOfHours", Value: string(p.OutOfHours)},
		{Name: "selfService", Value: string(p.SelfService)},
		{Name: "credentialIssuers", Value: credentialIssuers(p.Credentials)},
		{Name: "lastModifiedDateTime", Value: odata.Time(p.ModifiedAt)},
	}
}

// getRecoveryPolicy serves GET /postern/recovery/policy.
func (a *API) getRecoveryPolicy(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	p, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	return a.writeRecoveryPolicy(c, p)
}

func (a *API) writeRecoveryPolicy(c *call, p recovery.Policy) error {
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/recovery/policy", nil), recoveryPolicyResource(p))
}

// patchRecoveryPolicy serves PATCH /postern/recovery/policy: what is not sent stays; of rules,
// those of the classes that are not sent.
func (a *API) patchRecoveryPolicy(c *call) error {
	old, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	p := readRecoveryPolicy(body, old)
	force := forced(c, body)
	if err := body.Done(); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if !sameIssuers(old.Credentials, p.Credentials) { // an issuer says who somebody is, as an identity provider does
		if err := directory.May(c.caller, directory.WriteFederation, directory.Target{}); err != nil {
			return err
		}
	}
	takes := slices.ContainsFunc(recovery.Classes, func(class recovery.Class) bool { return old.Passable(class) && !p.Passable(class) })
	if err := a.keepsWaysBack(c, force || !takes, func(r *rulebook) error { r.recovering = p; return nil }); err != nil {
		return err
	}
	p.ModifiedAt = a.Now()
	before, err := json.Marshal(old)
	if err != nil {
		return err
	}
	after, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var details []audit.KeyValue
	if c.force {
		details = []audit.KeyValue{{Key: "postern_force", Value: "true"}}
	}
	e := a.event(c, audit.Change{
		Details:  details,
		Activity: audit.SetRecoveryPolicy, Category: audit.CategoryPolicy, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: recoveryPolicyID, Type: audit.TargetPolicy, DisplayName: "Recovery Policy",
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	if err := a.Cases.Cases.SaveRecoveryPolicy(c.ctx(), c.tenant.ID, p, e); err != nil {
		return err
	}
	p.Version++
	return a.writeRecoveryPolicy(c, p)
}

func readRecoveryPolicy(body *odata.Object, p recovery.Policy) recovery.Policy {
	for _, readOnly := range []string{"id", "lastModifiedDateTime"} {
		_ = body.Raw(readOnly)
	}
	if body.Has("caseRequired") {
		var all []string
		body.Strings("caseRequired", &all)
		p.CaseRequired = idsAs[recovery.Class](all)
	}
	if body.Has("levels") {
		levels := map[recovery.ProofKind]recovery.Level{}
		inner := body.Object("levels")
		for _, r := range recovery.Ladder {
			level := string(p.LevelOf(r.Kind))
			inner.String(string(r.Kind), &level)
			if recovery.Level(level) != r.Level {
				levels[r.Kind] = recovery.Level(level)
			}
		}
		p.Levels = levels
	}
	if body.Has("rules") {
		p.Rules = readRules(body, p.Rules)
	}
	for name, n := range map[string]*int{
		"caseLifetimeInMinutes": &p.CaseMinutes, "proofLifetimeInMinutes": &p.ProofMinutes, "approvalLifetimeInMinutes": &p.ApprovalMinutes,
		"approverFreshInMinutes": &p.FreshMinutes, "contactChangeDelayInHours": &p.ContactHours, "disputeWindowInDays": &p.DisputeDays,
	} {
		body.Int(name, n)
	}
	if body.Has("workingHours") {
		p.Hours = nil
		if !body.IsNull("workingHours") {
			p.Hours = &recovery.Hours{}
			inner := body.Object("workingHours")
			inner.Strings("days", &p.Hours.Days)
			inner.String("from", &p.Hours.From)
			inner.String("to", &p.Hours.To)
		}
	}
	if body.Has("credentialIssuers") {
		p.Credentials = readCredentialIssuers(body)
	}
	body.String("outOfHours", (*string)(&p.OutOfHours))
	body.String("selfService", (*string)(&p.SelfService))
	return p
}

func readRules(body *odata.Object, old []recovery.Rule) []recovery.Rule {
	sent := map[recovery.Class]bool{}
	var rules []recovery.Rule
	for _, one := range body.Objects("rules") {
		var r recovery.Rule
		one.String("targetClass", (*string)(&r.Class))
		sent[r.Class] = true
		if i := slices.IndexFunc(old, func(o recovery.Rule) bool { return o.Class == r.Class }); i >= 0 {
			r.Hands, r.OpenBy, r.Told = old[i].Hands, old[i].OpenBy, old[i].Told
		}
		if one.Has("handOver") {
			var hands []string
			one.Strings("handOver", &hands)
			r.Hands = idsAs[recovery.Hand](hands)
		}
		one.String("personOpensBy", (*string)(&r.OpenBy))
		if one.Has("alsoTold") {
			r.Told = nil
			one.Strings("alsoTold", &r.Told)
		}
		for _, in := range one.Objects("grants") {
			var g recovery.Grant
			var purposes []string
			in.String("level", (*string)(&g.Level))
			in.Int("maximumLifetimeInMinutes", &g.Minutes)
			in.Bool("isUsableOnce", &g.Once)
			in.Strings("purposes", &purposes)
			in.Int("approvals", &g.Approvals)
			in.Int("coolDownInMinutes", &g.CoolDown)
			g.Purposes = idsAs[recovery.PurposeKind](purposes)
			r.Grants = append(r.Grants, g)
		}
		rules = append(rules, r)
	}
	for _, r := range old {
		if !sent[r.Class] {
			rules = append(rules, r)
		}
	}
	return rules
}

func idsAs[T ~string](all []string) []T {
	out := make([]T, len(all))
	for i, one := range all {
		out[i] = T(one)
	}
	return out
}

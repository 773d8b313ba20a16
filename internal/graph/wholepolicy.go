package graph

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
)

const wholePolicyID = "authenticationMethodsPolicy"

// A policyPart is a member of the methods policy that is about all methods together. The store
// keeps each under an id of its own, so that whoever decides by one reads that alone.
type policyPart struct {
	member string // Graph's name
	id     string // in the store
	fresh  func() partPolicy
}

// A partPolicy is what a part keeps: a pointer to a struct in which that is embedded.
type partPolicy interface {
	Check() error
	resource() odata.Entity
	read(body *odata.Object)
	// targets are the groups and people that it names.
	targets() []directory.Ref
}

var policyParts = []policyPart{
	{member: "registrationEnforcement", id: method.CampaignID, fresh: func() partPolicy { return &campaignPolicy{method.DefaultCampaign()} }},
	{member: "systemCredentialPreferences", id: method.PreferredID, fresh: func() partPolicy { return &preferredPolicy{method.DefaultPreferred()} }},
}

// A keptPart is one as it was read from the store.
type keptPart struct {
	policyPart
	policy   partPolicy
	revision method.Revision
	before   []byte // what it was, as JSON; nil while nothing changed
}

func (a *API) partsOf(c *call) ([]keptPart, error) {
	var all []keptPart
	for _, one := range policyParts {
		k := keptPart{policyPart: one, policy: one.fresh()}
		var err error
		if k.revision, err = a.Store.MethodPolicy(c.ctx(), c.tenant.ID, one.id, k.policy); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// getMethodsPolicy serves GET /policies/authenticationMethodsPolicy.
// https://learn.microsoft.com/graph/api/authenticationmethodspolicy-get
func (a *API) getMethodsPolicy(c *call) error {
	all, err := a.allPolicies(c)
	if err != nil {
		return err
	}
	parts, err := a.partsOf(c)
	if err != nil {
		return err
	}
	var modified method.Revision
	resources := []odata.Entity{}
	for _, k := range all {
		modified = later(modified, k.revision)
		resources = append(resources, k.resource().Select(nil))
	}
	for _, k := range parts {
		modified = later(modified, k.revision)
	}
	e := odata.Entity{
		{Name: odata.TagName, Value: wholeTag(all, parts)},
		{Name: "id", Value: wholePolicyID},
		{Name: "displayName", Value: "Authentication Methods Policy"},
		{Name: "description", Value: "The methods that people of this tenant may use to sign in, and for whom."},
		{Name: "lastModifiedDateTime", Value: odata.Time(modified.ModifiedAt)},
		{Name: "policyVersion", Value: "1.5"},
		{Name: "policyMigrationState", Value: "migrationComplete"},
		{Name: "reconfirmationInDays", Value: nil},
	}
	for _, k := range parts {
		e = append(e, odata.Property{Name: k.member, Value: k.policy.resource()})
	}
	// What is Postern's own in a part is shown when the part is selected.
	e = append(e, odata.Property{Name: "authenticationMethodConfigurations", Value: resources})
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: e.Names()})
	if err != nil {
		return err
	}
	shown := e.Select(options.Select)
	if options.Select == nil {
		shown = plain(shown)
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Collection(wholePolicyID, options.Select), shown)
}

// wholeTag is what If-Match is compared with: the versions of all that the policy consists of.
func wholeTag(all []kept, parts []keptPart) string {
	var versions []int64
	for _, k := range all {
		versions = append(versions, k.revision.Version)
	}
	for _, k := range parts {
		versions = append(versions, k.revision.Version)
	}
	return odata.ETag(versions...)
}

// plain is e without what is shown on $select alone, in objects within it, too.
func plain(e odata.Entity) odata.Entity {
	e = e.Select(nil)
	for i, p := range e {
		if inner, ok := p.Value.(odata.Entity); ok {
			e[i].Value = plain(inner)
		}
	}
	return e
}

func later(a, b method.Revision) method.Revision {
	if b.ModifiedAt.After(a.ModifiedAt) {
		return b
	}
	return a
}

// ErrManyParts says that one change is about one part.
var ErrManyParts = &fault.Error{
	Kind: fault.Unsupported, Code: "policyParts",
	Text: "One request changes one part of the methods policy.", Remedy: "Send registrationEnforcement and systemCredentialPreferences in requests of their own.",
}

// patchMethodsPolicy serves PATCH /policies/authenticationMethodsPolicy. The configurations of
// methods are changed at their own addresses, and what is fixed may be sent as it is.
// https://learn.microsoft.com/graph/api/authenticationmethodspolicy-update
func (a *API) patchMethodsPolicy(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "displayName", "description", "lastModifiedDateTime", "policyVersion"} {
		_ = body.Raw(readOnly)
	}
	body.NotKept("reconfirmationInDays", "authenticationMethodConfigurations")
	var state string
	body.String("policyMigrationState", &state)
	parts, err := a.partsOf(c)
	if err != nil {
		return err
	}
	if c.r.Header.Get("If-Match") != "" {
		all, err := a.allPolicies(c)
		if err == nil {
			err = odata.Match(c.r, wholeTag(all, parts))
		}
		if err != nil {
			return err
		}
	}
	var changed []keptPart
	for _, k := range parts {
		if inner := body.Object(k.member); inner != nil {
			if err := a.readPart(c, &k, inner); err != nil {
				return err
			}
			if k.before != nil {
				changed = append(changed, k)
			}
		}
	}
	switch err := body.Done(); {
	case err != nil:
		return err
	case state != "" && state != "migrationComplete":
		return odata.ErrNotKept.With("policyMigrationState", "policyMigrationState is migrationComplete here: there is no older policy.")
	case len(changed) > 1:
		return ErrManyParts
	case len(changed) == 0:
		odata.WriteNothing(c.w)
		return nil
	}
	return a.savePart(c, changed[0])
}

// readPart takes what is sent of a part. One that is sent as it was is not changed.
func (a *API) readPart(c *call, k *keptPart, body *odata.Object) error {
	before, err := json.Marshal(k.policy)
	if err != nil {
		return err
	}
	known := k.policy.targets()
	k.policy.read(body)
	after, err := json.Marshal(k.policy)
	if err == nil && !bytes.Equal(before, after) {
		k.before = before
		err = a.newTargets(c, known, k.policy.targets())
	}
	return err
}

// newTargets refuses a target that is not there, for whoever mistypes one would think that
// somebody is excluded. Those that were named before may be gone.
func (a *API) newTargets(c *call, known, now []directory.Ref) error {
	for _, one := range now {
		if one.ID == directory.AllUsers || slices.Contains(known, one) || !directory.IsID(one.ID) { // Check refuses what is no id
			continue
		}
		if err := a.isThere(c, one); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) savePart(c *call, k keptPart) error {
	if err := k.policy.Check(); err != nil {
		return err
	}
	after, err := json.Marshal(k.policy)
	if err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: audit.MethodsPolicyUpdate, Category: audit.CategoryApplicationManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: k.id, Type: audit.TargetPolicy, DisplayName: k.member,
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(k.before), NewValue: string(after)}},
		}},
	})
	k.revision.ModifiedAt = a.Now()
	if err := a.Store.SaveMethodPolicy(c.ctx(), c.tenant.ID, k.id, k.revision, k.policy, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// campaignPolicy is the registration campaign.
// https://learn.microsoft.com/graph/api/resources/registrationenforcement
type campaignPolicy struct{ method.Campaign }

const campaignMember = "authenticationMethodsRegistrationCampaign"

func (p *campaignPolicy) resource() odata.Entity {
	include := []odata.Entity{}
	for _, t := range p.Include {
		include = append(include, odata.Entity{
			{Name: "id", Value: t.ID}, {Name: "targetType", Value: t.TargetType}, {Name: "targetedAuthenticationMethod", Value: t.Method},
		})
	}
	return odata.Entity{{Name: campaignMember, Value: odata.Entity{
		{Name: "state", Value: p.State},
		{Name: "snoozeDurationInDays", Value: p.SnoozeDuration},
		{Name: "enforceRegistrationAfterAllowedSnoozes", Value: p.Enforce},
		{Name: "includeTargets", Value: include},
		{Name: "excludeTargets", Value: targetList(p.Exclude)},
		{Name: "postern_allowedSnoozes", Value: p.AllowedSnoozes, OnSelect: true},
		{Name: "postern_afterPass", Value: p.AfterPass, OnSelect: true},
	}}}
}

func (p *campaignPolicy) targets() []directory.Ref {
	all := refsOf(p.Exclude)
	for _, t := range p.Include {
		all = append(all, directory.Ref{Kind: directory.ObjectKind(t.TargetType), ID: t.ID})
	}
	return all
}

func refsOf(targets []method.Target) []directory.Ref {
	var all []directory.Ref
	for _, t := range targets {
		all = append(all, directory.Ref{Kind: directory.ObjectKind(t.TargetType), ID: t.ID})
	}
	return all
}

func targetList(targets []method.Target) []odata.Entity {
	all := []odata.Entity{}
	for _, t := range targets {
		all = append(all, odata.Entity{{Name: "id", Value: t.ID}, {Name: "targetType", Value: t.TargetType}})
	}
	return all
}

func (p *campaignPolicy) read(body *odata.Object) {
	in := body.Object(campaignMember)
	if in == nil {
		return
	}
	in.String("state", &p.State)
	in.Int("snoozeDurationInDays", &p.SnoozeDuration)
	in.Bool("enforceRegistrationAfterAllowedSnoozes", &p.Enforce)
	in.Int("postern_allowedSnoozes", &p.AllowedSnoozes)
	in.String("postern_afterPass", &p.AfterPass)
	if in.Has("includeTargets") {
		p.Include = []method.CampaignTarget{}
		for _, one := range in.Objects("includeTargets") {
			t := method.CampaignTarget{TargetType: "group"}
			one.String("id", &t.ID)
			one.String("targetType", &t.TargetType)
			one.String("targetedAuthenticationMethod", &t.Method)
			t.ID = lowerID(t.ID)
			p.Include = append(p.Include, t)
		}
	}
	p.Exclude = readTargets(in, "excludeTargets", p.Exclude)
}

// preferredPolicy says who is asked for the strongest method first.
// https://learn.microsoft.com/graph/api/resources/systemcredentialpreferences
type preferredPolicy struct{ method.Preferred }

func (p *preferredPolicy) resource() odata.Entity {
	return odata.Entity{
		{Name: "state", Value: p.State},
		{Name: "includeTargets", Value: targetList(p.Include)},
		{Name: "excludeTargets", Value: targetList(p.Exclude)},
	}
}

func (p *preferredPolicy) targets() []directory.Ref {
	return slices.Concat(refsOf(p.Include), refsOf(p.Exclude))
}

func (p *preferredPolicy) read(body *odata.Object) {
	body.String("state", &p.State)
	p.Include = readTargets(body, "includeTargets", p.Include)
	p.Exclude = readTargets(body, "excludeTargets", p.Exclude)
}

// readTargets reads targets that have an id and a type alone.
func readTargets(body *odata.Object, name string, old []method.Target) []method.Target {
	if !body.Has(name) {
		return old
	}
	all := []method.Target{}
	for _, one := range body.Objects(name) {
		t := method.Target{TargetType: "group"}
		one.String("id", &t.ID)
		one.String("targetType", &t.TargetType)
		t.ID = lowerID(t.ID)
		all = append(all, t)
	}
	return all
}

func lowerID(id string) string {
	if directory.IsID(id) {
		return strings.ToLower(id)
	}
	return id
}

package graph

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// The names of the policy and of its kinds of scope.
const (
	joinPolicyID   = "deviceRegistrationPolicy"
	joinPolicyName = "Device Registration Policy"
	scopeType      = "#microsoft.graph."
	scopeTypeEnd   = "DeviceRegistrationMembership"
)

var scopeTypes = map[directory.ScopeKind]string{
	directory.ScopeAll: scopeType + "all" + scopeTypeEnd, directory.ScopeNone: scopeType + "no" + scopeTypeEnd,
	directory.ScopeSelected: scopeType + "enumerated" + scopeTypeEnd,
}

// joinPolicyResource is p as Graph shows it, and on $select who waits for approval.
// https://learn.microsoft.com/graph/api/resources/deviceregistrationpolicy
func joinPolicyResource(p directory.JoinPolicy) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(p.Version)},
		{Name: "id", Value: joinPolicyID},
		{Name: "displayName", Value: joinPolicyName},
		{Name: "description", Value: "Says who may join devices, how many, and how they sign in for it."},
		{Name: "userDeviceQuota", Value: p.Quota},
		{Name: "multiFactorAuthConfiguration", Value: p.MFA},
		{Name: "azureADRegistration", Value: odata.Entity{
			{Name: "isAdminConfigurable", Value: true}, {Name: "allowedToRegister", Value: whoResource(p.Register)},
		}},
		{Name: "azureADJoin", Value: odata.Entity{
			{Name: "isAdminConfigurable", Value: true},
			{Name: "allowedToJoin", Value: whoResource(p.Join)},
			{Name: "localAdmins", Value: odata.Entity{
				{Name: "enableGlobalAdmins", Value: false}, {Name: "registeringUsers", Value: whoResource(directory.JoinScope{Kind: directory.ScopeNone})},
			}},
		}},
		{Name: "localAdminPassword", Value: odata.Entity{{Name: "isEnabled", Value: false}}},
		{Name: "postern_approval", Value: string(p.Approval), OnSelect: true},
	}
}

func whoResource(s directory.JoinScope) odata.Entity {
	e := odata.Entity{{Name: "@odata.type", Value: scopeTypes[s.Kind]}}
	if s.Kind == directory.ScopeSelected {
		e = append(e, odata.Property{Name: "users", Value: idTexts(s.Users)}, odata.Property{Name: "groups", Value: idTexts(s.Groups)})
	}
	return e
}

func idTexts[ID ~string](all []ID) []string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return texts
}

// getJoinPolicy serves GET /policies/deviceRegistrationPolicy.
func (a *API) getJoinPolicy(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(joinPolicyResource(directory.JoinPolicy{}))})
	if err != nil {
		return err
	}
	p, err := a.Store.JoinPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("policies/deviceRegistrationPolicy", o.Select), joinPolicyResource(p).Select(o.Select))
}

// putJoinPolicy serves PUT /policies/deviceRegistrationPolicy, which replaces it: as in Graph,
// a quota that is not sent is 0. Who waits for approval, which Graph's callers can't know of,
// stays as it is unless it is sent.
// https://learn.microsoft.com/graph/api/deviceregistrationpolicy-update
func (a *API) putJoinPolicy(c *call) error {
	return a.changeJoinPolicy(c, func(body *odata.Object, p *directory.JoinPolicy) {
		p.Quota, p.MFA = 0, directory.MFANotRequired
		p.Join, p.Register = directory.JoinScope{}, directory.JoinScope{} // must be sent
		readJoinPolicy(body, p)
	})
}

// patchJoinPolicy serves PATCH /policies/deviceRegistrationPolicy: what is not sent stays.
func (a *API) patchJoinPolicy(c *call) error { return a.changeJoinPolicy(c, readJoinPolicy) }

func readJoinPolicy(body *odata.Object, p *directory.JoinPolicy) {
	for _, readOnly := range []string{"id", "displayName", "description"} {
		_ = body.Raw(readOnly)
	}
	body.Int("userDeviceQuota", &p.Quota)
	body.String("multiFactorAuthConfiguration", &p.MFA)
	approval := string(p.Approval)
	body.String("postern_approval", &approval)
	p.Approval = directory.NeedsWhose(approval)
	readScope(body, "azureADJoin", "allowedToJoin", &p.Join)
	readScope(body, "azureADRegistration", "allowedToRegister", &p.Register)
	if body.Has("localAdminPassword") {
		never(body, body.Object("localAdminPassword"), "localAdminPassword", "isEnabled")
	}
}

// never refuses what Graph has and nothing here does: the member of object, called name in
// body, may be false only. So what was read can be written back.
func never(body, object *odata.Object, name, member string) {
	var on bool
	object.Bool(member, &on)
	if on {
		body.NotKept(name)
	}
}

// readScope reads for whom something is allowed: a member of the object called name.
func readScope(body *odata.Object, name, member string, s *directory.JoinScope) {
	if !body.Has(name) {
		return
	}
	outer := body.Object(name)
	_ = outer.Raw("isAdminConfigurable") // says what can be changed, and can't be changed itself
	if outer.Has("localAdmins") {        // nobody becomes an administrator of a device by joining it
		admins := outer.Object("localAdmins")
		never(outer, admins, "localAdmins", "enableGlobalAdmins")
		if admins.Has("registeringUsers") {
			var kind string
			registering := admins.Object("registeringUsers")
			registering.String("@odata.type", &kind)
			if kind != scopeTypes[directory.ScopeNone] {
				outer.NotKept("localAdmins")
			}
		}
	}
	if !outer.Has(member) {
		return
	}
	inner := outer.Object(member)
	var kind string
	var users, groups []string
	inner.String("@odata.type", &kind)
	inner.Strings("users", &users)
	inner.Strings("groups", &groups)
	*s = directory.JoinScope{} // of no kind, which Check refuses
	for k, name := range scopeTypes {
		if name == kind {
			s.Kind = k
		}
	}
	if s.Kind == directory.ScopeSelected {
		s.Users, s.Groups = idsOf[directory.UserID](users), idsOf[directory.GroupID](groups)
	}
}

func idsOf[ID ~string](all []string) []ID {
	ids := make([]ID, len(all))
	for i, one := range all {
		ids[i] = ID(strings.ToLower(one))
	}
	return ids
}

func (a *API) changeJoinPolicy(c *call, read func(*odata.Object, *directory.JoinPolicy)) error {
	old, err := a.Store.JoinPolicy(c.ctx(), c.tenant.ID)
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
	p := old
	read(body, &p)
	if err := body.Done(); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if err := a.scopeExists(c, p); err != nil {
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
	e := a.event(c, audit.Change{
		Activity: audit.SetJoinPolicy, Category: audit.CategoryPolicy, Service: audit.ServiceDeviceRegistration, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: joinPolicyID, Type: audit.TargetPolicy, DisplayName: joinPolicyName,
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	if err := a.Store.SaveJoinPolicy(c.ctx(), c.tenant.ID, p, e); err != nil {
		return err
	}
	p.Version++
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("policies/deviceRegistrationPolicy", nil), joinPolicyResource(p).Select(nil))
}

// scopeExists refuses ids that name no user or group: whoever mistypes one must not think that
// somebody is allowed.
func (a *API) scopeExists(c *call, p directory.JoinPolicy) error {
	for _, s := range []directory.JoinScope{p.Join, p.Register} {
		for _, u := range s.Users {
			if err := a.isThere(c, directory.Ref{Kind: directory.KindUser, ID: string(u)}); err != nil {
				return err
			}
		}
		for _, g := range s.Groups {
			if err := a.isThere(c, directory.Ref{Kind: directory.KindGroup, ID: string(g)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *API) isThere(c *call, want directory.Ref) error {
	found, err := a.Store.Find(c.ctx(), c.tenant.ID, want.ID)
	if err == nil && found != want || errors.Is(err, directory.ErrObjectUnknown) {
		return odata.ErrMember.With(string(want.Kind)+"s", "There is no "+string(want.Kind)+" "+want.ID+".")
	}
	return err
}

package graph

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
)

// previewPass serves POST /postern/users/{id}/passes/preview: what POST
// /users/{id}/authentication/temporaryAccessPassMethods would answer to the same body, by the
// same rules, without a pass. Whoever may see the person is told why they may not issue, and whom to ask.
func (a *API) previewPass(c *call) error {
	target, err := person(a, c)
	if err != nil {
		return a.hidePreview(c, err)
	}
	denied := directory.May(c.caller, directory.IssuePass, target)
	if denied != nil && directory.May(c.caller, directory.ReadUserBasic, target) != nil {
		return denied
	}
	in, way, err := a.passRequest(c)
	if err != nil {
		return err
	}
	policy, err := a.Store.PassPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	if in.Groups, err = a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(c.user.ID)); err != nil {
		return err
	}
	now := a.Now()
	c.target = target
	pass, refused := tap.Decide(policy, in, now)
	if refused == nil || errors.Is(refused, tap.ErrCheckMissing) {
		if err := a.byCaseRules(c, way); errors.Is(err, recovery.ErrCaseRequired) || errors.Is(err, recovery.ErrHand) || errors.Is(err, recovery.ErrHandIssuer) || errors.Is(err, recovery.ErrHandManager) {
			refused = err
		} else if err != nil {
			return err
		}
	}
	var said odata.Entity
	if why := cmpError(denied, refused); why != nil {
		if said, err = a.refusedPreview(c, target, why, byAction(denied, directory.IssuePass)); err != nil {
			return err
		}
	} else {
		said = odata.Entity{{Name: "allowed", Value: true}}
	}
	if denied == nil && (refused == nil || errors.Is(refused, tap.ErrCheckMissing)) {
		said = append(said, passTimes(pass)...)
	}
	if denied == nil && directory.May(c.caller, directory.ReadPass, target) == nil {
		replaced, err := a.replacedPass(c, policy, in.Groups)
		if err != nil {
			return err
		}
		said = append(said, odata.Property{Name: "replaces", Value: replaced})
	}
	said = append(said, policyBounds(policy)...)
	byCase, err := a.casePreview(c, target)
	if err != nil {
		return err
	}
	said = append(said, odata.Property{Name: "openCase", Value: byCase})
	said = append(said, odata.Property{Name: "presets", Value: presets(policy, in, now)})
	return odata.WriteEntity(c.w, http.StatusOK, a.root(c).Entity("postern/users/"+string(c.user.ID)+"/passes", nil), said)
}

func cmpError(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// hidePreview tells that a person does not exist only to those who may see people.
func (a *API) hidePreview(c *call, err error) error {
	someone := directory.Target{User: "unknown"}
	denied := directory.May(c.caller, directory.IssuePass, someone)
	if denied != nil && directory.May(c.caller, directory.ReadUserBasic, someone) != nil {
		return denied
	}
	return err
}

// byAction is the action that the caller lacks; empty where it is not denied, and something else stands in the way.
func byAction(denied error, action directory.Action) directory.Action {
	if denied == nil {
		return ""
	}
	return action
}

// casePreview says whether the caller may open a recovery case for the person, and whom to ask.
func (a *API) casePreview(c *call, target directory.Target) (odata.Entity, error) {
	if why := directory.May(c.caller, directory.HandleCase, target); why != nil {
		return a.refusedPreview(c, target, why, directory.HandleCase)
	}
	return odata.Entity{{Name: "allowed", Value: true}}, nil
}

// refusedPreview says why something can't be done, and who could do it, by the action that the caller lacks, or change the policy.
func (a *API) refusedPreview(c *call, target directory.Target, why error, lacks directory.Action) (odata.Entity, error) {
	f, ok := errors.AsType[*fault.Error](why)
	if !ok {
		return nil, why
	}
	who := []odata.Entity{}
	var err error
	switch {
	case directory.May(c.caller, directory.ReadRoles, directory.Target{}) != nil: // nor are they told here who holds one
	case lacks != "" && !errors.Is(why, directory.ErrPermissionMissing):
		who, err = a.holders(c, directory.RolesFor(lacks, target))
	case errors.Is(why, tap.ErrPolicyOff), errors.Is(why, tap.ErrOutOfScope):
		who, err = a.holders(c, directory.RolesFor(directory.WriteMethodsPolicy, directory.Target{}))
	}
	return odata.Entity{
		{Name: "allowed", Value: false},
		{Name: "code", Value: f.Code},
		{Name: "message", Value: f.Text},
		{Name: "remedy", Value: f.Remedy},
		{Name: "target", Value: text(f.Target)},
		{Name: "whoMay", Value: who},
	}, err
}

// Bounds of the search for people to ask: how many are named, and how many are looked at.
const (
	mostAsked   = 5
	mostHolders = 50
)

// holders returns people who hold one of roles, directly or through a group, the least powerful
// role first. Neither the caller nor the person whom it is about is among them, nor disabled accounts.
func (a *API) holders(c *call, roles []directory.RoleID) ([]odata.Entity, error) {
	found, looked := []odata.Entity{}, map[directory.UserID]bool{c.caller.User: true, c.user.ID: true}
	for _, id := range roles {
		role, err := directory.FindRole(id)
		if err != nil {
			continue
		}
		people, err := a.roleHolders(c, id)
		if err != nil {
			return nil, err
		}
		for _, one := range people {
			if looked[one] || len(looked) > mostHolders {
				continue
			}
			looked[one] = true
			u, err := a.Store.User(c.ctx(), c.tenant.ID, one)
			if errors.Is(err, directory.ErrUserUnknown) || err == nil && !u.AccountEnabled {
				continue
			}
			if err != nil {
				return nil, err
			}
			found = append(found, odata.Entity{
				{Name: "displayName", Value: u.DisplayName},
				{Name: "userPrincipalName", Value: u.UserPrincipalName},
				{Name: "role", Value: role.DisplayName},
			})
			if len(found) == mostAsked {
				return found, nil
			}
		}
	}
	return found, nil
}

// roleHolders returns at most mostHolders people who hold a role.
func (a *API) roleHolders(c *call, role directory.RoleID) ([]directory.UserID, error) {
	holders, _, err := a.Store.Linked(c.ctx(), c.tenant.ID, string(role), "roleMember", "", nil, "", mostHolders)
	if err != nil {
		return nil, err
	}
	var people []directory.UserID
	for _, h := range holders {
		switch {
		case len(people) >= mostHolders:
			return people, nil
		case h.Kind == directory.KindUser:
			people = append(people, directory.UserID(h.ID))
		case h.Kind == directory.KindGroup: // role-assignable groups are small and have no groups in them
			members, _, err := a.Store.Linked(c.ctx(), c.tenant.ID, h.ID, "member", directory.KindUser, nil, "", mostHolders)
			if err != nil {
				return nil, err
			}
			for _, m := range members {
				people = append(people, directory.UserID(m.ID))
			}
		}
	}
	return slices.Compact(people), nil
}

func passTimes(p tap.Pass) odata.Entity {
	return odata.Entity{
		{Name: "startDateTime", Value: odata.Time(p.Start)},
		{Name: "endDateTime", Value: odata.Time(p.End())},
		{Name: "lifetimeInMinutes", Value: int(p.Lifetime / time.Minute)},
		{Name: "isUsableOnce", Value: p.SingleUse},
	}
}

// replacedPass is the pass that a new one would end, or null.
func (a *API) replacedPass(c *call, policy tap.Policy, groups map[directory.GroupID]bool) (any, error) {
	p, err := a.Store.Pass(c.ctx(), c.tenant.ID, c.user.ID)
	if errors.Is(err, tap.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stop, err := a.passStop(c, p)
	if err != nil {
		return nil, err
	}
	state := a.passState(p, policy, groups).Stopped(stop)
	return append(odata.Entity{{Name: "id", Value: p.ID}, {Name: "createdDateTime", Value: odata.Time(p.CreatedAt)}}, append(passTimes(p), odata.Entity{
		{Name: "isUsable", Value: state == tap.EnabledByPolicy},
		{Name: "methodUsabilityReason", Value: string(state)},
		{Name: "usedDateTime", Value: odata.Time(p.UsedAt)},
		{Name: "issuer", Value: text(p.Issuer.DisplayName)},
	}...)...), nil
}

// policyBounds is what a form needs to know of the policy.
func policyBounds(p tap.Policy) odata.Entity {
	return odata.Entity{
		{Name: "identityCheck", Value: string(p.Checks())},
		{Name: "entropyBits", Value: tap.Guessing(p.DefaultLength).Bits},
		{Name: "policy", Value: odata.Entity{
			{Name: "defaultLifetimeInMinutes", Value: p.DefaultLifetime},
			{Name: "minimumLifetimeInMinutes", Value: p.MinimumLifetime},
			{Name: "maximumLifetimeInMinutes", Value: p.MaximumLifetime},
			{Name: "isUsableOnce", Value: p.UsableOnce},
			{Name: "defaultLength", Value: p.DefaultLength},
		}},
	}
}

// presets are what each preset would make of an otherwise empty request.
func presets(policy tap.Policy, in tap.Request, now time.Time) []odata.Entity {
	all := []odata.Entity{}
	for _, preset := range tap.Presets {
		filled, err := preset.Fill(policy, tap.Request{User: in.User, Tenant: in.Tenant}, now)
		if err != nil {
			continue
		}
		start := filled.Start
		if start.IsZero() {
			start = now
		}
		p := tap.Pass{Start: start, Lifetime: time.Duration(*filled.Lifetime) * time.Minute, SingleUse: *filled.Once}
		all = append(all, append(odata.Entity{{Name: "id", Value: string(preset)}}, passTimes(p)...))
	}
	return all
}

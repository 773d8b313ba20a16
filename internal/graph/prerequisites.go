package graph

import (
	"slices"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// passName is what people call a pass.
const passName = "Temporary Access Pass"

// prerequisites serves GET /postern/devices/{id}/prerequisites?user=…: each prerequisite of web
// sign-in at the lock screen, met or not and what to do, for anybody or for a person. What the
// agent found on the machine itself comes last.
func (a *API) prerequisites(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	d, err := a.deviceOf(c)
	if err != nil {
		return err
	}
	rules := devicepolicy.FactsOf(d)
	if rules.Policies, err = a.Store.DevicePolicies(c.ctx(), c.tenant.ID); err != nil {
		return err
	}
	if rules.Device, err = a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(d.ID)); err != nil {
		return err
	}
	id, err := a.userAt(c, &rules)
	if err != nil {
		return err
	}
	facts := device.SignInFacts{Device: d, Policy: devicepolicy.Resolve(rules), PolicyChangedAt: rules.ChangedAt()}
	if facts.Status, facts.ReportedAt, err = a.Store.DeviceStatus(c.ctx(), c.tenant.ID, d.ID); err != nil {
		return err
	}
	if err := a.waysAtTheLockScreen(c, id, &facts); err != nil {
		return err
	}
	all := []odata.Entity{}
	ready := true
	for _, one := range device.WebSignIn(facts, a.Now()) {
		ready = ready && one.State != device.Fail
		all = append(all, prerequisiteResource(one, "server"))
	}
	for _, one := range facts.Status.Prerequisites {
		all = append(all, prerequisiteResource(one, "agent"))
	}
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: a.root(c).Collection("postern/prerequisites", nil)},
		{Name: "id", Value: d.ID},
		{Name: "userId", Value: text(string(id))},
		{Name: "isReady", Value: ready},
		{Name: "reportedDateTime", Value: odata.Time(facts.ReportedAt)},
		{Name: "value", Value: all},
	})
}

func prerequisiteResource(p device.Prerequisite, source string) odata.Entity {
	return odata.Entity{
		{Name: "name", Value: p.Name},
		{Name: "source", Value: source},
		{Name: "state", Value: p.State},
		{Name: "detail", Value: p.Detail},
		{Name: "fix", Value: text(p.Fix)},
	}
}

// waysAtTheLockScreen fills in what can be used for web sign-in at a lock screen: by a person,
// whose methods the caller has to be allowed to read, or by anybody.
func (a *API) waysAtTheLockScreen(c *call, id directory.UserID, f *device.SignInFacts) error {
	limits, _, err := a.signInPolicy(c)
	if err != nil {
		return err
	}
	allowed := func(kind signin.MethodID) bool {
		ok, _ := limits.Allows(signin.SurfaceLockScreen, kind)
		return ok
	}
	if id == "" {
		return a.enabledWays(c, allowed, f)
	}
	target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return err
	}
	if err := directory.May(c.caller, directory.ReadMethods, target); err != nil {
		return err
	}
	user, err := a.Store.User(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return err
	}
	f.Person = user.DisplayName
	return a.waysOf(c, user, allowed, f)
}

// enabledWays are the methods that somebody may use at all.
func (a *API) enabledWays(c *call, allowed func(signin.MethodID) bool, f *device.SignInFacts) error {
	kept, err := a.allPolicies(c)
	if err != nil {
		return err
	}
	var all []method.Holding
	for _, k := range kept {
		if k.policy.shared().Enabled() && allowed(k.method) {
			all = append(all, method.Holding{Now: k.yield})
			f.Methods = append(f.Methods, a.nameOf(k.method))
		}
	}
	f.Enough = method.StandingOf(all).MFACapable
	return nil
}

// waysOf are the methods that one person has and may use.
func (a *API) waysOf(c *call, user directory.User, allowed func(signin.MethodID) bool, f *device.SignInFacts) error {
	rules, err := a.policies(c)
	if err != nil {
		return err
	}
	found, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, []directory.UserID{user.ID}, a.Now())
	if err != nil {
		return err
	}
	has := found[user.ID]
	var all []method.Holding
	for _, s := range credentialSets {
		for _, one := range has.Credentials {
			if one.Kind != s.kind || s.kind == hello.MethodID || !allowed(s.kind) {
				continue
			}
			if h := rules.holding(s, one, has.Groups); !h.Now.None() {
				all = append(all, h)
				f.Methods = append(f.Methods, a.nameOf(s.kind))
			}
		}
	}
	f.Enough = method.StandingOf(all).MFACapable
	if has.Pass && allowed(tap.MethodID) {
		f.Enough, f.Methods = true, append(f.Methods, passName)
	}
	slices.Sort(f.Methods)
	f.Methods = slices.Compact(f.Methods)
	return nil
}

// nameOf is what the log calls a method.
func (a *API) nameOf(id signin.MethodID) string {
	if id == tap.MethodID {
		return passName
	}
	if k, ok := a.Registry.Kinds[id]; ok {
		return k.Name
	}
	return string(id)
}

package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
	"github.com/postern-id/postern/internal/signin"
)

// A rulebook is all that says what the methods, devices and passes of people are worth at a
// moment: with it the readiness of a person is a function of what they have.
type rulebook struct {
	at         time.Time
	policies   policies
	surfaces   signin.Policy
	settings   []devicepolicy.Policy
	access     *access.Set // of policies that are decided without knowing from where somebody comes
	upstreams  map[string]federation.Configuration
	recovering recovery.Policy
	// deviceGroups returns the groups of a device; it is asked when a policy is assigned to some.
	deviceGroups func(directory.DeviceObjectID) (map[directory.GroupID]bool, error)

	resolved sync.Map     // what device policies come to, by what they depend on
	kept     atomic.Int64 // how many of them
}

// mostResolved bounds what is kept of device policies: where each person is in groups of their own, each is a case by itself.
const mostResolved = 10_000

// rulebook reads the rules of now.
func (a *API) rulebook(c *call) (*rulebook, error) {
	r := &rulebook{at: a.Now(), upstreams: map[string]federation.Configuration{}}
	var err error
	if r.policies, err = a.policies(c); err != nil {
		return nil, err
	}
	if r.surfaces, _, err = a.signInPolicy(c); err != nil {
		return nil, err
	}
	if r.settings, err = a.Store.DevicePolicies(c.ctx(), c.tenant.ID); err != nil {
		return nil, err
	}
	upstreams, err := a.Store.Federations(c.ctx(), c.tenant.ID)
	if err != nil {
		return nil, err
	}
	for _, one := range upstreams {
		r.upstreams[one.Domain] = one
	}
	if r.recovering, err = a.recoveryPolicyOf(c); err != nil {
		return nil, err
	}
	rules, err := a.accessRules(c)
	if err != nil {
		return nil, err
	}
	r.deviceGroups = func(id directory.DeviceObjectID) (map[directory.GroupID]bool, error) {
		return a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(id))
	}
	err = r.obey(a, rules)
	return r, err
}

// recoveryPolicyOf is the policy of recovery cases.
func (a *API) recoveryPolicyOf(c *call) (recovery.Policy, error) {
	if a.Cases == nil {
		return recovery.DefaultPolicy(), nil
	}
	return a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
}

// obey takes the policies of Conditional Access that decide by who somebody is and what they
// show. What a place, a platform, a device or a risk decides is not known beforehand: such a
// policy keeps nobody out here.
func (r *rulebook) obey(a *API, rules access.Rules) error {
	rules.Policies = slices.DeleteFunc(slices.Clone(rules.Policies), func(p access.Policy) bool { return !decidable(p) })
	if r.access = nil; len(rules.Policies) == 0 {
		return nil
	}
	var err error
	r.access, err = a.compile(rules)
	return err
}

func decidable(p access.Policy) bool {
	c := p.Conditions
	if p.State != access.Enabled || p.Grant == nil || c.Workloads != nil || c.Locations != nil || c.Platforms != nil || c.Devices != nil ||
		c.Flows != nil || len(c.UserRisk)+len(c.SignInRisk) > 0 || !slices.Contains(c.ClientAppTypes, "all") && !slices.Contains(c.ClientAppTypes, access.Browser) {
		return false
	}
	return !slices.ContainsFunc(p.Grant.Controls, func(c access.Control) bool { return c != access.Block && c != access.MFA })
}

// version names what a rulebook of now would hold.
func (a *API) rulesVersion(c *call) (string, error) {
	h := sha256.New()
	kept, err := a.allPolicies(c)
	if err != nil {
		return "", err
	}
	for _, k := range kept {
		fmt.Fprintln(h, k.id, k.revision.Version)
	}
	_, revision, err := a.signInPolicy(c)
	if err != nil {
		return "", err
	}
	accessVersion, err := a.Store.AccessVersion(c.ctx(), c.tenant.ID)
	if err != nil {
		return "", err
	}
	recovering, err := a.recoveryPolicyOf(c)
	if err != nil {
		return "", err
	}
	fmt.Fprintln(h, revision.Version, accessVersion, recovering.Version)
	settings, err := a.Store.DevicePolicies(c.ctx(), c.tenant.ID)
	if err != nil {
		return "", err
	}
	for _, p := range settings {
		fmt.Fprintln(h, p.ID, p.Version)
	}
	upstreams, err := a.Store.Federations(c.ctx(), c.tenant.ID)
	for _, u := range upstreams {
		fmt.Fprintln(h, u.Domain, u.ID, u.Version)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

// factsOf are the facts of p under r.
func (r *rulebook) factsOf(p roster.Person) (recovery.Facts, error) {
	if len(p.Unreadable) > 0 {
		return recovery.Facts{Enabled: p.Enabled, Unreadable: true}, nil
	}
	f := recovery.Facts{Enabled: p.Enabled, Methods: r.policies.methodsOf(p.Registration, r.surfaces)}
	f.Methods = append(f.Methods, r.upstream(p)...)
	f.Pass = r.passOf(p)
	r.admit(p, &f)
	pinless, err := r.devicesOf(p, &f)
	if err != nil {
		return f, err
	}
	for _, one := range []struct {
		remedy recovery.Remedy
		policy string
	}{{recovery.AddSecurityKey, passkey.PolicyID}, {recovery.AddPhone, authenticator.PolicyID}} {
		if policy := r.policies.of[one.policy]; policy != nil && policy.shared().InScope(p.Groups) {
			f.Offered = append(f.Offered, one.remedy)
		}
	}
	if pinless {
		f.Offered = append(f.Offered, recovery.AddPIN)
	}
	return f, nil
}

// upstream is the sign-in at the identity provider of p's domain, if it has one.
func (r *rulebook) upstream(p roster.Person) []recovery.Method {
	if len(r.upstreams) == 0 {
		return nil
	}
	at, ok := r.upstreams[federation.DomainOf(p.UPN)]
	if !ok {
		return nil
	}
	m := recovery.Method{ID: at.ID, Kind: federated.MethodID, Name: at.DisplayName, Place: recovery.Elsewhere}
	m.Now = signin.Yield{Factors: signin.Knowledge, Modes: access.FederatedSingle}
	if at.Most() {
		m.Now = federated.Method{}.Yield()
	}
	m.Browser, _ = r.surfaces.Allows(signin.SurfaceBrowser, m.Kind)
	m.LockScreen, _ = r.surfaces.Allows(signin.SurfaceLockScreen, m.Kind)
	return []recovery.Method{m}
}

// passOf says what a pass can do for p, and who could hand them one.
func (r *rulebook) passOf(p roster.Person) recovery.Pass {
	var out recovery.Pass
	scoped, once := false, false
	if policy, ok := r.policies.of[passConfigurationID].(*passPolicy); ok {
		scoped, once = policy.shared().InScope(p.Groups), policy.UsableOnce
	}
	out.Issuable = scoped && r.recovering.Passable(recovery.ClassOf(directory.Target{User: p.User, Roles: p.Roles, RoleAssignableGroup: p.RoleAssignableGroup}))
	out.Browser, _ = r.surfaces.Allows(signin.SurfaceBrowser, tap.MethodID)
	out.LockScreen, _ = r.surfaces.Allows(signin.SurfaceLockScreen, tap.MethodID)
	if p.Pass != nil && (p.Pass.Bootstrap || scoped && (!once || p.Pass.Once)) {
		out.From, out.Until = p.Pass.From, p.Pass.Until
	}
	out.Helpers = []recovery.Help{recovery.Administrator}
	if len(p.Roles) == 0 && !p.RoleAssignableGroup { // the helpdesk reaches people without power
		out.Helpers = []recovery.Help{recovery.Helpdesk, recovery.Administrator}
	}
	if r.recovering.ManagersHelp() && p.Manager != "" {
		out.Helpers = append(out.Helpers, recovery.Manager)
	}
	return out
}

// admit asks Conditional Access about the ways of p.
func (r *rulebook) admit(p roster.Person, f *recovery.Facts) {
	if r.access == nil {
		return
	}
	request := access.Request{
		At: r.at, App: directory.PagesAppID, Client: access.Browser,
		Subject: access.Subject{User: p.User, Guest: p.Guest, Groups: slices.Collect(maps.Keys(p.Groups)), Roles: p.Roles},
	}
	f.Admits = func(shown []recovery.Method) bool {
		with := request
		for _, m := range shown {
			for mode := access.Modes(1); mode != 0 && mode <= m.Now.Modes; mode <<= 1 {
				if m.Now.Modes.Has(mode) {
					with.Proofs = append(with.Proofs, access.Proof{Mode: mode, At: r.at, AAGUID: m.Model, MFA: m.Now.Factors.Multi()})
				}
			}
		}
		return r.access.Evaluate(with).Met
	}
	once := false
	if policy, ok := r.policies.of[passConfigurationID].(*passPolicy); ok {
		once = policy.UsableOnce
	}
	with := request
	with.Action = access.RegisterSecurityInfo
	with.Proofs = []access.Proof{{Mode: access.PassOneTime, At: r.at, MFA: true}}
	f.Pass.Barred = !r.access.Evaluate(with).Met
	if f.Pass.Barred && !once { // whoever issues one chooses
		with.Proofs[0].Mode = access.PassMultiUse
		f.Pass.Barred = !r.access.Evaluate(with).Met
	}
}

// devicesOf are the machines that p can use now, and whether they may set up a device PIN at one
// where they have none.
func (r *rulebook) devicesOf(p roster.Person, f *recovery.Facts) (pinless bool, err error) {
	for _, d := range p.Devices {
		if d.Usable() != nil {
			continue // switched off: nobody gets in there
		}
		settled, err := r.heldOn(p, d.Device)
		if err != nil {
			return false, err
		}
		f.Devices = append(f.Devices, recovery.Device{
			ID: string(d.ID), Name: d.DisplayName, PIN: d.PIN, TPM: d.PIN && !d.Software, WebSignIn: settled.webSignIn,
			PINOffline: d.PIN && (!d.Software || settled.softwareOffline), OfflineDays: settled.offlineDays, SeenAt: d.SeenAt,
		})
		pinless = pinless || !d.PIN && settled.pins
	}
	return pinless, nil
}

// settled is what of a device's effective policy counts here.
type settled struct {
	webSignIn, softwareOffline, pins bool
	offlineDays                      int
}

// heldOn resolves the policies for p at d, or looks up what they came to for others alike.
func (r *rulebook) heldOn(p roster.Person, d directory.Device) (settled, error) {
	facts := devicepolicy.FactsOf(d)
	facts.Policies, facts.Person, facts.User = r.settings, true, p.Groups
	var alike strings.Builder
	fmt.Fprint(&alike, facts.Platform, facts.Joined)
	asked := false
	for _, policy := range r.settings {
		for _, to := range policy.Assignments {
			if to.Group == "" {
				continue
			}
			if !asked {
				var err error
				if facts.Device, err = r.deviceGroups(d.ID); err != nil {
					return settled{}, err
				}
				asked = true
			}
			fmt.Fprint(&alike, facts.User[to.Group], facts.Device[to.Group])
		}
	}
	if known, ok := r.resolved.Load(alike.String()); ok {
		if h, ok := known.(settled); ok {
			return h, nil
		}
	}
	effective := devicepolicy.Resolve(facts)
	h := settled{
		webSignIn: effective.On(devicepolicy.EnableWebSignIn), softwareOffline: effective[devicepolicy.SoftwareOffline].Value.Bool(),
		pins: effective[devicepolicy.UsePassportForWork].Value.Bool(), offlineDays: int(effective[devicepolicy.OfflineDays].Value.Int()),
	}
	if r.kept.Add(1) <= mostResolved {
		r.resolved.Store(alike.String(), h)
	}
	return h, nil
}

package graph

import (
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

// mostDevices bounds the devices that a readiness looks at.
const mostDevices = 20

// getReadiness serves GET /postern/users/{id}/readiness: what still works for a person when
// something fails. docs/readiness.md
func (a *API) getReadiness(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	facts, err := a.factsOf(c)
	if err != nil {
		return err
	}
	now := a.Now()
	answers := recovery.Readiness(facts, now)
	cases := []odata.Entity{}
	for _, one := range answers {
		cases = append(cases, answerResource(one))
	}
	best, helped := recovery.Best(answers)
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: a.root(c).Entity("postern/users/readiness", nil)},
		{Name: "id", Value: c.user.ID},
		{Name: "waysBack", Value: waysBackResource(facts.Methods)},
		{Name: "passIssuable", Value: facts.Pass.Issuable},
		{Name: "cases", Value: cases},
		{Name: "best", Value: odata.Entity{
			{Name: "remedy", Value: textOrNull(string(best))}, {Name: "cases", Value: append([]recovery.Failure{}, helped...)},
		}},
	})
}

func answerResource(one recovery.Answer) odata.Entity {
	ways := []odata.Entity{}
	for _, w := range one.Ways {
		methods := []odata.Entity{}
		for _, m := range w.Methods {
			methods = append(methods, odata.Entity{
				{Name: "id", Value: m.ID}, {Name: "type", Value: methodNames([]signin.MethodID{m.Kind})[0]}, {Name: "displayName", Value: textOrNull(m.Name)},
			})
		}
		way := odata.Entity{{Name: "methods", Value: methods}, {Name: "device", Value: nil}, {Name: "untilDateTime", Value: odata.Time(w.Until)}}
		if w.Device != nil {
			way[1].Value = odata.Entity{{Name: "id", Value: w.Device.ID}, {Name: "displayName", Value: w.Device.Name}}
		}
		ways = append(ways, way)
	}
	return odata.Entity{
		{Name: "case", Value: one.Failure},
		{Name: "standing", Value: one.Standing},
		{Name: "ways", Value: ways},
		// When the pass ends is for those who may read passes.
		{Name: "passWorksNow", Value: !one.PassUntil.IsZero()},
		{Name: "closedBy", Value: append([]recovery.Remedy{}, one.Close...)},
	}
}

// factsOf collects what the readiness of the user goes by.
func (a *API) factsOf(c *call) (recovery.Facts, error) {
	f := recovery.Facts{Enabled: c.user.AccountEnabled}
	all, err := a.policies(c)
	if err != nil {
		return f, err
	}
	surfaces, _, err := a.signInPolicy(c)
	if err != nil {
		return f, err
	}
	found, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, []directory.UserID{c.user.ID}, a.Now())
	if err != nil {
		return f, err
	}
	own := found[c.user.ID]
	f.Methods = all.methodsOf(own, surfaces)
	if f.Pass, err = a.passFacts(c, all, surfaces, own); err != nil {
		return f, err
	}
	var pinless bool
	if f.Devices, pinless, err = a.devicesFor(c, own); err != nil {
		return f, err
	}
	for remedy, policy := range map[recovery.Remedy]string{recovery.AddSecurityKey: passkey.PolicyID, recovery.AddPhone: authenticator.PolicyID} {
		if p := all.of[policy]; p != nil && p.shared().InScope(own.Groups) {
			f.Offered = append(f.Offered, remedy)
		}
	}
	if pinless {
		f.Offered = append(f.Offered, recovery.AddPIN)
	}
	return f, nil
}

// methodsOf are what somebody has registered, with where it is kept and where it may be used.
func (p policies) methodsOf(r method.Registration, surfaces signin.Policy) []recovery.Method {
	var all []recovery.Method
	for _, s := range credentialSets {
		for _, one := range r.Credentials {
			if one.Kind != s.kind {
				continue
			}
			m := recovery.Method{ID: one.ID, Kind: one.Kind, Name: one.Name, Place: placeOf(one), Now: p.holding(s, one, r.Groups).Now}
			m.Browser, _ = surfaces.Allows(signin.SurfaceBrowser, one.Kind)
			m.LockScreen, _ = surfaces.Allows(signin.SurfaceLockScreen, one.Kind)
			all = append(all, m)
		}
	}
	return all
}

// placeOf says where a method is kept. What a passkey does not tell counts as the worst.
func placeOf(c method.Credential) recovery.Place {
	switch c.Kind {
	case authenticator.MethodID, totp.MethodID:
		return recovery.OnPhone
	case password.MethodID:
		return recovery.InMind
	case passkey.MethodID:
		one, err := passkey.Read(c)
		switch {
		case err != nil:
		case one.Key.BackedUp, one.Key.Portable():
			return recovery.Apart
		case slices.Equal(one.Key.Transports, []string{"hybrid"}):
			return recovery.OnPhone
		}
	}
	return recovery.OnEither
}

// passFacts say what a pass can do for the user.
func (a *API) passFacts(c *call, all policies, surfaces signin.Policy, own method.Registration) (recovery.Pass, error) {
	var p recovery.Pass
	if policy := all.of[passConfigurationID]; policy != nil {
		p.Issuable = policy.shared().InScope(own.Groups)
	}
	p.Browser, _ = surfaces.Allows(signin.SurfaceBrowser, tap.MethodID)
	p.LockScreen, _ = surfaces.Allows(signin.SurfaceLockScreen, tap.MethodID)
	pass, err := a.Store.Pass(c.ctx(), c.tenant.ID, c.user.ID)
	if errors.Is(err, tap.ErrNone) {
		return p, nil
	}
	if err == nil && own.Pass && (p.Issuable || pass.Bootstrap) {
		p.From, p.Until = pass.Start, pass.End()
	}
	return p, err
}

// devicesFor are the machines that the user can use now, and whether they may set up a device
// PIN at one where they have none.
func (a *API) devicesFor(c *call, own method.Registration) (all []recovery.Device, pinless bool, err error) {
	pins, err := a.Store.ContainersOf(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return nil, false, err
	}
	var ids []string
	for _, one := range pins {
		ids = append(ids, string(one.Device))
	}
	for _, link := range []string{"ownedDevice", "registeredDevice"} {
		refs, _, err := a.Store.Linked(c.ctx(), c.tenant.ID, string(c.user.ID), link, directory.KindDevice, nil, "", mostDevices)
		if err != nil {
			return nil, false, err
		}
		for _, ref := range refs {
			if !slices.Contains(ids, ref.ID) {
				ids = append(ids, ref.ID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, false, nil
	}
	settings, err := a.Store.DevicePolicies(c.ctx(), c.tenant.ID)
	if err != nil {
		return nil, false, err
	}
	for _, id := range ids[:min(len(ids), mostDevices)] {
		d, err := a.Store.Device(c.ctx(), c.tenant.ID, directory.DeviceObjectID(id))
		if errors.Is(err, directory.ErrDeviceUnknown) || err == nil && d.Usable() != nil {
			continue // gone, or switched off: nobody gets in there
		}
		if err != nil {
			return nil, false, err
		}
		facts := devicepolicy.FactsOf(d)
		facts.Policies, facts.Person, facts.User = settings, true, own.Groups
		if facts.Device, err = a.Store.GroupsOf(c.ctx(), c.tenant.ID, id); err != nil {
			return nil, false, err
		}
		effective := devicepolicy.Resolve(facts)
		i := slices.IndexFunc(pins, func(one hello.Container) bool { return string(one.Device) == id })
		one := recovery.Device{
			ID: id, Name: d.DisplayName, PIN: i >= 0, WebSignIn: effective.On(devicepolicy.EnableWebSignIn),
			OfflineDays: int(effective[devicepolicy.OfflineDays].Value.Int()), SeenAt: d.SeenAt,
		}
		one.PINOffline = one.PIN && (pins[i].Software == nil || effective[devicepolicy.SoftwareOffline].Value.Bool())
		pinless = pinless || !one.PIN && effective[devicepolicy.UsePassportForWork].Value.Bool()
		all = append(all, one)
	}
	return all, pinless, nil
}

// waysBack is what $select adds to a user in a list.
const waysBack = "postern_waysBack"

// waysBackResource says how many ways back in methods make that do not hang on a device PIN, and
// of what kinds.
func waysBackResource(all []recovery.Method) odata.Entity {
	found, kinds := recovery.WaysBack(all), []signin.MethodID{}
	for _, w := range found {
		for _, m := range w.Methods {
			kinds = append(kinds, m.Kind)
		}
	}
	return odata.Entity{{Name: "count", Value: len(found)}, {Name: "types", Value: methodNames(kinds)}}
}

// waysBackOf says it of each of users. Who may not know it of somebody finds null there.
func (a *API) waysBackOf(c *call, users []directory.User) (map[directory.UserID]any, error) {
	all, err := a.policies(c)
	if err != nil {
		return nil, err
	}
	surfaces, _, err := a.signInPolicy(c)
	if err != nil {
		return nil, err
	}
	counted := map[directory.UserID]any{}
	for chunk := range slices.Chunk(users, method.MostAtOnce) {
		ids := make([]directory.UserID, len(chunk))
		for i, u := range chunk {
			ids[i] = u.ID
		}
		found, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, ids, a.Now())
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			own := found[id]
			target := directory.Target{User: id, Roles: own.Roles, RoleAssignableGroup: own.RoleAssignableGroup}
			if directory.May(c.caller, directory.ReadReadiness, target) == nil {
				counted[id] = waysBackResource(all.methodsOf(own, surfaces))
			}
		}
	}
	return counted, nil
}

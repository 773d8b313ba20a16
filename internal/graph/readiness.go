package graph

import (
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

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
		{Name: "grade", Value: recovery.Stand(facts, now).Grade()},
		{Name: "isUnreadable", Value: facts.Unreadable},
		{Name: "passIssuable", Value: facts.Pass.Issuable},
		{Name: "cases", Value: cases},
		{Name: "best", Value: odata.Entity{
			{Name: "remedy", Value: textOrNull(string(best))}, {Name: "cases", Value: append([]recovery.Failure{}, helped...)},
		}},
	})
}

func answerResource(one recovery.Answer) odata.Entity {
	ways, aids := []odata.Entity{}, []odata.Entity{}
	for _, w := range one.Ways {
		ways = append(ways, wayResource(w))
	}
	for _, w := range one.Aids {
		w.Until = time.Time{} // when a pass ends is for those who may read passes
		aids = append(aids, wayResource(w)[3:])
	}
	return odata.Entity{
		{Name: "case", Value: one.Failure},
		{Name: "standing", Value: one.Standing},
		{Name: "ways", Value: ways},
		{Name: "passWorksNow", Value: !one.PassUntil.IsZero()},
		{Name: "byPass", Value: aids},
		{Name: "closedBy", Value: append([]recovery.Remedy{}, one.Close...)},
	}
}

func wayResource(w recovery.Way) odata.Entity {
	methods := []odata.Entity{}
	for _, m := range w.Methods {
		methods = append(methods, odata.Entity{
			{Name: "id", Value: m.ID}, {Name: "type", Value: methodNames([]signin.MethodID{m.Kind})[0]}, {Name: "displayName", Value: textOrNull(m.Name)},
		})
	}
	way := odata.Entity{
		{Name: "methods", Value: methods},
		{Name: "device", Value: nil},
		{Name: "untilDateTime", Value: odata.Time(w.Until)},
		{Name: "help", Value: w.Help},
		{Name: "minutes", Value: int(w.Takes / time.Minute)},
	}
	if w.Device != nil {
		way[1].Value = odata.Entity{{Name: "id", Value: w.Device.ID}, {Name: "displayName", Value: w.Device.Name}}
	}
	return way
}

// factsOf collects what the readiness of the user goes by.
func (a *API) factsOf(c *call) (recovery.Facts, error) {
	rules, err := a.rulebook(c)
	if err != nil {
		return recovery.Facts{}, err
	}
	found, err := a.Store.PeopleOf(c.ctx(), c.tenant.ID, []directory.UserID{c.user.ID}, rules.at)
	if err != nil || len(found) == 0 {
		return recovery.Facts{}, errors.Join(err, noneIf(len(found) == 0 && err == nil, directory.ErrUserUnknown))
	}
	return rules.factsOf(found[0])
}

func noneIf(none bool, err error) error {
	if none {
		return err
	}
	return nil
}

// methodsOf are what somebody has registered, with where it is kept and where it may be used.
func (p policies) methodsOf(r method.Registration, surfaces signin.Policy) []recovery.Method {
	var all []recovery.Method
	for _, s := range credentialSets {
		for _, one := range r.Credentials {
			if one.Kind != s.kind {
				continue
			}
			m := recovery.Method{ID: one.ID, Kind: one.Kind, Name: one.Name, Now: p.holding(s, one, r.Groups).Now}
			m.App = one.Kind == authenticator.MethodID || one.Kind == totp.MethodID
			m.Place, m.Model = placeOf(one)
			m.Browser, _ = surfaces.Allows(signin.SurfaceBrowser, one.Kind)
			m.LockScreen, _ = surfaces.Allows(signin.SurfaceLockScreen, one.Kind)
			all = append(all, m)
		}
	}
	return all
}

// placeOf says where a method is kept, and the model of a passkey. What a passkey does not tell
// counts as the worst.
func placeOf(c method.Credential) (place recovery.Place, model string) {
	switch c.Kind {
	case authenticator.MethodID, totp.MethodID:
		return recovery.OnPhone, ""
	case password.MethodID:
		return recovery.InMind, ""
	case passkey.MethodID:
		one, err := passkey.Read(c)
		if err != nil {
			break
		}
		model = one.Key.AAGUID.String()
		switch {
		case one.Key.BackedUp:
			return recovery.Synced, model
		case one.Key.Portable():
			return recovery.Apart, model
		case slices.Equal(one.Key.Transports, []string{"hybrid"}):
			return recovery.OnPhone, model
		}
	}
	return recovery.OnEither, model
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
			if own.Unreadable() {
				continue // nobody can say
			}
			target := directory.Target{User: id, Roles: own.Roles, RoleAssignableGroup: own.RoleAssignableGroup}
			if directory.May(c.caller, directory.ReadReadiness, target) == nil {
				counted[id] = waysBackResource(all.methodsOf(own, surfaces))
			}
		}
	}
	return counted, nil
}

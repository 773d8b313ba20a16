package graph

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// Scopes tells whom a policy is about, as far as limits allow.
type Scopes interface {
	// PeopleIn returns at most limit people who are in one of the groups, directly or through other
	// groups, in no order; directory.AllUsers stands for everybody.
	PeopleIn(ctx context.Context, tenant directory.TenantID, groups []string, limit int) ([]directory.UserID, error)
	// CountIn counts people as PeopleIn finds them, those in an excluded group left out, up to most.
	CountIn(ctx context.Context, tenant directory.TenantID, groups, excluded []string, most int) (int, error)
	// OutstandingPasses returns at most limit passes that at at are neither over nor used up, those
	// that end first before others.
	OutstandingPasses(ctx context.Context, tenant directory.TenantID, at time.Time, limit int) ([]tap.Pass, error)
	// EventsAbout returns events that have the target, newest first, before a position, and the
	// position of the last one if there are more.
	EventsAbout(ctx context.Context, tenant directory.TenantID, target string, before []any, limit int) ([]audit.Event, []any, error)
}

// Bounds of a preview: what is beyond them is told as "more than", so that the cost of one does not
// grow with the tenant.
const (
	mostCounted = 10_000 // people in a scope or group
	mostLooked  = 1_000  // people, or passes, that are looked at one by one
	mostNamed   = 5
)

// A crowd are people of whom a few are named.
type crowd struct {
	count int
	more  bool // there may be more than count
	some  []directory.UserID
}

func (p *crowd) add(u directory.UserID) {
	p.count++
	if len(p.some) < mostNamed {
		p.some = append(p.some, u)
	}
}

// A preview is what a change of a method's policy would come to.
type preview struct {
	gaining, losing, using, stranded crowd
	longer, ending                   crowd // who has such passes
}

// previewPolicy serves POST /postern/policies/methods/{method}/preview: what PATCH with the same body
// would change, and for whom. Nothing is saved. A body that PATCH would refuse by a rule is answered
// with the rule; an empty object tells about the policy as it is.
func (a *API) previewPolicy(c *call) error {
	now, err := a.namedPolicy(c)
	if err != nil {
		return err
	}
	then, err := a.policyOf(c, now.methodConfiguration)
	if err != nil {
		return err
	}
	if err := then.readBody(c); err != nil {
		return err
	}
	broken, err := told(a.checkPolicy(c, then, now.refs()))
	if err != nil {
		return err
	}
	changes, err := policyChanges(now.policy, then.policy)
	if err != nil {
		return err
	}
	var p preview
	if broken == nil && len(changes) > 0 {
		if p, err = a.previewOf(c, now, then); err != nil {
			return err
		}
	}
	return a.writePreview(c, now, then, broken, changes, p)
}

// told parts what a person may be told from what failed.
func told(err error) (*fault.Error, error) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f, nil
	}
	return nil, err
}

func policyChanges(now, then methodPolicy) ([]odata.Entity, error) {
	before, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(then)
	if err != nil {
		return nil, err
	}
	return differences(before, after)
}

func (a *API) previewOf(c *call, now, then kept) (preview, error) {
	var p preview
	if err := a.shifts(c, now, then, &p); err != nil {
		return p, err
	}
	before, ok := now.policy.(*passPolicy)
	after, same := then.policy.(*passPolicy)
	if !ok || !same {
		return p, nil
	}
	err := a.passesUnder(c, before.Policy, after.Policy, &p)
	return p, err
}

// shifts looks at the people whose right to the method can differ.
func (a *API) shifts(c *call, now, then kept, p *preview) error {
	groups := method.Changed(*now.policy.shared(), *then.policy.shared())
	if len(groups) == 0 {
		return nil
	}
	all, err := a.allPolicies(c)
	if err != nil {
		return err
	}
	allows := func(kind signin.MethodID, groups map[directory.GroupID]bool) bool {
		return slices.ContainsFunc(all, func(k kept) bool { return k.method == kind && k.policy.shared().InScope(groups) })
	}
	people, err := a.Store.PeopleIn(c.ctx(), c.tenant.ID, groups, mostLooked+1)
	if err != nil {
		return err
	}
	more := len(people) > mostLooked
	people = people[:min(len(people), mostLooked)]
	found, err := a.whatTheyHave(c, people)
	if err != nil {
		return err
	}
	for _, u := range people {
		s := method.ShiftOf(now.method, now.method == tap.MethodID, found[u], *now.policy.shared(), *then.policy.shared(), allows)
		for crowd, in := range map[*crowd]bool{&p.gaining: s.Gains, &p.losing: s.Loses, &p.using: s.Loses && s.Uses, &p.stranded: s.Stranded} {
			if crowd.more = more; in {
				crowd.add(u)
			}
		}
	}
	return nil
}

// whatTheyHave reads what people have, however many they are.
func (a *API) whatTheyHave(c *call, people []directory.UserID) (map[directory.UserID]method.Registration, error) {
	all := map[directory.UserID]method.Registration{}
	for chunk := range slices.Chunk(people, method.MostAtOnce) {
		some, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, chunk, a.Now())
		if err != nil {
			return nil, err
		}
		maps.Copy(all, some)
	}
	return all, nil
}

// passesUnder looks at passes that are outstanding.
func (a *API) passesUnder(c *call, now, then tap.Policy, p *preview) error {
	at := a.Now()
	passes, err := a.Store.OutstandingPasses(c.ctx(), c.tenant.ID, at, mostLooked+1)
	if err != nil {
		return err
	}
	more := len(passes) > mostLooked
	passes = passes[:min(len(passes), mostLooked)]
	var people []directory.UserID
	for _, pass := range passes {
		people = append(people, pass.User)
	}
	found, err := a.whatTheyHave(c, people)
	if err != nil {
		return err
	}
	p.longer.more, p.ending.more = more, more
	for _, pass := range passes {
		groups := found[pass.User].Groups
		if then.Outlasts(pass, then.InScope(groups), at) {
			p.longer.add(pass.User)
		}
		if now.Ends(then, pass, now.InScope(groups), then.InScope(groups), at) {
			p.ending.add(pass.User)
		}
	}
	return nil
}

func (a *API) writePreview(c *call, now, then kept, broken *fault.Error, changes []odata.Entity, p preview) error {
	targets, err := a.targetSizes(c, then)
	if err != nil {
		return err
	}
	inScope := odata.Entity{}
	for _, one := range []struct {
		name string
		k    kept
	}{{"now", now}, {"then", then}} {
		n, err := a.sizeOf(c, *one.k.policy.shared())
		if err != nil {
			return err
		}
		inScope = append(inScope, odata.Property{Name: one.name, Value: countResource(n)})
	}
	surfaces, err := a.surfacesLost(c, now, then)
	if err != nil {
		return err
	}
	e := odata.Entity{
		{Name: odata.TagName, Value: now.tag()},
		{Name: "id", Value: now.id},
		{Name: "lastModifiedDateTime", Value: odata.Time(now.revision.ModifiedAt)},
		{Name: "problem", Value: problemResource(broken)},
		{Name: "changes", Value: changes},
		{Name: "inScope", Value: inScope},
		{Name: "targets", Value: targets},
		{Name: "surfacesLost", Value: surfaces},
	}
	for _, one := range []struct {
		name string
		crowd
	}{{"gaining", p.gaining}, {"losing", p.losing}, {"losingWhatTheyUse", p.using}, {"leftWithoutAWayIn", p.stranded}, {"passesStayLonger", p.longer}, {"passesEnd", p.ending}} {
		shown, err := a.crowdResource(c, one.crowd)
		if err != nil {
			return err
		}
		e = append(e, odata.Property{Name: one.name, Value: shown})
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/policies/methods", nil), e)
}

func problemResource(f *fault.Error) any {
	if f == nil {
		return nil
	}
	return odata.Entity{{Name: "code", Value: f.Code}, {Name: "target", Value: f.Target}, {Name: "message", Value: f.Error()}}
}

func countResource(n int) odata.Entity {
	return odata.Entity{{Name: "count", Value: min(n, mostCounted)}, {Name: "isMore", Value: n > mostCounted}}
}

// crowdResource names a few of the people to whoever may read people.
func (a *API) crowdResource(c *call, p crowd) (odata.Entity, error) {
	some := []odata.Entity{}
	for _, id := range p.some {
		u, err := a.Store.User(c.ctx(), c.tenant.ID, id)
		if errors.Is(err, directory.ErrUserUnknown) || directory.May(c.caller, directory.ReadUserBasic, directory.Target{User: id}) != nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		some = append(some, odata.Entity{
			{Name: "id", Value: u.ID}, {Name: "displayName", Value: u.DisplayName}, {Name: "userPrincipalName", Value: u.UserPrincipalName},
		})
	}
	return odata.Entity{{Name: "count", Value: p.count}, {Name: "isMore", Value: p.more}, {Name: "some", Value: some}}, nil
}

// sizeOf counts who is in scope, up to one more than is told.
func (a *API) sizeOf(c *call, t method.Targets) (int, error) {
	if !t.Enabled() || len(t.Include) == 0 {
		return 0, nil
	}
	return a.Store.CountIn(c.ctx(), c.tenant.ID, targetIDs(t.Include), targetIDs(t.Exclude), mostCounted+1)
}

func targetIDs(targets []method.Target) []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.ID)
	}
	return all
}

// targetSizes says of each target how many people it has, and to whoever may read groups what it
// is called.
func (a *API) targetSizes(c *call, k kept) ([]odata.Entity, error) {
	all := []odata.Entity{}
	for _, ref := range k.refs() {
		if slices.ContainsFunc(all, func(e odata.Entity) bool { return e[0].Value == ref.ID }) {
			continue
		}
		n, err := a.Store.CountIn(c.ctx(), c.tenant.ID, []string{ref.ID}, nil, mostCounted+1)
		if err != nil {
			return nil, err
		}
		var name any
		if ref.ID != directory.AllUsers && directory.May(c.caller, directory.ReadGroup, directory.Target{}) == nil {
			switch g, err := a.Store.Group(c.ctx(), c.tenant.ID, directory.GroupID(ref.ID)); {
			case err == nil:
				name = g.DisplayName
			case !errors.Is(err, directory.ErrGroupUnknown):
				return nil, err
			}
		}
		all = append(all, append(odata.Entity{{Name: "id", Value: ref.ID}, {Name: "displayName", Value: name}}, countResource(n)...))
	}
	return all, nil
}

// surfacesLost are the surfaces at which people may use the method now, and could not then.
func (a *API) surfacesLost(c *call, now, then kept) ([]string, error) {
	lost := []string{}
	if !now.policy.shared().Enabled() || then.policy.shared().Enabled() {
		return lost, nil
	}
	p, _, err := a.signInPolicy(c)
	if err != nil {
		return nil, err
	}
	for _, at := range signin.Surfaces {
		if ok, _ := p.Allows(at, now.method); ok && (at != signin.SurfaceTextConsole || slices.Contains(onlyTyped, now.method)) {
			lost = append(lost, string(at))
		}
	}
	return lost, nil
}

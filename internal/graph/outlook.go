package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// ErrStranded reports a change that takes the last way back in from people.
var ErrStranded = &fault.Error{
	Kind: fault.Conflict, Code: "policyStrandsPeople", Text: "With this policy some people would have no way back in when something fails.",
	Remedy: "Give them another way first, or save it in spite of that.",
}

// ErrUncounted reports a change of which nobody knows yet whether it takes the last way back in
// from somebody.
var ErrUncounted = &fault.Error{
	Kind: fault.Conflict, Code: "policyUncounted", Text: "There are too many people to find out in time whether this policy leaves somebody without a way back in.",
	Remedy: "Ask what if, which counts for longer, or save it in spite of that.",
}

// How long a what-if looks at people, and how long a change waits for it: whoever was not looked
// at by then is not counted, and the answer says so.
const (
	whatIfTime  = 50 * time.Second
	guardTime   = 10 * time.Second
	mostLosing  = 100
	guardEnough = 1 // one is enough to ask
)

// An outlook is what a draft of the rules comes to for everybody.
type outlook struct {
	mu        sync.Mutex
	looked    int
	complete  bool
	stranded  int // without any way in some failure, not even a pass
	dependent int // with nothing but a pass where there was a way of their own
	lost      map[recovery.Failure]int
	some      []loss // stranded first
}

// A loss is somebody who loses, and by which failures.
type loss struct {
	user     directory.UserID
	stranded bool
	failures []recovery.Failure
}

// A draft changes a rulebook.
type draft func(*rulebook) error

// under returns r as it would be under a draft.
func (r *rulebook) under(d draft) (*rulebook, error) {
	then := &rulebook{
		at: r.at, policies: r.policies, surfaces: r.surfaces, settings: r.settings, access: r.access,
		upstreams: r.upstreams, recovering: r.recovering, deviceGroups: r.deviceGroups,
	}
	then.policies.of = maps.Clone(r.policies.of)
	return then, d(then)
}

// lookAhead compares how everybody stands now with how they would stand under a draft, for at most
// a time, or until enough people are stranded; 0 counts all.
func (a *API) lookAhead(c *call, d draft, limit time.Duration, enough int) (*outlook, error) {
	now, err := a.rulebook(c)
	if err != nil {
		return nil, err
	}
	then, err := now.under(d)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), limit)
	defer cancel()
	o := &outlook{lost: map[recovery.Failure]int{}}
	spans, failed := make(chan roster.Span), make(chan error, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for span := range spans {
				people, err := a.Store.PeopleOfSpan(ctx, c.tenant.ID, span, now.at)
				if err == nil {
					err = o.add(people, now, then)
				}
				if err != nil {
					if ctx.Err() == nil { // the time is not over, nor did another one fail
						failed <- err
					}
					cancel()
					return
				}
			}
		})
	}
	err = a.feed(ctx, c.tenant.ID, func(span roster.Span) bool {
		select {
		case spans <- span:
			return enough == 0 || o.strandedSoFar() < enough
		case <-ctx.Done():
			return false
		}
	}, &o.complete)
	close(spans)
	workers.Wait()
	close(failed)
	if ctx.Err() != nil && c.ctx().Err() == nil {
		o.complete, err = false, nil // the time is over, or a worker says why
	}
	return o, errors.Join(err, <-failed)
}

// feed gives everybody to take, span by span, while it wants more.
func (a *API) feed(ctx context.Context, tenant directory.TenantID, take func(roster.Span) bool, whole *bool) error {
	for after := directory.UserID(""); ; {
		span, err := a.Store.SpanAfter(ctx, tenant, after, roster.MostAtOnce)
		if err != nil || !take(span) {
			return err
		}
		if after = span.Last; after == "" {
			*whole = true
			return nil
		}
	}
}

func (o *outlook) strandedSoFar() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stranded
}

func (o *outlook) add(people []roster.Person, now, then *rulebook) error {
	for _, p := range people {
		if !p.Enabled {
			continue
		}
		before, err := now.factsOf(p)
		if err != nil {
			return err
		}
		after, err := then.factsOf(p)
		if err != nil {
			return err
		}
		is, would := recovery.Stand(before, now.at), recovery.Stand(after, now.at)
		if is != would {
			o.compare(p.User, is, would)
		}
	}
	o.mu.Lock()
	o.looked += len(people)
	o.mu.Unlock()
	return nil
}

func (o *outlook) compare(user directory.UserID, is, would recovery.Standings) {
	stranded, dependent := is.Loses(would)
	if !stranded && !dependent {
		return
	}
	l := loss{user: user, stranded: stranded}
	for i, f := range recovery.Failures {
		if f != recovery.Offline && is[i] != recovery.NotApplicable && !would[i].AtLeast(is[i]) {
			l.failures = append(l.failures, f)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range l.failures {
		o.lost[f]++
	}
	if stranded {
		o.stranded++
	} else {
		o.dependent++
	}
	if i := slices.IndexFunc(o.some, func(one loss) bool { return !one.stranded }); stranded && i >= 0 {
		o.some = slices.Insert(o.some, i, l)
	} else {
		o.some = append(o.some, l)
	}
	o.some = o.some[:min(len(o.some), mostLosing)]
}

// keepsWaysBack refuses a change that takes the last way back in from somebody, unless the caller
// insists. Where that can't be found out in time, whoever changes it decides.
func (a *API) keepsWaysBack(c *call, force bool, d draft) error {
	if force {
		return nil
	}
	o, err := a.lookAhead(c, d, cmp.Or(a.GuardTime, guardTime), guardEnough)
	switch {
	case err != nil:
		return err
	case o.stranded == 0 && !o.complete:
		return ErrUncounted
	case o.stranded == 0:
		return nil
	}
	who := ""
	if directory.May(c.caller, directory.ReadUserBasic, directory.Target{User: o.some[0].user}) == nil {
		if u, err := a.Store.User(c.ctx(), c.tenant.ID, o.some[0].user); err == nil {
			who = ", such as " + u.DisplayName + ","
		}
	}
	return ErrStranded.With("", fmt.Sprintf("With this policy some people%s would have no way back in when something fails.", who))
}

// keepsWaysBackUnder is keepsWaysBack for a change of Conditional Access that may be made otherwise.
func (a *API) keepsWaysBackUnder(c *call, force bool, may guard, change access.Change) error {
	if force {
		return nil
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	if err := may(there, change); err != nil || !mayStrand(there, change) {
		return err
	}
	return a.keepsWaysBack(c, false, func(r *rulebook) error { return r.obey(a, there.With(change)) })
}

// mayStrand reports whether a change can take a way back in from somebody, as far as that is decided
// without knowing from where they come.
func mayStrand(there access.Rules, change access.Change) bool {
	switch {
	case change.Strength != nil:
		return slices.ContainsFunc(there.Policies, func(p access.Policy) bool {
			return decidable(p) && p.Grant.Strength != nil && p.Grant.Strength.ID == change.Strength.ID
		})
	case change.Policy == nil:
		return false
	case change.Remove: // what a policy for registration asks for goes before what others do
		return decidable(*change.Policy) && slices.Contains(change.Policy.Conditions.Applications.UserActions, access.RegisterSecurityInfo)
	}
	old, err := found(there.Policies, change.Policy.ID, accessPolicyID, access.ErrUnknownPolicy)
	// An exemption ends by itself, and nobody is held back who ends it sooner.
	was, is := err == nil && decidable(old), decidable(*change.Policy)
	same := reflect.DeepEqual(old.Conditions, change.Policy.Conditions) && reflect.DeepEqual(old.Grant, change.Policy.Grant)
	return was != is || is && !same
}

// mayTake reports whether k can take a way back from somebody who has it under the policy that was
// there before: one that was off has none, and of passes it is about who gets them and how often they work.
func (k kept) mayTake(before []byte) bool {
	was := k.fresh()
	if json.Unmarshal(before, was) != nil {
		return true
	}
	if !was.shared().Enabled() {
		return false
	}
	old, ok := was.(*passPolicy)
	fresh, same := k.policy.(*passPolicy)
	return !ok || !same || old.UsableOnce != fresh.UsableOnce || !reflect.DeepEqual(old.Targets, fresh.Targets)
}

// withMethod puts a method's policy in the place of that which is there.
func withMethod(k kept) draft {
	return func(r *rulebook) error {
		r.policies.of[k.id] = k.policy
		return nil
	}
}

// whatIfReadiness serves POST /postern/recovery/readiness/whatIf: who loses ways back in under a
// draft of the rules. Nothing is saved.
func (a *API) whatIfReadiness(c *call) error {
	d, err := a.readDraft(c)
	if err != nil {
		return err
	}
	o, err := a.lookAhead(c, d, whatIfTime, 0)
	if err != nil {
		return err
	}
	losing := []odata.Entity{}
	for _, l := range o.some {
		u, err := a.Store.User(c.ctx(), c.tenant.ID, l.user)
		if errors.Is(err, directory.ErrUserUnknown) {
			continue
		}
		if err != nil {
			return err
		}
		losing = append(losing, odata.Entity{
			{Name: "id", Value: u.ID},
			{Name: "userPrincipalName", Value: u.UserPrincipalName},
			{Name: "displayName", Value: u.DisplayName},
			{Name: "leftWithoutAWay", Value: l.stranded},
			{Name: "failures", Value: l.failures},
		})
	}
	failures := odata.Entity{}
	for _, f := range recovery.Failures {
		if f != recovery.Offline {
			failures = append(failures, odata.Property{Name: string(f), Value: o.lost[f]})
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/recovery/readiness/whatIf", nil), odata.Entity{
		{Name: "lookedAt", Value: o.looked},
		{Name: "isComplete", Value: o.complete},
		{Name: "leftWithoutAWay", Value: o.stranded},
		{Name: "leftWithAPassOnly", Value: o.dependent},
		{Name: "worseByFailure", Value: failures},
		{Name: "losing", Value: losing},
	})
}

// readDraft reads what is thought of: three questions that many ask, policies of methods as PATCH takes
// them, with their ids, the recovery policy likewise, and drafts of Conditional Access as /postern/access/evaluate takes them.
func (a *API) readDraft(c *call) (draft, error) {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return nil, err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return nil, err
	}
	resistant, noPasswords, oneTime := false, false, false
	body.Bool("requirePhishingResistant", &resistant)
	body.Bool("passwordsOff", &noPasswords)
	body.Bool("passesOneTime", &oneTime)
	var all []draft
	for _, one := range methodConfigurations {
		if !(noPasswords && one.id == password.PolicyID || oneTime && one.id == passConfigurationID) {
			continue
		}
		k, err := a.policyOf(c, one)
		if err != nil {
			return nil, err
		}
		if one.id == password.PolicyID {
			k.policy.shared().State = "disabled"
		}
		if passes, ok := k.policy.(*passPolicy); ok {
			passes.UsableOnce = true
		}
		all = append(all, withMethod(k))
	}
	methods, err := a.readMethodDrafts(c, body)
	if err != nil {
		return nil, err
	}
	all = append(all, methods...)
	if body.Has("recoveryPolicy") {
		p, err := a.recoveryPolicyOf(c)
		if err != nil {
			return nil, err
		}
		p = readRecoveryPolicy(body.Object("recoveryPolicy"), p)
		if err := p.Check(); err != nil {
			return nil, err
		}
		all = append(all, func(r *rulebook) error { r.recovering = p; return nil })
	}
	policies, err := a.readDrafts(c, body, there)
	if err := errors.Join(err, body.Done()); err != nil {
		return nil, err
	}
	if resistant {
		policies = append(policies, phishingResistantForAll(a.Now()))
	}
	if len(policies) > 0 {
		all = append(all, func(r *rulebook) error { return r.obey(a, drafted(there, policies)) })
	}
	return func(r *rulebook) error {
		for _, d := range all {
			if err := d(r); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (a *API) readMethodDrafts(c *call, body *odata.Object) ([]draft, error) {
	var all []draft
	for _, o := range body.Objects("methods") {
		id := ""
		o.String("id", &id)
		i := slices.IndexFunc(methodConfigurations, func(m methodConfiguration) bool { return m.id == id })
		if i < 0 {
			return nil, ErrConfigurationUnknown.With("methods/id", "There is no such authentication method.")
		}
		k, err := a.policyOf(c, methodConfigurations[i])
		if err != nil {
			return nil, err
		}
		k.read(o)
		if err := a.checkPolicy(c, k, k.refs()); err != nil {
			return nil, err
		}
		all = append(all, withMethod(k))
	}
	return all, nil
}

// phishingResistantForAll asks everybody for it everywhere.
func phishingResistantForAll(now time.Time) access.Policy {
	return access.Policy{
		ID: "draft-phishing-resistant", DisplayName: "Phishing-resistant for everybody", State: access.Enabled, CreatedAt: now,
		Conditions: access.Conditions{
			ClientAppTypes: []string{"all"}, Users: access.Users{IncludeUsers: []string{access.All}}, Applications: access.Applications{Include: []string{access.All}},
		},
		Grant: &access.Grant{Operator: "OR", Strength: &access.Reference{ID: access.StrengthPhishingResistant}},
	}
}

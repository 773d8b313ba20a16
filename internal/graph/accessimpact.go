package graph

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
)

// ErrImpact reports an impact that can't be looked at.
var ErrImpact = &fault.Error{
	Kind: fault.Invalid, Code: "accessImpact", Target: "days", Text: "The impact is not looked at like this.", Remedy: "days is a number from 1 to 30.",
}

// What a caller may say of an impact that was counted before: it will do, or nothing else is wanted.
const (
	keptDoes  = "accept"
	keptAlone = "only"
)

// What one impact looks at: the newest sign-ins, whichever of these comes first.
const (
	mostReplayed = 10_000
	replayedDays = 30
	replayedFor  = 20 * time.Second
	replayedPage = method.MostAtOnce // of whom no more people can be
)

// accessImpact serves POST /postern/access/impact: what drafts, or else the policies that only
// report, would have done to the sign-ins of the last days.
func (a *API) accessImpact(c *call) error {
	if err := directory.May(c.caller, directory.ReadSignIns, directory.Target{}); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	days, kept := 7, ""
	body.Int("days", &days)
	body.String("kept", &kept)
	drafts, err := a.readDrafts(c, body, there)
	if err := errors.Join(err, body.Done()); err != nil {
		return err
	}
	if days < 1 || days > replayedDays {
		return ErrImpact
	}
	if kept != "" && kept != keptDoes && kept != keptAlone {
		return ErrImpact.With("kept", "kept is "+keptDoes+" or "+keptAlone+".")
	}
	key, err := keyOf(c.tenant.ID, there, drafts)
	if err != nil {
		return err
	}
	of := days
	if kept == keptAlone {
		of = 0
	}
	if t, ok := a.impacts.of(key, of, a.Now()); ok && kept != "" {
		return a.writeImpact(c, t)
	}
	if kept == keptAlone {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	t, err := a.countImpact(c, there, drafts, days)
	if err != nil {
		return err
	}
	a.impacts.put(key, t)
	return a.writeImpact(c, t)
}

// countImpact compares the rules there with those of drafts, or without any, with those that only
// report.
func (a *API) countImpact(c *call, there access.Rules, drafts []access.Policy, days int) (tally, error) {
	before, err := a.compile(there)
	if err != nil {
		return tally{}, err
	}
	rules := drafted(there, drafts)
	if len(drafts) == 0 {
		rules = enforced(there)
	}
	after, err := a.compile(rules)
	if err != nil {
		return tally{}, err
	}
	done := replay{api: a, call: c, impact: access.NewImpact(before, after), people: map[directory.UserID]access.PastSignIn{}, devices: map[string]*access.Device{}}
	t := tally{days: days, at: a.Now().UTC()}
	t.from = t.at.AddDate(0, 0, -days)
	if err := done.since(t.from); err != nil {
		return tally{}, err
	}
	t.Counts, t.oldest, t.complete, t.skipped, t.riskless = done.impact.Counts(), done.oldest, done.complete, done.skipped, done.riskless
	return t, nil
}

func (a *API) writeImpact(c *call, t tally) error {
	affected := []odata.Entity{}
	for _, p := range t.Affected {
		user, err := a.Store.User(c.ctx(), c.tenant.ID, p.User)
		if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			return err
		}
		affected = append(affected, odata.Entity{
			{Name: "userId", Value: string(p.User)},
			{Name: "userPrincipalName", Value: text(user.UserPrincipalName)},
			{Name: "displayName", Value: text(user.DisplayName)},
			{Name: "blockedSignIns", Value: p.Blocked},
			{Name: "askedForMoreSignIns", Value: p.Asked},
			{Name: "lockedOut", Value: p.LockedOut},
			{Name: "policyId", Value: text(p.Policy)},
		})
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/access/impact", nil), odata.Entity{
		{Name: "countedDateTime", Value: odata.Time(t.at)},
		{Name: "days", Value: t.days},
		{Name: "from", Value: odata.Time(t.from)},
		{Name: "lookedBackTo", Value: odata.Time(t.oldest)},
		{Name: "complete", Value: t.complete},
		{Name: "signIns", Value: t.SignIns},
		{Name: "signInsNotUnderstood", Value: t.skipped},
		{Name: "signInsWithoutRisk", Value: t.riskless},
		{Name: "people", Value: t.People},
		{Name: "blocked", Value: t.Blocked},
		{Name: "askedForMore", Value: t.Asked},
		{Name: "lockedOutPeople", Value: t.LockedOut},
		{Name: "easedSignIns", Value: t.Eased},
		{Name: "affected", Value: affected},
	})
}

// A replay reads the log page by page, newest first. It keeps what it learned of people and
// devices, of whom there can't be more than sign-ins.
type replay struct {
	api     *API
	call    *call
	impact  *access.Impact
	people  map[directory.UserID]access.PastSignIn // without a sign-in; of nobody, without a user
	devices map[string]*access.Device

	looked, skipped int
	riskless        int // whose risk is not in the log
	oldest          time.Time
	complete        bool // back to the day that was asked for
}

// since replays what succeeded since then, within the bounds.
func (r *replay) since(from time.Time) error {
	e, err := filter.Parse("status/errorCode eq 0 and signInEventTypes/any(t: t eq 'interactiveUser') and createdDateTime ge " + moment(from))
	if err != nil {
		return err
	}
	bound, err := filter.Check(e, signInSchema)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.call.ctx(), replayedFor)
	defer cancel()
	var after []any
	for r.looked < mostReplayed && ctx.Err() == nil {
		page, next, err := r.api.Store.Events(r.call.ctx(), r.call.tenant.ID, audit.KindSignIn, []filter.Bound{bound}, newestFirst, after, replayedPage)
		if err != nil {
			return err
		}
		if err := r.page(page); err != nil {
			return err
		}
		if next == nil {
			r.complete = true
			return nil
		}
		after = next
	}
	return nil
}

func (r *replay) page(events []audit.Event) error {
	if err := r.meet(events); err != nil {
		return err
	}
	for _, e := range events {
		r.looked++
		r.oldest = e.At
		past, known := r.people[directory.UserID(e.SignIn.UserID)]
		if !known || past.Request.Subject.User == "" {
			r.skipped++
			continue
		}
		if err := r.signIn(&past, e); err != nil {
			return err
		}
		if len(past.Request.Proofs) == 0 {
			r.skipped++
			continue
		}
		r.impact.Add(past)
	}
	return nil
}

// meet learns who the people of a page are now; those who are gone have no user.
func (r *replay) meet(events []audit.Event) error {
	var fresh []directory.UserID
	for _, e := range events {
		id := directory.UserID(e.SignIn.UserID)
		if _, known := r.people[id]; !known && id != "" {
			r.people[id] = access.PastSignIn{}
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	registered, err := r.api.Store.RegistrationsOf(r.call.ctx(), r.call.tenant.ID, fresh, r.api.Now())
	if err != nil {
		return err
	}
	for _, id := range fresh {
		own, has := registered[id]
		past := access.PastSignIn{Methods: accessMethods(own)}
		user, err := r.api.Store.User(r.call.ctx(), r.call.tenant.ID, id)
		switch {
		case errors.Is(err, directory.ErrUserUnknown):
			continue
		case err != nil:
			return err
		case has:
			past.Request.Subject = access.Subject{User: id, Guest: user.UserType == "Guest", Groups: slices.Collect(maps.Keys(own.Groups)), Roles: own.Roles}
		default:
			if past.Request.Subject, err = r.api.subject(r.call, string(id)); err != nil {
				return err
			}
		}
		r.people[id] = past
	}
	return nil
}

// signIn puts into past what the log says about a sign-in. The model of a passkey is not kept there:
// it is taken for one that the person has. A risk that was not looked at then counts as none.
func (r *replay) signIn(past *access.PastSignIn, e audit.Event) error {
	in, q := e.SignIn, &past.Request
	q.At, q.App, q.Client, q.Platform = e.At, directory.AppID(in.AppID), access.Browser, platformOf(in)
	q.Action, q.Context, q.Flow, q.Resource, q.Proofs = "", "", "", "", nil
	if id := strings.ToLower(strings.TrimPrefix(in.ResourceID, "api://")); directory.IsID(id) && directory.AppID(id) != directory.GraphAppID {
		q.Resource = directory.AppID(id)
	}
	switch {
	case q.App == directory.PagesAppID:
		q.Action = access.RegisterSecurityInfo
	case q.Resource == directory.DeviceRegistrationAppID:
		q.Action = access.RegisterDevice
	}
	if in.ClientAppUsed == audit.ClientApps {
		q.Client = access.NativeClient
	}
	if in.Protocol == audit.ProtocolDeviceCode {
		q.Flow = access.DeviceCodeFlow
	}
	q.Address, _ = netip.ParseAddr(in.IPAddress)
	q.SignInRisk, q.UserRisk = access.Risk(in.RiskLevel), access.Risk(in.UserRisk)
	if in.RiskLevel == "" {
		r.riskless++
	}
	for _, d := range in.Details {
		if d.Succeeded {
			q.Proofs = append(q.Proofs, provedBy(in, d, past.Methods)...)
		}
	}
	var err error
	device, known := r.devices[in.DeviceID]
	if !known {
		if device, err = r.api.accessDevice(r.call, in.DeviceID); err != nil {
			return err
		}
		r.devices[in.DeviceID] = device
	}
	q.Device = device
	return nil
}

// federatedName is what the log calls a sign-in at another identity provider.
const federatedName = "Federated"

// provedBy is a step of a sign-in as policies see it.
func provedBy(in *audit.SignIn, d audit.AuthenticationDetail, has access.Methods) []access.Proof {
	p := access.Proof{At: d.At}
	switch d.Method {
	case audit.MethodPassword:
		p.Mode = access.Password
	case audit.MethodCodes:
		p.Mode = access.SoftwareOath
	case audit.MethodHello:
		p.Mode = access.WindowsHello
	case audit.MethodAuthenticator:
		p.Mode = access.DeviceBasedPush
		if d.Requirement == audit.StepMFA {
			p.Mode = access.AuthenticatorPush
		}
	case audit.MethodPass:
		p.Mode = access.PassMultiUse
		if d.Detail == audit.PassOneTime {
			p.Mode = access.PassOneTime
		}
	case federatedName: // how much was shown elsewhere follows from what was wanted and enough
		p.Mode = access.FederatedSingle
		if in.AuthenticationRequirement == audit.MultiFactor && len(in.Details) == 1 {
			p.Mode = access.FederatedMulti
		}
	case audit.MethodPasskey:
		p.Mode = access.FIDO2
		all := []access.Proof{p}
		for _, model := range has.AAGUIDs {
			p.AAGUID = model
			all = append(all, p)
		}
		return all
	default:
		return nil
	}
	return []access.Proof{p}
}

package recovery

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
)

func isFault(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok
}

// Issue issues the pass for a case. The passcode is returned here and nowhere else.
//
// A person needs directory.IssuePass on the person of the case. With order.Handed, the server
// issues it for a sealed hand-over: that takes somebody's approval, or a policy that lets people
// recover by themselves and a proof of their own from by.Browser.
func (s Service) Issue(ctx context.Context, ref Ref, order Order, by Actor) (Case, tap.Pass, tap.Passcode, error) {
	c, err := s.Cases.Case(ctx, ref.Tenant, ref.ID)
	if err != nil {
		return c, tap.Pass{}, tap.Passcode{}, err
	}
	if ref.Version != 0 && ref.Version != c.Version {
		return c, tap.Pass{}, tap.Passcode{}, ErrChanged
	}
	subject, err := s.subject(ctx, c)
	if err != nil {
		return c, tap.Pass{}, tap.Passcode{}, err
	}
	next, pass, code, err := s.issue(ctx, c, subject, order, by)
	if err != nil {
		return c, tap.Pass{}, tap.Passcode{}, s.refused(ctx, c, audit.CaseIssued, subject.User, by, err)
	}
	return next, pass, code, nil
}

func (s Service) issue(ctx context.Context, c Case, subject Subject, order Order, by Actor) (Case, tap.Pass, tap.Passcode, error) {
	none := func(err error) (Case, tap.Pass, tap.Passcode, error) { return c, tap.Pass{}, tap.Passcode{}, err }
	now := s.Now()
	person := by.person()
	if order.Handed {
		person = Person{Name: "Postern"}
	}
	asked := order
	v, err := s.grant(ctx, c, subject, order, by, person)
	if err != nil {
		return none(err)
	}
	order = v.order
	passes, err := s.Passes.Store.PassPolicy(ctx, c.Tenant)
	if err != nil {
		return none(err)
	}
	if asked.Minutes == nil {
		level, _ := v.counted.Level(v.policy, now)
		g, _ := v.policy.Grant(subject.Class, level)
		n := g.Lifetime(passes.DefaultLifetime)
		order.Minutes = &n
	}
	groups, err := s.People.GroupsOf(ctx, c.Tenant, string(c.User))
	if err != nil {
		return none(err)
	}
	issuer := tap.Issuer{User: person.User, App: person.App, DisplayName: person.Name, Address: by.SignIn.Address}
	if order.Hand.ToManager() {
		issuer.Reader = subject.User.Manager
	}
	into := &issuing{Store: s.Passes.Store, service: s, from: c, subject: subject, by: by, person: person, at: now, order: order}
	through := s.Passes
	through.Store = into
	pass, code, err := through.Issue(ctx, tap.Request{
		User: subject.User, Tenant: subject.Tenant, Groups: groups, Power: subject.Target.Power(), Lifetime: order.Minutes, Once: order.Once,
		Reason: "Recovery case " + c.Number, Ticket: c.Ticket, Check: c.check(), Purpose: *order.Purpose, Case: c.ID,
		Issuer: issuer,
	}, func(p tap.Pass) audit.Event { return c.issuedEvent(p, order.Hand, subject.User, by, now) })
	if err != nil {
		return none(err)
	}
	return into.after, pass, code, nil
}

// granted is what comes of an order as the facts are.
type granted struct {
	policy  Policy
	counted Case // with what counts for whoever issues
	order   Order
	read    map[directory.UserID]int64 // versions of the people that it is by
}

func (s Service) grant(ctx context.Context, c Case, subject Subject, order Order, by Actor, person Person) (g granted, err error) {
	if g.policy, err = s.Cases.RecoveryPolicy(ctx, c.Tenant); err != nil {
		return g, err
	}
	standing, read, err := s.standing(ctx, c, subject, g.policy)
	if err != nil {
		return g, err
	}
	g.read = read
	now := s.Now()
	if g.counted, err = s.mayIssue(standing, g.policy, subject, order, by, now); err != nil {
		return g, err
	}
	g.order, err = g.counted.Granted(g.policy, order, person, subject, now)
	return g, err
}

// mayIssue says who may, see [Service.Issue], and returns c with the proofs that count for them.
func (s Service) mayIssue(c Case, p Policy, about Subject, order Order, by Actor, now time.Time) (Case, error) {
	if !order.Handed {
		return c, directory.May(by.Caller, directory.IssuePass, about.Target)
	}
	if order.Hand == HandBrowser {
		c = c.HeardFrom(by.Browser)
	}
	switch {
	case len(c.Approvers(p, about.Class, now)) > 0:
		return c, nil
	case p.SelfService != SelfProduction || by.Browser == "":
		return c, ErrNotApproved
	}
	// What others attested is about somebody else, perhaps; what counts is what this browser showed.
	c.Proofs = slices.DeleteFunc(slices.Clone(c.Proofs), func(q Proof) bool { return q.Browser != by.Browser })
	return c, nil
}

// check is how c knows who asks, in the words of a pass.
func (c Case) check() tap.IdentityCheck {
	how := tap.CheckOther
	for _, p := range c.Proofs {
		switch p.Kind {
		case ProofInPerson:
			how = tap.CheckInPerson
		case ProofCallBack:
			how = tap.CheckCallBack
		case ProofVideo:
			how = tap.CheckVideo
		case ProofManager:
			how = tap.CheckManager
		}
	}
	return tap.IdentityCheck{How: how, Note: c.Number}
}

// issuedEvent is the event of a new pass as every other has it, with the case.
func (c Case) issuedEvent(p tap.Pass, hand Hand, u directory.User, by Actor, at time.Time) audit.Event {
	usage := audit.AccessPassMultiple
	if p.SingleUse {
		usage = audit.AccessPassOnce
	}
	e := c.event(audit.AdminRegisteredSecurityInfo, u, by, at,
		audit.KeyValue{Key: audit.DetailPass, Value: p.ID}, audit.KeyValue{Key: "Purpose", Value: string(KindOf(p.Purpose))},
		audit.KeyValue{Key: DetailHand, Value: string(hand)})
	e.Change.Service, e.Change.Operation = audit.ServiceAuthenticationMethods, audit.OperationAdd
	e.Change.ResultReason = audit.ReasonAdminRegisteredPass
	e.Change.Targets[0].Modified = []audit.ModifiedProperty{
		{DisplayName: audit.PropertyAccessPassUsage, OldValue: "[]", NewValue: strconv.Quote(usage)},
		{DisplayName: "StartDateTime", OldValue: "[]", NewValue: strconv.Quote(p.Start.Format(time.RFC3339))},
		{DisplayName: "LifetimeInMinutes", OldValue: "[]", NewValue: minutes(p.Lifetime)},
	}
	return e
}

// issuing is a store of passes that stores one pass with its case, or neither.
type issuing struct {
	tap.Store
	service     Service
	from, after Case
	subject     Subject
	by          Actor
	person      Person
	order       Order
	at          time.Time
}

// PutPass implements tap.Store. Making a pass takes a while, on a busy server seconds: what it was granted on is
// looked at once more, and what changes between that and the transaction is refused there.
func (i *issuing) PutPass(ctx context.Context, p tap.Pass, e audit.Event, mails ...outbox.Item) error {
	subject, err := i.service.subject(ctx, i.from)
	if err != nil {
		return err
	}
	still, err := i.service.grant(ctx, i.from, subject, i.order, i.by, i.person)
	if err != nil {
		return err
	}
	next := i.from.WithPass(Issued{
		ID: p.ID, At: i.at, Ends: p.End(), Once: p.SingleUse, Purpose: p.Purpose, By: i.person, Hand: i.order.Hand,
	})
	effects, err := i.service.effects(ctx, next, audit.CaseIssued, i.subject.User, i.by, audit.KeyValue{Key: DetailHand, Value: string(i.order.Hand)})
	if err != nil {
		return err
	}
	effects.Events = append([]audit.Event{e}, effects.Events...)
	effects.Mails, effects.Read = append(mails, effects.Mails...), still.read
	if err := i.service.Cases.IssueCase(ctx, next, p, effects); err != nil {
		return err
	}
	i.after = next
	i.after.Version++
	i.service.tell(ctx, next, audit.CaseIssued, i.subject.User, i.by)
	return nil
}

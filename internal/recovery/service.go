package recovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
)

// A Service takes the steps of cases: it reads the facts, asks the rules, and stores what comes
// of it. A step that is refused leaves an event, too. Every field but Letters and Told is required.
type Service struct {
	Cases  Cases
	People People
	Passes tap.Passes
	// Registry freezes, thaws and removes what came from a case.
	Registry *method.Registry
	Webhooks Webhooks
	Now      func() time.Time // UTC
	Rand     io.Reader        // crypto/rand.Reader, except in tests
	// Letters writes the mails about a step, which are queued with it, never a pass; nil writes none.
	Letters func(ctx context.Context, n Notice) ([]outbox.Item, error)
	// Told is called after a step was stored, for channels that are no mail; nil tells nobody.
	Told func(ctx context.Context, n Notice)
}

// A Notice is a step that the person may be told about.
type Notice struct {
	Case     Case // after the step
	User     directory.User
	Activity string // as in the log: audit.CaseOpened …
	By       Actor
	At       time.Time
}

// An Actor is who takes a step. The zero Actor is the server itself.
type Actor struct {
	Caller        directory.Caller // with roles and permissions where a step takes them
	Name          string
	By            audit.Actor
	CorrelationID string
	SignIn        SignIn
	// Self says that it is whoever asks for help, not signed in; Browser is the keyed hash of theirs.
	Self    bool
	Browser string
	// Number is that of the case as who asks told it to who gives their word; empty where nobody asked for it.
	Number string
}

func (a Actor) person() Person {
	return Person{User: a.Caller.User, App: a.Caller.App, Name: a.Name}
}

// server reports whether the server acts by itself.
func (a Actor) server() bool {
	return !a.Self && a.Caller.User == "" && a.Caller.ServicePrincipal == ""
}

// A Ref names a case. Version is what its reader saw, 0 for any.
type Ref struct {
	Tenant  directory.TenantID
	ID      string
	Version int64
}

// An Opening says what a new case is about.
type Opening struct {
	Tenant  directory.TenantID
	User    directory.UserID
	Kind    OpenerKind
	Channel Channel
	Lost    []Failure
	Device  string
	Note    string
	Ticket  string
	From    string // where they asked, for people to judge
	// Network and Known are kept for those who ask by themselves, see Opener.
	Network string
	Known   bool
}

const maxNote = 1000 // characters

func noteOK(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most &&
		!slices.ContainsFunc([]rune(s), func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
		})
}

func (o Opening) check() error {
	switch {
	case !slices.Contains(OpenerKinds, o.Kind):
		return ErrInvalid.With("openedAs", "A case is opened by an agent, self, manager or automation.")
	case !slices.Contains(Channels, o.Channel):
		return ErrInvalid.With("channel", "channel is phone, inPerson, chat, mail, signInPage or api.")
	case !noteOK(o.Note, maxNote):
		return ErrInvalid.With("note", fmt.Sprintf("note has %d characters at most, and no control characters.", maxNote))
	case !noteOK(o.Ticket, 256):
		return ErrInvalid.With("ticket", "ticket has 256 characters at most, and no control characters.")
	case o.Device != "" && uuid.Validate(o.Device) != nil:
		return ErrInvalid.With("deviceId", "deviceId is the id of a device.")
	}
	for i, f := range o.Lost {
		if !slices.Contains(Failures, f) || slices.Contains(o.Lost[:i], f) {
			return ErrInvalid.With("lost", fmt.Sprintf("%.40q is nothing that a case knows, or is there twice.", string(f)))
		}
	}
	return nil
}

// Open opens a case. Agents and automation need directory.HandleCase; managers have to be the
// person's; anybody may say that they are the person.
func (s Service) Open(ctx context.Context, o Opening, by Actor) (Case, error) {
	now := s.Now()
	c := Case{
		Tenant: o.Tenant, ID: uuid.NewString(), User: o.User, State: Open, OpenedAt: now,
		Opener: Opener{Kind: o.Kind, Person: by.person(), From: o.From, Network: o.Network, Known: o.Known}, Channel: o.Channel, Lost: o.Lost, Device: o.Device, Note: o.Note, Ticket: o.Ticket,
	}
	subject, err := s.subject(ctx, c)
	if err != nil {
		return c, err
	}
	policy, err := s.Cases.RecoveryPolicy(ctx, o.Tenant)
	if err != nil {
		return c, err
	}
	if err := s.mayOpen(o, by, subject, policy, now); err != nil {
		c.ID = "" // there is none
		return c, s.refused(ctx, c, audit.CaseOpened, subject.User, by, err)
	}
	c.ExpiresAt = now.Add(time.Duration(policy.CaseMinutes) * time.Minute)
	for range 5 {
		if c.Number, err = s.number(); err != nil {
			return c, err
		}
		var e Effects
		if e, err = s.effects(ctx, c, audit.CaseOpened, subject.User, by, audit.KeyValue{Key: "Opened as", Value: string(o.Kind)}, audit.KeyValue{Key: "Channel", Value: string(o.Channel)}); err != nil {
			return c, err
		}
		if err = s.Cases.OpenCase(ctx, c, e); !errors.Is(err, ErrNumber) {
			break
		}
	}
	if errors.Is(err, ErrMany) {
		c.ID, c.Number = "", ""
		return c, s.refused(ctx, c, audit.CaseOpened, subject.User, by, err)
	}
	c.Version = 1
	if err == nil {
		s.tell(ctx, c, audit.CaseOpened, subject.User, by)
	}
	return c, err
}

// tell tells the person's other channels of a step that was stored.
func (s Service) tell(ctx context.Context, c Case, activity string, u directory.User, by Actor) {
	if s.Told != nil {
		s.Told(ctx, Notice{Case: c, User: u, Activity: activity, By: by, At: s.Now()})
	}
}

func (s Service) mayOpen(o Opening, by Actor, about Subject, p Policy, now time.Time) error {
	switch {
	case o.Kind == BySelf:
		if !by.Self {
			return ErrInvalid.With("openedAs", "Only the person opens a case as self, from the sign-in page.")
		}
	case o.Kind == ByManager:
		if !about.ManagedBy(by.Caller.User, p, now) {
			return ErrNotManager
		}
	case by.server():
	default:
		if err := directory.May(by.Caller, directory.HandleCase, about.Target); err != nil {
			return err
		}
		if by.Caller.AppOnly() != (o.Kind == ByAutomation) {
			return ErrInvalid.With("openedAs", "People open cases as agent, applications as automation.")
		}
	}
	return o.check()
}

// number draws the number of a case: six characters that can be dictated.
func (s Service) number() (string, error) {
	raw := make([]byte, 6)
	if _, err := io.ReadFull(s.Rand, raw); err != nil {
		return "", err
	}
	for i, b := range raw {
		raw[i] = tap.Alphabet[int(b)%len(tap.Alphabet)] // 32 of them: none is likelier
	}
	return "R-" + string(raw), nil
}

// subject reads whom c is about.
func (s Service) subject(ctx context.Context, c Case) (Subject, error) {
	return s.Subject(ctx, c.Tenant, c.User)
}

// Subject returns a person as the rules see them now.
func (s Service) Subject(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Subject, error) {
	var out Subject
	var err error
	if out.User, err = s.People.User(ctx, tenant, user); err != nil {
		return out, err
	}
	if out.Tenant, err = s.People.Tenant(ctx, tenant); err != nil {
		return out, err
	}
	if out.Target, err = s.People.TargetOf(ctx, tenant, user); err != nil {
		return out, err
	}
	out.Class = ClassOf(out.Target)
	out.Changed, err = s.People.ContactChanges(ctx, tenant, user)
	return out, err
}

// A View is a case with what the rules say about it now.
type View struct {
	Case
	Subject Subject
	Policy  Policy
	Proof   Level
	Grant   *Grant    // what the level is good for; nil for nothing
	Missing int       // approvals
	ReadyAt time.Time // the end of the cool-down; zero without one
	At      time.Time // of all this
	// Stands is the case with the proofs and approvals alone that count: what was said by who could
	// not say it any more does not.
	Stands Case
}

// Renewed is something of the person that changed.
type Renewed struct {
	Property string
	At       time.Time
	Counts   bool // in this case all the same
}

// Changes are what of the person's was changed, as far as that is kept: what they are reached by,
// and what a credential is compared with.
func (v View) Changes() []Renewed {
	var all []Renewed
	for _, property := range v.Policy.Watched() {
		if at, ok := v.Subject.Changed[property]; ok {
			all = append(all, Renewed{property, at, v.Subject.OnFile(property, v.Policy, v.At)})
		}
	}
	return all
}

// View returns a case as it stands now: what has run out counts no more.
func (s Service) View(ctx context.Context, c Case) (View, error) {
	v := View{Case: c}
	var err error
	if v.Subject, err = s.subject(ctx, c); err != nil && !errors.Is(err, directory.ErrUserUnknown) {
		return v, err
	}
	if v.Policy, err = s.Cases.RecoveryPolicy(ctx, c.Tenant); err != nil {
		return v, err
	}
	now := s.Now()
	v.At, v.Case = now, c.Ticked(now)
	if v.Stands = v.Case; v.State.Waits() {
		if v.Stands, _, err = s.standing(ctx, v.Case, v.Subject, v.Policy); err != nil {
			return v, err
		}
		v.Stands = v.Stands.Settled(v.Policy, v.Subject, now)
		v.State = v.Stands.State
	}
	var since time.Time
	if v.Proof, since = v.Stands.Level(v.Policy, now); v.State.Waits() {
		if g, ok := v.Policy.Grant(v.Subject.Class, v.Proof); ok {
			v.Grant, v.Missing = &g, v.Stands.Missing(v.Policy, v.Subject, now)
			if g.CoolDown > 0 {
				v.ReadyAt = since.Add(time.Duration(g.CoolDown) * time.Minute)
			}
		}
	}
	return v, nil
}

// step reads a case, lets change decide, and stores what comes of it. What is refused leaves an
// event.
func (s Service) step(ctx context.Context, ref Ref, activity string, by Actor, change func(v View, now time.Time) (Case, Effects, error)) (Case, error) {
	c, err := s.Cases.Case(ctx, ref.Tenant, ref.ID)
	if err != nil {
		return c, err
	}
	if ref.Version != 0 && ref.Version != c.Version {
		return c, ErrChanged
	}
	v := View{Case: c}
	if v.Subject, err = s.subject(ctx, c); err != nil {
		return c, err
	}
	if v.Policy, err = s.Cases.RecoveryPolicy(ctx, ref.Tenant); err != nil {
		return c, err
	}
	now := s.Now()
	next, e, err := change(v, now)
	if err != nil {
		return c, s.refused(ctx, c, activity, v.Subject.User, by, err)
	}
	more, err := s.effects(ctx, next, activity, v.Subject.User, by)
	if err != nil {
		return c, err
	}
	if len(e.Events) == 0 {
		e.Events = more.Events
	}
	e.At, e.Mails = now, more.Mails
	if err := s.Cases.SaveCase(ctx, next, e); err != nil {
		return c, s.refused(ctx, c, activity, v.Subject.User, by, err)
	}
	next.Version++
	s.tell(ctx, next, activity, v.Subject.User, by)
	return next, nil
}

// effects are the event and the mails of a step.
func (s Service) effects(ctx context.Context, c Case, activity string, u directory.User, by Actor, details ...audit.KeyValue) (Effects, error) {
	now := s.Now()
	e := Effects{At: now, Events: []audit.Event{c.event(activity, u, by, now, details...)}}
	if s.Letters == nil {
		return e, nil
	}
	var err error
	if e.Mails, err = s.Letters(ctx, Notice{Case: c, User: u, Activity: activity, By: by, At: now}); err != nil {
		err = fmt.Errorf("write the letters about case %s: %w", c.Number, err)
	}
	return e, err
}

// refused records that a step was refused, if it was; and returns why.
func (s Service) refused(ctx context.Context, c Case, activity string, u directory.User, by Actor, why error) error {
	f, ok := errors.AsType[*fault.Error](why)
	if !ok {
		return why
	}
	if err := s.Cases.Record(ctx, c.refusal(activity, u, by, s.Now(), f)); err != nil {
		return err
	}
	return why
}

package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// A Service runs drills. Every field but Letters is required.
type Service struct {
	Store   Store
	People  People
	Passes  tap.Store
	Devices Devices
	Secrets signin.Secrets
	PINs    hello.PINs       // for keys on trial: it makes and checks them, and stores none
	Now     func() time.Time // UTC
	Rand    io.Reader
	// Letters are the mails that ask a person to practise; nil writes none.
	Letters func(ctx context.Context, p Practice, u directory.User) ([]outbox.Item, error)
}

// An Order says who begins a drill, and what for.
type Order struct {
	Tenant directory.TenantID
	Where  Where
	Days   int
	Note   string

	By            audit.Actor
	Name          string // of who begins it
	CorrelationID string
}

// mostNote is in bytes.
const mostNote = 256

// check fills in what o leaves out.
func (o Order) check() (Order, error) {
	usual := DefaultSchedule()
	if o.Where == "" {
		o.Where = usual.Where
	}
	if o.Days == 0 {
		o.Days = usual.Days
	}
	if len(o.Note) > mostNote {
		return o, ErrInvalid.With("note", "note has at most 256 bytes.")
	}
	return o, Schedule{Size: 1, Days: o.Days, Where: o.Where}.Check()
}

// begin is the drill of o.
func (s Service) begin(ctx context.Context, o Order, kind Kind) (Drill, directory.Tenant, error) {
	tenant, err := s.People.Tenant(ctx, o.Tenant)
	if err != nil {
		return Drill{}, tenant, err
	}
	now := s.Now()
	return Drill{
		Tenant: o.Tenant, ID: uuid.NewString(), Kind: kind, Quarter: QuarterOf(now, tenant.Location()), BeganAt: now,
		EndsAt: now.AddDate(0, 0, o.Days), Where: o.Where, By: o.Name, Note: o.Note,
	}, tenant, nil
}

func (d Drill) practiceOf(u directory.User) Practice {
	return Practice{
		Tenant: d.Tenant, Drill: d.ID, User: u.ID, Quarter: d.Quarter, State: Asked, EndsAt: d.EndsAt,
		Where: d.Where, Name: u.DisplayName, UPN: u.UserPrincipalName, AskedAt: d.BeganAt,
	}
}

// practises reports whether u is somebody to ask.
func practises(u directory.User) bool {
	return u.AccountEnabled && u.UserType != "Guest"
}

// Start asks one person, and returns the practice pass for who reads it out to them.
func (s Service) Start(ctx context.Context, o Order, user directory.UserID) (Drill, Code, error) {
	o, err := o.check()
	if err != nil {
		return Drill{}, Code{}, err
	}
	u, err := s.People.User(ctx, o.Tenant, user)
	if err != nil {
		return Drill{}, Code{}, err
	}
	if !practises(u) {
		return Drill{}, Code{}, ErrNotThem
	}
	d, _, err := s.begin(ctx, o, OfPerson)
	if err != nil {
		return d, Code{}, err
	}
	d.Asked = 1
	p := d.practiceOf(u)
	code, err := s.show(ctx, &p)
	if err != nil {
		return d, code, err
	}
	mails, err := s.letters(ctx, p, u)
	if err != nil {
		return d, code, err
	}
	err = s.Store.BeginDrill(ctx, d, []Practice{p}, mails, p.event(audit.DrillStarted, o.By, d.BeganAt, o.CorrelationID))
	return d, code, err
}

func (s Service) letters(ctx context.Context, p Practice, u directory.User) ([]outbox.Item, error) {
	if s.Letters == nil {
		return nil, nil
	}
	mails, err := s.Letters(ctx, p, u)
	if err != nil {
		return nil, fmt.Errorf("write the letter about a drill: %w", err)
	}
	return mails, nil
}

// show draws the practice pass of p.
func (s Service) show(ctx context.Context, p *Practice) (Code, error) {
	code, err := newCode(s.Rand)
	if err != nil {
		return code, err
	}
	if p.Hash, err = s.hash(ctx, *p, code.Reveal()); err != nil {
		return code, err
	}
	p.ShownAt = s.Now()
	return code, nil
}

// Show draws a new practice pass for a person who was asked, in place of any before. They see it
// where they are signed in.
func (s Service) Show(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Practice, Code, error) {
	p, err := s.Store.OpenPractice(ctx, tenant, user, s.Now())
	if err != nil {
		return p, Code{}, err
	}
	code, err := s.show(ctx, &p)
	if err != nil {
		return p, code, err
	}
	return p, code, s.Store.SavePractice(ctx, p)
}

// NoAddress is why a sample leaves somebody out who has no mail address: nobody would tell them.
const NoAddress = "drillNoAddress"

// Sample asks the people of this quarter whom [Quarter.Point] comes to. Who was asked already, has
// a case that is not over, is a guest, switched off or without a mail address is left out, and the
// drill says how many.
func (s Service) Sample(ctx context.Context, o Order, size int) (Drill, error) {
	o, err := o.check()
	if err == nil {
		err = Schedule{Size: size, Days: o.Days, Where: o.Where}.Check()
	}
	if err != nil {
		return Drill{}, err
	}
	d, _, err := s.begin(ctx, o, OfSample)
	if err != nil {
		return d, err
	}
	d.LeftOut = map[string]int{}
	met := map[directory.UserID]bool{}
	var people []Practice
	var mails []outbox.Item
	for n := 0; len(people) < size && n < 4*size+20; n++ {
		u, err := s.next(ctx, o.Tenant, d.Quarter.Point(o.Tenant, n), met)
		if errors.Is(err, directory.ErrUserUnknown) {
			break
		}
		if err != nil {
			return d, err
		}
		met[u.ID] = true
		p := d.practiceOf(u)
		why, err := s.leftOut(ctx, p, u)
		if err != nil {
			return d, err
		}
		var letters []outbox.Item
		if why == "" {
			if letters, err = s.letters(ctx, p, u); err != nil {
				return d, err
			}
			if s.Letters != nil && len(letters) == 0 {
				why = NoAddress
			}
		}
		if why != "" {
			d.LeftOut[why]++
			continue
		}
		people, mails = append(people, p), append(mails, letters...)
	}
	d.Asked = len(people)
	events := []audit.Event{d.event(audit.DrillStarted, o.By, d.BeganAt, o.CorrelationID, audit.KeyValue{Key: "Asked", Value: fmt.Sprint(d.Asked)})}
	for _, p := range people {
		events = append(events, p.event(audit.DrillAsked, o.By, d.BeganAt, o.CorrelationID))
	}
	return d, s.Store.BeginDrill(ctx, d, people, mails, events...)
}

// next returns the first person from a point on who was not met yet, so that among few everybody is come to;
// directory.ErrUserUnknown when all were.
func (s Service) next(ctx context.Context, tenant directory.TenantID, point directory.UserID, met map[directory.UserID]bool) (directory.User, error) {
	for range len(met) + 1 {
		u, err := s.Store.UserFrom(ctx, tenant, point)
		if err != nil || !met[u.ID] {
			return u, err
		}
		point = u.ID + "0" // the next id is greater
	}
	return directory.User{}, directory.ErrUserUnknown
}

// leftOut says why somebody is not asked; empty when they are.
func (s Service) leftOut(ctx context.Context, p Practice, u directory.User) (string, error) {
	if !practises(u) {
		return ErrNotThem.Code, nil
	}
	err := s.Store.MayPractise(ctx, OfSample, p)
	switch {
	case errors.Is(err, ErrAsked):
		return ErrAsked.Code, nil
	case errors.Is(err, ErrInCase):
		return ErrInCase.Code, nil
	}
	return "", err
}

// mostSwept bounds what one call of Sweep ends.
const mostSwept = 200

// Sweep ends practices whose time is over.
func (s Service) Sweep(ctx context.Context, tenant directory.TenantID) error {
	now := s.Now()
	over, err := s.Store.OverduePractices(ctx, tenant, now, mostSwept)
	if err != nil {
		return err
	}
	for _, p := range over {
		if p.State == Asked {
			p.State = Missed
		}
		p.Hash, p.Trial = "", nil
		// What failed stays failed: it is what the report says.
		if err := s.Store.SavePractice(ctx, p, p.event(audit.DrillEnded, Actor, now, "", audit.KeyValue{Key: "State", Value: string(p.State)})); err != nil && !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return nil
}

// Actor is who asks by the schedule.
var Actor = audit.Actor{App: &audit.AppActor{DisplayName: "Postern drills"}}

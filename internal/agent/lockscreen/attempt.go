package lockscreen

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/request"
)

// A step is how far an attempt is.
type step int

const (
	choosing   step = iota // tiles and the ways in
	signing                // web sign-in is under way, or has failed
	losing                 // a PIN can only be replaced with a loss, which is to be confirmed
	setting                // the wizard
	leaving                // the session opens, and the lock screen ends
	practising             // a practice pass was typed, and how that ended is shown
)

// An attempt is one sign-in at the screen, from the first choice to the session. All but id
// and ctx is guarded by the screen's mutex.
type attempt struct {
	id   string // correlation id; every form of the attempt carries it
	ctx  context.Context
	stop context.CancelFunc
	end  *time.Timer // of a step that does not wait for ever

	step    step
	user    string // object id of whom the doorway is about; empty for other people
	trouble *trouble

	request *websignin.Request // web sign-in under way; taken by the first answer to it
	show    string             // where the screen's own browser goes to sign in
	sent    bool               // it was sent there: who comes back is asked
	plain   bool               // the browser does not work: a pass may be typed here
	name    string             // that web sign-in begins with
	forgot  bool               // it is about a forgotten PIN

	person  websignin.Person // who signed in at the server; zero for who types their former PIN
	account device.Account
	way     change // how the PIN comes about
	set     bool   // it is set, and only the session is missing

	practice *agent.Practised // how a practice ended
}

// A change is how a person gets a new PIN.
type change int

const (
	first   change = iota // there is none, or none that works
	reset                 // the key stays
	replace               // the key is lost, which the person has confirmed
	byPIN                 // by the former PIN, which is too old
)

// newAttempt begins an attempt.
func (s *Screen) newAttempt() *attempt {
	id := uuid.NewString()
	ctx, stop := context.WithCancel(request.With(context.Background(), request.Facts{CorrelationID: id, RequestID: id}))
	return &attempt{id: id, ctx: ctx, stop: stop}
}

// renew ends the attempt and begins another one. The caller holds the mutex.
func (s *Screen) renew() {
	s.attempt.stop()
	if s.attempt.end != nil {
		s.attempt.end.Stop()
	}
	s.attempt, s.repairs = s.newAttempt(), nil
}

// within ends what a is doing after d, with err on the screen unless it is nil. The caller holds the mutex.
func (s *Screen) within(a *attempt, d time.Duration, err error) {
	if a.end != nil {
		a.end.Stop()
	}
	was := a.step
	a.end = time.AfterFunc(d, func() {
		s.mu.Lock()
		mine := s.attempt == a && a.step == was
		if mine {
			user := a.user
			s.renew()
			s.attempt.user = user
			if err != nil {
				s.attempt.trouble = s.tell(a.ctx, a, err)
			}
		}
		s.mu.Unlock()
		if mine {
			s.seat.Hide()
			s.bell.ring()
		}
	})
}

// current returns the attempt that a form belongs to: a form of a former one is refused.
func (s *Screen) current(r *http.Request) (*attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.PostFormValue("attempt") != s.attempt.id || s.attempt.step == leaving {
		return nil, ErrChanged
	}
	s.attempt.trouble = nil
	return s.attempt, nil
}

// still reports whether a goes on, and calls f with the mutex held if so.
func (s *Screen) still(a *attempt, f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != a {
		return false
	}
	f()
	return true
}

// cancel goes back to the tiles. It asks nobody, so that it always works.
func (s *Screen) cancel(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	if r.PostFormValue("attempt") == s.attempt.id {
		user := s.attempt.user
		s.renew()
		s.attempt.user = user
	}
	s.mu.Unlock()
	s.seat.Hide()
	s.bell.ring()
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// open opens the session of who has proved who they are.
func (s *Screen) open(w http.ResponseWriter, r *http.Request, a *attempt, o Opening) error {
	next, err := s.enterSession(a, o)
	if err != nil {
		return err
	}
	if next == "" {
		next = "/"
	}
	s.onward(w, r, next)
	return nil
}

// Times of opening a session.
const (
	openTime  = 45 * time.Second // for the seat
	leaveTime = 15 * time.Second // until a screen that is still there shows tiles again
)

// enterSession has the seat open a session, once, and begins a new attempt. What goes wrong
// is on its first page.
func (s *Screen) enterSession(a *attempt, o Opening) (next string, err error) {
	if locked := s.seat.Facts().Locked; locked != "" && locked != o.Account.ID {
		return "", ErrSomebodyElse
	}
	o.Attempt = a.id
	var fresh *attempt
	if !s.still(a, func() {
		s.renew()
		fresh = s.attempt
		fresh.step, fresh.user, fresh.account = leaving, o.Account.ID, o.Account
	}) {
		return "", ErrChanged
	}
	s.seat.Hide()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), openTime)
	defer cancel()
	next, err = s.seat.Open(ctx, o)
	s.record(a, o, err)
	t := (*trouble)(nil)
	if err != nil {
		t = s.tell(a.ctx, a, err)
	}
	s.still(fresh, func() {
		if err == nil && next == "" {
			s.within(fresh, leaveTime, nil)
			return
		}
		fresh.step, fresh.trouble = choosing, t
	})
	if err == nil {
		s.remember(a, o)
	}
	s.bell.ring()
	return next, err
}

// remember keeps who was here, and how they came, for the next time. A shared device keeps
// nothing.
func (s *Screen) remember(a *attempt, o Opening) {
	d, err := s.agent.Device()
	if err != nil || d.Settings("").On(devicepolicy.SharedMode) {
		return
	}
	way := o.By
	if o.PINSet { // to be used from now on
		way = PIN
	}
	known := func(id string) bool {
		_, err := d.Accounts.Find(id)
		return err == nil
	}
	if err := d.Habits.Note(o.Account.ID, string(way), known); err != nil {
		s.log.WarnContext(a.ctx, "how people sign in is not remembered", "correlationId", a.id, "err", err)
	}
}

// record logs how an attempt ended. It never sees a PIN.
func (s *Screen) record(a *attempt, o Opening, err error) {
	args := []any{
		"correlationId", a.id, "user", o.Account.ID, "by", string(o.By), "offline", o.Offline,
		"pinSet", o.PINSet, "pinDue", o.PINDue, "seat", s.seat.Facts().Name,
	}
	if err != nil {
		s.log.WarnContext(a.ctx, "session not opened", append(args, "err", err)...)
		return
	}
	s.log.InfoContext(a.ctx, "session opened", args...)
}

// A trouble is what went wrong, as a page shows it.
type trouble struct {
	Fault         *fault.Error // nil when it is no fault: a bug, or an outage without a name
	CorrelationID string
	Left          int            // tries, after a wrong PIN; 0 where that is not said
	Wait          time.Duration  // until the next PIN is looked at
	Weak          container.Weak // the rule that a new PIN breaks; zero where it is none
}

// Code is the stable code of what went wrong.
func (t *trouble) Code() string {
	if t == nil {
		return ""
	}
	if t.Fault == nil {
		return "generalException"
	}
	return t.Fault.Code
}

// tell turns an error of a into what its page shows. What is no fault is logged here, once.
func (s *Screen) tell(ctx context.Context, a *attempt, err error) *trouble {
	t := &trouble{CorrelationID: a.id}
	err = agent.Told(err)
	if wrong, ok := errors.AsType[container.Wrong](err); ok {
		t.Left, t.Wait = wrong.Left, wrong.Wait
		if wrong.Left == 1 {
			err = ErrLastTry
		}
	}
	t.Weak, _ = errors.AsType[container.Weak](err)
	var large *http.MaxBytesError
	switch f, ok := errors.AsType[*fault.Error](err); {
	case ok:
		t.Fault = f
		s.log.InfoContext(ctx, "lock screen", "correlationId", a.id, "code", f.Code, "err", err)
	case errors.As(err, &large), errors.Is(err, context.Canceled):
		t.Fault = ErrChanged
	default:
		s.log.ErrorContext(ctx, "lock screen", "correlationId", a.id, "err", err)
	}
	return t
}

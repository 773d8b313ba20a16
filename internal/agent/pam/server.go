package pam

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/request"
)

// Times of a conversation.
const (
	startWithin  = 5 * time.Second  // until the first frame
	answerWithin = 5 * time.Minute  // for a person
	workWithin   = 25 * time.Second // less than the module waits
)

// Server serves the socket. Every field is required.
type Server struct {
	Agent    Agent
	Services func() Services // of the administrator's file, as it is now
	Local    func(name string) bool
	Peer     func(net.Conn) (peer.Process, error) // peer.Of, except in tests
	Now      func() time.Time
	Log      *slog.Logger

	proofs  proofs
	expired marks
}

// Serve answers connections until ctx ends or l is closed, and returns when all are done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	// What others hold never reaches what is kept for root, whose programs sign everybody in;
	// nor does what they hold by way of programs such as su, which anybody may run as root.
	limit, by := peer.Limiter{Each: 4, Others: 64, Root: 256}, peer.Limiter{Each: 16, Others: 128}
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		from, err := s.Peer(conn)
		places, who := &limit, from.UID
		if behind := peer.Behind(from); behind != from.UID {
			places, who = &by, behind
		}
		if err != nil || !places.Enter(who) {
			_ = conn.Close()
			continue
		}
		all.Go(func() {
			defer places.Leave(who)
			defer func() { _ = conn.Close() }()
			if err := s.talk(ctx, conn, from); err != nil && ctx.Err() == nil {
				s.Log.Info("a PAM conversation broke off", "uid", from.UID, "pid", from.PID, "err", err)
			}
		})
	}
}

// errGone says that the module went away.
var errGone = errors.New("the module closed the connection")

// talk holds one conversation.
func (s *Server) talk(ctx context.Context, conn net.Conn, from peer.Process) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	if err := conn.SetReadDeadline(time.Now().Add(startWithin)); err != nil {
		return err
	}
	first, err := ReadFrame(conn)
	if err != nil {
		return err
	}
	request, err := ParseStart(first)
	if err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	// One reader for all that follows, so that the agent learns at once when a program is
	// gone and stops what it does for it.
	answers := make(chan Frame)
	done := make(chan struct{})
	defer func() { _ = conn.Close(); <-done }()
	defer cancel(nil)
	go func() {
		defer close(done)
		for {
			f, err := ReadFrame(conn)
			if err != nil {
				cancel(errGone)
				return
			}
			select {
			case answers <- f:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.hold(ctx, &wire{conn: conn, answers: answers}, s.attempt(request, from))
}

// attempt says who asks for what. From others than root only the action and their own name
// count: what else they say describes a program that could be anything.
func (s *Server) attempt(r Request, p peer.Process) Attempt {
	a := Attempt{ID: uuid.NewString(), Request: r, Peer: p}
	if p.UID != 0 {
		a.Request = Request{Action: r.Action, User: r.User}
	}
	a.Person, _ = s.Agent.Person(r.User)
	a.Elevate = elevates(a.Request.Service)
	a.Remote = fromAfar(a.Request) || p.UID == 0 && cameOverNetwork(p)
	return a
}

// hold answers one request.
func (s *Server) hold(ctx context.Context, w *wire, a Attempt) error {
	if s.Local(a.Request.User) {
		// The module asks about local accounts only where a proof is demanded of everybody,
		// or where the administrator's file can't be trusted.
		return s.finish(w, a, end(Denied, "Local accounts can't give the proof that is asked for here."))
	}
	if a.Peer.UID != 0 && (a.Person.ID == "" || a.Person.UID != a.Peer.UID) {
		return s.finish(w, a, end(Denied, ""))
	}
	switch a.Request.Action {
	case Account:
		return s.account(w, a)
	case OpenSession, CloseSession:
		return s.session(w, a)
	case ChangeToken:
		if a.Peer.UID != 0 || a.Person.ID == "" {
			return s.finish(w, a, end(Denied, ""))
		}
	}
	return s.converse(ctx, w, a)
}

func (s *Server) account(w *wire, a Attempt) error {
	var admitted error
	fresh, window := true, time.Duration(0)
	if a.Person.ID != "" {
		admitted = s.Agent.Admit(a)
		if a.Elevate {
			window = s.Agent.Policy(a.Person).ElevationFor
		}
		if s.Services().fresh(a.Request.Service) {
			fresh = s.proofs.covers(a.Person.ID, a.Request.Service, window, s.Now())
		}
	}
	return s.finish(w, a, AccountMove(a, admitted, fresh, s.changeFirst(a), window))
}

// changeFirst tells whether somebody at this machine came by a PIN that they have to change.
func (s *Server) changeFirst(a Attempt) bool { return !a.Remote && s.expired.has(a.Person.ID) }

func (s *Server) session(w *wire, a Attempt) error {
	if a.Peer.UID != 0 || a.Person.ID == "" {
		return s.finish(w, a, end(Denied, ""))
	}
	return s.finish(w, a, Move{End: true})
}

func (s *Server) converse(ctx context.Context, w *wire, a Attempt) error {
	policy := s.Agent.Policy(a.Person)
	where := terminalOf(a.Peer, a.Request.TTY)
	recent := a.Elevate && a.Person.ID != "" &&
		s.proofs.counts(a.Person.ID, a.Request.Service, where, policy.ElevationFor, s.Now())
	if recent && (!a.Person.Enabled || s.Agent.Admit(a) != nil) {
		recent = false
	}
	c, move := Begin(a, policy, recent, s.expired.has(a.Person.ID))
	found := a.Person
	for !move.End {
		switch {
		case move.Ask != nil:
			text, err := w.ask(ctx, *move.Ask)
			if err != nil {
				s.Agent.Record(a, "", SystemError)
				return err
			}
			move = c.Answer(text)
		default:
			o := s.work(ctx, a, move)
			if o.Err == nil && o.Person.ID != "" {
				found = o.Person
			}
			if ctx.Err() != nil {
				s.Agent.Record(a, "", SystemError)
				return context.Cause(ctx)
			}
			move = c.Outcome(o)
		}
	}
	a.Person = found
	if move.Result == Success && a.Person.ID != "" {
		s.expired.set(a.Person.ID, move.Expired)
	}
	if move.Result == Success && a.Request.Action == Auth {
		if !move.Expired && move.Method != ByProof && a.Peer.UID == 0 {
			s.proofs.given(a.Person.ID, a.Request.Service, where, s.Now())
			if a.Elevate {
				s.Agent.Elevated(a, move.Method)
			}
		}
		if err := w.grant(a, move.Method); err != nil {
			return err
		}
	}
	return s.finish(w, a, move)
}

// work does one thing for a conversation, within its time.
func (s *Server) work(ctx context.Context, a Attempt, m Move) Outcome {
	// The server's log has what follows under the id that this device's journal has.
	ctx, cancel := context.WithTimeout(request.With(ctx, request.Facts{CorrelationID: a.ID}), workWithin)
	defer cancel()
	var o Outcome
	switch m.Do {
	case UnlockPIN:
		o.Person, o.Err = s.Agent.UnlockPIN(ctx, a, m.Secret)
	case RedeemPass:
		o.Person, o.Err = s.Agent.RedeemPass(ctx, a, m.Secret)
	case RedeemTicket:
		o.Person, o.Err = s.Agent.RedeemTicket(ctx, a, m.Secret)
	case StartCode:
		o.Grant, o.Err = s.Agent.StartCode(ctx, a)
	case AwaitCode:
		o.Person, o.Err = s.Agent.AwaitCode(ctx, a)
	case ChangePIN:
		o.Err = s.Agent.ChangePIN(ctx, a, m.Former, m.Secret)
	case RenewPIN:
		if o.Err = s.Agent.ChangePIN(ctx, a, m.Former, m.Secret); o.Err == nil {
			o.Person, o.Err = s.Agent.UnlockPIN(ctx, a, m.Secret)
		}
	default:
		o.Err = errors.New("a conversation that asks for nothing")
	}
	if o.Err != nil {
		s.Log.Info("sign-in at a prompt", "correlationId", a.ID, "service", a.Request.Service, "err", o.Err)
	}
	return o
}

func (s *Server) finish(w *wire, a Attempt, m Move) error {
	s.Agent.Record(a, m.Method, m.Result)
	return w.finish(m)
}

package ticket_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/ticket"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var mira = ticket.Binding{
	User: "3f0a4b43", UID: 200001, PAMUser: "mira", Service: "greetd", Seat: "seat0",
	Greeter: ticket.Process{PID: 411, Started: 9000}, Peer: 64, Boot: "b00t", Attempt: "1",
}

type clock struct{ at time.Time }

func newBox() (*ticket.Box, *clock) {
	c := &clock{nine}
	return &ticket.Box{Now: func() time.Time { return c.at }, Rand: rand.Reader}, c
}

func issue(t *testing.T, x *ticket.Box, b ticket.Binding) string {
	t.Helper()
	text, err := x.Issue(b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATicketWorksOnceAndForWhatItIsFor(t *testing.T) {
	x, _ := newBox()
	text := issue(t, x, mira)
	if len(text) != 43 {
		t.Errorf("a ticket of %d characters has not 256 bits", len(text))
	}
	if err := x.Use(text, mira); err != nil {
		t.Errorf("the ticket: %v", err)
	}
	if err := x.Use(text, mira); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("once more: %v", err)
	}
}

func TestAStolenTicketIsWorthNothing(t *testing.T) {
	for name, change := range map[string]func(*ticket.Binding){
		"another person":          func(b *ticket.Binding) { b.User = "other" },
		"another number":          func(b *ticket.Binding) { b.UID++ },
		"another service":         func(b *ticket.Binding) { b.Service = "sshd" },
		"another seat":            func(b *ticket.Binding) { b.Seat = "seat1" },
		"another process":         func(b *ticket.Binding) { b.Greeter.PID++ },
		"a process that took its": func(b *ticket.Binding) { b.Greeter.Started++ },
		"another user's process":  func(b *ticket.Binding) { b.Peer = 1000 },
		"after a restart":         func(b *ticket.Binding) { b.Boot = "next" },
		"another attempt":         func(b *ticket.Binding) { b.Attempt = "2" },
	} {
		t.Run(name, func(t *testing.T) {
			x, _ := newBox()
			text, thief := issue(t, x, mira), mira
			change(&thief)
			if err := x.Use(text, thief); !errors.Is(err, ticket.ErrInvalid) {
				t.Errorf("the thief: %v", err)
			}
			if err := x.Use(text, mira); !errors.Is(err, ticket.ErrInvalid) {
				t.Errorf("the owner, after the thief tried: %v", err)
			}
		})
	}
	t.Run("for another PAM user", func(t *testing.T) {
		x, _ := newBox()
		text, thief := issue(t, x, mira), mira
		thief.PAMUser = "root"
		if err := x.Use(text, thief); !errors.Is(err, ticket.ErrInvalid) {
			t.Errorf("the thief: %v", err)
		}
	})
}

func TestAWrongTrySpendsTheTicket(t *testing.T) {
	x, _ := newBox()
	text := issue(t, x, mira)
	if err := x.Use("a guess", mira); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("a guess: %v", err)
	}
	if err := x.Use(text, mira); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("the ticket after a guess: %v", err)
	}
}

// Anybody can run su and type something that looks like a ticket.
func TestGuessesFromElsewhereDoNotSpendATicket(t *testing.T) {
	x, _ := newBox()
	text, stranger := issue(t, x, mira), mira
	stranger.Service, stranger.Greeter = "su", ticket.Process{}
	for range 100 {
		if err := x.Use("a guess", stranger); !errors.Is(err, ticket.ErrInvalid) {
			t.Errorf("a guess: %v", err)
		}
	}
	if err := x.Use(text, mira); err != nil {
		t.Errorf("the ticket after guesses from elsewhere: %v", err)
	}
}

func TestATicketEnds(t *testing.T) {
	x, c := newBox()
	text := issue(t, x, mira)
	c.at = nine.Add(ticket.Lifetime - time.Second)
	if err := x.Use(text, mira); err != nil {
		t.Errorf("a second early: %v", err)
	}
	text = issue(t, x, mira)
	c.at = c.at.Add(ticket.Lifetime)
	if err := x.Use(text, mira); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("at its end: %v", err)
	}
	text = issue(t, x, mira)
	x.Cancel(mira.Attempt)
	if err := x.Use(text, mira); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("after cancel: %v", err)
	}
}

func TestOfManyWhoUseATicketAtOnceOneGetsIn(t *testing.T) {
	x, _ := newBox()
	text := issue(t, x, mira)
	var all sync.WaitGroup
	var in atomic.Int32
	for range 50 {
		all.Go(func() {
			if x.Use(text, mira) == nil {
				in.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d got in", in.Load())
	}
}

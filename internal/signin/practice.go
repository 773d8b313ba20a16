package signin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// Practice knows practice passes. They look like nothing else, and prove nothing: what is typed
// of one ends in a refusal that says how a pass would have fared, whatever a Practice does.
type Practice interface {
	// Is reports whether what was typed for a method looks like a practice pass, whoever's.
	Is(id MethodID, typed string) bool
	// Rehearse finds the practice pass of a. A *fault.Error with an AADSTS number is a refusal.
	Rehearse(ctx context.Context, a Attempt) (Rehearsal, error)
	// Finish takes what the rules say, and returns what the person is told.
	Finish(ctx context.Context, a Attempt, r Rehearsal, said Foreseen) (*Rehearsed, error)
}

// A Rehearsal is a practice pass that was typed right.
type Rehearsal struct {
	ID string
	// Would is the proof that a pass would be now; nil when there could be none.
	Would *Proof
}

// Foreseen is how a sign-in would have gone on with a pass.
type Foreseen struct {
	Refused *fault.Error // why it would not
	Rule    string       // that stops it; may be empty
	// Registers lists the methods that the person may add.
	Registers []MethodID
}

// Rehearsed is how a rehearsal ended. It is an ErrRefused: nobody is signed in by it.
type Rehearsed struct {
	Worked bool
	Steps  []RehearsedStep
	Took   time.Duration // since the practice pass was shown; 0 is not known
	Drill  string
	Device string // where it was typed
	// Trial names the key that the device is asked for now, on which the rest depends; empty for none.
	Trial string
}

// A RehearsedStep is one thing that was looked at.
type RehearsedStep struct {
	Name    string // its key
	Passed  bool
	Untried bool
	Code    string // of what is in the way, or why it was not tried
	Text    string // in words
}

// Error says that it was a practice.
func (r *Rehearsed) Error() string { return r.Fault().Code }

// Unwrap makes r an ErrRefused.
func (r *Rehearsed) Unwrap() error { return ErrRefused }

// Faults that tell of a rehearsal where there is no page for it.
var (
	ErrPractised = &fault.Error{
		Kind: fault.Unauthorized, Code: "practicePassed",
		Text: "This was a practice; it would have worked.", Remedy: "Nothing changed. Sign in as you always do.",
	}
	ErrPractisedInVain = &fault.Error{
		Kind: fault.Unauthorized, Code: "practiceFailed",
		Text: "This was a practice; it would not have worked.", Remedy: "Nothing changed. The helpdesk sees what was in the way.",
	}
)

// Fault is r where there is no page for it.
func (r *Rehearsed) Fault() *fault.Error {
	if r.Worked {
		return ErrPractised
	}
	for _, step := range r.Steps {
		if !step.Passed && !step.Untried {
			return ErrPractisedInVain.With("", "This was a practice; it would not have worked. "+step.Text)
		}
	}
	return ErrPractisedInVain
}

// practised reports whether a practice pass was typed.
func (s *Service) practised(id MethodID, typed string) bool {
	return s.Practice != nil && s.Practice.Is(id, typed)
}

// rehearse answers a practice pass. t is never saved: what a pass would prove is looked at in a
// copy. Who guesses is counted as with a pass.
func (s *Service) rehearse(ctx context.Context, t Transaction, id MethodID, typed string, place Place, counters []Bucket, now time.Time) error {
	a, err := s.attempt(ctx, t, id, typed, place, now)
	if err != nil {
		return err
	}
	if err := s.someone(ctx, t); err != nil {
		return s.refuse(ctx, t, id, place, err, now)
	}
	r, err := s.Practice.Rehearse(ctx, a)
	if err != nil {
		return s.refuse(ctx, t, id, place, err, now)
	}
	said, err := s.foresee(ctx, t, r, place)
	if err != nil {
		return err
	}
	told, err := s.Practice.Finish(ctx, a, r, said)
	if err != nil {
		return err
	}
	if told.Worked { // once a drill; what was stopped can be typed again, and must open no lock for guesses
		if err := s.Store.Refund(ctx, t.Home, counters); err != nil {
			return fmt.Errorf("give a try back: %w", err)
		}
	}
	return told
}

// foresee asks the rules what they would say if t had the proof of r.
func (s *Service) foresee(ctx context.Context, t Transaction, r Rehearsal, place Place) (Foreseen, error) {
	var said Foreseen
	for _, m := range s.Methods {
		if _, pass := m.(Prior); pass {
			continue
		}
		may, err := s.MayRegister(ctx, t.Home, t.User, m.ID())
		if err != nil {
			return said, err
		}
		if may {
			said.Registers = append(said.Registers, m.ID())
		}
	}
	if r.Would == nil {
		return said, nil
	}
	t.Proofs = append(slices.Clone(t.Proofs), *r.Would)
	t, err := s.judged(ctx, t, place)
	switch {
	case err != nil:
		return said, err
	case t.Verdict.Bars():
		refused := t.Verdict.Refusal()
		said.Refused, said.Rule = refused.Fault(), refused.Rule
	case !t.Proved():
		said.Refused = ErrCantGoOn
		if t.Verdict != nil && t.Verdict.By != nil {
			said.Rule = t.Verdict.By.DisplayName
		}
	}
	return said, nil
}

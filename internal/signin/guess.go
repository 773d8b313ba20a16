package signin

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// ErrTooManyGuesses slows down who tries codes that belong to no account.
var ErrTooManyGuesses = &fault.Error{
	Kind: fault.TooMany, Code: "tooManyGuesses",
	Text: "Too many codes from your network were wrong.", Remedy: "Wait half a minute, then type the code once more.",
}

// guessRules are the wrong tries an hour that a network has for codes that belong to no
// account. Beyond them there is one try in 30 seconds, and never a lock: whoever guesses can
// hardly keep the people behind the same address away. A right try gives back only itself,
// since a guesser can draw codes of their own.
func guessRule(budget int64) Rule {
	return Rule{Budget: budget, Window: time.Hour, Slow: 30 * time.Second}
}

// Guess takes one of the tries that the network of place has for kind, and returns how to
// give it back when it was right. Without one left it is ErrTooManyGuesses.
func (s *Service) Guess(ctx context.Context, kind string, place Place) (giveBack func() error, err error) {
	name := func(bits int) string { return "guess|" + kind + "|" + prefix(place.Address.Unmap(), bits) }
	all := []Bucket{{name(32), guessRule(20)}}
	if place.Address.Unmap().Is6() {
		all = []Bucket{{name(64), guessRule(20)}, {name(56), guessRule(60)}, {name(48), guessRule(200)}}
	}
	wait, err := s.Store.Charge(ctx, directory.NoTenant, all, s.Now())
	if err != nil {
		return nil, fmt.Errorf("charge a guess: %w", err)
	}
	if wait > 0 {
		return nil, ErrTooManyGuesses.After(int(wait/time.Second) + 1)
	}
	return func() error { return s.Store.Refund(ctx, directory.NoTenant, all) }, nil
}

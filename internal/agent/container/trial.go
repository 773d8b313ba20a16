package container

import (
	"errors"
	"io"
	"strings"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// Try makes what Create makes, by the same code and with a PIN that nobody is told, signs with the
// key, and throws all of it away: no file is written, the counter is given back, and the wrapped key
// is forgotten. A container that the person has is not looked at, and no wrong PIN is counted.
func (s *Store) Try(plan Plan, pin string) (creation pinkey.Creation, signature []byte, err error) {
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.sweep(); err != nil {
		return creation, nil, err
	}
	c, creation, err := s.make(plan, pin)
	if c.Counter != (tpm.Counter{}) {
		defer func() { err = errors.Join(err, s.Chip.RemoveCounter(c.Counter)) }()
	}
	if err != nil {
		return creation, nil, err
	}
	signature, err = s.Chip.Sign(c.Key, pinkey.Auth(c.Salt, pin), pinkey.TrialDigest(c.IDs, plan.Challenge))
	return creation, signature, err
}

// drawn is how many characters a PIN has that is drawn, unless the rules want it otherwise, and
// mostDraws how often one is drawn that the rules refuse for what it looks like.
const (
	drawn     = 12
	mostDraws = 20
)

// Draw returns a PIN that fits the rules, or the [Weak] that says why none does. It is for a key that
// is used once, so that some characters may be likelier than others.
func (r Rules) Draw(rand io.Reader) (string, error) {
	var allowed, required []string
	for _, kind := range []struct {
		rule  Class
		chars string
	}{{r.Digits, "0123456789"}, {r.Lower, "abcdefghijklmnopqrstuvwxyz"}, {r.Upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, {r.Special, special}} {
		if kind.rule != NotAllowed {
			allowed = append(allowed, kind.chars)
		}
		if kind.rule == Required {
			required = append(required, kind.chars)
		}
	}
	all := strings.Join(allowed, "")
	random := make([]byte, max(0, min(max(drawn, r.Least), r.Most)))
	pin := ""
	for range mostDraws {
		if _, err := io.ReadFull(rand, random); err != nil {
			return "", err
		}
		var b strings.Builder
		for i, n := range random {
			from := all
			if i < len(required) {
				from = required[i]
			}
			if from != "" {
				b.WriteByte(from[int(n)%len(from)])
			}
		}
		if pin = b.String(); r.Check(pin) == nil {
			return pin, nil
		}
	}
	return "", r.Check(pin)
}

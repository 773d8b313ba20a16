package drill

import (
	"context"
	"crypto/subtle"
	"io"
	"strings"

	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// word begins every practice pass. The letter I is in no Temporary Access Pass, so that none of
// the two can ever be taken for the other: a test holds that.
const word = "PRACTICE"

// length is how many characters follow, 5 bits each.
const length = 12

// A Code is the practice pass as it is typed.
type Code struct{ text *string }

// String hides the code, out of habit: it opens nothing.
func (Code) String() string { return "[practice pass]" }

// Reveal returns the characters.
func (c Code) Reveal() string {
	if c.text == nil {
		return ""
	}
	s := *c.text
	return word + "-" + s[:4] + "-" + s[4:8] + "-" + s[8:]
}

func newCode(r io.Reader) (Code, error) {
	drawn, err := tap.NewPasscode(r, length)
	text := drawn.Reveal()
	return Code{&text}, err
}

// fold is what was typed without spaces, dashes and case.
func fold(typed string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\u00a0-\u2010\u2011\u2012\u2013\u2014", r) {
			return -1
		}
		return r
	}, typed))
}

// mostTyped bounds what is looked at, in bytes.
const mostTyped = 100

// IsCode reports whether what was typed looks like a practice pass.
func IsCode(typed string) bool {
	return len(typed) <= mostTyped && strings.HasPrefix(fold(typed), word)
}

// label of the key under which practice passes are hashed.
const label = "practice pass"

// hash binds what was typed to the person and the drill.
func (s Service) hash(ctx context.Context, p Practice, typed string) (string, error) {
	return s.Secrets.MAC(ctx, string(p.Tenant), label, []byte(p.Drill+"|"+string(p.User)+"|"+fold(typed)))
}

func equal(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// Is implements [signin.Practice].
func (Service) Is(id signin.MethodID, typed string) bool { return id == tap.MethodID && IsCode(typed) }

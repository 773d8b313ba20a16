package samlidp

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
)

var nine = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// shown is a session with one proof, of eight.
func shown(factors signin.Factors, resistant bool) signin.Session {
	return signin.Session{Proofs: []signin.Proof{{At: nine.Add(-time.Hour), Factors: factors, PhishingResistant: resistant}}}
}

func TestWhatIsSaidOfASignInIsTrueAndWasAskedFor(t *testing.T) {
	one, two, strong := shown(signin.Knowledge, false), shown(signin.Knowledge|signin.Possession, false), shown(signin.Possession|signin.Inherence, true)
	for name, c := range map[string]struct {
		asked      []string
		comparison string
		one, two   string // what is said of a session of one factor, of two, and of two that resist phishing
		strong     string
	}{
		"nothing":                              {nil, "", classUnspecified, classMFA, classMFA},
		"a password":                           {[]string{classTransport}, "exact", classTransport, classTransport, classTransport},
		"two factors":                          {[]string{classMFA}, "exact", "", classMFA, classMFA},
		"two factors in Microsoft's word":      {[]string{classMultiple}, "exact", "", classMultiple, classMultiple},
		"two factors, or else a password":      {[]string{classMFA, classPassword}, "exact", classPassword, classMFA, classMFA},
		"a password, or else two factors":      {[]string{classPassword, classMFA}, "exact", classPassword, classPassword, classPassword},
		"resistance to phishing":               {[]string{classResistant}, "exact", "", "", classResistant},
		"at least a password":                  {[]string{classTransport}, "minimum", classUnspecified, classMFA, classMFA},
		"at least two factors":                 {[]string{classMFA}, "minimum", "", classMFA, classMFA},
		"better than a password":               {[]string{classTransport}, "better", "", classMFA, classMFA},
		"better than two factors":              {[]string{classMFA}, "better", "", "", classMFA},
		"at most two factors":                  {[]string{classMFA}, "maximum", "", classMFA, classMFA},
		"a word that nobody knows, or a known": {[]string{"urn:x", classMFA}, "exact", "", classMFA, classMFA},
	} {
		t.Run(name, func(t *testing.T) {
			q := request{Contexts: c.asked, Comparison: c.comparison}
			if !q.understood() {
				t.Fatal("it is not understood")
			}
			for _, have := range []struct {
				what string
				s    signin.Session
				want string
			}{{"one factor", one, c.one}, {"two", two, c.two}, {"two that resist phishing", strong, c.strong}} {
				if got := q.class(have.s); got != have.want {
					t.Errorf("of %s it says %q, want %q", have.what, got, have.want)
				}
			}
			if want := c.two == "" && c.strong != ""; q.require().PhishingResistant != want {
				t.Errorf("a sign-in for it resists phishing: %v", !want)
			}
		})
	}
}

func TestNoSignInAnswersWhatNobodyCanShow(t *testing.T) {
	for name, q := range map[string]request{
		"a class that nobody knows":  {Contexts: []string{"urn:x"}, Comparison: "exact"},
		"better than the best":       {Contexts: []string{classResistant}, Comparison: "better"},
		"a class in other letters":   {Contexts: []string{"PHR"}, Comparison: "exact"},
		"a class that is not a text": {Contexts: []string{""}, Comparison: "minimum"},
	} {
		if q.understood() {
			t.Errorf("%s is understood", name)
		}
		if class := q.class(shown(signin.Possession|signin.Inherence, true)); class != "" {
			t.Errorf("%s: an assertion says %q", name, class)
		}
	}
}

func TestWhichFormatsOfNamesAreOffered(t *testing.T) {
	for format, want := range map[string]bool{saml.EmailAddress: true, saml.Persistent: true, saml.Transient: true, "urn:x": false, "": false} {
		if got := (request{Format: format}).named(); got != want {
			t.Errorf("%q: %v", format, got)
		}
	}
}

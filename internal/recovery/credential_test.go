package recovery

import (
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// Who finds that an issuer was believed by mistake takes it out, and its credentials are worth nothing at once.
func TestACredentialCountsWhileItsIssuerIsInThePolicy(t *testing.T) {
	p := DefaultPolicy()
	p.Credentials = []sdjwt.Issuer{{ID: "https://hr.example"}, {ID: "https://state.example"}}
	for _, x := range []struct {
		name, reference string
		want            Level
	}{
		{"of an issuer that is named", "https://hr.example abc", LevelHigh},
		{"of another one", "https://state.example abc", LevelHigh},
		{"of one that was taken out", "https://old.example abc", LevelNone},
		{"of one whose name only begins so", "https://hr.example.fabrikam.example abc", LevelNone},
		{"of one that is named later in it", "https://old.example https://hr.example abc", LevelNone},
		{"of nobody", "", LevelNone},
	} {
		s := subject(Everyone)
		c := newCase()
		c.Proofs = []Proof{{Kind: ProofCredential, Level: LevelHigh, At: tenPast, Reference: x.reference}}
		if got, _ := c.Level(p, tenPast); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
		if got := c.Settled(p, s, tenPast).State; (got == Approved) != (x.want == LevelHigh) {
			t.Errorf("%s: the case is %s", x.name, got)
		}
	}
}

func TestACaseWatchesWhatPeopleAreReachedByAndWhatCredentialsAreComparedWith(t *testing.T) {
	p := DefaultPolicy()
	if got := p.Watched(); len(got) != len(Contacts)+1 || !slices.Contains(got, "mail") { // where they are told of it
		t.Errorf("without an issuer: %v", got)
	}
	match := func(attributes ...string) (i sdjwt.Issuer) {
		for _, a := range attributes {
			i.Match = append(i.Match, sdjwt.Match{Claim: a, Attribute: a})
		}
		return i
	}
	p.Credentials = []sdjwt.Issuer{match("surname", "employeeId"), match("employeeId", "mail")}
	if got := p.Watched(); len(got) != len(Contacts)+3 {
		t.Errorf("with two: %v", got)
	}
}

func TestACredentialIsComparedWithWhatHasBeenTheSameForAWhile(t *testing.T) {
	p, c := DefaultPolicy(), sdjwt.Credential{
		Issuer: sdjwt.Issuer{Match: []sdjwt.Match{{Claim: "nr", Attribute: "employeeId"}}}, Claims: map[string]any{"nr": "E-1"},
	}
	for _, x := range []struct {
		name, id string
		changed  time.Time
		want     bool
	}{
		{"never changed", "E-1", time.Time{}, true},
		{"just long enough ago", "E-1", tenPast.Add(-p.ContactDelay()), true},
		{"a moment too late", "E-1", tenPast.Add(-p.ContactDelay() + 1), false},
		{"somebody else's", "E-2", time.Time{}, false},
		{"not there", "", time.Time{}, false},
	} {
		s := subject(Everyone)
		s.User.EmployeeID = x.id
		if !x.changed.IsZero() {
			s.Changed["employeeId"] = x.changed
		}
		if got := s.Is(c, p, tenPast); got != x.want {
			t.Errorf("%s: %t", x.name, got)
		}
		if there := x.id != "" && x.name != "a moment too late"; s.OnFile("employeeId", p, tenPast) != there {
			t.Errorf("%s: it counts: %t", x.name, !there)
		}
	}
}

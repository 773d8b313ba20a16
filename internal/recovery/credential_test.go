package recovery

import (
	"testing"

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
	if got := p.Watched(); len(got) != len(Contacts) {
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

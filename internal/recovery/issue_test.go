package recovery

import (
	"errors"
	"testing"
)

func TestAloneCountsWhatThisBrowserShowed(t *testing.T) {
	p, s := DefaultPolicy(), subject(Everyone)
	c := proven(t, newCase(), ProofInPerson, s)
	c.Proofs = append(c.Proofs, Proof{Kind: ProofMail, At: tenPast, Browser: "theirs"})
	alone := func(p Policy, browser string) (Level, error) {
		counted, err := Service{}.mayIssue(c, p, s, Order{Handed: true}, Actor{Self: true, Browser: browser}, tenPast)
		level, _ := counted.Level(p, tenPast)
		return level, err
	}
	for _, mode := range []SelfService{SelfOff, SelfEvaluation} {
		p.SelfService = mode
		if _, err := alone(p, "theirs"); !errors.Is(err, ErrNotApproved) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	p.SelfService = SelfProduction
	for browser, want := range map[string]Level{"theirs": LevelLow, "other": LevelNone} {
		if level, err := alone(p, browser); err != nil || level != want {
			t.Errorf("%s: %s, %v", browser, level, err)
		}
	}
	if _, err := alone(p, ""); !errors.Is(err, ErrNotApproved) {
		t.Errorf("no browser: %v", err)
	}
}

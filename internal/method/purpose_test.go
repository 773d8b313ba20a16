package method

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/signin"
)

func TestASessionWithAPurposeAddsNoMethod(t *testing.T) {
	now := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	s := signin.Session{Proofs: []signin.Proof{{
		At: now, FreshUntil: now.Add(time.Hour), Factors: signin.Knowledge | signin.Possession, Pass: &signin.PassUsed{ID: "pass"},
	}}}
	if err := MayRegister(s, now); err != nil {
		t.Fatalf("without a purpose: %v", err)
	}
	s.Purpose, s.Proofs[0].Purpose = "deviceSetup", "deviceSetup"
	if err := MayRegister(s, now); err == nil {
		t.Error("with a purpose it may")
	}
	if until := FreshUntil(s); !until.IsZero() {
		t.Errorf("fresh until %s", until)
	}
	s.Purpose = signin.RegisterMethods
	if err := MayRegister(s, now); err != nil {
		t.Errorf("with a purpose that is this: %v", err)
	}
	if err := MayThaw(s, Credential{}, Estate{}, now); err == nil {
		t.Error("it may say of what is frozen whose it is")
	}
}

func TestWhatWasStartedInTimeMayBeFinishedForAWhile(t *testing.T) {
	now := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ago  time.Duration
		want bool
	}{
		"just now":             {0, true},
		"a moment before":      {FinishWithin - time.Second, true},
		"when the time is out": {FinishWithin, false},
		"by a clock ahead":     {-time.Second, false},
	} {
		if got := MayFinish(now.Add(-c.ago), now); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// What a PIN or a key proved belongs to it, so that it goes when that is disputed.
func TestTheOriginNamesAllThatProvedTheSession(t *testing.T) {
	s := signin.Session{ID: "session", PassID: "pass", Method: "pin", Proofs: []signin.Proof{
		{Method: "accesspass", Pass: &signin.PassUsed{ID: "pass"}}, {Method: "passkey", Credential: &signin.CredentialUsed{ID: "key"}},
	}}
	got := OriginOf(s, signin.Place{})
	if got.Session != "session" || got.Pass != "pass" || got.Proof != "passkey" || !slices.Equal(got.Methods, []string{"key", "pin"}) {
		t.Errorf("%+v", got)
	}
}

func TestANameIsShortAndOfOneLine(t *testing.T) {
	if got, err := checkName("  My key "); got != "My key" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, name := range []string{"", " ", strings.Repeat("é", MaxName+1), "My\nkey", "\x1b[31mkey"} {
		if _, err := checkName(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	if _, err := checkName(strings.Repeat("é", MaxName)); err != nil {
		t.Error(err)
	}
}

package method

import (
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
}

package oauth

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// Who signed in with a pass for one purpose gets the page to sign in, and not an error, where a
// session is asked for anything else.
func TestASessionWithAPurposeAnswersNoOtherRequest(t *testing.T) {
	s := &Server{Now: time.Now}
	for _, c := range []struct {
		purpose signin.Purpose
		want    bool
	}{{"", true}, {signin.RegisterMethods, false}, {signin.ResetPIN.On("0b8c3c52-5b0e-4f0f-8a52-0c7c6d7a1d01"), false}} {
		proof := signin.Proof{Factors: signin.Knowledge | signin.Possession, At: time.Now(), Purpose: c.purpose}
		if got := s.answers(signin.Session{Purpose: c.purpose, Proofs: []signin.Proof{proof}}, directory.User{}, authRequest{MaxAge: -1}); got != c.want {
			t.Errorf("%q: %v", c.purpose, got)
		}
	}
}

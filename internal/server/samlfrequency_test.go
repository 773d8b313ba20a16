package server_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
)

func TestAnApplicationIsToldWhenAProofGetsTooOld(t *testing.T) {
	w := newWorld(t)
	a := newSAMLApp(w, "orders", "")
	_, pass := w.issue(`{"isUsableOnce":false,"lifetimeInMinutes":480}`)
	w.rule("Every hour", func(p *access.Policy) {
		p.Grant = nil
		p.Session = &access.SessionControls{Frequency: &access.SignInFrequency{Enabled: true, Value: 1, Type: "hours", Interval: "timeBased", Authentication: "primaryAndSecondaryAuthentication"}}
	})
	q := a.request(nil)
	said := a.mustRead(a.signIn(q, adminName, pass), q.ID)
	if left := said.SessionNotOnOrAfter.Sub(said.AuthnInstant); left < 59*time.Minute || left > time.Hour+time.Second {
		t.Errorf("the application keeps the person for %s", left)
	}
}

package pages

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// A Matcher asks something that the person still has to approve by a number.
type Matcher interface {
	Ask(ctx context.Context, a signin.Attempt) error
	Waiting(ctx context.Context, a signin.Attempt) (bool, error)
	Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error)
}

// matchLifetime is how long a request for a case waits.
const matchLifetime = 5 * time.Minute

// askedSlot is the time in which a case asks a phone once; the request and its number follow from
// it, so that nothing of it is kept here.
func askedSlot(now time.Time) int64 { return now.Unix() / int64(matchLifetime/time.Second) }

// attempt is what a phone is asked in the slot.
func (s *Site) attempt(r *http.Request, c claim.Claim, v recovery.View, slot int64) (signin.Attempt, error) {
	holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return signin.Attempt{}, err
	}
	round := int(slot % 1000)
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(c.Case+holder+time.Unix(slot, 0).UTC().Format(time.RFC3339)))
	at := s.Now()
	// The phone doesn't show the number of the case: who reads it out is taken for the one who asked.
	return signin.Attempt{
		Tenant: c.Tenant, User: v.User, Transaction: c.Case, CorrelationID: request.From(r.Context()).CorrelationID,
		Challenge: []byte(holder), Application: signin.App{ID: directory.PagesAppID, DisplayName: s.View.Text(LanguageOf(v.Subject.User.PreferredLanguage), "recover_title")}, Place: place(r), At: at, Chosen: true,
		Asked: &signin.Asked{Method: phoneKind, Request: id.String(), Round: round, EndsAt: time.Unix((slot+2)*int64(matchLifetime/time.Second), 0).UTC()},
	}, nil
}

// askPhone sends a request to the phones of the person. The number is shown to everybody.
func (s *Site) askPhone(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if s.Matcher == nil {
		return redirect(w, r, casePath)
	}
	if err := s.spend(r, c, "phone"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	a, err := s.attempt(r, c, v, askedSlot(s.Now()))
	if err != nil {
		return err
	}
	if isReal(v) && v.State.Waits() {
		if err := s.Matcher.Ask(r.Context(), a); err != nil && !isTold(err) {
			return err
		}
	}
	return s.renderCase(w, r, c, v, casePage{Said: "phone", Match: authenticator.Number(a.Challenge, a.Asked.Round)}, nil)
}

// takeMatch goes on when the phone has approved.
func (s *Site) takeMatch(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if s.Matcher == nil || !isReal(v) {
		return redirect(w, r, casePath+"?said=wrong")
	}
	now := askedSlot(s.Now())
	for _, slot := range []int64{now, now - 1} {
		a, err := s.attempt(r, c, v, slot)
		if err != nil {
			return err
		}
		switch _, err := s.Matcher.Verify(r.Context(), a); {
		case err == nil:
			return s.proveSelf(w, r, c, v, recovery.Proof{Kind: recovery.ProofMatch})
		case !isTold(err):
			return err
		}
	}
	return redirect(w, r, casePath+"?said=wrong")
}

func isTold(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok
}

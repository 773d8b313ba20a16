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
	// Offered says what an approval by the person would show: nothing where nobody is to be asked.
	Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error)
	Ask(ctx context.Context, a signin.Attempt) error
	Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error)
}

// matchSlot is the time in which a case asks a phone once. A request lives as long, from when it
// is sent, and counts as long again once it was approved.
const matchSlot = signin.AskedFor

// askedOnce holds a case to one request in a slot; it is charged at the beginning of the slot.
var askedOnce = signin.Rule{Budget: 1, Window: matchSlot, Slow: matchSlot}

// askedSlot is the slot of a time; the request and its number follow from it, so that nothing of
// it is kept here.
func askedSlot(now time.Time) int64 { return now.Unix() / int64(matchSlot/time.Second) }

func slotAt(slot int64) time.Time {
	return time.Unix(slot*int64(matchSlot/time.Second), 0).UTC()
}

// attempt is what a phone is asked in the slot.
func (s *Site) attempt(r *http.Request, c claim.Claim, v recovery.View, slot int64) (signin.Attempt, error) {
	holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return signin.Attempt{}, err
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(c.Case+holder+slotAt(slot).Format(time.RFC3339)))
	at := s.Now()
	// The phone doesn't show the number of the case: who reads it out is taken for the one who asked.
	return signin.Attempt{
		Tenant: c.Tenant, User: v.User, Transaction: c.Case, CorrelationID: request.From(r.Context()).CorrelationID,
		Challenge: []byte(holder), Application: signin.App{ID: directory.PagesAppID, DisplayName: s.View.Text(LanguageOf(v.Subject.User.PreferredLanguage), "recover_title")}, Place: place(r), At: at, Chosen: true,
		Asked: &signin.Asked{Method: phoneKind, Request: id.String(), Round: int(slot), EndsAt: at.Add(signin.AskedFor)},
	}, nil
}

// askPhone sends a request to the phones of the person. The number is shown to everybody, and
// whatever is counted is counted for names that nobody has, too.
func (s *Site) askPhone(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if s.Matcher == nil || v.Policy.LevelOf(recovery.ProofMatch) == recovery.LevelNone {
		return redirect(w, r, casePath)
	}
	slot := askedSlot(s.Now())
	a, err := s.attempt(r, c, v, slot)
	if err != nil {
		return err
	}
	home, err := s.familiarHome(r, c, v)
	if err != nil {
		return err
	}
	a.Familiar = home != ""
	first, err := s.first(r, c, "asked", askedOnce, slotAt(slot), func() error {
		return s.SignIn.ChargeAsk(r.Context(), c.Tenant, c.AccountKey(), home, a.Place)
	})
	if err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	if first { // else this one is out, or was answered
		if err := s.ring(r.Context(), v, a); err != nil {
			return err
		}
	}
	return s.renderCase(w, r, c, v, casePage{Said: "phone", Match: authenticator.Number(a.Challenge, a.Asked.Round)}, nil)
}

// familiarHome names the place of a case's browser, or of the device at whose lock screen it is, if its
// person signed in there before. What is counted there, nobody else can spend.
func (s *Site) familiarHome(r *http.Request, c claim.Claim, v recovery.View) (string, error) {
	t := signin.Transaction{Home: c.Tenant, User: v.User}
	if err := s.placeAtDevice(r, c, &t); err != nil {
		return "", err
	}
	return s.SignIn.FamiliarHome(r.Context(), t, place(r))
}

// placeAtDevice gives t the device that proved itself when help was asked for, if there was one and it may
// still be used: at it whom it knows is as familiar as at a sign-in.
func (s *Site) placeAtDevice(r *http.Request, c claim.Claim, t *signin.Transaction) error {
	if c.Device == "" {
		return nil
	}
	d, err := s.PINs.Device(r.Context(), c.Tenant, c.Device)
	if err == nil {
		err = d.Usable()
	}
	switch {
	case err == nil:
		t.Device = signin.DeviceOf(d)
	case isTold(err), errors.Is(err, directory.ErrUnreadable): // gone, or switched off
		return nil
	}
	return err
}

// ring asks the phones of a, if an approval would be of use.
func (s *Site) ring(ctx context.Context, v recovery.View, a signin.Attempt) error {
	if !isReal(v) || !v.State.Waits() || !v.Subject.User.AccountEnabled {
		return nil
	}
	if use, err := s.Matcher.Offered(ctx, a.Tenant, a.User); err != nil || use.Factors == 0 {
		return err
	}
	if err := s.Matcher.Ask(ctx, a); err != nil && !isTold(err) {
		return err
	}
	return nil
}

// takeMatch goes on when the phone has approved.
func (s *Site) takeMatch(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if s.Matcher == nil || !isReal(v) {
		return redirect(w, r, casePath+"?said=wrong")
	}
	now := askedSlot(s.Now())
	for _, slot := range []int64{now, now - 1, now - 2} {
		a, err := s.attempt(r, c, v, slot)
		if err != nil {
			return err
		}
		switch by, err := s.Matcher.Verify(r.Context(), a); {
		case err == nil:
			p := recovery.Proof{Kind: recovery.ProofMatch}
			if by.Credential != nil {
				p.With = by.Credential.ID
			}
			return s.proveSelf(w, r, c, v, p)
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

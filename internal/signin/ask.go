package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// An Asker is a [Method] that asks the person on a device of theirs, and waits for the answer.
type Asker interface {
	// Ask sends a.Asked to the person. Whether anything went out shows nowhere.
	Ask(ctx context.Context, a Attempt) error
	// Waiting reports whether a.Asked may still be answered, as far as its page may tell: in an
	// unfamiliar place only a proof ends it early.
	Waiting(ctx context.Context, a Attempt) (bool, error)
}

// Asked is the request of a transaction at another device of the person, or the one that would
// have gone out if they had one.
type Asked struct {
	Method  MethodID  `json:"method"`
	Request string    `json:"request"` // UUID
	Round   int       `json:"round"`   // of the transaction, from 1
	EndsAt  time.Time `json:"endsAt"`
}

// over returns a that nobody waits for any more. It keeps its round, so that no number comes
// twice in a transaction.
func (a *Asked) over() *Asked {
	if a == nil {
		return nil
	}
	return &Asked{Method: a.Method, Round: a.Round}
}

// AskedFor is how long a person has to answer.
const AskedFor = time.Minute

// ErrAskedOften slows down who sends requests to somebody's devices.
var ErrAskedOften = &fault.Error{
	Kind: fault.TooMany, Code: "askedTooOften",
	Text: "Too many requests were sent to the devices of this account.", Remedy: "Wait a few minutes, or sign in another way.",
}

// What may be asked an hour; beyond it one request each Slow. Familiar places have a budget of
// their own, which nobody else can spend. A request is never given back: also one that was
// approved rang somebody's phone.
var (
	ruleAskAccount  = Rule{Budget: 5, Window: time.Hour, Slow: 10 * time.Minute}
	ruleAskFamiliar = Rule{Budget: 20, Window: time.Hour, Slow: 2 * time.Minute}
	ruleAskNetwork  = Rule{Budget: 60, Window: time.Hour, Slow: time.Minute}
)

// Ask sends a request to a device of the person, who chose that. The page looks the same when
// nobody has the name or such a device, and when it is held back; nothing goes out then.
func (s *Service) Ask(ctx context.Context, t Transaction, id MethodID, place Place) (Transaction, error) {
	asker, ok := s.method(id).(Asker)
	if !ok || t.Username == "" || t.Done() {
		return t, ErrGone
	}
	t.OtherWays, t.Chosen = false, id
	t, step, _, err := s.Next(ctx, t, 0, place)
	switch {
	case err != nil:
		return t, err
	case step != Step(id): // the proof would be good for nothing
		return t, ErrGone
	}
	if !t.Familiar {
		if err := s.charge(ctx, t.Home, place); err != nil {
			return t, err
		}
	}
	now := s.Now()
	if err := s.chargeAsk(ctx, t, place); err != nil {
		return t, err
	}
	round := 1
	if t.Asked != nil {
		round = t.Asked.Round + 1
	}
	t.Asked = &Asked{Method: id, Request: uuid.NewString(), Round: round, EndsAt: now.Add(AskedFor)}
	if t, err = s.save(ctx, t); err != nil { // of two windows one sends
		return t, err
	}
	if ok, err := s.mayAsk(ctx, t, id); err != nil || !ok {
		return t, err
	}
	a, err := s.attempt(ctx, t, id, "", place, now)
	if err != nil {
		return t, err
	}
	return t, asker.Ask(ctx, a)
}

// mayAsk reports whether there is somebody to ask, for whom the answer would be good: no phone
// rings for what policy then refuses.
func (s *Service) mayAsk(ctx context.Context, t Transaction, id MethodID) (bool, error) {
	var f *fault.Error
	if err := s.someone(ctx, t); errors.As(err, &f) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	t.Familiar = true // their own offers, wherever they are
	offers, err := s.offers(ctx, t)
	return Next(t, Facts{Offers: offers}) == Step(id), err
}

func (s *Service) chargeAsk(ctx context.Context, t Transaction, place Place) error {
	account, err := s.AskAccount(ctx, t.Home, t.NameHash)
	if err != nil {
		return err
	}
	home := ""
	if t.Familiar {
		if home, err = s.placeHash(ctx, t, place); err != nil {
			return err
		}
	}
	return s.ChargeAsk(ctx, t.Home, account, home, place)
}

// AskAccount is what requests to the devices of an account are counted by: a keyed hash of the
// hash of its typed name, which stands in no log.
func (s *Service) AskAccount(ctx context.Context, tenant directory.TenantID, nameHash string) (string, error) {
	return s.Secrets.MAC(ctx, string(tenant), labelAsked, []byte(nameHash))
}

// ChargeAsk counts one request to the devices of an account, whichever page sends it, or is
// ErrAskedOften. Home is the familiar place that it comes from, see FamiliarHome; empty for none.
func (s *Service) ChargeAsk(ctx context.Context, tenant directory.TenantID, account, home string, place Place) error {
	all := []Bucket{{"ask|account|" + account, ruleAskAccount}, {"ask|network|" + place.Network(), ruleAskNetwork}}
	if home != "" {
		all = []Bucket{{"ask|familiar|" + account + "|" + home, ruleAskFamiliar}}
	}
	wait, err := s.Store.Charge(ctx, tenant, all, s.Now())
	if err != nil {
		return fmt.Errorf("charge a request: %w", err)
	}
	if wait > 0 {
		return ErrAskedOften.After(int(wait/time.Second) + 1)
	}
	return nil
}

// FamiliarHome names the place of t, a device or a browser, where its person signed in there
// before; else it is empty.
func (s *Service) FamiliarHome(ctx context.Context, t Transaction, place Place) (string, error) {
	if t.User == "" {
		return "", nil
	}
	if _, here, err := s.familiar(ctx, t, place); err != nil || !here {
		return "", err
	}
	return s.placeHash(ctx, t, place)
}

// Waiting reports whether the request of t may still be answered; false when there is none.
func (s *Service) Waiting(ctx context.Context, t Transaction, id MethodID, place Place) (bool, error) {
	asker, ok := s.method(id).(Asker)
	now := s.Now()
	if !ok || t.Done() || t.Asked == nil || t.Asked.Method != id || !now.Before(t.Asked.EndsAt) {
		return false, nil
	}
	if t.User == "" {
		return true, nil
	}
	a, err := s.attempt(ctx, t, id, "", place, now)
	if err != nil {
		return false, err
	}
	return asker.Waiting(ctx, a)
}

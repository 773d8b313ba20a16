package linux

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/ticket"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// A desk answers text prompts for the agent of this device.
type desk struct {
	agent *agent.Agent
	log   *slog.Logger
	now   func() time.Time

	mu    sync.Mutex
	fresh map[string]websignin.Person // by object id: who signed in strongly here
	codes map[string]*websignin.Code  // by attempt
}

// Faults of signing in at a prompt.
var (
	ErrSomebodyElse = &fault.Error{
		Kind: fault.Unauthorized, Code: "promptSomebodyElse",
		Text: "You signed in as somebody else than you typed.", Remedy: "Type your own name.",
	}
)

// Person implements pam.Agent.
func (k *desk) Person(typed string) (pam.Person, bool) {
	d, err := k.agent.Device()
	if err != nil {
		return pam.Person{}, false
	}
	account, err := d.Accounts.Find(typed)
	if err != nil {
		return pam.Person{}, false
	}
	return person(d, account), true
}

func person(d *agent.Device, a device.Account) pam.Person {
	return pam.Person{ID: a.ID, Name: a.UserName, UID: a.UID, Enabled: a.Enabled, PIN: d.PINState(a.ID)}
}

// Policy implements pam.Agent.
func (k *desk) Policy(p pam.Person) pam.Policy {
	d, err := k.agent.Device()
	if err != nil {
		return pam.Policy{}
	}
	s := d.Settings(p.ID)
	rules := container.RulesFrom(s.Effective())
	k.mu.Lock()
	fresh, known := k.fresh[p.ID]
	k.mu.Unlock()
	return pam.Policy{
		Online: d.Online(context.Background(), heardWithin), UsePIN: d.PINOffered(p.ID) == nil,
		PINHasLetters:    rules.Lower != container.NotAllowed || rules.Upper != container.NotAllowed || rules.Special != container.NotAllowed,
		WebSignIn:        d.Settings("").On(devicepolicy.EnableWebSignIn),
		RemoteDeviceCode: s.On(devicepolicy.RemoteDeviceCode), ElevationPass: s.On(devicepolicy.ElevationPass),
		ElevationFor: time.Duration(s[devicepolicy.ElevationMinutes].Value.Int()) * time.Minute,
		MaySetPIN:    known && p.ID != "" && k.agent.FreshLeft(fresh) > 0,
	}
}

// heardWithin is how long ago the server may have answered to count as there.
const heardWithin = 20 * time.Second

// Admit implements pam.Agent.
func (k *desk) Admit(pam.Attempt) error {
	return k.agent.Usable()
}

// UnlockPIN implements pam.Agent.
func (k *desk) UnlockPIN(ctx context.Context, a pam.Attempt, typed string) (pam.Person, error) {
	out, err := k.agent.Unlock(ctx, a.Person.ID, typed)
	if errors.Is(err, agent.ErrPINAge) {
		return pam.Person{}, pam.ErrExpired
	}
	if err != nil {
		return pam.Person{}, agent.Told(err)
	}
	// It is not remembered: a PIN sets up and resets none, and must not take the place of a
	// pass that does.
	p, err := k.known(out.User)
	p.Notice, p.Offline = k.ends(out.Ends), out.Offline
	return p, err
}

// ends warns of a PIN that expires soon.
func (k *desk) ends(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return "Your device PIN expires on " + at.Local().Format("Monday, 2 January") + ". Choose a new one: type passwd."
}

// RedeemPass implements pam.Agent.
func (k *desk) RedeemPass(ctx context.Context, a pam.Attempt, passcode string) (pam.Person, error) {
	d, err := k.agent.Device()
	if err != nil {
		return pam.Person{}, err
	}
	p, err := k.agent.SignInWithPass(ctx, upn(d, a), graphclient.NewSecret(passcode))
	return k.welcome(ctx, a, p, err)
}

// upn is the name that the server knows the person by.
func upn(d *agent.Device, a pam.Attempt) string {
	if one, err := d.Accounts.Find(a.Request.User); err == nil {
		return one.UPN
	}
	return d.FullName(a.Request.User)
}

// welcome makes room for who signed in at the server, if that is who was asked for.
func (k *desk) welcome(ctx context.Context, a pam.Attempt, p websignin.Person, err error) (pam.Person, error) {
	if err != nil {
		return pam.Person{}, agent.Told(err)
	}
	if a.Person.ID != "" && a.Person.ID != p.ID {
		return pam.Person{}, ErrSomebodyElse
	}
	account, err := k.agent.Welcome(ctx, p)
	if err != nil {
		return pam.Person{}, agent.Told(err)
	}
	if typed := a.Request.User; !strings.EqualFold(typed, account.UserName) && !strings.EqualFold(typed, account.UPN) {
		return pam.Person{}, ErrSomebodyElse
	}
	if !p.MayEnter() {
		return pam.Person{}, agent.Told(websignin.ErrPurpose)
	}
	k.remember(p)
	return k.known(account.ID)
}

func (k *desk) known(id string) (pam.Person, error) {
	d, err := k.agent.Device()
	if err != nil {
		return pam.Person{}, err
	}
	account, err := d.Accounts.Find(id)
	if err != nil {
		return pam.Person{}, err
	}
	return person(d, account), nil
}

// remember keeps a strong sign-in while a PIN may be set by it, and forgets old ones.
func (k *desk) remember(p websignin.Person) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fresh == nil {
		k.fresh = map[string]websignin.Person{}
	}
	for id, one := range k.fresh {
		if k.agent.FreshLeft(one) <= 0 {
			delete(k.fresh, id)
		}
	}
	if p.MaySetPIN() && k.agent.FreshLeft(p) > 0 {
		k.fresh[p.ID] = p
	}
}

// RedeemTicket implements pam.Agent. The lock screen's browser has signed the person in.
func (k *desk) RedeemTicket(_ context.Context, a pam.Attempt, text string) (pam.Person, error) {
	b, err := k.agent.Tickets.Spend(strings.TrimPrefix(text, pam.Ticket), a.Request.User, func(b ticket.Binding) bool {
		return b.Service == a.Request.Service && b.Seat == a.Request.Seat && a.Peer.UID == 0 && b.Boot == bootID() && lives(b.Greeter)
	})
	if err != nil {
		return pam.Person{}, err
	}
	p, err := k.known(b.User)
	if err == nil && (p.UID != b.UID || !p.Enabled) {
		err = ticket.ErrInvalid
	}
	return p, err
}

// StartCode implements pam.Agent.
func (k *desk) StartCode(ctx context.Context, a pam.Attempt) (pam.Grant, error) {
	code, err := k.agent.StartCode(ctx)
	if err != nil {
		return pam.Grant{}, agent.Told(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.codes == nil {
		k.codes = map[string]*websignin.Code{}
	}
	for id, one := range k.codes {
		if !k.now().Before(one.Until) {
			delete(k.codes, id)
		}
	}
	k.codes[a.ID] = code
	return pam.Grant{URL: code.Address, Complete: code.Address, Code: code.UserCode, Number: code.Number}, nil
}

// AwaitCode implements pam.Agent.
func (k *desk) AwaitCode(ctx context.Context, a pam.Attempt) (pam.Person, error) {
	k.mu.Lock()
	code := k.codes[a.ID]
	delete(k.codes, a.ID)
	k.mu.Unlock()
	if code == nil {
		return pam.Person{}, websignin.ErrCode
	}
	p, err := code.Wait(ctx)
	return k.welcome(ctx, a, p, err)
}

// ChangePIN implements pam.Agent: by the former PIN, or after a fresh proof by a new one.
func (k *desk) ChangePIN(ctx context.Context, a pam.Attempt, former, next string) error {
	if former != "" {
		return k.agent.ChangePIN(ctx, a.Person.ID, former, next)
	}
	k.mu.Lock()
	p, ok := k.fresh[a.Person.ID]
	k.mu.Unlock()
	switch {
	case !ok || k.agent.FreshLeft(p) <= 0:
		return agent.ErrNotFresh
	case a.Person.PIN == device.PINNone:
		return agent.Told(k.agent.SetPIN(ctx, p, next))
	}
	return agent.Told(k.agent.ResetPIN(ctx, p, next))
}

// Elevated implements pam.Agent.
func (k *desk) Elevated(a pam.Attempt, by pam.Method) {
	k.agent.Elevated(device.Elevation{
		ID: a.ID, User: a.Person.ID, Service: a.Request.Service, By: string(by), TTY: a.Request.TTY, Offline: a.Person.Offline,
	})
}

// Record implements pam.Agent.
func (k *desk) Record(a pam.Attempt, by pam.Method, result pam.Code) {
	level := slog.LevelInfo
	if result != pam.Success || a.Elevate {
		level = slog.LevelWarn
	}
	k.log.Log(context.Background(), level, "PAM", "correlationId", a.ID, "action", string(a.Request.Action), "service", a.Request.Service,
		"user", a.Person.ID, "uid", a.Peer.UID, "tty", a.Request.TTY, "rhost", a.Request.RHost, "ruser", a.Request.RUser,
		"remote", a.Remote, "elevate", a.Elevate, "by", string(by), "result", int(result))
}

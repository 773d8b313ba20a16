package drill

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/signin"
)

// A Trial is a key that the device where a practice pass was typed is asked to make in its TPM,
// and to throw away. It proves the last part of the way; it is never a credential.
type Trial struct {
	hello.Trial

	Device directory.DeviceObjectID `json:"device"` // the only one that may answer
	Until  time.Time                `json:"until"`
}

// trialLifetime is how long a device may take to answer.
const trialLifetime = 5 * time.Minute

// ErrTrialUnknown says that a device is asked for no such key: by another device, later, or again.
var ErrTrialUnknown = &fault.Error{
	Kind: fault.NotFound, Code: "drillTrialUnknown",
	Text: "This device is not asked for such a key on trial.", Remedy: "Type the practice pass once more.",
}

// What is told of a key on trial.
var (
	errKeyOpen = &fault.Error{
		Kind: fault.Unavailable, Code: "drillKeyUnanswered",
		Text: "The device did not answer whether its TPM makes a key for a PIN.", Remedy: "Type the practice pass there once more.",
	}
	errKeyAgent = &fault.Error{
		Kind: fault.Unsupported, Code: "drillKeyAgent",
		Text: "The agent of this device is too old to try whether its TPM makes a key for a PIN.", Remedy: "Update the agent.",
	}
	errKeyNoTPM = &fault.Error{
		Kind: fault.Unsupported, Code: "drillKeyNoTPM",
		Text: "This device has no TPM in which a key for a PIN could be tried.", Remedy: "Nothing has to be done where policy allows a PIN without one.",
	}
	errKeyFailed = &fault.Error{
		Kind: fault.Invalid, Code: "drillKeyFailed",
		Text: "The device could not make a key for a PIN in its TPM.", Remedy: "Run postern-agent doctor there.",
	}
)

// failures are the reasons that a device may give for making no key, and what is told of each. What it
// says beyond them is errKeyFailed: its words are not the report's.
var failures = map[string]*fault.Error{
	"off": {
		Kind: fault.Forbidden, Code: "drillKeyOff",
		Text: "By the policy that the device has, this person may have no PIN there.", Remedy: "Let the device read its policy again.",
	},
	"rules": {
		Kind: fault.Invalid, Code: "drillKeyRules",
		Text: "No PIN fits the rules for PINs on this device.", Remedy: "Look at the length and the kinds of character that policy asks for.",
	},
	"locked": {
		Kind: fault.TooMany, Code: "drillKeyLocked",
		Text: "The TPM of the device takes no PIN now: too many wrong ones were typed there.", Remedy: "Wait: it forgives one every ten minutes.",
	},
	"foreign": {
		Kind: fault.Conflict, Code: "drillKeyForeign",
		Text: "The TPM of the device was cleared, or is another one than at joining.", Remedy: "Join the device again.",
	},
	"room": {
		Kind: fault.Invalid, Code: "drillKeyRoom",
		Text: "The memory of the device’s TPM has no room for another PIN.", Remedy: "Remove PINs of people who left, or other programs’ entries.",
	},
}

// key is what is known of the key on trial before the device was asked. errKeyOpen says that it is to be.
func (f Facts) key(pin Step) Step {
	s := Step{Name: StepKey, Result: NotTried}
	switch {
	case pin.Result != StepPassed || f.Device.Device.Usable() != nil:
		return s
	case f.Device.Device.KeyStorage == hello.InFile:
		s.Code, s.Text = errKeyNoTPM.Code, errKeyNoTPM.Text
	case !f.Device.Seen.TriesKeys:
		s.Code, s.Text = errKeyAgent.Code, errKeyAgent.Text
	default:
		return step(StepKey, errKeyOpen)
	}
	return s
}

// begin gives p a trial at d if its steps ask for one.
func (s Service) beginTrial(ctx context.Context, p *Practice, d *DeviceFacts, now time.Time) error {
	p.Trial = nil
	if !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Code == errKeyOpen.Code }) {
		return nil
	}
	t, err := s.PINs.BeginTrial(ctx, d.Device, p.User)
	p.Trial = &Trial{Trial: t, Device: d.Device.ID, Until: now.Add(trialLifetime)}
	return err
}

// handle is what the device names its trial by. It is no secret: the device's key proves who asks.
func (p Practice) handle() string {
	if p.Trial == nil {
		return ""
	}
	return string(p.User) + "." + p.Trial.ID
}

// Trial returns the practice whose trial a device names, and the reset key for it; else ErrTrialUnknown.
func (s Service) Trial(ctx context.Context, d directory.Device, handle string) (Practice, *ecdsa.PublicKey, error) {
	p, err := s.trial(ctx, d, handle)
	if err != nil {
		return p, nil, err
	}
	reset, err := s.PINs.TrialKey(ctx, d, p.User, p.Trial.Trial)
	return p, reset, err
}

func (s Service) trial(ctx context.Context, d directory.Device, handle string) (Practice, error) {
	user, _, _ := strings.Cut(handle, ".")
	now := s.Now()
	p, err := s.Store.OpenPractice(ctx, d.Tenant, directory.UserID(user), now)
	if errors.Is(err, ErrNoneOpen) || err == nil && (p.Trial == nil || p.Trial.Device != d.ID || p.handle() != handle || !now.Before(p.Trial.Until)) {
		err = ErrTrialUnknown
	}
	return p, err
}

// Shown is what a device has to show of a key on trial: the key, or why there is none.
type Shown struct {
	Creation  pinkey.Creation
	Signature []byte // of pinkey.TrialDigest, in ASN.1
	Failed    string // a reason; empty when there is a key
}

// EndTrial takes what a device shows, once, and says how the practice ended. The key is looked at and
// forgotten.
func (s Service) EndTrial(ctx context.Context, d directory.Device, handle string, in Shown, correlation string) (*signin.Rehearsed, error) {
	p, err := s.trial(ctx, d, handle)
	if err != nil {
		return nil, err
	}
	if in.Failed != "" {
		err = errKeyFailed
		if known := failures[in.Failed]; known != nil {
			err = known
		}
	} else {
		err = s.PINs.CheckTrial(ctx, d, p.User, p.Trial.Trial, in.Creation, in.Signature)
	}
	if _, ok := errors.AsType[*fault.Error](err); err != nil && !ok {
		return nil, err
	}
	p.Trial = nil
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Name == StepKey })
	if i < 0 {
		return nil, ErrTrialUnknown
	}
	p.Steps[i] = step(StepKey, err)
	e := p.finish(s.Now(), correlation)
	if err := s.Store.SavePractice(ctx, p, e); err != nil {
		return nil, err
	}
	return p.told(), nil
}

// finish decides how p ended, and returns the event of it.
func (p *Practice) finish(now time.Time, correlation string) audit.Event {
	worked := Worked(p.Steps)
	if p.State = Failed; worked {
		p.State, p.Hash = Passed, ""
	}
	e := p.practised(audit.DrillPractised, now, correlation)
	if !worked {
		failed := p.FailedStep()
		e.Change.Result, e.Change.ResultReason = audit.Failure, failed.Why()
		e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: detailStep, Value: string(failed.Name)}, audit.KeyValue{Key: detailWhy, Value: failed.Code})
	}
	for _, one := range p.Steps {
		if one.Name == StepKey {
			e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: detailKey, Value: string(one.Result)})
		}
	}
	return e
}

// practised is an event of the person themselves.
func (p Practice) practised(activity string, at time.Time, correlation string) audit.Event {
	return p.event(activity, audit.Actor{User: &audit.UserActor{ID: string(p.User), DisplayName: p.Name, UserPrincipalName: p.UPN}}, at, correlation)
}

// told is what the person is told of p.
func (p Practice) told() *signin.Rehearsed {
	out := &signin.Rehearsed{
		Worked: Worked(p.Steps), Took: time.Duration(p.TookMS) * time.Millisecond, Drill: p.Drill, Device: p.Device, Trial: p.handle(),
	}
	for _, one := range p.Steps {
		if one.Result != NotTried || one.Code != "" {
			out.Steps = append(out.Steps, signin.RehearsedStep{
				Name: string(one.Name), Passed: one.Result == StepPassed, Untried: one.Result == NotTried, Code: one.Code, Text: one.Text,
			})
		}
	}
	return out
}

package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// Practised is how a drill ended that somebody typed a practice pass for here. It is an error, since
// nobody is signed in by it: signin.ErrPractised or signin.ErrPractisedInVain.
type Practised struct{ device.TrialAnswer }

// Error implements error.
func (p *Practised) Error() string { return p.fault().Code }

// Unwrap makes p a fault.
func (p *Practised) Unwrap() error { return p.fault() }

func (p *Practised) fault() *fault.Error {
	if p.Worked {
		return signin.ErrPractised
	}
	for _, one := range p.Steps {
		if one.Result == "failed" {
			return signin.ErrPractisedInVain.With("", "This was a practice; it would not have worked. "+one.Text)
		}
	}
	return signin.ErrPractisedInVain
}

// practised turns a sign-in that was a practice into how that ended, which the device has a part in.
// Any other error stays.
func (a *Agent) practised(ctx context.Context, err error) error {
	asked, ok := errors.AsType[*websignin.Practice](err)
	if !ok {
		return err
	}
	out, err := a.Practise(ctx, asked.Trial)
	if err != nil {
		return err
	}
	return &Practised{out}
}

// Practise makes the key on trial that a drill asks this device for, as [Agent.SetPIN] would make one,
// shows it to the server, and keeps nothing. Its PIN is drawn here and told to nobody: a person types
// none, so that they don't type their own. The server decides what it proves, and alone.
func (a *Agent) Practise(ctx context.Context, trial string) (device.TrialAnswer, error) {
	d, err := a.usable()
	if err != nil {
		return device.TrialAnswer{}, err
	}
	plan, err := d.Link.Trial(ctx, trial)
	if err != nil {
		return device.TrialAnswer{}, err
	}
	user, _, _ := strings.Cut(trial, ".")
	shown, err := d.try(user, plan)
	if err != nil {
		a.options.Log.WarnContext(ctx, "no key on trial for a drill", "account", user, "err", err)
		shown = device.TrialRequest{Failed: whyNoKey(err)}
	}
	return d.Link.EndTrial(ctx, trial, shown)
}

func (d *Device) try(user string, plan device.ContainerAnswer) (device.TrialRequest, error) {
	if err := d.PINOffered(user); err != nil {
		return device.TrialRequest{}, err
	}
	drawn, err := d.rules(user).Draw(rand.Reader)
	if err != nil {
		return device.TrialRequest{}, err
	}
	return d.PINs.Try(user, plan, drawn)
}

// whyNoKey is the reason that the server is given, in the words of device.TrialRequest.
func whyNoKey(err error) string {
	for _, one := range []struct {
		is  error
		why string
	}{
		{ErrNoPIN, "off"},
		{container.ErrPIN, "rules"},
		{tpm.ErrLocked, "locked"},
		{tpm.ErrForeign, "foreign"},
		{tpm.ErrNoRoom, "room"},
	} {
		if errors.Is(err, one.is) {
			return one.why
		}
	}
	return "failed"
}

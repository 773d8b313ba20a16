package hello

import (
	"context"
	"crypto/ecdsa"
	"io"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/pinkey"
)

// A Trial is what a device makes a key from that shows that it could make one for a PIN. It is no
// [Container] of a [Store]: nothing is registered, reset or signed in with by it.
type Trial struct {
	ID        string `json:"id"`
	Challenge []byte `json:"challenge"`
	Root      string `json:"resetRoot"`
	Version   int    `json:"resetVersion"`
}

// trialPrefix begins the id of every trial. Ids of containers are UUIDs, so that what is certified
// of a key on trial is never right for one of them: the id is part of the key's policy.
const trialPrefix = "trial-"

// ErrTrial says that a key on trial is right and was not used by its PIN.
var ErrTrial = &fault.Error{
	Kind: fault.Invalid, Code: "pinTrialUnsigned", Target: "by",
	Text: "The key on trial did not sign what it was asked to.", Remedy: "Update the agent.",
}

// BeginTrial draws a trial for a person at a device.
func (p PINs) BeginTrial(ctx context.Context, d directory.Device, user directory.UserID) (Trial, error) {
	t := Trial{ID: trialPrefix + uuid.NewString(), Challenge: make([]byte, challengeSize)}
	if _, err := io.ReadFull(p.Rand, t.Challenge); err != nil {
		return t, err
	}
	reset, err := p.Signer.Key(ctx, t.container(d, user).IDs())
	t.Root, t.Version = reset.Root, reset.Version
	return t, err
}

// TrialKey is the reset key that the policy of the key on trial names. The [Signer] signs for
// registered containers alone, so that it changes the PIN of no key on trial.
func (p PINs) TrialKey(ctx context.Context, d directory.Device, user directory.UserID, t Trial) (*ecdsa.PublicKey, error) {
	return p.Signer.KeyOf(ctx, t.container(d, user))
}

// CheckTrial returns nil if the TPM of d certifies that it made a key as [PINs.Register] asks for
// one, for this trial, and that key signed. It keeps nothing.
func (p PINs) CheckTrial(ctx context.Context, d directory.Device, user directory.UserID, t Trial, in pinkey.Creation, signature []byte) error {
	c := t.container(d, user)
	if _, err := p.check(ctx, d, c, in); err != nil {
		return err
	}
	key, err := pinkey.KeyOf(in.Public)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(key, pinkey.TrialDigest(c.IDs(), t.Challenge), signature) {
		return ErrTrial
	}
	return nil
}

func (t Trial) container(d directory.Device, user directory.UserID) Container {
	return Container{
		Tenant: d.Tenant, ID: t.ID, Device: d.ID, DeviceID: d.DeviceID, User: user, Challenge: t.Challenge, Root: t.Root, Version: t.Version,
	}
}

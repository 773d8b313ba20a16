package pin

import (
	"context"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/container/soft"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/pinkey"
)

// Rotate replaces the key of a PIN that was typed right just now, because the tenant's reset
// root is newer than the key's (docs/device-protocol.md). The PIN works meanwhile, and after
// whatever happens here.
func (s *Service) Rotate(ctx context.Context, p websignin.Person, pin string) error {
	return s.Containers.Rotate(ctx, as{s.Server, p.Access}, p.ID, pin)
}

// Settle finds out which key the server has for a person's PIN, where an answer was lost.
func (s *Service) Settle(ctx context.Context, user string) error {
	return s.Containers.Settle(ctx, as{Server: s.Server}, user)
}

// Registered implements container.Registry.
func (a as) Registered(ctx context.Context, c pinkey.Container) ([]byte, error) {
	answer, err := a.Container(ctx, c.ID)
	return answer.Key, err
}

// BeginRotation implements container.Rotator.
func (a as) BeginRotation(ctx context.Context, c pinkey.Container) (container.Plan, error) {
	answer, err := a.Server.BeginRotation(ctx, a.access, c.ID)
	if err != nil {
		return container.Plan{}, err
	}
	return planOf(c, answer)
}

// Rotate implements container.Rotator.
func (a as) Rotate(ctx context.Context, c pinkey.Container, creation pinkey.Creation, by []byte) error {
	_, err := a.RotateKey(ctx, a.access, c.ID, device.RotateRequest{KeyRequest: device.KeyRequest{
		Public: creation.Public, CertifyInfo: creation.CertifyInfo, Signature: creation.Signature,
	}, By: by})
	return err
}

// BeginSoftRotation implements soft.Server.
func (a as) BeginSoftRotation(ctx context.Context, c pinkey.Container) (soft.Plan, error) {
	answer, err := a.Server.BeginRotation(ctx, a.access, c.ID)
	return soft.Plan{IDs: c, RecoveryKey: answer.RecoveryKey, Challenge: answer.Challenge, Share: answer.Share}, err
}

// RotateSoftware implements soft.Server.
func (a as) RotateSoftware(ctx context.Context, c pinkey.Container, in device.RotateRequest) error {
	_, err := a.RotateKey(ctx, a.access, c.ID, in)
	return err
}

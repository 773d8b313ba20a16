package pin

import (
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/pinkey"
)

// Try makes the key on trial that a drill asks for, with a PIN that nobody is told. Without a TPM it
// is tpm.ErrNone.
func (s *Service) Try(user string, plan device.ContainerAnswer, pin string) (device.TrialRequest, error) {
	chip, ok := s.Containers.(TPM)
	if !ok {
		return device.TrialRequest{}, tpm.ErrNone
	}
	from, err := planOf(pinkey.Container{Tenant: s.About.TenantID, Device: s.DeviceID, User: user, ID: plan.ID}, plan)
	if err != nil {
		return device.TrialRequest{}, err
	}
	made, by, err := chip.Try(from, pin)
	return device.TrialRequest{Public: made.Public, CertifyInfo: made.CertifyInfo, Signature: made.Signature, By: by}, err
}

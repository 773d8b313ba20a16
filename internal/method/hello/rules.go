package hello

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// Settings are the device policies that matter here, as they hold for the device and person.
type Settings struct {
	Allowed     bool     // UsePassportForWork
	RequireTPM  bool     // RequireSecurityDevice: a TPM whose maker is trusted
	Recovery    bool     // EnablePinRecovery
	ResetProofs []string // by their names in authentication strengths
}

// MaySetUp returns nil if somebody who is signed in at d by session may have a PIN there at
// now. The session is empty when the person was elsewhere, by device code; it names no device
// when the device joined by it.
func MaySetUp(d directory.Device, session signin.Session, s Settings, now time.Time) error {
	switch {
	case !s.Allowed:
		return ErrOff
	case s.RequireTPM && !d.Attested, !inFile(d) && (d.KeyStorage != "tpm" || len(d.AttestationKey) == 0):
		return ErrNeedsTPM
	case !session.Purpose.SetsPIN(session.Device):
		return directory.ErrPurposeBound
	case !slices.Contains(session.AMR(now), "ngcmfa"), session.Device != nil && session.Device.ID != d.ID:
		return ErrStale
	}
	return nil
}

// MayReset returns the proof of session, which is at the device of c, by which the PIN may be
// replaced at now.
func MayReset(c Container, session signin.Session, s Settings, now time.Time) (signin.Proof, error) {
	switch {
	case !c.Registered() || session.User != c.User || session.Tenant != c.Tenant:
		return signin.Proof{}, ErrNone
	case !s.Allowed:
		return signin.Proof{}, ErrOff
	case !s.Recovery:
		return signin.Proof{}, ErrResetOff
	case !session.Purpose.SetsPIN(session.Device):
		return signin.Proof{}, directory.ErrPurposeBound
	}
	if session.Device == nil || session.Device.ID != c.Device {
		return signin.Proof{}, ErrStale
	}
	refused := error(ErrStale)
	for _, p := range session.Proofs {
		age := now.Sub(p.At)
		switch {
		case age < 0 || age >= ResetWithin:
		case !slices.Contains(s.ResetProofs, p.Combination):
			refused = ErrResetProof
		default:
			return p, nil
		}
	}
	return signin.Proof{}, refused
}

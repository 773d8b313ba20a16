package signin

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// ErrCertifiedOften slows a device down that joins or renews again and again: each time is an
// entry of the log, which is never shortened by itself.
var ErrCertifiedOften = &fault.Error{
	Kind: fault.TooMany, Code: "deviceTooOften",
	Text: "This device, or who joins it, asked for certificates too often.", Remedy: "It may again in a few minutes.",
}

// What a device and a person have an hour; beyond it comes one each Slow. A device renews once
// a year and joins a few times at worst; somebody who sets devices up joins many.
var (
	ruleCertifiedDevice = Rule{Budget: 20, Window: time.Hour, Slow: 3 * time.Minute}
	ruleCertifiedPerson = Rule{Budget: 200, Window: time.Hour, Slow: 20 * time.Second}
)

// Certify takes one of the certificates that the device with the key, and the person who joins
// it, may have; a device that renews by itself has no person. Without one left it is
// ErrCertifiedOften.
func (s *Service) Certify(ctx context.Context, tenant directory.TenantID, key string, person directory.UserID) error {
	all := []Bucket{{"certify|device|" + key, ruleCertifiedDevice}}
	if person != "" {
		all = append(all, Bucket{"certify|person|" + string(person), ruleCertifiedPerson})
	}
	wait, err := s.Store.Charge(ctx, tenant, all, s.Now())
	if err != nil {
		return fmt.Errorf("charge a certificate: %w", err)
	}
	if wait > 0 {
		return ErrCertifiedOften.After(int(wait/time.Second) + 1)
	}
	return nil
}

package signin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// ErrIssuer says that who issued a pass, or was handed it for somebody, can't be who uses it.
var ErrIssuer = &fault.Error{
	Kind: fault.Forbidden, Code: "tapIssuer", AADSTS: 130501,
	Text:   "Whoever issued this pass, or was handed it, has signed in here. They can’t use it.",
	Remedy: "Type it on a device and in a browser of the person that it is for.",
}

// notToIssuer refuses a pass on the device or in the browser in which its issuer, or who was handed it
// for its owner, signs in themselves, whoever sits there. The same address alone is told to the log,
// since an office has one for all.
func (s *Service) notToIssuer(ctx context.Context, t Transaction, p Proof, place Place, now time.Time) error {
	if p.Pass == nil {
		return nil
	}
	for _, saw := range []directory.UserID{p.Pass.Issuer, p.Pass.Reader} {
		if saw == "" {
			continue
		}
		theirs, err := s.isPlaceOf(ctx, t, saw, place)
		if err != nil {
			return fmt.Errorf("look for who saw pass %s: %w", p.Pass.ID, err)
		}
		activity := audit.PassWhereIssued
		switch {
		case theirs:
			activity = audit.PassToIssuer
		case saw != p.Pass.Issuer || !p.Pass.issuedFrom(place.Address):
			continue
		}
		if err := s.Store.RecordSignIn(ctx, s.aboutIssuer(t, *p.Pass, saw, activity, place, now)); err != nil {
			return fmt.Errorf("record where pass %s was typed: %w", p.Pass.ID, err)
		}
		if theirs {
			return &Told{Why: ErrIssuer}
		}
	}
	return nil
}

// isPlaceOf reports whether user signed in at the place of t before. Who only joined a device, as those do who
// prepare it for somebody, has not; nor has who was there by a pass alone, once that session is over.
func (s *Service) isPlaceOf(ctx context.Context, t Transaction, user directory.UserID, place Place) (bool, error) {
	if t.Device != nil {
		last, here, err := s.Store.SignedInOn(ctx, t.Home, t.Device.ID, user)
		if err != nil || !here || last != "" {
			return here, err
		}
		all, err := s.Store.Sessions(ctx, t.Home, user, s.Now())
		return slices.ContainsFunc(all, func(one Session) bool { return one.DeviceObject() == t.Device.ID }), err
	}
	hash, err := s.placeHash(ctx, t, place)
	if err != nil || hash == "" {
		return false, err
	}
	_, here, err := s.Store.Familiar(ctx, t.Home, user, hash)
	return here, err
}

// issuedFrom reports whether p was issued from the network of an address: the same IPv4 address,
// or the same /64 of IPv6.
func (p PassUsed) issuedFrom(address netip.Addr) bool {
	from, err := netip.ParseAddr(p.IssuedAt)
	if err != nil || p.Issuer == "" || !address.IsValid() {
		return false
	}
	return Place{Address: from}.Network() == Place{Address: address}.Network()
}

// aboutIssuer is the event of a pass that was typed where who saw it is.
func (s *Service) aboutIssuer(t Transaction, p PassUsed, saw directory.UserID, activity string, place Place, now time.Time) audit.Event {
	return audit.Event{Tenant: string(t.Home), ID: uuid.NewString(), At: now, CorrelationID: t.CorrelationID, Change: &audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate, Result: audit.Success,
		Targets: []audit.Target{
			{ID: string(t.User), Type: audit.TargetUser, DisplayName: t.DisplayName, UserPrincipalName: strings.ToLower(t.Username)},
			{ID: string(saw), Type: audit.TargetUser},
		},
		Details: []audit.KeyValue{
			{Key: "temporaryAccessPassMethodId", Value: p.ID},
			{Key: "Issuer", Value: string(saw)},
			{Key: "Device", Value: t.Device.Name()},
			{Key: "Browser", Value: AgentWords(place.UserAgent)},
		},
	}}
}

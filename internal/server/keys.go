package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

const (
	// keyLifetime is how long a signing key signs before the next takes over by itself.
	keyLifetime = 90 * 24 * time.Hour
	// keyNotice is how long a key is published before it signs, so that clients that keep
	// the key set know it in time.
	keyNotice = 24 * time.Hour
	// keyNoticeNow is the notice of `key rotate`: replicas read the keys again in that time.
	keyNoticeNow = time.Minute
	// keyOverlap is how long a retired key stays published: longer than any token lives.
	keyOverlap = 48 * time.Hour
	// samlLifetime is how long a SAML certificate signs, and samlNotice how long the next one is
	// published before: applications read metadata rarely, or a person brings it to them.
	samlLifetime = 3 * 365 * 24 * time.Hour
	samlNotice   = 30 * 24 * time.Hour
)

// RotateKeys replaces the keys of the given purposes in every tenant of the store, now. Keys
// that signed stay published while a token of theirs may live, peppers while a pass needs them,
// and roots of device PINs for good: a PIN that is there can be reset under its own root only.
func RotateKeys(ctx context.Context, o Options, purposes []string) (int, error) {
	var wanted []keyring.Purpose
	for _, text := range purposes {
		p := keyring.Purpose(text)
		if !slices.Contains([]keyring.Purpose{keyring.RS256, keyring.ES256, keyring.PassPepper, keyring.PINReset, keyring.SAML}, p) {
			return 0, ErrKeyPurpose
		}
		wanted = append(wanted, p)
	}
	s, err := Open(ctx, o)
	if err != nil {
		return 0, err
	}
	n, err := s.rotateAll(ctx, wanted)
	return n, errors.Join(err, s.Close())
}

func (s *Server) rotateAll(ctx context.Context, purposes []keyring.Purpose) (n int, err error) {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return 0, err
	}
	for _, tenant := range tenants {
		for _, purpose := range purposes {
			notice := keyNoticeNow
			if purpose == keyring.SAML {
				if err := s.ensureSAML(ctx, tenant); err != nil {
					return n, err
				}
				notice = samlNotice
			}
			if err := s.rotate(ctx, tenant, purpose, notice); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func (s *Server) rotate(ctx context.Context, tenant directory.TenantID, purpose keyring.Purpose, notice time.Duration) error {
	now := s.now()
	fresh, err := keyring.Generate(s.wrapper, string(tenant), purpose, now, now.Add(notice))
	if err != nil {
		return err
	}
	e := s.ownEvent(tenant, audit.Change{
		Activity: audit.RotateSigningKey, Category: audit.CategoryKeyManagement, Service: audit.ServicePostern,
		Operation: audit.OperationUpdate,
		Targets:   []audit.Target{{ID: fresh.ID, Type: audit.TargetOther}},
		Details:   []audit.KeyValue{{Key: "purpose", Value: string(purpose)}},
	})
	defer s.ring.Forget(string(tenant))
	remove := fresh.ActiveAt.Add(keyOverlap)
	if purpose == keyring.PINReset {
		remove = time.Time{}
	}
	return s.db.ReplaceKey(ctx, fresh, fresh.ActiveAt, remove, e)
}

// rotateOld starts the next signing key of a tenant where the current one is old enough.
func (s *Server) rotateOld(ctx context.Context, tenant directory.TenantID) error {
	keys, err := s.ring.Keys(ctx, string(tenant))
	if err != nil {
		return err
	}
	for _, purpose := range []keyring.Purpose{keyring.RS256, keyring.ES256, keyring.SAML} {
		var newest time.Time
		for _, k := range keys {
			if k.Purpose == purpose && k.ActiveAt.After(newest) {
				newest = k.ActiveAt
			}
		}
		lifetime, notice := keyLifetime, keyNotice
		if purpose == keyring.SAML {
			lifetime, notice = samlLifetime, samlNotice
			if newest.IsZero() { // nobody signs in by SAML here
				continue
			}
		}
		if s.now().Sub(newest) < lifetime-notice {
			continue
		}
		if err := s.rotate(ctx, tenant, purpose, notice); err != nil {
			return err
		}
	}
	_, err = s.db.RemoveKeys(ctx, string(tenant), s.now())
	return err
}

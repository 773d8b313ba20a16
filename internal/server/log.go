package server

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

// TenantReport is what the verification of one tenant's log found.
type TenantReport struct {
	Tenant string       `json:"tenantId"`
	Report audit.Report `json:"report"`
	// Problem names the first bad entry; empty when the log is as it was sealed.
	Problem string `json:"problem,omitempty"`
}

// VerifyLog checks the sealed log of every tenant against the checkpoints of the store and
// of witnesses. The error is audit.ErrTampered when a log is not as it was sealed.
func VerifyLog(ctx context.Context, o Options, witnesses []io.Reader, acceptLoss bool) ([]TenantReport, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	reports, err := s.verifyLog(ctx, witnesses, acceptLoss)
	return reports, errors.Join(err, s.Close())
}

func (s *Server) verifyLog(ctx context.Context, witnesses []io.Reader, acceptLoss bool) ([]TenantReport, error) {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	var kept []iter.Seq2[[]byte, error]
	for _, w := range witnesses {
		kept = append(kept, audit.ReadCheckpoints(w))
	}
	var all []TenantReport
	var bad error
	for _, tenant := range tenants {
		keys, err := s.checkpointKeys(ctx, tenant)
		if err != nil {
			return all, err
		}
		report, err := audit.Verify(ctx, s.db.Log(), audit.Options{Tenant: string(tenant), Keys: keys, Witnesses: kept, AcceptLoss: acceptLoss})
		one := TenantReport{Tenant: string(tenant), Report: report}
		if errors.Is(err, audit.ErrTampered) {
			one.Problem, bad = err.Error(), err
		} else if err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, bad
}

func (s *Server) checkpointKeys(ctx context.Context, tenant directory.TenantID) ([]ed25519.PublicKey, error) {
	keys, err := s.ring.Keys(ctx, string(tenant))
	if err != nil {
		return nil, err
	}
	var all []ed25519.PublicKey
	for _, k := range keys {
		if k.Purpose != keyring.Checkpoint {
			continue
		}
		parsed, err := x509.ParsePKIXPublicKey(k.Public)
		if err != nil {
			return nil, err
		}
		public, ok := parsed.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("checkpoint key %s is not an Ed25519 key", k.ID)
		}
		all = append(all, public)
	}
	return all, nil
}

// ExportLog writes the sealed log of every tenant as JSON lines, from position from on.
func ExportLog(ctx context.Context, o Options, from int64, w io.Writer) error {
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(s.exportLog(ctx, from, w), s.Close())
}

func (s *Server) exportLog(ctx context.Context, from int64, w io.Writer) error {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		if _, err := audit.WriteJSONLines(ctx, s.db.Log(), string(tenant), from, w); err != nil {
			return err
		}
	}
	return nil
}

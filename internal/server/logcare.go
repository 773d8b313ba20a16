package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/store"
)

// Faults of caring for the log.
var (
	ErrPruneFuture = &fault.Error{
		Kind: fault.Invalid, Code: "pruneFuture", Target: "before",
		Text: "Entries of the future can't be pruned.", Remedy: "Name a time that has passed.",
	}
	ErrEraseWho = &fault.Error{
		Kind: fault.NotFound, Code: "eraseUnknown", Target: "user",
		Text: "Nobody here has this name or id, and no entry is about them.", Remedy: "Name a UPN, or the object id of somebody who was deleted.",
	}
)

// Pruned says what was pruned from the log of one tenant.
type Pruned struct {
	Tenant  string `json:"tenantId"`
	Before  int64  `json:"before"`  // position of the first entry that is kept
	Removed int64  `json:"removed"` // entries, now
}

// PruneLog removes the entries of all tenants that are older than then, by whole sealed
// batches; their hashes stay, so that the log still verifies. It works beside running
// servers. Each removal is announced in the log before it is made.
func PruneLog(ctx context.Context, o Options, then time.Time) ([]Pruned, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	all, err := s.pruneLog(ctx, then)
	return all, errors.Join(err, s.Close())
}

func (s *Server) pruneLog(ctx context.Context, then time.Time) ([]Pruned, error) {
	if then.After(s.watch.clock.Trusted()) {
		return nil, ErrPruneFuture
	}
	tenants, err := s.tenantNames(ctx)
	if err != nil {
		return nil, err
	}
	var all []Pruned
	for _, tenant := range tenants {
		one, err := s.pruneTenant(ctx, tenant, then)
		if err != nil {
			return all, fmt.Errorf("prune the log of %s: %w", tenant, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (s *Server) pruneTenant(ctx context.Context, tenant string, then time.Time) (Pruned, error) {
	p := Pruned{Tenant: tenant}
	var err error
	if p.Before, err = s.db.Log().PrunableBefore(ctx, tenant, then); err != nil || p.Before == 0 {
		return p, err
	}
	first, err := s.db.Log().Sealed(ctx, tenant, 0, 1)
	if err != nil || len(first) == 0 || first[0].Position >= p.Before {
		return p, err // nothing is left to prune
	}
	e := s.ownEvent(directory.TenantID(tenant), audit.Change{
		Activity: audit.PruneLog, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern,
		Operation: audit.OperationDelete, Log: &audit.LogMark{PrunedBefore: p.Before},
		Details: []audit.KeyValue{{Key: "before", Value: then.UTC().Format(time.RFC3339)}},
	})
	if err := s.db.Record(ctx, e); err != nil {
		return p, err
	}
	if err := s.sealed(ctx, tenant); err != nil {
		return p, err
	}
	for {
		n, err := s.db.Log().Prune(ctx, tenant, p.Before)
		if err != nil || n == 0 {
			return p, err
		}
		p.Removed += n
	}
}

// sealed seals what tenant has committed by now. A server that runs beside may be faster, and
// is waited for.
func (s *Server) sealed(ctx context.Context, tenant string) error {
	for {
		_, err := s.sealer.SealOnce(ctx, tenant)
		if ctx.Err() != nil || !errors.Is(err, audit.ErrStale) && !errors.Is(err, store.ErrBusy) {
			return err
		}
	}
}

// EraseUser removes what the log has of the personal data of one person, named by UPN or, also
// when they were deleted, by object id. The log still verifies. It works beside running
// servers, and returns in how many entries something was erased.
func EraseUser(ctx context.Context, o Options, who string) (int, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return 0, err
	}
	n, err := s.eraseUser(ctx, who)
	return n, errors.Join(err, s.Close())
}

func (s *Server) eraseUser(ctx context.Context, who string) (int, error) {
	if _, domain, ok := strings.Cut(strings.ToLower(who), "@"); ok {
		tenant, err := s.db.TenantOf(ctx, domain)
		if err != nil {
			return 0, err
		}
		user, err := s.db.UserByName(ctx, tenant, who)
		if err != nil {
			return 0, err
		}
		return s.eraseIn(ctx, string(tenant), string(user.ID))
	}
	tenants, err := s.tenantNames(ctx)
	if err != nil {
		return 0, err
	}
	who = strings.ToLower(who)
	for _, tenant := range tenants {
		events, err := s.db.AccountEvents(ctx, directory.TenantID(tenant), directory.UserID(who), 1)
		if err != nil {
			return 0, err
		}
		if len(events) > 0 {
			return s.eraseIn(ctx, tenant, who)
		}
	}
	return 0, ErrEraseWho
}

func (s *Server) eraseIn(ctx context.Context, tenant, user string) (int, error) {
	return s.db.Log().Erase(ctx, tenant, user, s.ownEvent(directory.TenantID(tenant), audit.Change{
		Activity: audit.ErasePersonalData, Category: audit.CategoryUserManagement, Service: audit.ServicePostern,
		Operation: audit.OperationDelete, Targets: []audit.Target{{ID: user, Type: audit.TargetUser}},
	}))
}

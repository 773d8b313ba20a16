package server

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// sealedLog implements graph.SealedLog.
type sealedLog struct{ server *Server }

func (l sealedLog) WritePage(ctx context.Context, tenant directory.TenantID, from int64, w io.Writer) error {
	keys, err := l.server.checkpointKeys(ctx, tenant)
	if err != nil {
		return err
	}
	return audit.WriteRemotePage(ctx, l.server.db.Log(), string(tenant), keys, from, w)
}

func (l sealedLog) Status(ctx context.Context, tenant directory.TenantID) (audit.Status, error) {
	log := l.server.db.Log()
	s, note, err := log.Status(ctx, string(tenant))
	if err != nil {
		return s, err
	}
	keys, err := l.server.checkpointKeys(ctx, tenant)
	if err != nil {
		return s, err
	}
	s.Check(note, func(note []byte) (audit.Head, error) { return audit.OpenCheckpoint(note, keys...) })
	for _, w := range l.server.options.Witnesses {
		told, ok, err := log.Told(ctx, string(tenant), w.name)
		if err != nil {
			return s, err
		}
		if !ok {
			told = -1
		}
		s.Witnesses = append(s.Witnesses, audit.WitnessStatus{Kind: w.kind, Name: w.name, Told: told})
	}
	return s, nil
}

func (l sealedLog) Prove(ctx context.Context, tenant directory.TenantID, id string) (audit.Proof, error) {
	log := l.server.db.Log()
	e, err := log.Place(ctx, string(tenant), id)
	if err != nil {
		return audit.Proof{}, err
	}
	head, err := log.Head(ctx, string(tenant)) // after the entry, so that it covers it
	if err != nil {
		return audit.Proof{}, err
	}
	return audit.Prove(ctx, log, head, e)
}

// VerifyRemoteLog checks the log that fetch gets page by page from a server, as VerifyLog does
// beside one. The keys are the server's own word: that it has not made the log anew, only the
// checkpoints of witnesses show.
func VerifyRemoteLog(ctx context.Context, fetch func(ctx context.Context, from int64) ([]byte, error), witnesses []io.Reader, acceptLoss bool) ([]TenantReport, error) {
	log := &audit.Remote{Fetch: fetch}
	tenant, keys, err := log.About(ctx)
	if errors.Is(err, audit.ErrTampered) {
		return []TenantReport{{Tenant: tenant, Problem: err.Error()}}, err
	}
	if err != nil {
		return nil, err
	}
	var kept []iter.Seq2[[]byte, error]
	for _, w := range witnesses {
		kept = append(kept, audit.ReadCheckpoints(w))
	}
	report, err := audit.Verify(ctx, log, audit.Options{Tenant: tenant, Keys: keys, Witnesses: kept, AcceptLoss: acceptLoss})
	one := TenantReport{Tenant: tenant, Report: report}
	if errors.Is(err, audit.ErrTampered) {
		one.Problem = err.Error()
	} else if err != nil {
		return nil, err
	}
	return []TenantReport{one}, err
}
